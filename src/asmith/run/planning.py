"""Plans: what a build would do at most, with the reasons, and which modules move together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.errors import UsageError, did_you_mean
from asmith.graph import changeset
from asmith.model.names import ModuleName
from asmith.model.plan import ChangeSet, Plan, PlannedStep, Reason, Step, StepKind, Why
from asmith.run import answering
from asmith.store.state import Slot

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from asmith.errors import AsmithError
    from asmith.run.session import Session

_TIES = (
    Why.EXPORT_CHANGED, Why.EXPORT_ADDED, Why.EXPORT_REMOVED, Why.IMPORT_CHANGED,
    Why.IMPORT_REMOVED,
)  # fmt: skip


def scope(session: Session, targets: Sequence[str]) -> frozenset[Step]:
    """Return the steps behind targets (modules, products, `kind:name` steps); all for none."""
    everything = session.all_steps()
    if not targets:
        return frozenset(everything)
    chosen: set[Step] = set()
    for target in targets:
        found = [s for s in everything if target in (str(s), s.subject)]
        if not found:
            known = sorted({str(s) for s in everything} | {s.subject for s in everything})
            raise UsageError(
                f"there is no module, product or step '{target}'{did_you_mean(target, known)}",
                help="asmith graph shows the modules, doit list the steps",
            )
        chosen.update(found)
    members = set()
    for step in chosen:
        if step.of_module or step.kind is StepKind.LINK:
            members |= set(session.linked(step)) if _links(step) else {ModuleName(step.subject)}
    mates = [s for s in change_sets(session) if members & set(s.modules)]
    members |= {m for s in mates for m in s.modules}
    chosen |= {s for m in members for s in session.steps_of(m)}
    chosen |= {
        c for s in chosen if s.kind is StepKind.LINK for c in session.comparisons(session.linked(s))
    }
    return frozenset(chosen)


def _links(step: Step) -> bool:
    return step.kind in (StepKind.LINK, StepKind.TEST)


def plan(session: Session, targets: Sequence[str] = ()) -> Plan:
    """Return every step that a build would run at most, in order, with its reasons."""
    chosen = scope(session, targets)
    planned = []
    for step in session.all_steps():
        status = session.status(step)
        if step in chosen and not status.clean:
            certain = status.blocked_by is None
            planned.append(PlannedStep(step, status.reasons, certain))
    return Plan(tuple(planned), change_sets(session))


def touched(session: Session) -> dict[ModuleName, frozenset[str]]:
    """Return the dirty modules and for each the interfaces whose change made it so."""
    found: dict[ModuleName, frozenset[str]] = {}
    for name in session.looked_at():
        module = session.modules[name]
        ties = {r.subject.partition(".")[0] for r in module.base_stale if r.kind in _TIES}
        assemble = Step(StepKind.ASSEMBLE, name)
        entry = session.state.entries.get((Slot.BASE, str(assemble)))
        if entry is not None and module.imports is not None:
            values = {q: e.value for q, e in module.imports.items() if e.value}
            before = entry.facts.get("values", {})
            changed = {q for q in {*values, *before} if values.get(q) != before.get(q)}
            ties |= {q.partition(".")[0] for q in changed}
        if ties or module.waiting or module.draft or not _settled(session, name):
            found[name] = frozenset(ties)
    return found


def _settled(session: Session, name: ModuleName) -> bool:
    """Tell whether the base holds good results for every step of a module."""
    return all(
        s.kind is StepKind.GENERATE or session.status(s).slot is Slot.BASE
        for s in session.steps_of(name)
    )


def change_sets(session: Session) -> tuple[ChangeSet, ...]:
    """Return the modules that move together, dirty ones only."""
    return changeset.partition(touched(session))


def unanswerable(session: Session) -> dict[ModuleName, AsmithError]:
    """Return the waiting modules that nobody can answer now, with the reason for each."""
    waiting = [n for n in session.looked_at() if session.modules[n].waiting]
    problems = ((n, answering.obstacle(session, n)) for n in sorted(waiting))
    return {n: p for n, p in problems if p is not None}


def mates(session: Session, names: Collection[ModuleName]) -> frozenset[ModuleName]:
    """Return the modules together with all that must move with them."""
    found = set(names)
    for one in change_sets(session) if found else ():
        if found & set(one.modules):
            found |= set(one.modules)
    return frozenset(found)


def why(session: Session, name: ModuleName) -> tuple[tuple[Step, tuple[Reason, ...]], ...]:
    """Return each step of a module, and of the products that link it, that would run, and why."""
    steps = list(session.steps_of(name))
    steps += [s for s in session.all_steps() if s.kind is StepKind.LINK]
    found = []
    for step in steps:
        if step.kind is not StepKind.LINK or name in session.linked(step):
            reasons = session.status(step).reasons
            if reasons:
                found.append((step, reasons))
    return tuple(found)
