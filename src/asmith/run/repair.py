"""Repair: what is found in a generated answer goes back to its generator, a few times.

A step that fails by its module's new answer is not the end: the answer is logged as rejected, the
findings become the next turn of the dialogue, and the module's steps begin again with the next
answer. The rejected draft stays until then, so that nothing beside it loses its footing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from asmith.errors import AsmithError, StoppedError, UnavailableError
from asmith.model.names import ModuleName
from asmith.model.plan import Step, StepKind
from asmith.model.record import Mode
from asmith.run import answering, engine, view

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asmith.run.session import Session

_INNOCENT = (UnavailableError, StoppedError, engine.WaitingError)  # they say nothing of an answer


def execute(session: Session, step: Step) -> None:
    """Run a step; where it fails by a generator's answer, run it again with the next answer."""
    todo = [step]
    rejected = False
    while True:
        each = step
        try:
            for each in todo:
                engine.execute(session, each)
        except AsmithError as error:
            name = ModuleName(step.subject)
            if _speaks_against_answer(session, each, error):
                rejected = True
                _reject(session, each, error)
                if may_ask_again(session, name) and session.asking.wishes.batch:
                    _postpone(session, name, each)
                if may_ask_again(session, name):
                    session.asking.wishes.note(f"{each!s:<28} rejected: {_first(error, name)}")
                    with session.guard:
                        session.failures.pop(each, None)
                        session.asking.repaired |= step.kind is not StepKind.GENERATE
                    todo = _up_to(session, step)
                    continue
            if rejected:
                withdraw(session, name)
            if rejected or step.kind is StepKind.GENERATE:
                session.asking.given_up[name] = error
            raise
        else:
            return


def _first(error: AsmithError, name: ModuleName) -> str:
    """Return what was found first in a module's answer, in one line."""
    found = answering.said(error)
    first = found[0].replace(f"module '{name}': ", "", 1)
    return f"{first}{f' and {len(found) - 1} more' if len(found) > 1 else ''}; asking again"


def _postpone(session: Session, name: ModuleName, step: Step) -> NoReturn:
    """Leave the next answer to the next batch: the build goes round once more."""
    withdraw(session, name)
    with session.guard:
        session.failures.pop(step, None)
        session.asking.repaired = True
    raise engine.WaitingError(f"{step}: the next answer comes with the next batch")


def _up_to(session: Session, step: Step) -> list[Step]:
    """Return the steps of a module from its answer to this one, in order."""
    order = list(StepKind)
    steps = session.steps_of(ModuleName(step.subject))
    return [s for s in steps if order.index(s.kind) <= order.index(step.kind)]


def may_ask_again(session: Session, name: ModuleName) -> bool:
    """Tell whether a module's generator may be asked once more in this run."""
    from asmith.generate import generators

    config = session.asking.wishes.generator(session.workspace.config.generator)
    return generators.available(config) and session.asking.judged[name] < config.attempts


def _speaks_against_answer(session: Session, step: Step, error: AsmithError) -> bool:
    """Tell whether a failure is the fault of an answer that a generator gave in place of none."""
    from asmith.generate import answer as grammar

    if isinstance(error, _INNOCENT) or not step.of_module:
        return False
    if step.kind is StepKind.GENERATE:
        return isinstance(error, grammar.AnswerError)
    return _by_generator(session, ModuleName(step.subject))


def _by_generator(session: Session, name: ModuleName) -> bool:
    """Tell whether a module's draft is a generator's, and new."""
    module = session.modules[name]
    record = module.record if module.draft else None
    return (
        record is not None
        and record.mode is Mode.GENERATED
        and not answering.was_accepted(session, record)
    )


def _reject(session: Session, step: Step, error: AsmithError) -> None:
    if step.kind is not StepKind.GENERATE:  # which logs what it cannot even read
        record = session.modules[ModuleName(step.subject)].record
        assert record is not None
        answering.reject(session, record, error)


def withdraw(session: Session, name: ModuleName) -> None:
    """Take a draft back."""
    view.remove_draft(session.root, name)
    with session.guard:
        session.look_again(name)


def goes_on(session: Session) -> bool:
    """Tell whether a build must go round once more: after a repair, or with new turns to ask."""
    repaired, session.asking.repaired = session.asking.repaired, False
    return repaired or bool(reject_drafts(session))


def reject_drafts(session: Session) -> tuple[ModuleName, ...]:
    """Take back the drafts that a generator made and that failed, and log them as rejected.

    A failed step of a draft's own speaks against that draft alone; one of a module that did not
    change, or of a product, against every draft that it links. Returns those that may be asked
    for again.
    """
    again = set()
    for step, error in session.failures.items():
        if isinstance(error, _INNOCENT):
            continue  # a full disk, a missing tool or text says nothing of an answer
        looked_at = set(session.looked_at()).intersection(involved(session, step))
        drafts = [n for n in sorted(looked_at) if session.modules[n].draft]
        own = [n for n in drafts if n == step.subject]
        for name in own or drafts:
            record = session.modules[name].record
            if record is not None and not answering.was_accepted(session, record):
                answering.reject(session, record, error)
                withdraw(session, name)
                if not own and record.mode is Mode.GENERATED and may_ask_again(session, name):
                    again.add(name)
    return tuple(sorted(again))


def involved(session: Session, step: Step) -> tuple[ModuleName, ...]:
    """Return the modules that a step works on."""
    if step.kind in (StepKind.LINK, StepKind.TEST):
        return session.linked(step)
    return (ModuleName(step.subject),) if step.of_module else ()


def finish(session: Session, steps: Iterable[Step]) -> None:
    """Run what a repair made necessary again, after other steps had passed."""
    for step in steps:
        if session.asking.repaired and not session.status(step).clean:
            execute(session, step)
