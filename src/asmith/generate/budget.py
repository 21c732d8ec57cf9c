"""The budget of a run: the worst case of each call is set aside before it is made.

So no call is ever made whose worst case would pass the limit, however many run at once.
"""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass, field
from asmith.errors import BudgetError
from asmith.project.config import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asmith.model.names import ModuleName
    from asmith.project.config import BudgetConfig


@dataclass(frozen=True, slots=True)
class Cost:
    """Tokens and dollars; dollars that nobody knows are None."""

    tokens: int
    usd: Decimal | None

    def __add__(self, other: Cost) -> Cost:
        """Return the sum; what is unknown adds nothing to the dollars that are known."""
        known = [c.usd for c in (self, other) if c.usd is not None]
        return Cost(self.tokens + other.tokens, sum(known, Decimal(0)) if known else None)

    def to_json(self) -> dict[str, Any]:
        """Return it as `--json` prints it; unknown dollars are null."""
        return {"tokens": self.tokens, "usd": None if self.usd is None else float(self.usd)}

    def __str__(self) -> str:
        """Return it for people."""
        dollars = "an unknown price" if self.usd is None else _dollars(self.usd)
        return f"{dollars} ({self.tokens:,} tokens)"


def _dollars(usd: Decimal) -> str:
    """Return dollars with two digits that say something."""
    return f"{usd:.2f} USD" if usd >= 1 or not usd else f"{usd:.{1 - usd.adjusted()}f} USD"


NOTHING = Cost(0, None)


@dataclass(slots=True)
class Budget:
    """Limits, and what is spent and set aside. Threads may share it."""

    limits: BudgetConfig
    calls: int = 0
    _spent: dict[ModuleName, Cost] = field(default_factory=dict)
    _aside: list[tuple[ModuleName, Cost]] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def reserve(self, module: ModuleName, worst: Cost, *, wait: bool = True) -> None:
        """Set a call's worst case aside, as soon as what others hold is settled.

        Raises `BudgetError` if it does not fit even then; without `wait`, if it does not now.
        """
        with self._changed:
            while problem := self._problem(module, worst, self._aside):
                if final := self._problem(module, worst, ()):
                    raise final  # whatever comes of the calls under way
                if not wait:
                    raise problem
                self._changed.wait()
            self._aside.append((module, worst))

    def settle(self, module: ModuleName, worst: Cost, actual: Cost) -> None:
        """Replace what was set aside by what was spent."""
        with self._changed:
            self._aside.remove((module, worst))
            self._spent[module] = self._spent.get(module, NOTHING) + actual
            self.calls += actual != NOTHING
            self._changed.notify_all()

    def spend(self, module: ModuleName, actual: Cost) -> None:
        """Count what was spent on an answer for which nothing is set aside any more."""
        with self._changed:
            self._spent[module] = self._spent.get(module, NOTHING) + actual
            self.calls += 1

    def spent(self, module: ModuleName | None = None) -> Cost:
        """Return what was spent, in all or on one module."""
        with self._changed:
            return self._total(module, ())

    def _total(self, module: ModuleName | None, aside: Iterable[tuple[ModuleName, Cost]]) -> Cost:
        parts = (c for m, c in (*self._spent.items(), *aside) if module in (None, m))
        return sum(parts, NOTHING)

    def _problem(
        self, module: ModuleName, worst: Cost, aside: Iterable[tuple[ModuleName, Cost]]
    ) -> BudgetError | None:
        """Return why a call does not fit in."""
        limits = self.limits
        checks = (
            (None, "usd", limits.usd),
            (None, "tokens", limits.tokens),
            (module, "module.usd", limits.module_usd),
            (module, "module.tokens", limits.module_tokens),
        )
        for whose, key, limit in checks:
            before = self._total(whose, aside)
            after = before + worst
            tokens = key.endswith("tokens")
            value = after.tokens if tokens else after.usd
            if limit is None:
                continue
            if value is not None and value > Decimal(str(limit)):
                shown = f"{limit:,} tokens" if tokens else f"{limit:.2f} USD"
                return _reached(module, before, worst, key, shown)
        return None


def _reached(module: ModuleName, before: Cost, worst: Cost, key: str, limit: str) -> BudgetError:
    whose = f"of module '{module}'" if key.startswith("module.") else "of this run"
    so_far = "nothing was spent" if before == NOTHING else f"{before} spent"
    return BudgetError(
        f"the budget {whose}, {limit}, does not allow the next call",
        where=CONFIG,
        why=f"{so_far}; the request for '{module}' may take up to {worst}",
        help=f"raise '{key}' in [tool.asmith.budget], or lower 'max_tokens' or choose another "
        "'model' in [tool.asmith.generator]; what was answered is kept",
    )
