"""Packed tables say what a dictionary says."""

from __future__ import annotations

import marshal

from hypothesis import given
from hypothesis import strategies as st

from asmith.store.packed import EMPTY, Layered, Packed, pack

NAMES = st.text(st.sampled_from("ab/é\udcff0"), max_size=3)
TABLES = st.dictionaries(NAMES, st.binary(max_size=3), max_size=6)


def packed(table: dict[str, bytes]) -> Packed:
    return Packed(memoryview(pack(table.items())))


@given(TABLES, st.lists(NAMES, max_size=3))
def test_every_entry_is_found_and_no_other(table: dict[str, bytes], names: list[str]) -> None:
    made = packed(table)
    assert len(made) == len(table)
    assert {key: bytes(value) for key, value in made.items()} == table
    for name in (*table, *names):
        found = made.get(name)
        assert (None if found is None else bytes(found)) == table.get(name)


VALUES = st.dictionaries(NAMES, st.tuples(st.integers(0, 9)), max_size=5)


def layered(table: dict[str, tuple[int]]) -> Layered[str, tuple[int]]:
    return Layered(base=packed({key: marshal.dumps(value) for key, value in table.items()}))


@given(VALUES, VALUES)
def test_what_was_set_since_covers_the_table(
    table: dict[str, tuple[int]], since: dict[str, tuple[int]]
) -> None:
    made = layered(table)
    assert dict(made) == table
    for key, value in since.items():
        made[key] = value
    both = {**table, **since}
    assert dict(made) == both
    assert len(made) == len(both)
    assert all(key in made for key in both)
    assert made.changed == since
    made.rebase(Packed(memoryview(made.dump())))
    assert (dict(made), len(made), made.changed) == (both, len(both), {})


def test_an_empty_table_has_nothing() -> None:
    assert (len(EMPTY), EMPTY.get(""), list(EMPTY)) == (0, None, [])
