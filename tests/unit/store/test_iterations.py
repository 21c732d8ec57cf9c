"""The iteration log keeps what it is given."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from asmith.model.iteration import FileEdit, Iteration, Kind, Ran, Result
from asmith.store.iterations import Log, LogError, Seen

if TYPE_CHECKING:
    from pathlib import Path

ROW = Iteration(
    at="2026-01-02T03:04:05.678Z",
    command="build",
    result=Result.FAILED,
    kind=Kind.CONTRACT,
    kinds=(Kind.CONTRACT, Kind.TEST),
    files=(FileEdit("specs/a.md", "changed", 1, 2), FileEdit("specs/b.md", "removed", 0, None)),
    requirements=("a:FR-001",),
    stale={"a": ("export-changed: a.f", "requirement-changed: a:FR-001")},
    regenerated=("a",),
    steps=(Ran("assemble:a", 0.1, 0.2, "input-changed: text", "no"),),
    stages={"plan": 0.1},
    waited=1.5,
    total=2.5,
    modules=3,
    calls=({"module": "a", "usd": "0.01"},),
    input_tokens=10,
    usd=0.01,
    findings=({"rule": "ELF001", "line": None},),
    errors=("é",),
    environment={"cpu": "x"},
)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "kept" / "iterations.sqlite")


def test_a_row_comes_back_as_it_was(log: Log) -> None:
    assert log.read() == ()
    log.add(ROW, {})
    log.add(ROW, {})
    assert log.read() == (ROW, ROW)


def test_sources_are_remembered_until_they_are_gone(log: Log) -> None:
    assert log.seen() is None
    one, two = Seen("1" * 64, b"abcd"), Seen("2" * 64, b"")
    log.add(ROW, {"specs/a.md": one, "specs/b.md": two})
    log.add(ROW, {"specs/a.md": two, "specs/b.md": None})
    assert log.seen() == log.seen(["specs/a.md", "specs/c.md"]) == {"specs/a.md": two}
    assert log.seen(["specs/c.md"]) == {}


def test_a_row_that_makes_no_sense_is_passed_over(log: Log) -> None:
    log.add(ROW, {})
    log.add(ROW, {})
    with sqlite3.connect(log.path) as database:
        database.execute("UPDATE iteration SET kind = 'nonsense' WHERE id = 1")
        database.execute("UPDATE iteration SET stale = '{' WHERE id = 2")
    log.add(ROW, {})
    assert log.read() == (ROW,)


def test_a_failed_write_leaves_nothing_behind(log: Log) -> None:
    log.add(ROW, {})
    with pytest.raises(LogError):
        log.add(ROW, {"specs/a.md": Seen(None, b"")})  # type: ignore[arg-type]
    assert len(log.read()) == 1


def test_its_columns_are_there_for_anybody(log: Log) -> None:
    log.add(ROW, {})
    with sqlite3.connect(log.path) as database:
        found = database.execute(
            "SELECT kind, usd, linked, json_extract(files, '$[0].path') FROM iteration"
        ).fetchall()
    assert found == [("contract", 0.01, None, "specs/a.md")]
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()
