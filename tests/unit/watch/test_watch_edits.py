"""Which events are edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asmith.watch.edits import Edits

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("pyproject.toml", True),
        ("specs/a.md", True),
        ("specs/.a.md.swp", False),
        ("specs/a.md~", False),
        ("specs/4913", False),
        ("specs/inner/a.md", False),
        ("interfaces/a.h", True),
        ("modules/a.asm", True),
        ("modules/a.json", True),
        ("modules/.a.asm.x81", False),
        ("tests/modules/test_a.py", True),
        ("tests/modules/a/data.bin", True),
        ("tests/modules/__pycache__/test_a.cpython-311.pyc", False),
        ("tests/unit/test_a.py", False),
        ("build/obj/a.o", False),
        ("data/table.bin", True),
    ],
)
def test_sources_count(tmp_path: Path, path: str, *, counts: bool) -> None:
    edits = Edits(tmp_path)
    edits.extra = frozenset({"data/table.bin"})
    assert edits.is_source(path) is counts


def test_only_other_bytes_are_an_edit(tmp_path: Path) -> None:
    edits = Edits(tmp_path)
    (tmp_path / "specs").mkdir()
    spec = tmp_path / "specs/a.md"
    spec.write_text("one")
    assert edits.note("specs/a.md")
    assert (edits.take(), edits.take()) == (("specs/a.md",), ())
    assert not edits.note("specs/a.md")
    spec.write_text("two")
    edits.settle(["specs/a.md"])
    assert not edits.note("specs/a.md")
    spec.write_text("three")
    assert edits.note("specs/a.md")
    spec.write_text("two")
    assert edits.take() == ()
    spec.unlink()
    assert edits.note("specs/a.md")
    assert edits.take() == ("specs/a.md",)


def test_an_edit_whose_build_was_stopped_is_taken_again(tmp_path: Path) -> None:
    edits = Edits(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/a.md").write_text("one")
    edits.note("specs/a.md")
    assert edits.take() == ("specs/a.md",)
    edits.again(["specs/a.md"])
    assert (edits.waiting(), edits.take(), edits.take()) == (True, ("specs/a.md",), ())


def test_a_directory_that_goes_takes_its_files_along(tmp_path: Path) -> None:
    edits = Edits(tmp_path)
    edits.learn({"specs/a.md": "1" * 64, "interfaces/a.h": "2" * 64})
    assert edits.note("specs")
    assert edits.take() == ("specs/a.md",)


def test_it_rests_until_it_is_quiet_and_git_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("asmith.host.clock.monotonic", lambda: now[0])
    edits = Edits(tmp_path)
    edits.note("specs/a.md")
    assert edits.rest(0.02) == pytest.approx(0.02)
    now[0] += 0.015
    edits.note("specs/b.md")
    assert edits.rest(0.02) == pytest.approx(0.02)
    now[0] += 0.02
    assert edits.rest(0.02) == pytest.approx(0.0)
    lock = tmp_path / ".git" / "index.lock"
    lock.parent.mkdir()
    lock.touch()
    assert edits.rest(0.02) == 0.02
    now[0] += 11
    assert edits.rest(0.02) == 0.0  # git was killed: its lock holds nobody up


def test_a_flood_is_built_at_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("asmith.host.clock.monotonic", lambda: now[0])
    edits = Edits(tmp_path)
    for number in range(300):
        edits.note(f"specs/a{number}.md")
        now[0] += 0.01
    assert edits.rest(0.02) == 0.0
