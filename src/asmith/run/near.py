"""A session of what changed files touch: it looks at those modules, and knows of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.model.names import InterfaceName
from asmith.model.plan import Step, StepKind
from asmith.project import workspace as workspaces
from asmith.project.lazy import Lazy
from asmith.run import layout, view
from asmith.run.session import Session
from asmith.run.tools import Tools
from asmith.store import shared
from asmith.store.answers import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.run.known import Known, Touched
    from asmith.store.state import State


def session_of(
    known: Known, touched: Touched, workspace: workspaces.Workspace, state: State
) -> Session:
    """Return a session that looks at what changed files touch; `known` answers for the rest.

    Raises `AnotherProjectError` if that no longer can be.
    """
    root = workspace.root
    modules = Lazy(known.nodes, lambda name: view.look(workspace, name))
    store = Store(root / layout.KEPT, shared.configured(workspace.config.store))
    session = Session(root, workspace, state, store, modules, known, touched.modules)
    session.tools = Tools(known.tools)
    for name in touched.interfaces:
        library = workspace.interfaces[name].library
        if known.libraries[name] != ("" if library is None else library.name):
            raise workspaces.AnotherProjectError(name)
    session.region = frozenset(_region(session, known, touched))
    before = {Step(k, m) for m in touched.modules for k in known.kinds_of(m)}
    session.outside = known.head.steps - len(before | touched.steps)
    return session


def _region(session: Session, known: Known, touched: Touched) -> Iterator[Step]:
    """Yield the steps that may have to run: those of touched modules, and what reaches them."""
    for name in touched.modules:
        yield from session.steps_of(name)
    yield from session.comparisons(touched.modules)
    for step in touched.steps:
        if step.kind is StepKind.COMPARE:
            users = known.seen_by[InterfaceName(step.subject)]
            if step.subject in session.externals(users):
                yield step
        elif not step.of_module or step.subject not in touched.modules:
            yield step
