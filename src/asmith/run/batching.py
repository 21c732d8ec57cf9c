"""`asmith build --batch`: the answers of all stale modules together, before anything is built."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from asmith.errors import AsmithError, UsageError
from asmith.generate import generators, messages
from asmith.generate.budget import NOTHING, Cost
from asmith.host import clock, files
from asmith.model.record import UNKNOWN
from asmith.run import answering, layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asmith.generate.batch import Pending
    from asmith.generate.dialogue import Dialogue
    from asmith.model.names import ModuleName
    from asmith.run.session import Session

_FIRST_PAUSE = 1.0  # seconds between two looks at a batch; each is longer, up to the last
_LONGEST_PAUSE = 60.0


def fetch(session: Session, names: Iterable[ModuleName]) -> None:
    """Get the answers of waiting modules that nobody has, through batches, and keep them.

    A batch that was handed in before a kill is waited for first. Modules that get no answer have
    their reason in `session.asking.unanswered`.
    """
    from asmith.generate import batch

    config = session.asking.wishes.generator(session.workspace.config.generator)
    if not generators.speaks_messages(config):
        raise UsageError(
            f"--batch: generator '{config.name}' has no batches",
            help="build without it, or name the generator 'anthropic'",
        )
    path = session.root / layout.BATCH
    if (pending := batch.read(path)) is not None:
        _wait(session, pending)
    dialogues = _unanswered(session, names)
    if dialogues and (pending := _hand_in(session, dialogues)) is not None:
        _wait(session, pending)


def _unanswered(session: Session, names: Iterable[ModuleName]) -> dict[str, Dialogue]:
    """Return the dialogues of modules that neither the store nor an earlier answer serves."""
    from asmith.generate import batch

    found = {}
    for name in sorted(names):
        if not session.modules[name].waiting or name in session.asking.unanswered:
            continue
        if answering.obstacle(session, name) or answering.in_store(session, name):
            continue
        asked = answering.dialogue(session, name)
        if session.store.unjudged(name, asked.digest()) is None:
            found[batch.custom_id(asked)] = asked
    return found


def _hand_in(session: Session, dialogues: dict[str, Dialogue]) -> Pending | None:
    from asmith.generate import batch

    asking = session.asking
    whole = session.workspace.config
    config = asking.wishes.generator(whole.generator)
    provider = asking.provider(whole)
    chosen: dict[str, Dialogue] = {}
    aside: list[tuple[ModuleName, Cost]] = []
    for identity, asked in dialogues.items():
        worst = messages.worst_case(config, asked, batch=True)
        try:
            provider.budget.reserve(asked.module, worst, wait=False)
        except AsmithError as error:
            asking.unanswered[asked.module] = error
            continue
        chosen[identity] = asked
        aside.append((asked.module, worst))
    if not chosen:
        return None
    try:
        count = f"{len(chosen)} module{'s' if len(chosen) != 1 else ''}"
        total = sum((worst for _, worst in aside), NOTHING)
        asking.confirm(whole, f"for {count} in a batch", total)
        pending = batch.hand_in(provider, config, chosen)
        batch.write(session.root / layout.BATCH, pending)
    except AsmithError as error:
        asking.unanswered |= {d.module: error for d in chosen.values()}
        return None
    finally:
        for module, worst in aside:  # the answers say what they took
            provider.budget.settle(module, worst, NOTHING)
    return pending


def _wait(session: Session, pending: Pending) -> None:
    """Wait for a batch and keep its answers; what it has is then no longer pending."""
    from asmith.generate import batch

    asking = session.asking
    whole = session.workspace.config
    config = asking.wishes.generator(whole.generator)
    provider = asking.provider(whole)
    modules = ", ".join(sorted(i.module for i in pending.items.values()))
    asking.wishes.note(
        f"batch {pending.identity}: {modules}; it may take a day. "
        "Interrupt at will: asmith build --batch goes on with it."
    )
    pause = _FIRST_PAUSE
    while not batch.has_ended(provider, config, pending):
        clock.pause(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    for item, result in batch.results(provider, config, pending):
        if isinstance(result, AsmithError):
            asking.unanswered[item.module] = result
            continue
        session.store.keep_answer(item.request, result.raw, result.facts)
        worst = item.size + config.max_tokens
        provider.budget.spend(item.module, _cost(result.facts, worst))
    files.remove(session.root / layout.BATCH)


def _cost(facts: Mapping[str, str], worst: int) -> Cost:
    """Return what an answer took, from its facts; without any, its worst case in tokens."""
    usage = answering.usage_of(facts)
    if usage.input_tokens is None or usage.output_tokens is None:
        return Cost(worst, None)
    tokens = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    dollars = None if usage.usd == UNKNOWN else Decimal(usage.usd)
    return Cost(tokens + usage.output_tokens, dollars)
