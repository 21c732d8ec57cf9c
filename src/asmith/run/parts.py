"""What links need of each object, from the journal or from what is known without it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from asmith.check import screen as screens
from asmith.model.names import digest_of
from asmith.model.plan import Step, StepKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from asmith.check.screen import Summary
    from asmith.model.names import ModuleName
    from asmith.run.known import Linked
    from asmith.run.session import Session


_SIZE = 48  # objects a group has at most on average


def numbered(names: Sequence[ModuleName]) -> dict[int, list[ModuleName]]:
    """Return the groups of a product by number, members in order.

    The number of groups is a power of two, so that a new module seldom moves the others.
    """
    count = 1
    while count * _SIZE < len(names):
        count *= 2
    groups: dict[int, list[ModuleName]] = {}
    for name in names:
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % count
        groups.setdefault(number, []).append(name)
    return dict(sorted(groups.items()))


def members(session: Session, step: Step) -> dict[int, list[ModuleName]]:
    """Return the groups of a product by number."""
    kept = _kept(session, step)
    return numbered(session.linked(step)) if kept is None else kept.groups


def _kept(session: Session, step: Step) -> Linked | None:
    """Return what is known of a product, if it links the same modules as before."""
    known = session.known
    if known is None or known.linked[step.subject] is not session.linked(step):
        return None
    return known.product(step.subject)


def summary(session: Session, name: ModuleName) -> Summary | None:
    """Return an object's part in a link, if it was summed up when the object was made."""
    node = session.node(name)
    if node is not None:
        return node.link
    entry = session.status(Step(StepKind.ASSEMBLE, name)).entry
    return None if entry is None else screens.summary_of(entry.facts.get("link"))


def screen(session: Session, step: Step) -> screens.Screen:
    """Return the sums of a product's objects, as far as they are known."""
    if session.known is None:
        return screens.Screen()
    return session.known.screens.setdefault(step.subject, screens.Screen())


def object_digest(session: Session, name: ModuleName) -> str:
    """Return the digest of an object that holds."""
    node = session.node(name)
    if node is not None:
        return node.object
    entry = session.status(Step(StepKind.ASSEMBLE, name)).entry
    assert entry is not None, name
    return entry.outputs[f"obj/{name}.o"]


def text_bytes(session: Session) -> int:
    """Return the bytes of all modules' texts."""
    nodes = {} if session.known is None else session.known.nodes
    rest = sum(node.size for name, node in nodes.items() if name not in session.active)
    return rest + sum(len(m.source or b"") for m in session.seen_modules().values())


def group_digests(
    session: Session, step: Step, of: Callable[[ModuleName], tuple[str, str]]
) -> dict[int, str]:
    """Return the digest of each group of a product's objects; `of` gives code and stamp of one."""
    kept = _kept(session, step)
    touched = set() if kept is None else {kept.group_of.get(m) for m in session.active}
    found: dict[int, str] = {}
    for number, names in members(session, step).items():
        known = None if kept is None or number in touched else kept.digests.get(number)
        if known is None:
            known = digest_of("objects", [[n, *of(n)] for n in names])
            if kept is not None and number not in touched:
                kept.digests[number] = known
        found[number] = known
    return found
