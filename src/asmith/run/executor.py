"""Running chosen steps through doit, for commands that decide themselves what to do next."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from asmith.model.plan import StepKind
from asmith.run import events, layout, tasks, view
from asmith.run.backend import Backend

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from asmith.model.plan import Step
    from asmith.run.session import Session

_APART = (StepKind.ASSEMBLE, StepKind.CHECK)  # kinds of which run/jobs.py has the work
_WORTH = 3  # steps for each process, from which on it is worth its fork


def run_steps(
    session: Session,
    steps: Collection[Step],
    jobs: int,
) -> None:
    """Run those of `steps` that do not hold, `jobs` at a time; failures stay in the session.

    A step whose result holds when its turn comes, since an earlier one made the same bytes again,
    is passed over. The session's observer is told of everything.
    """
    todo = {str(s): s for s in session.all_steps() if s in steps and not session.status(s).clean}
    session.tell(events.Planned(tuple(todo.values()), view.stale(session.seen_modules())))
    if not todo:
        return
    from doit.control import TaskControl
    from doit.dependency import Dependency
    from doit.runner import MThreadRunner, Runner
    from doit.task import dict_to_task

    run = tasks.Run(session, locked=True)
    control = TaskControl([dict_to_task(_among(tasks.task(run, s), todo)) for s in todo.values()])
    control.process(None)
    state = Dependency(Backend, str(session.root / layout.STATE))
    told = (state, _Reporter(session, todo), True)  # and go on after a failure
    runner = Runner(*told) if jobs == 1 else MThreadRunner(*told, num_process=jobs)
    with _workers(session, todo.values(), jobs):
        tasks.in_run(lambda: int(runner.run_all(control.task_dispatcher())))
    if session.bug is not None:
        raise session.bug


@contextmanager
def _workers(session: Session, steps: Collection[Step], jobs: int) -> Iterator[None]:
    """Have up to `jobs` processes for the steps that one does apart, if these are worth it."""
    count = min(jobs, sum(s.kind in _APART for s in steps) // _WORTH)
    if count <= 1:
        yield
        return
    from asmith.host.workers import working  # slow to import

    with working(count, lambda job: job.perform(session.workspace)) as workers:
        session.workers = workers
        try:
            yield
        finally:
            session.workers = None


def warm() -> None:
    """Import what the first run would have to, for whoever has time before it."""
    from doit import control, dependency, runner, task

    del control, dependency, runner, task


def _among(task: dict[str, Any], todo: Mapping[str, Step]) -> dict[str, Any]:
    """Return a task as doit itself knows it, with its dependencies among `todo` alone."""
    made = {k: v for k, v in task.items() if k != "basename"}
    made["name"] = f"{task['basename']}:{task['name']}"
    made["task_dep"] = [d for d in task["task_dep"] if d in todo]
    return made


class _Reporter:
    """A doit reporter that only tells of what is passed over; the engine tells the rest."""

    desc = "for asmith build"

    def __init__(self, session: Session, todo: dict[str, Step]) -> None:
        self._session = session
        self._todo = todo

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None

    def skip_uptodate(self, task: Any) -> None:
        if (step := self._todo.get(task.name)) is not None:
            self._session.tell(events.Passed(step))
