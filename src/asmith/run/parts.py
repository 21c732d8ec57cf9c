"""What links need of each object, from the journal or from what is known without it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from asmith.check import screen as screens
from asmith.errors import StepFailedError
from asmith.model.names import digest_of
from asmith.model.plan import Step, StepKind
from asmith.store.state import Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from asmith.check.screen import Summary
    from asmith.model.names import ModuleName
    from asmith.run.known import Known
    from asmith.run.linked import Linked
    from asmith.run.session import Session


SIZE = 48  # objects a group has at most on average


def number_of(name: ModuleName, modules: int) -> int:
    """Return the number of a module's group in a product of so many modules.

    The number of groups is a power of two, so that a new module seldom moves the others.
    """
    count = 1
    while count * SIZE < modules:
        count *= 2
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % count


def numbered(names: Sequence[ModuleName]) -> dict[int, tuple[ModuleName, ...]]:
    """Return the groups of a product by number, members in order."""
    groups: dict[int, list[ModuleName]] = {}
    for name in names:
        groups.setdefault(number_of(name, len(names)), []).append(name)
    return {number: tuple(members) for number, members in sorted(groups.items())}


def members(session: Session, step: Step) -> dict[int, tuple[ModuleName, ...]]:
    """Return the groups of a product by number."""
    known = kept(session, step)
    return numbered(session.linked(step)) if known is None else known.groups


def kept(session: Session, step: Step) -> Linked | None:
    """Return what is known of a product, if it links the same modules as before."""
    known = session.known
    found = None if known is None else known.products.get(step.subject)
    return found if found is not None and found.modules is session.linked(step) else None


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


def as_before(session: Session, step: Step, screened: str) -> bool:
    """Tell whether the screen of a product's last good link was clean and would be the same now.

    `screened` stands for all that it looks at besides the objects.
    """
    known = kept(session, step)
    entry = session.state.entries.get((Slot.BASE, str(step)))
    if (
        known is None
        or session.known is None
        or entry is None
        or str(step) in session.known.unsettled_steps
        or entry.facts.get("screened") != screened
    ):
        return False
    changed = [m for m in session.active if m in known.members]
    before = [session.known.nodes[m].link for m in changed]
    return None not in before and before == [summary(session, m) for m in changed]


def object_path(session: Session, name: ModuleName) -> str:
    """Return the path of a module's object, whose step must hold."""
    return session.output(Step(StepKind.ASSEMBLE, name), f"obj/{name}.o")


def object_digest(session: Session, name: ModuleName) -> str:
    """Return the digest of an object that holds."""
    node = session.node(name)
    if node is not None:
        return node.object
    entry = session.status(Step(StepKind.ASSEMBLE, name)).entry
    assert entry is not None, name
    return entry.outputs[f"obj/{name}.o"]


def require(session: Session, names: Iterable[ModuleName]) -> None:
    """Raise `StepFailedError` if an object that nobody looks at was changed from outside.

    A project in memory learns of it here, right before a link reads it: the object is then
    `outdated`, and the build begins again and makes it anew.
    """
    if session.known is not None:
        rest = [n for n in names if n not in session.active]
        session.damage += session.known.damaged(session.root, rest)
    if session.damage:
        raise StepFailedError(f"{', '.join(session.damage)}: changed from outside")


def text_bytes(session: Session) -> int:
    """Return the bytes of all modules' texts."""
    known = session.known
    rest = 0 if known is None else known.size - sum(known.nodes[m].size for m in session.active)
    return rest + sum(len(m.source or b"") for m in session.seen_modules().values())


def group_digests(
    session: Session, step: Step, of: Callable[[ModuleName], tuple[str, str]]
) -> dict[int, str]:
    """Return the digest of each group of a product's objects; `of` gives code and stamp of one."""
    known = _of_untouched(session, step, lambda kept: kept.digests)
    groups = members(session, step).items()
    return {k: known.get(k) or objects_digest(names, of) for k, names in groups}


def group_keys(session: Session, step: Step) -> dict[int, str]:
    """Return the name under which each group of a product is kept when it is joined."""
    return _keys(session, step, lambda n: object_digest(session, n))


def keys_before(session: Session, step: Step, known: Known) -> dict[int, str]:
    """Return what `group_keys` was at the end of the last build."""
    return _keys(session, step, lambda n: known.nodes[n].object)


def _keys(session: Session, step: Step, of: Callable[[ModuleName], str]) -> dict[int, str]:
    known = _of_untouched(session, step, lambda kept: kept.keys)
    groups = members(session, step).items()
    joiner = session.tools.joiner()
    return {k: known.get(k) or key_of(names, of, joiner) for k, names in groups}


def _of_untouched(
    session: Session, step: Step, of: Callable[[Linked], dict[int, str]]
) -> dict[int, str]:
    """Return what is known of the groups of a product that the session does not look at."""
    known = kept(session, step)
    if known is None:
        return {}
    touched = {known.group_of(m) for m in session.active if m in known.members}
    return {number: value for number, value in of(known).items() if number not in touched}


def objects_digest(names: Sequence[ModuleName], of: Callable[[ModuleName], tuple[str, str]]) -> str:
    """Return the digest of a group's objects: what its members' code and stamps are."""
    return digest_of("objects", [[n, *of(n)] for n in names])


def key_of(
    names: Sequence[ModuleName], of: Callable[[ModuleName], str], joiner: tuple[str, str]
) -> str:
    """Return the name of a joined group: the digests of its members' objects and the linker."""
    return digest_of("group", [names, [of(n) for n in names], joiner])
