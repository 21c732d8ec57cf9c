"""A project between builds: what is known of it, and what changed since.

This is the seam for whoever stays in memory (docs/architecture.md, "A resident project"). A build
in a process of its own uses the same: there the index says what is known, and one pass over stat
data what changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.dataclass import dataclass, field
from asmith.errors import AsmithError
from asmith.host import files, signature
from asmith.project import workspace as workspaces
from asmith.run import indexing, keeping, layout, near
from asmith.run.session import Session
from asmith.store import index, listings
from asmith.store.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from asmith.contract.reader import Cache
    from asmith.run.known import Known

_NEVER = (1 << 63) - 1  # when what is in memory was written down: each signature tells by itself


@dataclass(slots=True)
class Resident:
    """One project in memory. Not thread-safe; building needs the lock, the rest does not.

    Say `changed` for each path that an event names, `session` to look at what that touches, and
    after a build of that session `settle`. Whatever it cannot place costs a full look, never a
    wrong answer.
    """

    root: Path
    known: Known | None = None
    state: State | None = None
    paths: set[str] = field(default_factory=set)  # changed since what is known was true
    _cache: Cache = field(default_factory=dict)
    _journal: signature.Signature | None = None  # of the journal as this process left it

    @classmethod
    def open(cls, root: Path, looked: index.Looked | None = None) -> Resident:
        """Return a project as its index and one pass over its files say.

        What this process has `looked` at just before counts if the index is still that one: what
        is saved between the two is a change for the next build, as if it were saved later.
        """
        made = cls(root)
        if looked is None or looked.root != str(root) or not looked.index.current():
            looked = index.look(str(root))
        if looked is not None:
            found, changes = looked.index, looked.changes
            if not changes.elsewhere:
                made.known = keeping.load(root, found)
            if made.known is not None:
                made.paths = set(changes.files)
                made.known.refresh(changes.refreshed)
                made._journal = found.head.fixed.get(layout.STATE)
        return made

    def changed(self, paths: Iterable[str]) -> None:
        """Take note of changed, new or removed files; paths are relative to the root."""
        self.paths.update(paths)

    def forget(self) -> None:
        """Know nothing any more: events were lost, a tool or the environment changed."""
        self.known = None

    def look(self) -> None:
        """Take note of changes that nobody told of, by one pass over stat data."""
        if self.known is None:
            return
        found = index.changes(self.known.head, str(self.root), _NEVER)
        if found.elsewhere:
            self.forget()
        else:
            self.paths.update(found.files)
            self.known.refresh(found.refreshed)

    def up_to_date(self) -> int | None:
        """Look, and return the number of steps if all of them hold; None for any doubt."""
        self.look()
        if self.known is None or self.known.head.unsettled or self.paths:
            return None
        return self.known.head.steps

    def session(self) -> Session:
        """Return a session of what changed; raises `AsmithError` for input that is wrong."""
        made = self._near()
        if made is None:
            self.known = None
            self.state = State(self.root / layout.STATE)
            made = Session.open(self.root, state=self.state)
        return made

    def _near(self) -> Session | None:
        """Return a session of what changed alone, if what is known allows that."""
        journal = signature.of(str(self.root / layout.STATE))
        if self.known is None or journal != self._journal:
            return None
        waiting = listings.waiting(str(self.root), self.known.head)
        touched = self.known.touched({*self.paths, *map(layout.source, waiting)})
        if touched is None:
            return None
        if self.state is None:
            self.state = State(self.root / layout.STATE, self.known.table)
        try:
            known = self.known
            workspace = workspaces.load_lazily(
                self.root, known.nodes, known.bound, known.libraries, self._cache
            )
            return near.session_of(self.known, touched, workspace, self.state)
        except (workspaces.AnotherProjectError, AsmithError):
            return None  # reading everything says the same with all that belongs to it, or is right

    def wrote(self) -> None:
        """Take note that the journal was written by this process, which holds the lock."""
        self._journal = signature.of(str(self.root / layout.STATE))

    @property
    def journal(self) -> signature.Signature | None:
        """Return what changes when this process builds."""
        return self._journal

    def settle(self, session: Session) -> None:
        """Know what a session came to, at the end of a build that holds the lock still."""
        if session.known is None:
            workspaces.keep_contracts(session.workspace)
        self.known = indexing.known(session)
        self.paths.clear()
        self.wrote()

    def leave(self) -> None:
        """Write the index and leave no scratch place behind; for whoever holds the lock."""
        self.save()
        files.remove_below(self.root / layout.SCRATCH)

    def save(self) -> None:
        """Write the index, so that the next process starts from here; a full disk is no failure."""
        if self.known is not None and self.state is not None:
            keeping.save(self.root, self.known, self.state)
