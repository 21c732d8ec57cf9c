"""The `anthropic` generator: a dialogue becomes a call, and a call an answer or one clear error.

Calls that failed for a moment are made again, a few times, after a pause that a server may ask to
be longer, up to a bound. Each of them is a call of its own to the budget.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from asmith.generate import prices, troubles
from asmith.generate.budget import NOTHING, Cost
from asmith.generate.dialogue import Answer
from asmith.host import clock
from asmith.model.record import UNKNOWN, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asmith.generate.budget import Budget
    from asmith.generate.dialogue import Dialogue
    from asmith.generate.messages_sdk import Client, Message
    from asmith.project.config import GeneratorConfig

T = TypeVar("T")
NAME = "anthropic"
TRIES = 5  # calls for one answer
FIRST_PAUSE = 1.0  # seconds before the second call; each further pause is twice as long
LONGEST_PAUSE = 60.0  # whatever `retry-after` says


def has_key() -> bool:
    """Tell whether the environment names credentials; an empty variable names none."""
    return any(os.environ.get(name) for name in troubles.KEYS)


def parameters(config: GeneratorConfig, dialogue: Dialogue) -> dict[str, Any]:
    """Return the parameters of a call: pure, and with a stable part that a provider can cache.

    A server that speaks only the basics is sent nothing else.
    """
    messages: list[dict[str, Any]] = [{"role": "user", "content": dialogue.request}]
    for turn in dialogue.turns:
        messages.append({"role": "assistant", "content": turn.answer.strip() or "(nothing)"})
        messages.append({"role": "user", "content": turn.feedback})
    basics = {"model": config.model, "max_tokens": config.max_tokens, "messages": messages}
    if config.compat:
        return {**basics, "system": dialogue.stable}
    block = {"type": "text", "text": dialogue.stable, "cache_control": {"type": "ephemeral"}}
    effort = {"output_config": {"effort": config.effort}} if config.effort else {}
    return {**basics, "system": [block], **effort}


def worst_case(config: GeneratorConfig, dialogue: Dialogue, *, batch: bool = False) -> Cost:
    """Return what a call can take at most: each byte of the request a token, and `max_tokens`."""
    size = len(dialogue.text().encode())
    price = price_of(config)
    dollars = None if price is None else price.worst(size, config.max_tokens, batch=batch)
    return Cost(size + config.max_tokens, dollars)


def price_of(config: GeneratorConfig) -> prices.Price | None:
    """Return the price of the model; nobody knows what another server's costs."""
    return None if config.compat else prices.of(config.model)


class Messages:
    """The provider, connected to at the first call. Threads may share it."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._client: Client | None = None
        self._connecting = threading.Lock()

    def client(self, config: GeneratorConfig) -> Client:
        """Return the connection."""
        from asmith.generate import messages_sdk

        with self._connecting:
            if self._client is None:
                keyless = config.compat and not has_key()
                try:
                    self._client = messages_sdk.Client(config.seconds, keyless=keyless)
                except messages_sdk.Trouble as trouble:
                    raise troubles.unavailable(trouble, "", config) from trouble
        return self._client

    def close(self) -> None:
        """Disconnect."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def count(self, config: GeneratorConfig, dialogue: Dialogue) -> int:
        """Return how many tokens a request has, by the provider's count; raises `AsmithError`."""
        client = self.client(config)
        return self.patiently(config, lambda: client.count(parameters(config, dialogue)))

    def patiently(self, config: GeneratorConfig, call: Callable[[], T]) -> T:
        """Return what a call that costs nothing returns, made again if it fails for a moment."""
        from asmith.generate.messages_sdk import Trouble

        number = 0
        while True:
            try:
                return call()
            except Trouble as trouble:
                number += 1
                if not trouble.transient or number == TRIES:
                    url = self.client(config).url
                    raise troubles.unavailable(trouble, url, config, number) from trouble
                clock.pause(_pause(number, trouble.wait))

    def ask(
        self, config: GeneratorConfig, dialogue: Dialogue, progress: Callable[[int], None]
    ) -> Answer:
        """Return the answer to a dialogue, whatever its worth; raises `AsmithError`."""
        client = self.client(config)
        began = clock.monotonic()
        message = self._call(client, config, dialogue, progress)
        seconds = clock.monotonic() - began
        size = len(dialogue.text().encode())
        return answer(config, size, message, {"seconds": f"{seconds:.1f}"})

    def _call(
        self,
        client: Client,
        config: GeneratorConfig,
        dialogue: Dialogue,
        progress: Callable[[int], None],
    ) -> Message:
        from asmith.generate.messages_sdk import Trouble

        wanted, worst = parameters(config, dialogue), worst_case(config, dialogue)
        for number in range(TRIES):
            self.budget.reserve(dialogue.module, worst)
            spent = worst  # what began to be answered and broke off may cost as much as that
            try:
                message = client.stream(wanted, progress)
                spent = spent_on(config, message.usage, worst)
            except Trouble as trouble:
                spent = worst if trouble.begun else NOTHING
                if not trouble.transient or number == TRIES - 1:
                    raise troubles.unavailable(trouble, client.url, config, number + 1) from trouble
                pause = _pause(number + 1, trouble.wait)
            else:
                return message
            finally:
                self.budget.settle(dialogue.module, worst, spent)
            clock.pause(pause)
        raise AssertionError("the last try returns or raises")


def _pause(calls: int, wanted: float | None) -> float:
    """Return how long to wait after so many failed calls, in seconds; the server may want more."""
    return min(max(FIRST_PAUSE * 2.0 ** (calls - 1), wanted or 0.0), LONGEST_PAUSE)


def answer(
    config: GeneratorConfig,
    request_bytes: int,
    message: Message,
    more: Mapping[str, str],
    *,
    batch: bool = False,
) -> Answer:
    """Return a message as an answer with its facts."""
    facts = {
        "name": NAME,
        "model": config.model,
        "stop_reason": str(message.stop_reason),
        "request_bytes": str(request_bytes),
        "answer_bytes": str(len(message.text.encode())),
        **_usage_facts(config, message.usage, batch=batch),
        **more,
    }
    said = {"effort": config.effort, "refused_for": message.category}
    if message.model != config.model:
        said["answered_by"] = message.model
    return Answer(message.text.encode(), facts | {k: v for k, v in said.items() if v})


def spent_on(config: GeneratorConfig, usage: Usage, worst: Cost, *, batch: bool = False) -> Cost:
    """Return what a message took; the worst case where the provider does not say."""
    if usage.input_tokens is None or usage.output_tokens is None:
        return worst
    tokens = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    price = price_of(config)
    return Cost(
        tokens + usage.output_tokens, None if price is None else price.cost(usage, batch=batch)
    )


def _usage_facts(config: GeneratorConfig, usage: Usage, *, batch: bool) -> dict[str, str]:
    price = price_of(config)
    cost = None if price is None else price.cost(usage, batch=batch)
    found = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens or None,
        "cache_write_tokens": usage.cache_write_tokens or None,
    }
    facts = {k: str(v) for k, v in found.items() if v is not None}
    return facts | {"usd": UNKNOWN if cost is None else f"{cost:.6f}"}
