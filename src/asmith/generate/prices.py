"""What a call costs: prices.toml, read once. Money is exact: dollars as `Decimal`."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass

if TYPE_CHECKING:
    from asmith.model.record import Usage

_MILLION = Decimal(1_000_000)
_DATED = re.compile(r"-20\d{6}$")  # a model's name may end in a date


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens of one model."""

    input: Decimal
    output: Decimal
    cache_write: Decimal
    cache_read: Decimal
    batch: Decimal
    long_above: int | None = None
    long_factor: Decimal = Decimal(1)

    def cost(self, usage: Usage, *, batch: bool = False) -> Decimal | None:
        """Return what was spent; None if the provider did not say how many tokens it counted."""
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        read, write = usage.cache_read_tokens, usage.cache_write_tokens
        dollars = (
            usage.input_tokens * self.input
            + write * self.cache_write
            + read * self.cache_read
            + usage.output_tokens * self.output
        )
        return self._scaled(dollars, usage.input_tokens + read + write, batch=batch)

    def worst(self, request_bytes: int, max_tokens: int, *, batch: bool = False) -> Decimal:
        """Return what a call can cost at most: no token is shorter than a byte."""
        dearest = max(self.input, self.cache_write, self.cache_read)
        dollars = request_bytes * dearest + max_tokens * self.output
        return self._scaled(dollars, request_bytes, batch=batch)

    def _scaled(self, dollars: Decimal, tokens: int, *, batch: bool) -> Decimal:
        long = self.long_above is not None and tokens > self.long_above
        factor = (self.long_factor if long else 1) * (self.batch if batch else 1)
        return dollars * factor / _MILLION


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    from importlib.resources import files  # only a call needs it

    text = (files("asmith.generate") / "prices.toml").read_text("utf-8")
    return tomllib.loads(text, parse_float=Decimal)


def dated() -> str:
    """Return the month that the prices are of."""
    return str(_table()["dated"])


def of(model: str) -> Price | None:
    """Return the price of a model, or None if it is not known."""
    found = _table()["models"].get(_DATED.sub("", model))
    if found is None:
        return None
    known = {k: Decimal(v) for k, v in found.items()}
    above = known.pop("long_above", None)
    known.setdefault("cache_write", 2 * known["input"])
    known.setdefault("cache_read", known["input"])
    return Price(
        **known,
        batch=Decimal(_table()["batch"]),
        long_above=None if above is None else int(above),
    )
