"""Noticing edits where inotify has no room left."""

from __future__ import annotations

import errno
import logging
import threading
from typing import TYPE_CHECKING

import pytest

from asmith.errors import UnavailableError
from asmith.watch import notice

if TYPE_CHECKING:
    from pathlib import Path


class Refusing:
    """An observer that inotify refuses."""

    def __init__(self, number: int, words: str) -> None:
        self.error = OSError(number, words)

    def start(self) -> None:
        """Begin."""

    def schedule(self, *_: object, **__: object) -> None:
        """Refuse."""
        raise self.error

    def stop(self) -> None:
        """End."""

    def join(self) -> None:
        """Wait for nothing."""


def test_a_reached_limit_is_told_and_the_files_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = Refusing(errno.ENOSPC, "inotify watch limit reached")
    monkeypatch.setattr(notice, "Observer", lambda: refused)
    (tmp_path / "specs").mkdir()
    came = threading.Event()
    with notice.Notice(
        tmp_path, lambda path: path == "specs/a.md" and came.set(), lost=print
    ) as noticing:
        assert (noticing.polling, noticing.problem) == (True, "inotify watch limit reached")
        (tmp_path / "specs/a.md").write_text("one")
        assert came.wait(20)


def test_another_refusal_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice, "Observer", lambda: Refusing(errno.EACCES, "Permission denied"))
    with (
        pytest.raises(UnavailableError, match="cannot watch the project: Permission denied"),
        notice.Notice(tmp_path, lambda _: None, lost=print),
    ):
        pass


def test_directories_outside_are_watched_on_demand(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    came = threading.Event()
    with notice.Notice(
        tmp_path, lambda path: path == "data/x.bin" and came.set(), lost=print
    ) as noticing:
        noticing.also(["data/x.bin", "modules/own.bin"])
        (tmp_path / "data/x.bin").write_text("one")
        assert came.wait(20)


def test_lost_events_are_told(tmp_path: Path) -> None:
    lost = threading.Event()
    with notice.Notice(tmp_path, lambda _: None, lost=lost.set):
        logging.getLogger("watchdog.observers.inotify").warning("Inotify queue overflowed")
    assert lost.is_set()
