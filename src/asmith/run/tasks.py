"""The adapter to doit: steps as doit tasks, with our state as the only truth.

A task has no file_dep and no targets: `uptodate` asks `Session.status`, which is asked again right
before the task would run, so an equal result upstream stops the rebuild there. `_open` takes the
lock before anything is decided, and the end of the run gives it back; `adopt:<product>` makes what
was linked and tested the last good build.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from asmith.errors import AsmithError, BugError, StepFailedError
from asmith.host import clock, files
from asmith.model.names import ModuleName
from asmith.model.plan import Step, StepKind
from asmith.run import adopt, layout, planning, repair, review, view
from asmith.run.backend import Backend
from asmith.run.events import Closed, Opened, Planned
from asmith.run.recorder import Recorder
from asmith.run.resident import Resident
from asmith.store import lock
from asmith.store.state import Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from asmith.run.asking import Asking
    from asmith.run.session import Session

OPEN = "_open"
REST = "modules"  # adopt:modules, for what no product links
# Actions print nothing. To capture output, doit exchanges sys.stdout for the whole process, which
# two threads at once leave exchanged: messages after `-n 2` would vanish.
_QUIET = {"verbosity": 0, "io": {"capture": False}}
_TITLES = {
    StepKind.GENERATE: "an answer for {0}, from the store or a generator",
    StepKind.ASSEMBLE: "modules/{0}.asm -> object with its stamp",
    StepKind.CHECK: "hold the object of {0} to its contract",
    StepKind.COMPARE: "compare interfaces/{0}.h with the library's real headers",
    StepKind.LINK: "check the objects of {0} against each other and link them",
    StepKind.TEST: "the tests of {0}, in child processes",
}


class Run:
    """One run through doit: the session and the lock it holds.

    A project that `stays` in memory writes its index when it has time.
    """

    def __init__(
        self,
        session: Session,
        *,
        locked: bool = False,
        at_home: Resident | None = None,
        stays: bool = False,
    ) -> None:
        self.session = session
        self.adopted: list[ModuleName] = []
        self._recorder: Recorder | None = None
        self._home = at_home or Resident(session.root)
        self._stays = stays
        self._lock: int | None = -1 if locked else None
        self._ours = locked  # whoever runs the steps raises what is kept in the session

    def open(self) -> Any:
        """Take the lock, finish what a kill interrupted, and look at everything again."""
        if self._lock is None:
            return _told(self._open)
        return None

    def _open(self) -> None:
        Backend.running = True
        self._lock = lock.acquire(self.session.root / layout.LOCK)
        Backend.ended = self.close
        self.session = prepare(self._home, asking=self.session.asking)
        self._recorder = Recorder(self.session.root, "doit", 0.0 if self._stays else clock.age())
        self.session.observer = self._recorder
        self.session.tell(Opened(self.session))
        self.session.tell(Planned((), view.stale(self.session.seen_modules())))

    def close(self) -> None:
        """Note what holds now, and give the lock back."""
        if self._lock is not None and self._lock >= 0:
            repair.reject_drafts(self.session)
            self.session.asking.close()
            self.session.state.compact(only_if_long=True)
            files.remove_below(self.session.root / layout.SCRATCH)
            self._record()
            self._home.settle(self.session)
            if not self._stays:
                self._home.save()
            lock.release(self._lock)
            self._lock = None

    def _record(self) -> None:
        if self._recorder is not None:
            errors = (*self.session.problems.values(), *self.session.failures.values())
            self.session.tell(Closed(errors))
            self._recorder.write(self._recorder.note(sys.exc_info()[1]))

    def execute(self, step: Step) -> Any:
        """Run a step for doit: None on success, a TaskFailed with the message otherwise.

        What is no `AsmithError` is a bug, or the terminal's: doit swallows it or prints all of it.
        """

        def work() -> None:
            try:
                repair.execute(self.session, step)
            except AsmithError:
                raise
            except Exception as error:
                self.session.bug = self.session.bug or error
                if self._ours:
                    raise
                raise BugError(error) from error

        return _told(work)

    def adopt(self, steps: Sequence[Step]) -> Any:
        """Adopt the results of steps for doit."""

        def work() -> None:
            repair.finish(self.session, steps)
            with self.session.guard:
                if missing := adopt.unfinished(self.session, steps):
                    raise StepFailedError(
                        "nothing was adopted: the last good build stays",
                        why=f"without a result: {', '.join(str(s) for s in missing)}",
                    )
                free = list(steps)
                if self.session.workspace.config.review:
                    free, staged = review.stage(self.session, steps)
                    for line in review.note_of(staged):
                        print(line, file=sys.__stderr__)
                self.adopted += adopt.adopt(self.session, free)

        return _told(work)


def prepare(
    at_home: Resident, *, force: bool = False, asks: bool = True, asking: Asking | None = None
) -> Session:
    """Return a session whose change-sets without an answer are held on their base.

    With `force` an edit by hand does not stand in the way of an answer; unless it `asks`, the store
    alone answers. `asking` is that of the run, where there was a session before.
    """
    adopt.recover(at_home.root)
    if at_home.state is None:  # this process has built nothing: clear up behind one that was killed
        files.remove_below(at_home.root / layout.SCRATCH)
    session = at_home.session()
    session.force = force
    session.asks = asks
    session.asking = asking or session.asking
    review.restore(session)
    hold_unanswerable(session)
    return session


def hold_unanswerable(session: Session) -> None:
    """Hold every change-set of which a module cannot be answered now, or waits for review."""
    session.problems = planning.unanswerable(session) | review.problems(session)
    session.in_review = review.waiting(session)
    session.hold(planning.mates(session, {*session.problems, *session.in_review}))


def _told(work: Callable[[], None]) -> Any:
    from doit.exceptions import TaskFailed

    try:
        work()
    except AsmithError as error:
        return TaskFailed(error.render())
    return None


def tasks(run: Run) -> Iterator[dict[str, Any]]:
    """Yield the doit tasks of a project, in the order in which a full build meets them."""
    session = run.session
    yield {
        "basename": OPEN,
        "actions": [run.open],
        "uptodate": [False],
        "doc": "take the lock and look at the project",
        **_QUIET,
    }
    for kind in StepKind:
        yield {"basename": str(kind), "name": None, "doc": _GROUPS[kind]}
    yield {"basename": "adopt", "name": None, "doc": "make what holds the last good build"}
    all_steps = session.all_steps()
    there = {OPEN, *map(str, all_steps)}  # the rest is known to hold
    adoptions = {n: [s for s in steps if str(s) in there] for n, steps in _adoptions(session)}
    for step in all_steps:
        made = task(run, step)
        made["task_dep"] = [d for d in made["task_dep"] if d in there]
        if step.kind is StepKind.GENERATE and step.subject in session.problems:
            # It will fail: everything else goes first, since doit stops at a failure.
            others = (n for n, steps in adoptions.items() if not _awaits(session, steps, step))
            made["task_dep"] += [f"adopt:{n}" for n in others]
        yield made
    yield from (_adoption(run, name, steps) for name, steps in adoptions.items())


_GROUPS = {
    StepKind.GENERATE: "get an answer for each stale module",
    StepKind.ASSEMBLE: "assemble and stamp each module",
    StepKind.CHECK: "hold each object to its contract",
    StepKind.COMPARE: "compare each external interface with the real headers",
    StepKind.LINK: "link each product",
    StepKind.TEST: "run each module's tests",
}


def task(run: Run, step: Step) -> dict[str, Any]:
    """Return the doit task of one step."""
    return {
        "basename": str(step.kind),
        "name": step.subject,
        "doc": _TITLES[step.kind].format(step.subject),
        "actions": [(run.execute, (step,))],
        "uptodate": [lambda: _uptodate(run, step)],
        "task_dep": [OPEN, *(str(s) for s in before(run.session, step))],
        "clean": [(clean, (run.session, step))],
        **_QUIET,
        "title": lambda made: _title(run, step, made.name),
    }


def _title(run: Run, step: Step, name: str) -> str:
    """Return what doit prints of a step that starts: its name and the first reason."""
    reason = next(map(str, run.session.status(step).reasons), "")
    return f"{name}  ({reason})" if reason else name


def _uptodate(run: Run, step: Step) -> bool:
    session = run.session
    if step.kind is StepKind.GENERATE and ModuleName(step.subject) in session.problems:
        return False
    return session.status(step).clean


def before(session: Session, step: Step) -> list[Step]:
    """Return the steps that must have their result first."""
    name = step.subject
    match step.kind:
        case StepKind.GENERATE | StepKind.COMPARE:
            return []
        case StepKind.ASSEMBLE:
            module = session.modules[ModuleName(name)]
            if module.held and module.source is not None:
                return []
            return [Step(StepKind.GENERATE, name)]
        case StepKind.CHECK:
            return [Step(StepKind.ASSEMBLE, name)]
        case StepKind.LINK:
            modules = session.linked(step)
            return [*session.comparisons(modules), *_unsettled(session, StepKind.CHECK, modules)]
        case StepKind.TEST:
            linked = session.linked(step)
            return [Step(StepKind.CHECK, name), *_unsettled(session, StepKind.ASSEMBLE, linked)]


def _unsettled(session: Session, kind: StepKind, modules: Sequence[ModuleName]) -> list[Step]:
    """Return the steps of a kind and of these modules that may have to run."""
    if session.known is None:
        return [Step(kind, m) for m in modules]
    some = sorted(s for s in session.region if s.kind is kind)
    members = set(modules) if some else ()
    return [s for s in some if s.subject in members]


def _awaits(session: Session, steps: Collection[Step], answer: Step) -> bool:
    """Tell whether any of `steps` must wait for an answer, since its module has no text yet."""
    name = ModuleName(answer.subject)
    if session.modules[name].source is not None:
        return False
    links = (s for s in steps if s.kind in (StepKind.LINK, StepKind.TEST))
    return any(name in session.linked(s) for s in links)


def _adoptions(session: Session) -> Iterator[tuple[str, list[Step]]]:
    """Yield what is adopted together: the name of a product, or the rest, and its steps."""
    rest = set(session.looked_at())
    for product in session.workspace.config.products:
        link = Step(StepKind.LINK, product)
        members = planning.mates(session, session.linked(link)) | set(session.linked(link))
        rest -= members
        yield product, [link, *_module_steps(session, members.intersection(session.looked_at()))]
    if rest:
        yield REST, _module_steps(session, rest)


def _module_steps(session: Session, members: Collection[ModuleName]) -> list[Step]:
    """Return the steps of modules that are not held: a held one stays as it is."""
    moving = [m for m in sorted(members) if not session.modules[m].held]
    return [*session.comparisons(members), *(s for m in moving for s in session.steps_of(m))]


def _adoption(run: Run, name: str, steps: list[Step]) -> dict[str, Any]:
    return {
        "basename": "adopt",
        "name": name,
        "doc": f"make what holds of {name} the last good build",
        "actions": [(run.adopt, (steps,))],
        "uptodate": [lambda: not adopt.pending(run.session, steps)],
        "task_dep": [OPEN, *(str(s) for s in steps)],
        **_QUIET,
    }


def clean(session: Session, step: Step) -> None:
    """Remove a step's outputs below build/ and forget them; modules/ is never touched."""
    try:
        with lock.held(session.root / layout.LOCK):
            for slot in Slot:
                entry = session.state.entries.get((slot, str(step)))
                if entry is not None:
                    session.state.drop(slot, [str(step)])
                    for name in entry.outputs:
                        files.remove(session.root / layout.output(slot, name))
    except AsmithError as error:
        print(error.render(), file=sys.__stderr__)
        raise SystemExit(error.exit_code) from None  # and has no other way to end a clean


def in_run(work: Callable[[], int]) -> int:
    """Call doit so that it takes no failed step for one to forget."""
    Backend.running = True
    try:
        return work()
    finally:
        Backend.running = False
