"""The index: what it notices, and that a damaged one counts as none."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from asmith.host import signature
from asmith.store import index, listings

if TYPE_CHECKING:
    from pathlib import Path

TICK = 0.02  # seconds: more than the file system's clock needs to move on


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with a few files and the index of them."""
    for path in ("specs/a.md", "specs/b.md", "interfaces/a.h", "tool"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(path)
    (tmp_path / "build").mkdir()
    (tmp_path / "build/lock").touch()
    time.sleep(TICK)
    write(tmp_path)
    return tmp_path


def write(root: Path) -> None:
    head = index.Head()
    head.steps = 7
    files = []
    for path in ("specs/a.md", "specs/b.md", "interfaces/a.h"):
        seen = index.read(f"{root}/{path}")
        assert seen is not None
        files.append((path, index.trusted(seen[0], seen[2]), seen[1]))
    head.put(files)
    tool = signature.of(f"{root}/tool")
    assert tool is not None
    head.fixed = {f"{root}/tool": tool}
    head.absent = ["build/adopting"]
    head.listings = listings.listings(str(root))
    (root / index.PATH).write_bytes(index.dump(head, b"body"))


def changed(root: Path) -> tuple[list[str], str]:
    found = index.load(str(root))
    assert found is not None
    changes = index.changes(found.head, str(root), found.written)
    return changes.files, changes.elsewhere


def test_nothing_changed(project: Path) -> None:
    assert changed(project) == ([], "")
    assert index.up_to_date(str(project)) == 7


def test_no_index_says_nothing(tmp_path: Path) -> None:
    assert index.load(str(tmp_path)) is None
    assert index.up_to_date(str(tmp_path)) is None


def test_a_changed_file_is_named(project: Path) -> None:
    (project / "specs/b.md").write_text("specs/B.md")
    (project / "interfaces/a.h").write_text("")
    assert changed(project) == (["interfaces/a.h", "specs/b.md"], "")
    assert index.up_to_date(str(project)) is None


def test_a_file_that_was_only_touched_is_read_once_and_remembered(project: Path) -> None:
    os.utime(project / "specs/a.md")
    time.sleep(TICK)
    assert index.up_to_date(str(project)) == 7
    found = index.load(str(project))
    assert found is not None
    assert found.body() == b"body"
    assert not index.changes(found.head, str(project), found.written).refreshed


def test_a_touched_file_is_not_remembered_while_another_builds(project: Path) -> None:
    import fcntl

    os.utime(project / "specs/a.md")
    time.sleep(TICK)
    before = (project / index.PATH).read_bytes()
    with (project / "build/lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert index.up_to_date(str(project)) == 7
    assert (project / index.PATH).read_bytes() == before
    assert index.up_to_date(str(project)) == 7
    assert (project / index.PATH).read_bytes() != before


@pytest.mark.parametrize("moment", ["before the index is written", "after it"])
def test_a_change_within_one_tick_of_the_clock_is_noticed(tmp_path: Path, moment: str) -> None:
    """Where size and times are equal only the bytes tell; so they are read again."""
    for name in ("specs", "interfaces", "build"):
        (tmp_path / name).mkdir()
    for path in ("specs/a.md", "specs/b.md", "interfaces/a.h", "tool"):
        (tmp_path / path).write_text("1")
    head = index.Head()
    seen = index.read(f"{tmp_path}/specs/a.md")
    assert seen is not None
    if moment == "before the index is written":
        (tmp_path / "specs/a.md").write_text("2")
    head.put([("specs/a.md", index.trusted(seen[0], seen[2]), seen[1])])
    (tmp_path / index.PATH).write_bytes(index.dump(head, b""))
    if moment == "after it":
        (tmp_path / "specs/a.md").write_text("2")
    assert changed(tmp_path) == (["specs/a.md"], "")


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("tool", "tool"),
        ("build/adopting", "build/adopting"),
        ("specs/c.md", "specs"),
        ("interfaces/b.h", "interfaces"),
        ("tests/modules/test_a.py", "tests/modules"),
        ("build/stage/modules/a.json", "build/stage/modules"),
    ],
)
def test_changes_elsewhere_are_noticed(project: Path, path: str, named: str) -> None:
    (project / path).parent.mkdir(parents=True, exist_ok=True)
    (project / path).write_text("another")
    assert changed(project)[1].endswith(named)
    assert index.up_to_date(str(project)) is None


def test_a_file_of_an_editor_is_not_a_new_one(project: Path) -> None:
    (project / "specs/.a.md.swp").write_text("")
    (project / "specs/a.md~").write_text("")
    assert changed(project) == ([], "")


def whole_and_used(root: Path) -> bool:
    """Tell whether an index is used though every part of it is asked for."""
    found = index.load(str(root))
    if found is None:
        return False
    try:
        return bool(found.body() and found.head.digests)
    except index.DamagedError:
        return False


def test_damaged_digests_say_nothing_of_a_changed_file(project: Path) -> None:
    whole = (project / index.PATH).read_bytes()
    found = index.load(str(project))
    assert found is not None
    at = whole.index(found.head.digests)
    (project / index.PATH).write_bytes(whole[:at] + b"\0" + whole[at + 1 :])
    os.utime(project / "specs/b.md")
    assert changed(project) == ([], index.PATH)
    assert index.up_to_date(str(project)) is None


def test_a_damaged_index_counts_as_none(project: Path) -> None:
    whole = (project / index.PATH).read_bytes()
    for place in range(0, len(whole), 3):
        (project / index.PATH).write_bytes(
            whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :]
        )
        assert not whole_and_used(project), place
        (project / index.PATH).write_bytes(whole[:place])
        assert index.load(str(project)) is None, place


def test_another_environment_has_no_index(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert index.load(str(project)) is None


def test_a_build_that_left_something_is_not_up_to_date(project: Path) -> None:
    found = index.load(str(project))
    assert found is not None
    found.head.unsettled = True
    (project / index.PATH).write_bytes(index.dump(found.head, b"body"))
    assert index.up_to_date(str(project)) is None


def test_files_can_be_set_and_taken_out() -> None:
    head = index.Head()
    one, two = "1" * 64, "2" * 64
    head.put([("b", (1, 1, 1, 1), one), ("a", (2, 2, 2, 2), one)])
    head.patch({"b": ((3, 3, 3, 3), two)})
    assert head.files() == [("a", (2, 2, 2, 2), one), ("b", (3, 3, 3, 3), two)]
    head.patch({"a": None, "c": ((4, 4, 4, 4), two), "d": None})
    assert head.files() == [("b", (3, 3, 3, 3), two), ("c", (4, 4, 4, 4), two)]
    head.refresh({"c": (5, 5, 5, 5)})
    assert head.files()[1] == ("c", (5, 5, 5, 5), two)
