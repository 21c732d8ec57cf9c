"""The journal: whatever it is cut off at, it never claims what is not true."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asmith.errors import UnavailableError
from asmith.model.names import Digest
from asmith.store import lock
from asmith.store.state import Entry, Slot, State

if TYPE_CHECKING:
    from collections.abc import Callable

ONE = Entry({"text": "1"}, {"obj/m.o": Digest("o1")}, {"code": "c1"})
TWO = Entry({"text": "2"}, {"obj/m.o": Digest("o2")}, {"code": "c2"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the journal's path."""
    return tmp_path / "build" / "state"


def test_what_ended_is_known_afterwards(path: Path) -> None:
    State(path).end({(Slot.BASE, "assemble:m"): ONE, (Slot.STAGE, "assemble:m"): TWO})
    found = State(path)
    assert found.entries == {(Slot.BASE, "assemble:m"): ONE, (Slot.STAGE, "assemble:m"): TWO}
    assert found.interrupted == set()


def test_what_began_and_never_ended_is_unknown(path: Path) -> None:
    state = State(path)
    state.end({(Slot.STAGE, "assemble:m"): ONE})
    state.begin(Slot.STAGE, "assemble:m")
    for found in (state, State(path)):
        assert found.entries == {}
        assert found.interrupted == {"assemble:m"}


def test_what_is_dropped_is_neither_known_nor_interrupted(path: Path) -> None:
    state = State(path)
    state.begin(Slot.STAGE, "assemble:m")
    state.end({(Slot.STAGE, "check:m"): ONE})
    size = path.stat().st_size
    state.drop(Slot.STAGE, ["never:there"])
    assert path.stat().st_size == size
    state.drop(Slot.STAGE, ["assemble:m", "check:m"])
    for found in (state, State(path)):
        assert (found.entries, found.interrupted) == ({}, set())


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"another file\n", b'{"asmith":"state","schema":99}\n{"do":"begin"}\n']
)
def test_a_foreign_journal_counts_as_empty_and_is_replaced(path: Path, data: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(data)
    state = State(path)
    assert state.entries == {}
    state.end({(Slot.BASE, "assemble:m"): ONE})
    assert State(path).entries == {(Slot.BASE, "assemble:m"): ONE}


@pytest.mark.parametrize(
    "line",
    [
        b"\x00\x00\n",
        b"[]\n",
        b"1\n",
        b'{"do":"end","slot":"base"}\n',
        b'{"do":"begin","slot":"?","step":"x"}\n',
        b'{"do":"beg',
    ],
)
def test_a_damaged_line_is_passed_over_and_mended(path: Path, line: bytes) -> None:
    state = State(path)
    state.end({(Slot.BASE, "assemble:m"): ONE})
    path.write_bytes(path.read_bytes() + line)
    again = State(path)
    assert again.entries == {(Slot.BASE, "assemble:m"): ONE}
    again.end({(Slot.BASE, "check:m"): TWO})
    assert len(State(path).entries) == 2
    assert line not in path.read_bytes()


def test_a_long_journal_is_compacted_and_says_the_same(path: Path) -> None:
    state = State(path)
    for _ in range(100):
        state.begin(Slot.STAGE, "assemble:m")
        state.end({(Slot.STAGE, "assemble:m"): ONE})
    state.begin(Slot.STAGE, "link:p")
    long = path.stat().st_size
    state.compact(only_if_long=True)
    assert path.stat().st_size < long / 50
    found = State(path)
    assert (found.entries, found.interrupted) == (state.entries, {"link:p"})
    short = path.read_bytes()
    state.compact(only_if_long=True)
    assert path.read_bytes() == short


# ---- cut off anywhere ----------------------------------------------------------------------------

STEPS = st.sampled_from(["assemble:m", "check:m"])
ACTIONS = st.lists(st.tuples(st.sampled_from(["begin", "end", "drop"]), STEPS), max_size=8)


def apply(state: State, what: str, step: str, entry: Entry) -> None:
    """Do one thing to a state."""
    actions: dict[str, Callable[[], None]] = {
        "begin": lambda: state.begin(Slot.BASE, step),
        "end": lambda: state.end({(Slot.BASE, step): entry}),
        "drop": lambda: state.drop(Slot.BASE, [step]),
    }
    actions[what]()


@given(ACTIONS, st.integers(0, 2000))
def test_a_journal_cut_off_anywhere_tells_an_earlier_truth(
    actions: list[tuple[str, str]], cut: int
) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "state")
        state = State(path)
        truths = [dict(state.entries)]
        for number, (what, step) in enumerate(actions):
            apply(state, what, step, Entry({"text": str(number)}, {}))
            truths.append(dict(state.entries))
        data = path.read_bytes() if path.exists() else b""
        path.write_bytes(data[: min(cut, len(data))])
        found = State(path)
        assert found.entries in truths
        apply(found, "end", "link:p", ONE)
        assert State(path).entries == {**found.entries, (Slot.BASE, "link:p"): ONE}


# ---- the lock ------------------------------------------------------------------------------------


def test_the_lock_is_given_back_whatever_happens(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lock.held(path):
        raise ZeroDivisionError
    with lock.held(path):
        pass


def test_a_held_lock_is_refused_with_its_owners_pid(path: Path) -> None:
    with lock.held(path):
        owner = int(path.read_text(encoding="ascii"))
        with pytest.raises(UnavailableError, match=rf"\(process {owner}\)"):
            lock.acquire(path)
        path.write_bytes(b"")
        with pytest.raises(UnavailableError, match=r"\(process unknown\)"):
            lock.acquire(path)


def test_a_lock_that_cannot_be_opened_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="cannot open the lock: is a directory"):
        lock.acquire(tmp_path)


# ---- a table of the lines ------------------------------------------------------------------------


@given(before=ACTIONS, after=ACTIONS, compact=st.booleans())
def test_a_journal_read_by_a_table_says_what_the_whole_says(
    before: list[tuple[str, str]], after: list[tuple[str, str]], *, compact: bool
) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "state")
        state = State(path)
        for number, (what, step) in enumerate([*before, ("end", "link:p")]):
            apply(state, what, step, Entry({"text": str(number)}, {}))
        table = state.table()
        assert table is not None
        quick = State(path, table)
        assert (quick.entries, quick.interrupted) == (state.entries, state.interrupted)
        for number, (what, step) in enumerate(after):
            apply(quick, what, step, Entry({"again": str(number)}, {}))
        if compact:
            quick.compact()
        for found in (State(path, table), State(path)):
            assert (found.entries, found.interrupted) == (quick.entries, quick.interrupted)
            assert len(found.entries) == len(quick.entries) == len(list(quick.entries))
            for key in quick.entries:
                assert key in found.entries
            assert (Slot.STAGE, "link:p") not in found.entries


def test_a_table_is_not_used_for_another_file(path: Path) -> None:
    state = State(path)
    state.end({(Slot.BASE, "assemble:m"): ONE})
    table = state.table()
    assert table is not None
    quick = State(path, table)
    state.end({(Slot.BASE, "assemble:m"): TWO})
    state.compact()
    assert State(path, table).entries == {(Slot.BASE, "assemble:m"): TWO}
    assert quick.entries.get((Slot.BASE, "assemble:m")) is None  # unknown, and no other's line
    path.unlink()
    assert State(path, table).entries == {}


def test_a_damaged_journal_has_no_table(path: Path) -> None:
    State(path).end({(Slot.BASE, "assemble:m"): ONE})
    path.write_bytes(path.read_bytes() + b'{"do":"en')
    assert State(path).table() is None
