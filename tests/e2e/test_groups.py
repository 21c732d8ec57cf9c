"""Two-level links: one changed object costs one group, and no group is believed unseen.

Three modules are enough here, since the limits are lowered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asmith.run import layout, parts
from asmith.toolchain import link

if TYPE_CHECKING:
    from fakes.sample import Sample


@pytest.fixture
def large(plain: Sample, monkeypatch: pytest.MonkeyPatch) -> Sample:
    """Return a built project whose product is linked in two levels."""
    monkeypatch.setattr(link, "DIRECT", 1)
    monkeypatch.setattr(parts, "SIZE", 1)
    plain.remove(layout.INDEX)  # which knows nothing of other limits
    assert plain.ran() == ["link:sum"]  # the same objects, linked in another way
    return plain


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the lists of objects that are joined from here on."""
    calls: list[list[str]] = []
    join = link.join

    def listed(objects: list[str], **places: object) -> None:
        calls.append([name.rpartition("/")[2] for name in objects])
        join(objects, **places)  # type: ignore[arg-type]

    monkeypatch.setattr(link, "join", listed)
    return calls


def groups(sample: Sample) -> set[str]:
    return {p.name for p in (sample.root / layout.GROUPS / "sum").glob("*.o")}


def test_the_product_does_what_its_objects_do(large: Sample) -> None:
    assert groups(large)
    assert large.top(1) - large.top(0) == 3  # each of three modules adds x to what it calls
    assert large.ran() == []


def test_one_changed_object_is_one_group(large: Sample, joined: list[list[str]]) -> None:
    before = large.top(1)
    count = len(groups(large))
    large.edit("modules/mid.asm", "mov     rax, 10", "mov     rax, 1 << 40")  # which is longer
    assert large.ran() == ["assemble:mid", "check:mid", "link:sum"]
    assert [names for names in joined if "mid.o" in names] == joined
    assert len(joined) == 1
    assert large.top(1) == before + (1 << 40) - 10
    assert len(groups(large)) == count  # the old one is gone


@pytest.mark.parametrize("damage", ["truncate", "edit", "remove", "list"])
def test_a_damaged_group_is_joined_again(
    large: Sample, joined: list[list[str]], damage: str
) -> None:
    whole = large.tree("build/bin")
    directory = large.root / layout.GROUPS / "sum"
    path = min(directory.glob("*.o"))
    data = path.read_bytes()
    match damage:
        case "truncate":
            path.write_bytes(data[:100])
        case "edit":
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        case "remove":
            path.unlink()
        case "list":
            (directory / "kept.json").write_bytes(b'{"a": [1')
    (large.root / "build/bin/libsum.so").unlink()
    assert large.ran() == ["link:sum"]
    assert len(joined) == (1 if damage != "list" else len(groups(large)))
    assert large.tree("build/bin") == whole


@pytest.mark.parametrize("number", ["11", "1 << 40"])
def test_a_clean_build_elsewhere_gives_the_same_bytes(large: Sample, number: str) -> None:
    whole = large.tree("build/bin")
    large.edit("modules/mid.asm", "mov     rax, 10", f"mov     rax, {number}")
    large.ran()
    large.edit("modules/mid.asm", f"mov     rax, {number}", "mov     rax, 10")
    large.ran()
    assert large.tree("build/bin") == whole
    large.remove("build")
    large.ran()
    assert large.tree("build/bin") == whole


def test_groups_seldom_move() -> None:
    few = parts.numbered([f"m{k}" for k in range(1000)])  # type: ignore[misc]
    more = parts.numbered([f"m{k}" for k in range(1001)])  # type: ignore[misc]
    assert sum(few[k] != more[k] for k in few) == 1
    assert max(map(len, few.values())) < 100
    assert parts.numbered([]) == {}
