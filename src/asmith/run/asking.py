"""Asking generators in one run: who is asked, what it may cost, and what a person is told."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass, field, replace
from asmith.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asmith.errors import AsmithError
    from asmith.generate import messages
    from asmith.generate.budget import Cost
    from asmith.generate.dialogue import Answer, Dialogue
    from asmith.model.names import ModuleName
    from asmith.project.config import BudgetConfig, Config, GeneratorConfig


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a command line says over the configuration, and how a person is reached."""

    model: str | None = None
    effort: str | None = None
    max_tokens: int | None = None
    usd: float | None = None
    batch: bool = False
    samples: int = 1  # how often each stale module is asked for; the fastest correct answer wins
    confirm: Callable[[str], bool] | None = None  # None: nobody to ask, or no need to
    progress: Callable[[ModuleName, int], None] = lambda *_: None  # bytes of an answer so far
    note: Callable[[str], None] = lambda _: None  # a line for people

    def generator(self, config: GeneratorConfig) -> GeneratorConfig:
        """Return the configuration with what was said on the command line."""
        said = {"model": self.model, "effort": self.effort, "max_tokens": self.max_tokens}
        return replace(config, **{k: v for k, v in said.items() if v is not None})  # type: ignore[arg-type]

    def budget(self, config: BudgetConfig) -> BudgetConfig:
        """Return the budget with what was said on the command line."""
        if self.usd is None:
            return config
        return replace(config, usd=self.usd)


@dataclass(slots=True)
class Asking:
    """What a run has asked so far. Threads may share it."""

    wishes: Wishes = field(default_factory=Wishes)
    judged: Counter[ModuleName] = field(default_factory=Counter)  # answers rejected in this run
    given_up: dict[ModuleName, AsmithError] = field(default_factory=dict)  # no more in this run
    unanswered: dict[ModuleName, AsmithError] = field(default_factory=dict)  # by a batch
    competed: set[ModuleName] = field(default_factory=set)  # the fastest answer was found
    fewer: dict[ModuleName, AsmithError] = field(default_factory=dict)  # why not as many answers
    repaired: bool = False  # an answer was replaced that other steps may have used already
    _messages: messages.Messages | None = None
    _confirmed: bool | None = None  # None: nobody was asked yet
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, config: Config, dialogue: Dialogue, root: Path) -> Answer:
        """Return a generator's answer to a dialogue; raises `AsmithError`."""
        from asmith.generate import generators, messages
        from asmith.generate.dialogue import Answer

        generator = self.wishes.generator(config.generator)
        if not generators.speaks_messages(generator):
            return Answer(*generators.ask(generator, dialogue.text(), root))
        if self.wishes.batch:
            raise self.unanswered.get(dialogue.module) or UnavailableError(
                f"module '{dialogue.module}' became stale after the batch was handed in",
                help="run asmith build --batch again",
            )
        provider = self.provider(config)
        self.confirm(config, f"for '{dialogue.module}'", messages.worst_case(generator, dialogue))

        def progress(received: int) -> None:
            self.wishes.progress(dialogue.module, received)

        return provider.ask(generator, dialogue, progress)

    def provider(self, config: Config) -> messages.Messages:
        """Return the provider of the Messages API under this run's budget."""
        from asmith.generate import messages
        from asmith.generate.budget import Budget

        with self._lock:
            if self._messages is None:
                self._messages = messages.Messages(Budget(self.wishes.budget(config.budget)))
            return self._messages

    def begin_again(self) -> None:
        """Forget what was tried: the sources are others now. What was spent is not forgotten."""
        self.judged.clear()
        self.given_up.clear()
        self.competed.clear()
        self.fewer.clear()
        self.repaired = False

    def spent(self) -> Cost | None:
        """Return what the provider's answers took; None if it gave none."""
        if self._messages is None or not self._messages.budget.calls:
            return None
        return self._messages.budget.spent()

    def close(self) -> None:
        """Disconnect from the provider, if it was asked."""
        if self._messages is not None:
            self._messages.close()

    def confirm(self, config: Config, what: str, worst: Cost) -> None:
        """Let a person agree to the first paid call of the run, where there is one to ask."""
        with self._lock:
            if self.wishes.confirm is None or not config.budget.ask:
                return
            if self._confirmed is None:
                self._confirmed = self.wishes.confirm(self._question(config, what, worst))
            if not self._confirmed:
                raise UnavailableError(
                    "nothing was asked, since you declined",
                    help="hand answers in (asmith prompt, asmith accept); "
                    "to be asked no more: --yes, or ask = false in [tool.asmith.budget]",
                )

    def _question(self, config: Config, what: str, worst: Cost) -> str:
        from asmith.generate import prices

        generator = self.wishes.generator(config.generator)
        budget = self.wishes.budget(config.budget)
        known = f"prices of {prices.dated()}" if worst.usd is not None else "price unknown"
        return (
            f"ask {generator.model} {what}? At most {worst}, {known}; "
            f"the budget of this run is {budget.usd:.2f} USD and {budget.tokens:,} tokens."
        )
