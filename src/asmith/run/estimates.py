"""What asking for stale modules may take: for `asmith plan`, and before `watch` asks."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from asmith.generate import estimate, generators, messages
from asmith.generate.answer import AnswerError, split
from asmith.generate.budget import NOTHING
from asmith.run import answering

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asmith.generate.budget import Cost
    from asmith.model.names import ModuleName
    from asmith.run.session import Session


def of(session: Session, name: ModuleName, *, exact: bool = False) -> estimate.Estimate | None:
    """Return the estimate for a module; None if no provider counts tokens for it.

    `exact` asks the provider to count the request's tokens, which costs nothing.
    """
    asking = session.asking
    config = asking.wishes.generator(session.workspace.config.generator)
    if not generators.speaks_messages(config) or not generators.available(config):
        return None
    asked = answering.dialogue(session, name)
    counted = None
    if exact:
        counted = asking.provider(session.workspace.config).count(config, asked)
    records = (m.record for m in session.modules.values() if m.record is not None)
    return estimate.estimate(
        len(asked.text().encode()),
        _answer_bytes(session, name, asked.functions),
        estimate.calibrate(r.generator for r in records),
        messages.price_of(config),
        max_tokens=config.max_tokens,
        counted=counted,
    )


def at_most(session: Session, names: Iterable[ModuleName]) -> Cost | None:
    """Return what the first answers for modules may take; None if no provider counts tokens."""
    config = session.asking.wishes.generator(session.workspace.config.generator)
    if not generators.speaks_messages(config):
        return None
    asked = (answering.dialogue(session, name) for name in names)
    return sum((messages.worst_case(config, dialogue) for dialogue in asked), NOTHING)


def _answer_bytes(session: Session, name: ModuleName, functions: tuple[str, ...]) -> int:
    """Return how long an answer may be: as long as what it replaces, or as its like."""
    module = session.modules[name]
    if module.source is None:
        others = [len(m.source) for m in session.modules.values() if m.source is not None]
        return round(median(others)) if others else estimate.NEW_MODULE
    if functions:
        try:
            units = split(module.text()).units
        except AnswerError:
            return len(module.source)
        return sum(len(u.text.encode()) for u in units if u.name in functions)
    return len(module.source)
