"""Estimates: from sizes alone, from what was recorded, and never more than `max_tokens`."""

from __future__ import annotations

from decimal import Decimal

from asmith.generate import prices
from asmith.generate.estimate import BYTES_A_TOKEN, TOKENS_A_BYTE, Rates, calibrate, estimate

FACTS = {
    "request_bytes": "4000",
    "input_tokens": "800",
    "cache_read_tokens": "200",
    "answer_bytes": "1000",
    "output_tokens": "1500",
}


def test_nothing_recorded_is_said() -> None:
    rates = calibrate([{"name": "manual"}, {}, FACTS | {"output_tokens": "many"}])
    assert rates == Rates(BYTES_A_TOKEN, TOKENS_A_BYTE, 0)
    made = estimate(9000, 2000, rates, None, max_tokens=16_000)
    assert str(made) == (
        "about 3,000 tokens in, about 2,000 out, price unknown (an estimate, not calibrated)"
    )


def test_recorded_answers_calibrate() -> None:
    rates = calibrate([FACTS, {"name": "manual"}, FACTS])
    assert rates == Rates(4.0, 1.5, 2)
    made = estimate(8000, 2000, rates, prices.of("claude-opus-5-5"), max_tokens=16_000)
    assert (made.input_tokens, made.output_tokens) == (2000, 3000)
    assert made.usd == Decimal("0.068")
    assert str(made).endswith("about 0.068 USD (an estimate, calibrated on 2 answers)")
    assert made.to_json() == {
        "input_tokens": 2000,
        "output_tokens": 3000,
        "usd": 0.068,
        "calibrated_on": 2,
        "exact_input": False,
    }


def test_an_exact_count_takes_the_place_of_the_estimate() -> None:
    made = estimate(8000, 9_000_000, Rates(), None, max_tokens=16_000, counted=1234)
    assert (made.input_tokens, made.output_tokens, made.exact) == (1234, 16_000, True)
    assert str(made).startswith("1,234 tokens in, about 16,000 out")


def test_an_answer_of_nothing_calibrates_nothing() -> None:
    nothing = dict.fromkeys(FACTS, "0")
    assert calibrate([nothing]) == Rates(BYTES_A_TOKEN, TOKENS_A_BYTE, 1)
