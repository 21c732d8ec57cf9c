"""The build that `asmith build` runs. It reads from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from asmith.errors import AsmithError, ExitCode, StepFailedError, StoppedError, UnavailableError
from asmith.model.names import ModuleName
from asmith.model.plan import Step, StepKind
from asmith.run import (
    adopt,
    answering,
    engine,
    events,
    layout,
    planning,
    recorder,
    review,
    tasks,
    view,
)
from asmith.run.executor import run_steps
from asmith.run.resident import Resident
from asmith.store import lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asmith.model.plan import Plan
    from asmith.run.events import Observer
    from asmith.run.session import Session


_TRIES = 5  # how often a build begins again because its sources changed under it


@dataclass(frozen=True, slots=True)
class Options:
    """What a build was asked for."""

    targets: tuple[str, ...] = ()
    jobs: int = 1
    locked: bool = False  # fail if anything is stale
    force: bool = False  # overwrite hand-edited texts
    before: float = 0.0  # seconds since the command started
    asks: bool = True  # call generators; without it the store alone answers
    stop: Callable[[], bool] = lambda: False  # asked before each step: end the build here
    review: bool | None = None  # stage new texts for a person; None: as configured
    steps: frozenset[Step] | None = None  # exactly these, instead of those behind the targets


@dataclass(slots=True)
class Outcome:
    """What a build came to."""

    executed: list[Step] = field(default_factory=list)
    adopted: list[ModuleName] = field(default_factory=list)
    in_review: frozenset[ModuleName] = frozenset()  # what waits for a person's word
    errors: list[AsmithError] = field(default_factory=list)
    kept: int = 0  # steps that held already

    @property
    def exit_code(self) -> ExitCode:
        """Return the exit code: findings and failed steps weigh more than what is unavailable."""
        codes = {e.exit_code for e in self.errors}
        if ExitCode.FINDINGS in codes:
            return ExitCode.FINDINGS
        return max(codes, default=ExitCode.OK)


def build(root: Path, options: Options, observer: Observer) -> Outcome:
    """Bring a project up to date and adopt what holds; `observer` is told of what happens."""
    with (
        lock.held(root / layout.LOCK),
        recorder.recording(root, "build", observer, before=options.before) as told,
    ):
        return build_locked(root, options, told)


def build_locked(
    root: Path, options: Options, observer: Observer, *, resident: Resident | None = None
) -> Outcome:
    """Do what `build` does, for a caller that holds the lock.

    A project that is `resident` is built from what it knows, and its index is not written: whoever
    keeps it does that when there is time (`Resident.save`).
    """
    at_home = resident or Resident.open(root)
    if options.targets or options.steps:
        at_home.forget()
    try:
        outcome, session = _build(at_home, options, observer)
    finally:
        at_home.wrote()
    at_home.settle(session)
    if resident is None:
        at_home.save()
    return outcome


def _build(at_home: Resident, options: Options, observer: Observer) -> tuple[Outcome, Session]:
    outcome = Outcome()
    failed: dict[ModuleName, AsmithError] = {}
    again = _TRIES
    while True:
        session = tasks.prepare(at_home, force=options.force, asks=options.asks)
        session.stop = options.stop
        session.observer = observer
        session.tell(events.Opened(session))
        session.hold(planning.mates(session, failed))
        if options.locked:
            _refuse_stale(session, planning.plan(session, options.targets))
        steps = options.steps or planning.scope(session, options.targets)
        if not outcome.executed:
            outcome.kept = session.outside + sum(session.status(s).clean for s in steps)
        run_steps(session, steps, options.jobs)
        at_home.wrote()
        outcome.executed += session.executed
        if options.stop():
            raise StoppedError("the build was stopped")
        if (late := session.outdated()) and (again := again - 1) > 0:
            at_home.changed(late)
            continue  # a spec or interface was saved meanwhile: what it made is not adopted
        # Beyond this point every step either holds, or failed, or waits for one that failed.
        blame = _blame(session, failed)
        if not blame:
            break
        # A failing change-set stays on its last good modules; the others go on without it.
        failed |= blame
        reject_drafts(session)
    asked = {s.subject for s in steps if s.kind is StepKind.GENERATE}
    problems = [e for n, e in session.problems.items() if n in asked and n not in failed]
    outcome.errors = _told_once([*problems, *failed.values()], session)
    adoptable = _adoptable(session, steps)
    outcome.in_review = session.in_review
    if not adopt.unfinished(session, adoptable):
        if session.workspace.config.review if options.review is None else options.review:
            adoptable, staged = review.stage(session, adoptable)
            outcome.in_review |= set(staged)
        outcome.adopted = list(adopt.adopt(session, adoptable))
    elif not outcome.errors:
        outcome.errors.append(StepFailedError("some steps have no result"))
    session.state.compact(only_if_long=True)
    session.tell(events.Closed(tuple(outcome.errors)))
    return outcome, session


def _told_once(errors: list[AsmithError], session: Session) -> list[AsmithError]:
    """Return the errors, each once; what merely waited for a failed step says nothing new."""
    errors += session.failures.values()
    once = list({(e.what, getattr(e, "findings", ())): e for e in errors}.values())
    return [e for e in once if not isinstance(e, engine.WaitingError)] or once


def _adoptable(session: Session, steps: Any) -> list[Step]:
    """Return the steps whose results adoption takes.

    Held modules have none to take. What links a module that never had an answer cannot be made,
    and was not before; it keeps nothing else from being adopted, but a candidate whose tests are
    among it, and what links that one, wait.
    """
    looked_at = {n: session.modules[n] for n in session.looked_at()}
    held = {n for n, m in looked_at.items() if m.held}
    missing = {n for n, m in looked_at.items() if m.source is None}
    untested = {
        ModuleName(s.subject)
        for s in session.all_steps()
        if s.kind is StepKind.TEST
        and s.subject in looked_at
        and looked_at[ModuleName(s.subject)].draft
        and missing.intersection(session.linked(s))
    }
    waiting = missing | untested
    return [
        s
        for s in steps
        if (not s.of_module or s.subject not in held)
        and not waiting.intersection(_involved(session, s))
    ]


def _refuse_stale(session: Session, plan: Plan) -> None:
    stale = [p for p in plan.steps if p.step.kind is StepKind.GENERATE]
    drafts = [n for n in session.looked_at() if session.modules[n].draft]
    waiting = {*session.problems, *session.in_review}
    names = sorted({*(p.step.subject for p in stale), *waiting, *drafts})
    if names:
        raise StepFailedError(
            f"--locked: {', '.join(names)} {'is' if len(names) == 1 else 'are'} stale",
            why="; ".join(str(r) for n in names for r in session.modules[ModuleName(n)].base_stale),
            help="build without --locked and commit modules/",
        )


def _blame(
    session: Session, failed: dict[ModuleName, AsmithError]
) -> dict[ModuleName, AsmithError]:
    """Return the modules whose change-sets the failures are to be blamed on, not held yet."""
    blame: dict[ModuleName, AsmithError] = {}
    moving = {n for s in planning.change_sets(session) for n in s.modules}
    for step, error in session.failures.items():
        if isinstance(error, UnavailableError):
            continue  # nobody's fault, and no better for those that are not held
        suspects = [n for n in _involved(session, step) if n in moving]
        blame |= {n: error for n in suspects if n not in failed and not session.modules[n].held}
    return blame


def _involved(session: Session, step: Step) -> tuple[ModuleName, ...]:
    """Return the modules that a step works on."""
    if step.kind in (StepKind.LINK, StepKind.TEST):
        return session.linked(step)
    return (ModuleName(step.subject),) if step.of_module else ()


def reject_drafts(session: Session) -> None:
    """Take back the drafts that a generator made and that failed, and log them as rejected.

    A failed step of a draft's own speaks against that draft alone; one of a module that did not
    change, or of a product, against every draft that it links.
    """
    for step, error in session.failures.items():
        if isinstance(error, UnavailableError):
            continue  # a full disk or a missing tool says nothing of an answer
        looked_at = set(session.looked_at()).intersection(_involved(session, step))
        drafts = [n for n in sorted(looked_at) if session.modules[n].draft]
        own = [n for n in drafts if n == step.subject]
        for name in own or drafts:
            record = session.modules[name].record
            if record is not None and not answering.was_accepted(session, record):
                answering.log(session, record, answering.said(error))
                view.remove_draft(session.root, name)
