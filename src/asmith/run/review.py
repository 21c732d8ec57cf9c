"""Review: texts that are staged until a person has accepted or rejected them.

A staged text is a draft with a mark in `.asmith/review/`, so that neither another build nor a
removed build/ lets it pass unseen. While the mark stands, its change-set stays on its last good
texts. A mark counts as long as its text fits today's spec, contracts and the text in modules/.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass
from asmith.errors import StepFailedError, UsageError
from asmith.graph import trace as traces
from asmith.host import files
from asmith.model.names import ModuleName
from asmith.model.plan import StepKind
from asmith.model.record import Mode
from asmith.run import answering, layout, planning, view
from asmith.store import records, turns
from asmith.store.answers import DamagedError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from asmith.errors import AsmithError
    from asmith.model.plan import Reason, Step
    from asmith.model.record import Record
    from asmith.run.session import Session

_DROP = "drop it: asmith reject {0}; its answer stays in the store"


@dataclass(frozen=True, slots=True)
class Mark:
    """What waits: the record of a staged text, and which text in modules/ it replaces."""

    record: Record
    replaces: str
    approved: bool = False  # accepted by a person; it waits for what is adopted with it


def read(root: Path, name: str) -> Mark | None:
    """Return the mark of a module; a damaged one is an error that says how to go on."""
    data = files.read_if_exists(root / layout.review(name))
    if data is None:
        return None
    try:
        value = json.loads(data)
        record = records.decode(json.dumps(value["record"]).encode(), layout.review(name))
        return Mark(record, str(value["replaces"]), bool(value["approved"]))
    except (ValueError, KeyError, TypeError, UsageError) as error:
        raise DamagedError(
            f"what was staged of '{name}' for review is damaged",
            where=layout.review(name),
            why=(error.why if isinstance(error, UsageError) else None) or str(error).lower(),
            help=_DROP.format(name),
        ) from error


def write(root: Path, mark: Mark) -> None:
    """Let a staged text wait for a person, whatever becomes of build/."""
    value: dict[str, Any] = {
        "record": json.loads(records.encode(mark.record)),
        "replaces": mark.replaces,
        "approved": mark.approved,
    }
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    files.write_atomic(root / layout.review(mark.record.module), text.encode(), durable=True)


def marks(session: Session) -> Iterator[Mark]:
    """Yield the marks of the project's modules that are whole."""
    for name in _marked(session):
        with contextlib.suppress(DamagedError):
            if (mark := read(session.root, name)) is not None:
                yield mark


def _marked(session: Session) -> list[ModuleName]:
    names = files.listing(session.root / layout.REVIEW, ".json")
    modules = (ModuleName(n.removesuffix(".json")) for n in names)
    return [m for m in modules if m in session.modules]


def restore(session: Session) -> None:
    """Stage texts again that wait for a person and are gone from build/."""
    for mark in marks(session):
        name = mark.record.module
        if not session.modules[name].draft and _is_wanted(session, mark):
            with contextlib.suppress(DamagedError):
                text = session.store.get(mark.record.assembly)
                if text is not None:
                    view.write_draft(session.root, mark.record, text)
                    session.look_again(name)


def problems(session: Session) -> dict[ModuleName, AsmithError]:
    """Return the modules whose staged text is wanted and cannot be had, with the reasons."""
    found: dict[ModuleName, AsmithError] = {}
    for name in _marked(session):
        try:
            mark = read(session.root, name)
        except DamagedError as error:
            found[name] = error
            continue
        if mark is not None and _is_wanted(session, mark) and not fits(session, mark):
            found[name] = DamagedError(
                f"what was staged of '{name}' for review is gone",
                where=layout.review(name),
                why="neither build/ nor the store has its text",
                help=_DROP.format(name),
            )
    return found


def _is_wanted(session: Session, mark: Mark) -> bool:
    """Tell whether a text that waits would still do for today's spec, contracts and modules/."""
    name = mark.record.module
    spec, interfaces = session.workspace.specs[name], session.workspace.interfaces
    stale = traces.stale_reasons(mark.record, spec, interfaces)
    return not stale and mark.replaces == view.base(session.root, name)


