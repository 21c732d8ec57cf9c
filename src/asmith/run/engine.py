"""Executing one step so that a kill at any moment, or an edit meanwhile, leaves no wrong claim.

Order: the step's entry is invalidated; its inputs are taken; the action works in a scratch
directory; its outputs are renamed into place; the inputs are taken again and must be the same;
only then is the entry appended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.errors import AsmithError, StepFailedError, StoppedError
from asmith.host import files
from asmith.model.names import ModuleName
from asmith.model.plan import Step, StepKind
from asmith.run import actions, answering, events, inputs, layout
from asmith.store.state import Entry, Slot

if TYPE_CHECKING:
    from asmith.run.session import Session


class WaitingError(StepFailedError):
    """A step whose own inputs are missing: another step's failure says what is wrong."""


_TRIES = 5  # how often a step is begun again because its inputs changed under it


def execute(session: Session, step: Step) -> None:
    """Run a step and record its result in the stage; raises `AsmithError`."""
    if session.stop():
        raise StoppedError(f"{step} was stopped")
    status = session.status(step)
    if status.blocked_by is None:
        session.tell(events.Started(step, status.reasons))
    try:
        if step.kind is StepKind.GENERATE:
            answering.answer(session, ModuleName(step.subject))
        else:
            _execute(session, step)
    except AsmithError as error:
        with session.guard:
            session.failures[step] = error
        session.tell(events.Ended(step, error))
        raise
    with session.guard:
        session.failures.pop(step, None)
        session.executed.append(step)
    session.tell(events.Ended(step))


def _execute(session: Session, step: Step) -> None:
    for _ in range(_TRIES):
        with session.guard:
            before = _inputs(session, step)
            session.state.begin(Slot.STAGE, str(step))
        with files.workplace(session.root / layout.SCRATCH) as scratch:
            try:
                made = actions.perform(session, step, scratch)
            except AsmithError:
                with session.guard:
                    session.state.drop(Slot.STAGE, [str(step)])  # it ended, if not well
                raise
            with session.guard:
                outputs = {}
                for name, path in made.outputs.items():
                    target = layout.output(Slot.STAGE, name)
                    files.move(path, session.root / target)
                    digest = session.digest(target)
                    assert digest is not None, target
                    outputs[name] = digest
                _look_again(session, step)
                if _inputs(session, step) == before:
                    entry = Entry(before, outputs, made.facts)
                    session.state.end({(Slot.STAGE, str(step)): entry})
                    session.forget(step)
                    return
    raise StepFailedError(
        f"{step}: a file that it reads kept changing",
        why=f"its inputs were different after each of {_TRIES} tries",
        help="run the build again when the files are at rest",
    )


def _look_again(session: Session, step: Step) -> None:
    """Read the module's text again, since an editor may have saved it during the step."""
    if step.of_module:
        session.catch_up(ModuleName(step.subject))


def _inputs(session: Session, step: Step) -> inputs.Inputs:
    try:
        return inputs.of(session, step)
    except inputs.Blocked as blocked:
        raise WaitingError(
            f"{step} cannot run yet", why=f"{blocked.step} has no result", help=blocked.detail
        ) from None
