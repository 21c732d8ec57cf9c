"""Running chosen steps through doit, for commands that decide themselves what to do next."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from asmith.run import events, layout, tasks, view

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from asmith.model.plan import Step
    from asmith.run.session import Session


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
    from doit.cmd_base import ModuleTaskLoader
    from doit.doit_cmd import DoitMain

    run = tasks.Run(session, locked=True)

    def task_asmith() -> Iterator[dict[str, Any]]:
        for step in todo.values():
            made = tasks.task(run, step)
            made["task_dep"] = [d for d in made["task_dep"] if d in todo]
            yield made

    config = {
        "backend": "asmith",
        "dep_file": str(session.root / layout.STATE),
        "reporter": _Reporter(session, todo),
        "continue": True,
        "verbosity": 0,
        "par_type": "thread",
        "num_process": jobs if jobs > 1 else 0,
        "outfile": io.StringIO(),
    }
    loader = ModuleTaskLoader({"task_asmith": task_asmith, "DOIT_CONFIG": config})
    tasks.in_run(lambda: int(DoitMain(loader, config_filenames=()).run(["run"])))


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
