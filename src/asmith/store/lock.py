"""One build at a time: an advisory lock that the kernel releases when its owner ends, however."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from asmith.errors import UnavailableError
from asmith.host import clock, files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_PATIENCE = 30.0  # seconds that what a killed build had begun may take to end
_WATCHED = 120.0  # seconds that a build of `watch` may take before others give up
WATCH = "watch"  # the note of a process that gives the lock back soon


def acquire(path: Path, *, note: str = "") -> int:
    """Take the lock and return its descriptor; a held one is refused with its owner's pid.

    `note` says who we are. For a `watch` others wait: it gives the lock back after each build.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise files.explain(error, "open the lock", path) from error
    if not _taken(handle):
        owner = _owner(handle) or "unknown"
        os.close(handle)
        raise UnavailableError(
            f"another asmith builds this project (process {owner})",
            where=str(path),
            why="two builds at once would write the same files",
            help="wait until it ends, or stop it",
        )
    owner_and_note = f"{os.getpid()}\n{note}\n".encode()
    try:
        if os.pread(handle, 64, 0) != owner_and_note:  # whoever stays takes it again and again
            os.ftruncate(handle, 0)
            os.pwrite(handle, owner_and_note, 0)
    except OSError:
        pass  # a full disk: the lock holds without its owner's name
    return handle


def _taken(handle: int) -> bool:
    """Take the lock; tell whether it was free.

    A child that a killed build was just starting holds it until it has become another program, a
    copy of its process until its job is done: where the owner is no more, that is waited for.
    """
    began = clock.monotonic()
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            watched = _note(handle) == WATCH
            if not watched and _lives(handle):
                return False
            if clock.monotonic() > began + (_WATCHED if watched else _PATIENCE):
                return False
            clock.pause(0.002)
        else:
            return True


def _lives(handle: int) -> bool:
    """Tell whether the process that the lock names has it open: its id may be another's by now."""
    owner = _owner(handle)
    if not owner.isdecimal():
        return False
    lock = os.fstat(handle)
    try:
        for name in os.listdir(f"/proc/{owner}/fd"):
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(lock, os.stat(f"/proc/{owner}/fd/{name}")):
                    return True
    except PermissionError:  # another user's
        return True
    except FileNotFoundError:
        pass
    return False


def _owner(handle: int) -> str:
    """Return the process id that the lock names; empty if it names none."""
    return _words(handle)[0]


def _note(handle: int) -> str:
    return _words(handle)[1]


def _words(handle: int) -> tuple[str, str]:
    owner, _, note = os.pread(handle, 64, 0).decode("ascii", "replace").partition("\n")
    return owner.strip(), note.strip()


def release(handle: int) -> None:
    """Give the lock back."""
    os.close(handle)


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock within a `with` block."""
    handle = acquire(path)
    try:
        yield
    finally:
        release(handle)
