"""Batches of the Messages API: half price, within a day. What was handed in is a file until then.

The file is written as soon as the provider names the batch and removed when all of its answers are
kept, so that a kill in between costs nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass, replace
from asmith.generate import messages, troubles
from asmith.generate.messages_sdk import Trouble
from asmith.host import files
from asmith.model.names import Digest, ModuleName, canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from asmith.errors import UnavailableError
    from asmith.generate.dialogue import Answer, Dialogue
    from asmith.generate.messages import Messages
    from asmith.project.config import GeneratorConfig

SCHEMA = 1
_ID = 32  # digits of a request's digest that name it in a batch


@dataclass(frozen=True, slots=True)
class Item:
    """One request of a batch."""

    module: ModuleName
    request: Digest
    size: int  # of the request, in bytes


@dataclass(frozen=True, slots=True)
class Pending:
    """A batch that was handed in, and how it was asked."""

    identity: str
    model: str
    effort: str
    items: Mapping[str, Item]  # by custom id

    def of(self, request: Digest) -> bool:
        """Tell whether it has a request."""
        return any(item.request == request for item in self.items.values())


def read(path: Path) -> Pending | None:
    """Return the batch that waits for its answers; None if none does, or the file is damaged."""
    data = files.read_if_exists(path)
    if data is None:
        return None
    try:
        value = json.loads(data)
        if value["schema"] != SCHEMA:
            return None
        items = {
            str(k): Item(ModuleName(v["module"]), Digest(v["request"]), int(v["size"]))
            for k, v in value["items"].items()
        }
        return Pending(str(value["id"]), str(value["model"]), str(value["effort"]), items)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def write(path: Path, pending: Pending) -> None:
    """Make a batch durable."""
    items = {
        k: {"module": i.module, "request": i.request, "size": i.size}
        for k, i in pending.items.items()
    }
    value = {
        "schema": SCHEMA,
        "id": pending.identity,
        "model": pending.model,
        "effort": pending.effort,
        "items": items,
    }
    files.write_atomic(path, (canonical_json(value) + "\n").encode(), durable=True)


def hand_in(
    provider: Messages, config: GeneratorConfig, dialogues: Mapping[str, Dialogue]
) -> Pending:
    """Hand requests in and return what the provider calls the batch; raises `UnavailableError`.

    A failure that leaves open whether it was taken is not tried again: it might be paid for twice.
    """
    client = provider.client(config)
    wanted = {k: messages.parameters(config, d) for k, d in dialogues.items()}
    try:
        identity = client.create_batch(wanted)
    except Trouble as trouble:
        raise troubles.unavailable(trouble, client.url, config) from trouble
    items = {k: Item(d.module, d.digest(), len(d.text().encode())) for k, d in dialogues.items()}
    return Pending(identity, config.model, config.effort, items)


def has_ended(provider: Messages, config: GeneratorConfig, pending: Pending) -> bool:
    """Tell whether the answers are there; raises `UnavailableError`."""
    client = provider.client(config)
    return provider.patiently(config, lambda: client.batch_has_ended(pending.identity))


def results(
    provider: Messages, config: GeneratorConfig, pending: Pending
) -> Iterator[tuple[Item, Answer | UnavailableError]]:
    """Yield each request with what came of it; raises `UnavailableError`."""
    client = provider.client(config)
    asked = replace(config, model=pending.model, effort=pending.effort)
    found = provider.patiently(config, lambda: list(client.batch_results(pending.identity)))
    for identity, result in found:
        item = pending.items.get(identity)
        if item is None:
            continue
        if isinstance(result, Trouble):
            yield item, troubles.in_batch(result.words, item.module, pending.identity)
        else:
            more = {"batch": pending.identity}
            yield item, messages.answer(asked, item.size, result, more, batch=True)


def custom_id(dialogue: Dialogue) -> str:
    """Return the name of a request in a batch."""
    return dialogue.digest()[:_ID]
