"""Estimates of a call, offline: from sizes, and from what recorded answers took. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass
from asmith.model.record import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from asmith.generate.prices import Price

BYTES_A_TOKEN = 3.0  # of a request, where nothing is recorded
TOKENS_A_BYTE = 1.0  # of an answer, where nothing is recorded: thinking is most of it
NEW_MODULE = 4000  # bytes of an answer of which nothing else is known


@dataclass(frozen=True, slots=True)
class Rates:
    """How bytes become tokens, and how many recorded answers say so."""

    bytes_a_token: float = BYTES_A_TOKEN
    tokens_a_byte: float = TOKENS_A_BYTE
    answers: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a call may take; dollars that nobody knows are None."""

    input_tokens: int
    output_tokens: int
    usd: Decimal | None
    answers: int  # that it is calibrated on
    exact: bool = False  # whether the provider counted the request

    def to_json(self) -> dict[str, Any]:
        """Return it as `plan --json` prints it."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "usd": None if self.usd is None else round(float(self.usd), 6),
            "calibrated_on": self.answers,
            "exact_input": self.exact,
        }

    def __str__(self) -> str:
        """Return it for people, as what it is."""
        dollars = "price unknown" if self.usd is None else f"about {self.usd:.3f} USD"
        basis = f"calibrated on {self.answers} answers" if self.answers else "not calibrated"
        count = "" if self.exact else "about "
        return (
            f"{count}{self.input_tokens:,} tokens in, about {self.output_tokens:,} out, {dollars} "
            f"(an estimate, {basis})"
        )


def calibrate(recorded: Iterable[Mapping[str, str]]) -> Rates:
    """Return the rates that generators' facts give; those that say nothing are passed over."""
    rows = [row for facts in recorded if (row := _row(facts))]
    asked, came, answered, went = (sum(column) for column in zip(*rows, strict=True)) if rows else (
        0, 0, 0, 0
    )  # fmt: skip
    return Rates(
        asked / came if asked and came else BYTES_A_TOKEN,
        went / answered if answered and went else TOKENS_A_BYTE,
        len(rows),
    )


def _row(facts: Mapping[str, str]) -> tuple[int, int, int, int] | None:
    """Return bytes and tokens of a request, then of its answer."""
    keys = ("request_bytes", "input_tokens", "answer_bytes", "output_tokens")
    said = [facts.get(key, "") for key in keys]
    if not all(word.isdecimal() for word in said):
        return None
    asked, came, answered, went = map(int, said)
    cached = (facts.get(key, "") for key in ("cache_read_tokens", "cache_write_tokens"))
    return asked, came + sum(int(c) for c in cached if c.isdecimal()), answered, went


def estimate(
    request_bytes: int,
    answer_bytes: int,
    rates: Rates,
    price: Price | None,
    *,
    max_tokens: int,
    counted: int | None = None,
) -> Estimate:
    """Return what a call may take; `counted` is the provider's own count of the request."""
    came = round(request_bytes / rates.bytes_a_token) if counted is None else counted
    went = min(round(answer_bytes * rates.tokens_a_byte), max_tokens)
    usd = None if price is None else price.cost(Usage(came, went))
    return Estimate(came, went, usd, rates.answers, exact=counted is not None)
