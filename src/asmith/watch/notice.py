"""Noticing edits: the only door to watchdog.

Watched are the root itself (for the configuration, and for directories that come and go) and the
directories of sources below it, never build/ or .git. Where inotify has no room left the files are
looked at a few times a second instead.
"""

from __future__ import annotations

import errno
import logging
import threading
from typing import TYPE_CHECKING, Self

from watchdog.events import (
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.polling import PollingObserver

from asmith.errors import UnavailableError
from asmith.project.config import CONFIG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from watchdog.observers.api import BaseObserver, ObservedWatch

SOURCES = ("specs", "interfaces", "modules", "tests")
POLL = 0.5  # seconds between two looks where inotify is not to be had
_CHANGES = {"created", "modified", "deleted", "moved", "closed"}
_NO_ROOM = {errno.ENOSPC, errno.EMFILE, errno.ENFILE}


class Notice:
    """Calls back with the path, relative to the root, of each source that changes.

    The callback runs on a thread of watchdog's. `polling` tells whether files are looked at instead
    of inotify, and `problem` why.
    """

    def __init__(
        self,
        root: Path,
        changed: Callable[[str], None],
        *,
        lost: Callable[[], None],
        poll: bool = False,
    ) -> None:
        """Prepare to watch a project; `poll` does without inotify.

        `lost` is called when the kernel's queue of events has overflowed.
        """
        self.root = root
        self.polling = poll
        self.problem = ""
        self._changed = changed
        self._log = _Log(lost)
        self._observer: BaseObserver | None = None
        self._watches: dict[str, tuple[ObservedWatch, int]] = {}  # directory -> watch, inode
        self._extra: frozenset[str] = frozenset()
        self._guard = threading.RLock()

    def __enter__(self) -> Self:
        logger = logging.getLogger("watchdog")
        logger.addHandler(self._log)
        logger.propagate = False
        if not self.polling:
            try:
                self._start(Observer())
            except OSError as error:
                self._stop()
                if error.errno not in _NO_ROOM:
                    raise UnavailableError(
                        f"cannot watch the project: {error.strerror or error}", where=str(self.root)
                    ) from error
                self.polling = True
                self.problem = error.strerror or str(error)
        if self.polling:
            self._start(PollingObserver(timeout=POLL))
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        logging.getLogger("watchdog").removeHandler(self._log)

    def also(self, paths: Iterable[str]) -> None:
        """Watch the directories of some files outside of the sources too."""
        with self._guard:
            directories = {p.rpartition("/")[0] or "." for p in paths}
            self._extra = frozenset(d for d in directories if d.split("/")[0] not in SOURCES)
            self._look()

    def _start(self, observer: BaseObserver) -> None:
        self._observer = observer
        with self._guard:
            observer.start()
            observer.schedule(_Handler(self._root_changed), str(self.root), recursive=False)
            self._look()

    def _stop(self) -> None:
        with self._guard:
            observer, self._observer = self._observer, None
            self._watches.clear()
        if observer is not None:
            observer.stop()
            observer.join()

    def _look(self) -> list[str]:
        """Watch what is there and not watched yet; return the directories that are new."""
        found = []
        for name in (*SOURCES, *sorted(self._extra)):
            directory = self.root / name
            try:
                inode = directory.stat().st_ino if directory.is_dir() else 0
            except OSError:
                inode = 0
            old = self._watches.get(name)
            if self._observer is None or (old[1] if old else 0) == inode:
                continue
            if old is not None:
                del self._watches[name]
                self._observer.unschedule(old[0])
            if inode:
                handler = _Handler(self._below)
                watch = self._observer.schedule(handler, str(directory), recursive=name in SOURCES)
                self._watches[name] = (watch, inode)
                found.append(name)
        return found

    def _root_changed(self, path: str) -> None:
        """Take notice of the configuration, and of directories that came or went."""
        relative = self._relative(path)
        if relative == CONFIG:
            self._changed(relative)
        elif relative in SOURCES or relative in {d.split("/")[0] for d in self._extra}:
            with self._guard:
                fresh = self._look() if self._observer is not None else []
            self._changed(relative)
            for name in fresh:  # what was made before the watch was there told nobody
                for file in (self.root / name).rglob("*"):
                    self._changed(self._relative(str(file)))

    def _below(self, path: str) -> None:
        self._changed(self._relative(path))

    def _relative(self, path: str) -> str:
        return path.removeprefix(str(self.root)).lstrip("/")


class _Log(logging.Handler):
    """Takes watchdog's warnings, which tell of lost events, from its log."""

    def __init__(self, lost: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._lost = lost

    def emit(self, record: logging.LogRecord) -> None:
        """Take one."""
        del record
        self._lost()


class _Handler(FileSystemEventHandler):
    """Passes on the paths of changes, both of a rename."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        self._changed = changed

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Take one event of watchdog's."""
        if event.event_type not in _CHANGES:
            return
        for path in (event.src_path, event.dest_path):
            if path:
                self._changed(path.decode("utf-8", "replace") if isinstance(path, bytes) else path)
