"""From events to edits: which of the paths that were named hold other bytes than before.

Editors write by rename, through temporary names, or twice; a checkout changes hundreds of files;
adoption writes modules itself. What counts is the digest of a source's bytes.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from asmith.errors import AsmithError
from asmith.host import clock, files
from asmith.model.names import digest_bytes
from asmith.project.config import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_SOURCE = re.compile(
    r"(?:specs/[^/.][^/]*\.md|interfaces/[^/.][^/]*\.h|modules/[^/.][^/]*\.(?:asm|json)"
    r"|tests/modules/(?:[^/]+/)*[^/.][^/]*)"
)
_LONGEST = 2.0  # seconds that a flood of events may put a build off
_CHECKOUT = 10.0  # seconds to wait for git to end


class Edits:
    """What changed since it was last taken. `note` is called on any thread."""

    def __init__(self, root: Path) -> None:
        """Begin with no knowledge: the first event of each file counts."""
        self.root = root
        self.extra: frozenset[str] = frozenset()  # files outside that count too
        self.last = 0.0  # when the newest event came
        self._first = 0.0
        self._paths: set[str] = set()
        self._known: dict[str, str | None] = {}
        self._guard = threading.Lock()

    def is_source(self, path: str) -> bool:
        """Tell whether a path may matter to a build."""
        if path == CONFIG or path in self.extra:
            return True
        return _SOURCE.fullmatch(path) is not None and "__pycache__" not in path

    def note(self, path: str) -> bool:
        """Take notice of an event; tell whether it is a source that holds other bytes now.

        A directory that is gone takes along all that was known below it.
        """
        where = self.root / path
        if not self.is_source(path) or where.is_dir():
            if "." in path.rpartition("/")[2] or where.exists():
                return False
            with self._guard:
                below = [p for p in self._known if p.startswith(f"{path}/")]
            return sum(map(self.note, below)) > 0
        digest = self._digest(path)
        with self._guard:
            if path in self._known and self._known[path] == digest:
                return False
            self.last = clock.monotonic()
            self._first = self._first or self.last
            self._paths.add(path)
            return True

    def learn(self, digests: Mapping[str, str]) -> None:
        """Take over what a build read: other bytes are an edit, whenever they came."""
        with self._guard:
            self._known |= digests

    def settle(self, paths: Iterable[str]) -> None:
        """Take the bytes of files as known: a build wrote them, or has read them."""
        digests = {p: self._digest(p) for p in paths}
        with self._guard:
            self._known |= digests

    def rest(self, quiet: float) -> float:
        """Return the seconds until what was noted may be taken: 0 is now."""
        now = clock.monotonic()
        with self._guard:
            first, last = self._first, self.last
        if (self.root / ".git" / "index.lock").exists() and now - last < _CHECKOUT:
            return quiet
        return max(0.0, min(last + quiet, first + _LONGEST) - now)

    def waiting(self) -> bool:
        """Tell whether anything was noted that was not taken."""
        with self._guard:
            return bool(self._paths)

    def take(self) -> tuple[str, ...]:
        """Return the sources that changed, sorted; from now on their bytes are known."""
        with self._guard:
            paths, self._paths, self._first = self._paths, set(), 0.0
        changed = []
        for path in sorted(paths):
            digest = self._digest(path)
            with self._guard:
                if path not in self._known or self._known[path] != digest:
                    changed.append(path)
                self._known[path] = digest
        return tuple(changed)

    def again(self, paths: Iterable[str]) -> None:
        """Let files count as changed though their bytes stay: their build was stopped."""
        with self._guard:
            for path in paths:
                self._known.pop(path, None)
                self._paths.add(path)

    def _digest(self, path: str) -> str | None:
        try:
            data = files.read_if_exists(self.root / path)
        except AsmithError:
            return None  # no leave to read it: the build says so
        return None if data is None else digest_bytes(data)
