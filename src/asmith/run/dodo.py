"""What a project's dodo.py imports: the configuration and the tasks for plain `doit`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from doit.exceptions import InvalidDodoFile
from doit.reporter import ConsoleReporter

from asmith.host import relay
from asmith.run.backend import Backend
from asmith.run.progress import Display
from asmith.store import index

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asmith.model.names import ModuleName
    from asmith.run.resident import Resident


class Reporter(ConsoleReporter):  # type: ignore[misc]  # doit has no types
    """doit's console, with the reasons of what runs and one line at the end."""

    desc = "console output with reasons"
    settled = 0  # steps that hold by the index alone, and are no tasks of this run
    shown: ClassVar[Display | None] = None  # doit makes the reporter itself, one a run

    def __init__(self, outstream: Any, options: Any) -> None:
        super().__init__(outstream, options)
        self.ran = 0
        self.kept = Reporter.settled
        self.display = Reporter.shown = Display(outstream, lines=False)

    def initialize(self, tasks: dict[str, Any], selected_tasks: list[str]) -> None:
        """Take notice of what is to come."""
        super().initialize(tasks, selected_tasks)
        self.display.plan(sum(_is_step(t) for t in _reached(tasks, selected_tasks)))
        self.display.__enter__()

    def write(self, text: str) -> None:
        """Write lines, above the bar where there is one."""
        self.display.write(text)

    def execute_task(self, task: Any) -> None:
        """Print a step that starts; adoption is no step."""
        if task.actions and not task.name.startswith("_"):
            self.ran += not task.name.startswith("adopt:")
            self.write(f".  {task.title()}\n")
            self.display.start(task.name)

    def skip_uptodate(self, task: Any) -> None:
        """Count a step that need not run; groups and adoption are no steps."""
        self.kept += _is_step(task.name)
        if _is_step(task.name):
            self.display.end(task.name)

    def add_success(self, task: Any) -> None:
        """Take notice of a step that ended well."""
        super().add_success(task)
        self.display.end(task.name)

    def add_failure(self, task: Any, fail: Any) -> None:
        """Take notice of a step that failed."""
        self.display.end(task.name)
        super().add_failure(task, fail)

    def complete_run(self) -> None:
        """Say what the run came to."""
        Backend.running = False
        self.display.close()
        if self.runtime_errors:
            self.write("\n".join(["execution aborted", *self.runtime_errors, ""]))
        if not self.failures and not self.runtime_errors:
            if self.ran:
                self.write(f"{_count(self.ran)} ran, {self.kept} up to date\n")
            else:
                self.write(f"nothing to do: {_count(self.kept)} up to date\n")

    def _write_failure(self, result: Any, write_exception: Any = True) -> None:  # noqa: FBT002 -- doit's signature
        """Print a failure's own message, and no more: it says what, where, why and what to do."""
        message = str(result["exception"].get_msg()).strip()
        name = result["task"].name
        head = "" if name.startswith("_") else f"{name} failed\n"
        self.write(f"{head}{message}\n" if write_exception else "")


def _receive(module: ModuleName, received: int) -> None:
    """Show how much of an answer has come."""
    if Reporter.shown is not None:
        Reporter.shown.receive(module, received)


def _is_step(name: str) -> bool:
    return ":" in name and not name.startswith("adopt:")


def _reached(tasks: dict[str, Any], selected: Iterable[str]) -> set[str]:
    """Return the names of the tasks that a run of `selected` meets."""
    found: set[str] = set()
    todo = [*selected]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += [*tasks[name].task_dep, *tasks[name].setup_tasks]
    return found


def _count(number: int) -> str:
    return f"{number} step{'s' if number != 1 else ''}"


# Without it `doit forget` ends in a traceback (doit 0.37); with it a project's own tasks would not
# run by default.
_FORGOTTEN = ["generate", "assemble", "check", "compare", "link", "test", "adopt"]
DOIT_CONFIG = {
    "backend": "asmith",
    "dep_file": "build/state",
    "par_type": "thread",
    "reporter": Reporter,
    "verbosity": 0,
    "failure_verbosity": 0,
} | ({"default_tasks": _FORGOTTEN} if "forget" in sys.argv[1:] else {})


def task_asmith() -> Iterator[dict[str, Any]]:
    """Yield the tasks of the project in the current directory.

    Where all of it is asked for, an `asmith watch` of the project does it if there is one. If the
    index says that nothing is to be done there are no tasks.
    """
    root = Path.cwd()
    if _everything(sys.argv[1:]) and _alone():
        code = relay.ask(str(root), ["doit", *sys.argv[1:]])
        if code is not None:
            raise SystemExit(code)
        if (steps := index.up_to_date(str(root))) is not None:
            Reporter.settled = steps
            yield {"basename": "adopt", "name": None, "doc": "make what holds the last good build"}
            return
    from asmith.run.resident import Resident

    yield from _tasks(Resident(root))


def run(arguments: list[str], at_home: Resident) -> int:
    """Do what plain `doit` does, in a process that has the project in memory.

    `arguments` ask for everything. Returns doit's exit code.
    """
    if (steps := at_home.up_to_date()) is not None:
        sys.stdout.write(f"nothing to do: {_count(steps)} up to date\n")
        return 0
    from doit.cmd_base import ModuleTaskLoader
    from doit.doit_cmd import DoitMain

    # doit knows but the output of the process that it began in.
    settings = DOIT_CONFIG | {"outfile": sys.stdout}
    namespace = {"DOIT_CONFIG": settings, "task_asmith": lambda: _tasks(at_home, stays=True)}
    return int(DoitMain(ModuleTaskLoader(namespace)).run(arguments) or 0)


def _tasks(at_home: Resident, *, stays: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the tasks of a project: all, or those that may have to run where the rest is known."""
    from asmith.errors import AsmithError
    from asmith.run import tasks, terminal
    from asmith.run.asking import Asking, Wishes

    try:
        session = at_home.session()
        session.asking = Asking(Wishes(confirm=terminal.to_confirm(), progress=_receive))
        tasks.hold_unanswerable(session)
        Reporter.settled = session.outside
        yield from tasks.tasks(tasks.Run(session, at_home=at_home, stays=stays))
    except AsmithError as error:
        raise InvalidDodoFile(error.render().removeprefix("error: ")) from None


def _alone() -> bool:
    """Tell whether the project's dodo.py has no tasks of its own, which might name ours."""
    users = [
        vars(m)
        for m in list(sys.modules.values())
        if getattr(m, "DOIT_CONFIG", None) is DOIT_CONFIG and m.__name__ != __name__
    ]
    names = {name for names in users for name in names if name.startswith("task_")}
    others = any(hasattr(v, "create_doit_tasks") for names in users for v in names.values())
    return names == {"task_asmith"} and not others


def _everything(arguments: list[str]) -> bool:
    """Tell whether doit was asked to run everything: no other command, no task, few options."""
    rest = [a for a in arguments if a != "run"]
    while rest and rest[0] in ("-n", "-v"):
        del rest[:2]
    return not rest
