"""The build that `asmith build` runs. It reads from top to bottom."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass, field
from asmith.errors import (
    AsmithError,
    BudgetError,
    ExitCode,
    StepFailedError,
    StoppedError,
    UnavailableError,
)
from asmith.host import files
from asmith.model.names import ModuleName
from asmith.model.plan import Step, StepKind
from asmith.run import (
    adopt,
    engine,
    events,
    layout,
    planning,
    recorder,
    repair,
    review,
    tasks,
)
from asmith.run.asking import Asking, Wishes
from asmith.run.executor import run_steps
from asmith.run.resident import Resident
from asmith.store import lock
from asmith.store.state import Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path
    from types import ModuleType

    from asmith.generate.budget import Cost
    from asmith.model.plan import Plan
    from asmith.run.events import Observer
    from asmith.run.session import Session
    from asmith.store import index


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
    looked: index.Looked | None = None  # what was seen already of a project that is not resident
    steps: frozenset[Step] | None = None  # exactly these, instead of those behind the targets
    wishes: Wishes = field(default_factory=Wishes)  # about generators
    asking: Asking | None = None  # of the run that this build is a part of; None: a run of its own


@dataclass(slots=True)
class Outcome:
    """What a build came to."""

    executed: list[Step] = field(default_factory=list)
    adopted: list[ModuleName] = field(default_factory=list)
    in_review: frozenset[ModuleName] = frozenset()  # what waits for a person's word
    errors: list[AsmithError] = field(default_factory=list)
    products: list[str] = field(default_factory=list)  # that were replaced in build/bin
    kept: int = 0  # steps that held already
    spent: Cost | None = None  # on generators

    @property
    def exit_code(self) -> ExitCode:
        """Return the exit code: findings and failed steps weigh more than what is unavailable."""
        codes = {e.exit_code for e in self.errors}
        if ExitCode.FINDINGS in codes:
            return ExitCode.FINDINGS
        return max(codes, default=ExitCode.OK)


def build(
    root: Path, options: Options, observer: Observer, *, resident: Resident | None = None
) -> Outcome:
    """Bring a project up to date and adopt what holds; `observer` is told of what happens.

    `resident` is as for `build_locked`.
    """
    with (
        lock.held(root / layout.LOCK),
        recorder.recording(root, "build", observer, before=options.before) as told,
    ):
        return build_locked(root, options, told, resident=resident)


def build_locked(
    root: Path, options: Options, observer: Observer, *, resident: Resident | None = None
) -> Outcome:
    """Do what `build` does, for a caller that holds the lock.

    A project that is `resident` is built from what it knows, and its index is not written nor the
    scratch place removed: whoever keeps it does that when there is time (`Resident.save`, `leave`).
    """
    if options.asking is not None:
        options.asking.begin_again()
        return _built(root, options, observer, options.asking, resident)
    with closing(Asking(options.wishes)) as asking:
        return _built(root, options, observer, asking, resident)


def _built(
    root: Path, options: Options, observer: Observer, asking: Asking, resident: Resident | None
) -> Outcome:
    at_home = resident or Resident.open(root, options.looked)
    if options.targets or options.steps:
        at_home.forget()
    try:
        outcome, session = _build(at_home, options, observer, asking)
    finally:
        at_home.wrote()
        if resident is None:
            files.remove_below(root / layout.SCRATCH)
    at_home.settle(session)
    if resident is None:
        at_home.save()
    return outcome


def _build(
    at_home: Resident, options: Options, observer: Observer, asking: Asking
) -> tuple[Outcome, Session]:
    outcome = Outcome()
    failed: dict[ModuleName, AsmithError] = {}
    again = _TRIES
    while True:
        session = _opened(at_home, options, observer, asking, failed)
        steps = options.steps or planning.scope(session, options.targets)
        if not outcome.executed:
            outcome.kept = session.outside + sum(session.status(s).clean for s in steps)
        if options.wishes.samples > 1 and not outcome.executed:
            _sampling().require_benchmarks(session, steps)
        if options.wishes.batch:
            _batching().fetch(session, (ModuleName(s.subject) for s in steps if _generates(s)))
        run_steps(session, steps, options.jobs)
        at_home.wrote()
        outcome.executed += session.executed
        if options.stop():
            raise StoppedError("the build was stopped")
        if (late := session.outdated()) and (again := again - 1) > 0:
            at_home.changed(late)
            asking.begin_again()
            continue  # a spec or interface was saved meanwhile: what it made is not adopted
        if repair.goes_on(session):
            failed |= asking.given_up
            continue  # what used a rejected answer runs again; findings of links and so on go back
        names = [ModuleName(s.subject) for s in steps if _generates(s)]
        counted = len(session.executed)
        if options.wishes.samples > 1 and _sampling().compete(session, names, failed):
            outcome.executed += session.executed[counted:]
            continue  # the fastest correct answers are tested with all that links them
        # Beyond this point every step either holds, or failed, or waits for one that failed.
        blame = _blame(session, failed)
        if not blame:
            break
        # A failing change-set stays on its last good modules; the others go on without it.
        failed |= blame
    _conclude(session, options, steps, outcome, failed)
    outcome.spent = asking.spent()
    outcome.errors = _with_what_is_left(outcome.errors, session, outcome.adopted)
    session.state.compact(only_if_long=True)
    session.tell(events.Closed(tuple(outcome.errors)))
    return outcome, session


def _sampling() -> ModuleType:
    from asmith.run import sampling  # which few builds need

    return sampling


def _batching() -> ModuleType:
    from asmith.run import batching  # which few builds need

    return batching


def _conclude(
    session: Session,
    options: Options,
    steps: Collection[Step],
    outcome: Outcome,
    failed: Mapping[ModuleName, AsmithError],
) -> None:
    """Adopt what holds, or stage it for review; tell what does not."""
    asked = {s.subject for s in steps if _generates(s)}
    problems = [e for n, e in session.problems.items() if n in asked and n not in failed]
    fewer = [e for n, e in session.asking.fewer.items() if n not in failed]
    outcome.errors = _told_once([*problems, *failed.values(), *fewer], session)
    adoptable = _adoptable(session, steps)
    outcome.in_review = session.in_review
    left = adopt.unfinished(session, adoptable)
    if not left:
        if session.workspace.config.review if options.review is None else options.review:
            adoptable, staged = review.stage(session, adoptable)
            outcome.in_review |= set(staged)
        links = [s for s in adoptable if s.kind is StepKind.LINK]
        outcome.products = [s.subject for s in links if session.status(s).slot is Slot.STAGE]
        outcome.adopted = list(adopt.adopt(session, adoptable))
    elif not outcome.errors:
        outcome.errors.append(_without_result(session, left))


def _without_result(session: Session, left: Sequence[Step]) -> StepFailedError:
    """Return the error about steps that ended well and no longer hold."""
    reasons = session.status(left[0]).reasons
    return StepFailedError(
        f"{', '.join(map(str, left))}: no result holds any more",
        why=str(reasons[0]) if reasons else "a file that it reads was changed meanwhile",
        help="run the build again when the files are at rest",
    )


def _opened(
    at_home: Resident,
    options: Options,
    observer: Observer,
    asking: Asking,
    failed: Collection[ModuleName],
) -> Session:
    """Return a session in which what failed, and what moves with it, stays as it is."""
    session = tasks.prepare(at_home, force=options.force, asks=options.asks, asking=asking)
    session.stop = options.stop
    session.observer = observer
    session.tell(events.Opened(session))
    session.hold(planning.mates(session, failed))
    if options.locked:
        _refuse_stale(session, planning.plan(session, options.targets))
    return session


def _with_what_is_left(
    errors: list[AsmithError], session: Session, adopted: list[ModuleName]
) -> list[AsmithError]:
    """Return the errors; those of the budget in one, with what was done and what is left."""
    budget = [e for e in errors if isinstance(e, BudgetError)]
    if not budget:
        return errors
    seen = session.seen_modules()
    left = ", ".join(n for n, m in sorted(seen.items()) if m.stale and not m.draft)
    first = budget[0]
    whole = BudgetError(
        first.what,
        where=first.where,
        why=f"{first.why}\ndone: {', '.join(adopted) or 'nothing'}; left: {left or 'nothing'}",
        help=first.help,
    )
    return [*(e for e in errors if e not in budget), whole]


def _generates(step: Step) -> bool:
    return step.kind is StepKind.GENERATE


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
        and not (waiting and waiting.intersection(repair.involved(session, s)))
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
    if not session.failures:
        return blame
    moving = {n for s in planning.change_sets(session) for n in s.modules}
    for step, error in session.failures.items():
        if isinstance(error, UnavailableError) and step.kind is not StepKind.GENERATE:
            continue  # nobody's fault, and no better for those that are not held
        suspects = [n for n in repair.involved(session, step) if n in moving]
        blame |= {n: error for n in suspects if n not in failed and not session.modules[n].held}
    return blame
