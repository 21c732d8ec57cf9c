"""Which kind of change an iteration was: the rows of the table of edits. Pure functions.

The reasons of the run decide, not the files: an interface whose comment changed is prose. A test's
or a link's reasons count only where no module changed, since they follow from those of modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.model.iteration import Kind
from asmith.model.plan import StepKind, Why

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asmith.model.names import ModuleName
    from asmith.model.plan import Reason, Step

_OF_MODULE = {
    Why.REQUIREMENT_CHANGED: Kind.REQUIREMENT,
    Why.REQUIREMENT_ADDED: Kind.REQUIREMENT,
    Why.REQUIREMENT_REMOVED: Kind.REQUIREMENT,
    Why.USES_CHANGED: Kind.USES,
    Why.IMPLEMENTS_CHANGED: Kind.USES,
    Why.EXPORT_ADDED: Kind.FUNCTION,
    Why.EXPORT_REMOVED: Kind.CONTRACT,
    Why.EXPORT_CHANGED: Kind.FRAME,  # where callers see it too it is a contract: see below
    Why.IMPORT_CHANGED: Kind.CONTRACT,
    Why.IMPORT_REMOVED: Kind.CONTRACT,
    Why.NEVER_GENERATED: Kind.MODULE,
    Why.RECORD_MISSING: Kind.HAND,
}
_OF_STEP = {
    "text": Kind.HAND,
    "include": Kind.VALUE,
    "stamp": Kind.VALUE,
    "in sight": Kind.VALUE,
    "types": Kind.VALUE,
    "contracts": Kind.WAIVER,
    "declarations": Kind.CONTRACT,
    "examples": Kind.TEST,
    "product": Kind.SETTING,
    "nasm": Kind.TOOLS,
    "rules": Kind.TOOLS,
    "driver": Kind.TOOLS,
    "linker": Kind.TOOLS,
    "stub": Kind.CONTRACT,
    "harness": Kind.TOOLS,
}
_FOLLOWS = ("code", "code of", "stamp of", "objects of", "text without comments", "banner")


def of(
    stale: Mapping[ModuleName, tuple[Reason, ...]],
    ran: Mapping[Step, tuple[Reason, ...]],
    *,
    seen_by_callers: Iterable[str] = (),
    types: Iterable[str] = (),
    edited: bool = False,
) -> tuple[Kind, ...]:
    """Return the kinds of a change, the dearest first; none if nothing tells.

    `seen_by_callers` names the exports whose caller's side changed, `types` the imports that are
    no function or data; `edited` says that a text was changed by hand.
    """
    found: set[Kind] = set()
    fields, visible = set(types), set(seen_by_callers)
    for reasons in stale.values():
        for reason in reasons:
            kind = _OF_MODULE.get(reason.kind)
            if reason.kind in (Why.IMPORT_CHANGED, Why.IMPORT_REMOVED) and reason.subject in fields:
                kind = Kind.FIELD
            if reason.kind is Why.EXPORT_CHANGED and reason.subject in visible:
                kind = Kind.CONTRACT
            if kind is not None:
                found.add(kind)
    if edited:
        found.add(Kind.HAND)
    if not found:
        found = _from_steps(ran)
    order = list(Kind)
    return tuple(sorted(found, key=order.index))


def _from_steps(ran: Mapping[Step, tuple[Reason, ...]]) -> set[Kind]:
    assembled = {r.kind for s, rs in ran.items() if s.kind is StepKind.ASSEMBLE for r in rs}
    if Why.NEVER_RAN in assembled:
        return {Kind.CLEAN}
    found = {kind for step, reasons in ran.items() for kind in _of_step(step, reasons)}
    if Kind.VALUE in found:
        found -= {Kind.TEST, Kind.WAIVER}  # a value changes what is checked and tested as well
    return found or ({Kind.REPAIR} if ran else set())


def _of_step(step: Step, reasons: Iterable[Reason]) -> Iterable[Kind]:
    for reason in reasons:
        if reason.kind is not Why.INPUT_CHANGED or reason.subject.startswith(_FOLLOWS):
            continue
        if reason.subject.startswith("file "):
            yield Kind.TEST if step.kind is StepKind.TEST else Kind.HAND
        elif reason.subject.startswith("library "):
            yield Kind.TOOLS
        else:
            yield _OF_STEP.get(reason.subject, Kind.SETTING)
