"""Who waits for whom."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from asmith.errors import UnavailableError
from asmith.store import lock

if TYPE_CHECKING:
    from pathlib import Path


def test_a_watch_is_waited_for(tmp_path: Path) -> None:
    held = lock.acquire(tmp_path / "lock", note=lock.WATCH)
    end = threading.Timer(0.3, lock.release, [held])
    end.start()
    began = time.monotonic()
    lock.release(lock.acquire(tmp_path / "lock"))
    assert time.monotonic() - began > 0.2
    end.join()


def test_any_other_build_is_told_at_once(tmp_path: Path) -> None:
    lock.release(lock.acquire(tmp_path / "lock", note=lock.WATCH))
    with lock.held(tmp_path / "lock"):
        began = time.monotonic()
        with pytest.raises(UnavailableError, match=r"another asmith builds this project \(process"):
            lock.acquire(tmp_path / "lock")
        assert time.monotonic() - began < 10


def test_a_watch_that_takes_too_long_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_WATCHED", 0.05)
    held = lock.acquire(tmp_path / "lock", note=lock.WATCH)
    with pytest.raises(UnavailableError):
        lock.acquire(tmp_path / "lock")
    lock.release(held)
