"""The budget: nothing whose worst case would pass a limit, and what a price is."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asmith.errors import BudgetError
from asmith.generate import prices
from asmith.generate.budget import NOTHING, Budget, Cost
from asmith.model.names import ModuleName
from asmith.model.record import Usage
from asmith.project.config import BudgetConfig

M, N = ModuleName("m"), ModuleName("n")


def cost(tokens: int, usd: str | None = None) -> Cost:
    return Cost(tokens, None if usd is None else Decimal(usd))


# ---- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "worst", "key"),
    [
        (BudgetConfig(usd=1.0), cost(1, "1.01"), "'usd'"),
        (BudgetConfig(tokens=10), cost(11, "0.01"), "'tokens'"),
        (BudgetConfig(tokens=10), cost(11), "'tokens'"),
        (BudgetConfig(module_usd=0.5), cost(1, "0.51"), "'module.usd'"),
        (BudgetConfig(module_tokens=10), cost(11), "'module.tokens'"),
    ],
)
def test_each_limit_holds_before_the_first_call(
    config: BudgetConfig, worst: Cost, key: str
) -> None:
    budget = Budget(config)
    with pytest.raises(BudgetError) as caught:
        budget.reserve(M, worst)
    assert key in (caught.value.help or "")
    assert "nothing was spent" in (caught.value.why or "")


def test_a_price_that_nobody_knows_leaves_the_limit_on_tokens() -> None:
    budget = Budget(BudgetConfig(usd=0.01, tokens=100))
    budget.reserve(M, cost(100))
    budget.settle(M, cost(100), cost(90))
    with pytest.raises(BudgetError, match="100 tokens"):
        budget.reserve(M, cost(11))


def test_a_modules_limit_is_its_own() -> None:
    budget = Budget(BudgetConfig(usd=1.0, module_usd=0.5))
    budget.reserve(M, cost(1, "0.5"))
    budget.settle(M, cost(1, "0.5"), cost(1, "0.4"))
    with pytest.raises(BudgetError, match=r"the budget of module 'm', 0\.50 USD"):
        budget.reserve(M, cost(1, "0.2"))
    budget.reserve(N, cost(1, "0.5"))
    assert budget.spent(M) == cost(1, "0.4")


def test_the_message_says_what_was_spent_and_what_might_be() -> None:
    budget = Budget(BudgetConfig(usd=1.0))
    budget.reserve(M, cost(50_000, "0.62"))
    budget.settle(M, cost(50_000, "0.62"), cost(31_000, "0.62"))
    with pytest.raises(BudgetError) as caught:
        budget.reserve(N, cost(40_000, "0.41"))
    assert caught.value.render() == (
        "error: the budget of this run, 1.00 USD, does not allow the next call\n"
        "  --> pyproject.toml\n"
        "why:  0.62 USD (31,000 tokens) spent; the request for 'n' may take up to "
        "0.41 USD (40,000 tokens)\n"
        "help: raise 'usd' in [tool.asmith.budget], or lower 'max_tokens' or choose another "
        "'model' in [tool.asmith.generator]; what was answered is kept"
    )


def test_a_call_waits_for_what_others_have_set_aside() -> None:
    budget = Budget(BudgetConfig(usd=1.0))
    budget.reserve(M, cost(1, "0.9"))
    got = threading.Event()
    thread = threading.Thread(target=lambda: (budget.reserve(N, cost(1, "0.9")), got.set()))
    thread.start()
    assert not got.wait(0.1)
    budget.settle(M, cost(1, "0.9"), cost(1, "0.05"))
    assert got.wait(5)
    thread.join()


@given(st.lists(st.tuples(st.sampled_from([M, N]), st.integers(1, 60), st.integers(0, 100))))
def test_spent_and_set_aside_never_pass_the_limit(calls: list[tuple[ModuleName, int, int]]) -> None:
    budget = Budget(BudgetConfig(usd=1.0, module_usd=0.8))
    open_calls: list[tuple[ModuleName, Cost]] = []
    for module, cents, percent in calls:
        worst = cost(cents, str(Decimal(cents) / 100))
        if open_calls and percent < 50:
            owner, held = open_calls.pop(0)
            assert held.usd is not None
            budget.settle(owner, held, Cost(held.tokens, held.usd * percent / 100))
        if budget._problem(module, worst, budget._aside) is None:
            budget.reserve(module, worst)
            open_calls.append((module, worst))
        for whose, limit in ((None, "1.0"), (M, "0.8"), (N, "0.8")):
            total = budget._total(whose, budget._aside)
            assert total.usd is None or total.usd <= Decimal(limit)


# ---- prices --------------------------------------------------------------------------------------


def test_prices_are_dated_and_some_are_unknown() -> None:
    assert prices.dated() == "2026-11"
    assert prices.of("llama") is None
    assert prices.of("claude-haiku-5-5-20261001") == prices.of("claude-haiku-5-5")


def price(model: str) -> prices.Price:
    found = prices.of(model)
    assert found is not None
    return found


def test_a_price_counts_each_kind_of_token() -> None:
    usage = Usage(1000, 100, cache_read_tokens=10_000, cache_write_tokens=500)
    dollars = price("claude-opus-5-5").cost(usage)
    assert dollars == Decimal("0.0105")  # 0.004 + 0.002 + 0.002 + 0.0025
    assert price("claude-opus-5-5").cost(usage, batch=True) == Decimal("0.00525")
    assert price("claude-opus-5-5").cost(Usage(1000, None)) is None


def test_a_long_request_costs_more_where_the_price_says_so() -> None:
    haiku = price("claude-haiku-5-5")
    assert haiku.cost(Usage(100_000, 0)) == Decimal("0.01")
    assert haiku.cost(Usage(100_001, 0)) == Decimal("0.0500005")
    assert haiku.cost(Usage(1, 0, cache_read_tokens=100_000)) == Decimal("0.0500005")


@given(st.integers(0, 300_000), st.integers(0, 300_000), st.integers(0, 9), st.integers(0, 9))
def test_no_usage_costs_more_than_the_worst_case(
    size: int, out: int, read: int, write: int
) -> None:
    parts = 1 + read + write
    usage = Usage(size // parts, out, size * read // parts, size * write // parts)
    for model in ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"):
        spent = price(model).cost(usage)
        assert spent is not None
        assert spent <= price(model).worst(size, out)


def test_costs_read_well() -> None:
    assert str(cost(1234, "0.0123")) == "0.012 USD (1,234 tokens)"
    assert str(cost(1, "12.3")) == "12.30 USD (1 tokens)"
    assert str(cost(10)) == "an unknown price (10 tokens)"
    assert cost(1, "0.5") + cost(2) == cost(3, "0.5")
    assert NOTHING + NOTHING == NOTHING