def fits(session: Session, mark: Mark) -> bool:
    """Tell whether a mark's text is the draft that waits now."""
    module = view.look(session.workspace, mark.record.module)
    return (
        module.draft
        and module.record is not None
        and module.record.assembly == mark.record.assembly
    )


def waiting(session: Session) -> frozenset[ModuleName]:
    """Return the modules whose staged text waits for a person's word."""
    return frozenset(m.record.module for m in marks(session) if not m.approved and fits(session, m))


def stage(session: Session, steps: Sequence[Step]) -> tuple[list[Step], tuple[ModuleName, ...]]:
    """Mark the drafts among steps for review; return the steps that may be adopted, and them.

    What moves with a draft waits with it, and so does what links either.
    """
    approved = {m.record.module for m in marks(session) if m.approved and fits(session, m)}
    subjects = {s.subject for s in steps if s.of_module}
    drafts = [
        m
        for n, m in sorted(session.seen_modules().items())
        if m.draft and n not in approved and n in subjects
    ]
    for module in drafts:
        assert module.record is not None
        write(session.root, Mark(module.record, view.base(session.root, module.name)))
    together = planning.mates(session, [m.name for m in drafts])
    free = [s for s in steps if not together.intersection(_involved(session, s))]
    return free, tuple(m.name for m in drafts)


def _involved(session: Session, step: Step) -> tuple[ModuleName, ...]:
    """Return the modules that a step works on."""
    if step.kind in (StepKind.LINK, StepKind.TEST):
        return session.linked(step)
    return (ModuleName(step.subject),) if step.of_module else ()


# ---- what a person sees --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """A text that waits, or was edited by hand, beside the one that it replaces."""

    module: ModuleName
    staged: bool  # false: an edit in modules/
    approved: bool
    reasons: tuple[Reason, ...]
    old: bytes | None
    new: bytes


def changes(session: Session, name: str | None) -> tuple[Change, ...]:
    """Return what waits of one module or of all; raises `UsageError` if there is nothing of it."""
    if name is None:
        found = (_change(session, m.record.module, m) for m in marks(session))
        return tuple(c for c in found if c is not None)
    module = session.named(name).name
    change = _change(session, module, read(session.root, module))
    if change is None:
        raise UsageError(
            f"nothing of '{name}' is staged, and its text is the one that its record names",
            help="asmith build --review stages what it would adopt",
        )
    return (change,)


def _change(session: Session, name: ModuleName, mark: Mark | None) -> Change | None:
    module = view.look(session.workspace, name)
    base = files.read_if_exists(session.root / layout.source(name))
    if mark is not None and fits(session, mark):
        assert module.source is not None
        return Change(name, True, mark.approved, module.base_stale, base, module.source)
    if not module.edited or module.record is None or base is None:
        return None
    old = session.store.get(module.record.assembly)
    return None if old is None else Change(name, False, False, module.base_stale, old, base)


# ---- rejecting -----------------------------------------------------------------------------------


def reject(session: Session, name: str, reason: str) -> bool:
    """Drop a staged text, and keep in its module's attempts that a person did not want it.

    Returns False for one that is damaged: there is nothing to say of it.
    """
    from asmith.generate import feedback

    module = session.named(name).name
    try:
        mark = read(session.root, module)
    except DamagedError:
        view.remove_draft(session.root, module)
        return False
    if mark is None:
        raise UsageError(
            f"nothing of '{name}' waits for review", help="asmith diff shows what does"
        )
    answering.log(session, mark.record, (f"{answering.REVIEW}: {reason or 'no reason given'}",))
    if mark.record.mode is Mode.GENERATED:  # its generator is told, should it be asked again
        error = StepFailedError("a person did not want it", why=reason or None)
        told = feedback.render(error)
        turns.keep(session.store, mark.record.request, mark.record.answer, told)
    view.remove_draft(session.root, module)
    return True


def note_of(names: Collection[ModuleName]) -> tuple[str, ...]:
    """Return lines that say what waits and how to go on."""
    if not names:
        return ()
    one = min(names)
    return (
        f"waits for review: {', '.join(sorted(names))}",
        f"    asmith diff {one}, then asmith accept {one} or asmith reject {one} --reason TEXT",
    )
