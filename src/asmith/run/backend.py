"""doit's database, reduced to nothing: the state of the build is asmith's own journal.

Only `doit forget` writes through: it drops the steps that it names from the journal. Answers are
not in the journal, so forgetting never buys one again.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Backend:
    """A doit backend (see doit.dependency) that lives for one process."""

    desc = "asmith's own state (build/state)"
    running = False  # set while steps run: doit then also "removes" what merely failed
    ended: Callable[[], None] | None = None  # called once when all steps have ended

    def __init__(self, name: str, codec: Any, *, module_name: str | None = None) -> None:
        del codec, module_name
        self.name = name
        self._values: dict[str, dict[str, Any]] = {}

    def dump(self) -> None:
        """Write nothing: there is no second database that could disagree.

        doit calls this when all of a run's steps have ended, on all threads. (A task's teardown is
        no such moment: each thread calls it when there is nothing left to start.)
        """
        ended, Backend.ended = Backend.ended, None
        if ended is not None:
            ended()

    def set(self, task_id: str, dependency: str, value: Any) -> None:
        """Remember a value for this process."""
        self._values.setdefault(task_id, {})[dependency] = value

    def get(self, task_id: str, dependency: str) -> Any:
        """Return a value of this process, or None."""
        return self._values.get(task_id, {}).get(dependency)

    def in_(self, task_id: str) -> bool:
        """Tell whether the task has values."""
        return task_id in self._values

    def remove(self, task_id: str) -> None:
        """Forget a task; outside a run this is `doit forget` and reaches the journal."""
        self._values.pop(task_id, None)
        if not Backend.running:
            _drop(lambda step: step == task_id)

    def remove_all(self) -> None:
        """Forget every task."""
        self._values.clear()
        if not Backend.running:
            _drop(lambda _: True)


def _drop(chosen: Any) -> None:
    from doit.exceptions import InvalidCommand

    from asmith.errors import AsmithError
    from asmith.run import layout
    from asmith.store import lock
    from asmith.store.state import Slot, State

    root = Path.cwd()
    try:
        with lock.held(root / layout.LOCK):
            state = State(root / layout.STATE)
            for slot in Slot:
                state.drop(slot, [s for kept, s in state.entries if kept is slot and chosen(s)])
    except AsmithError as error:
        raise InvalidCommand(error.render().removeprefix("error: ")) from None
