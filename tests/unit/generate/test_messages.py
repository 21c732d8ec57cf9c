"""The `anthropic` generator against the real wire format: what is sent, and what ends as what."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from asmith.errors import AsmithError, BudgetError, ExitCode, UnavailableError
from asmith.generate.budget import Budget
from asmith.generate.dialogue import Answer, Dialogue, Turn
from asmith.generate.messages import (
    LONGEST_PAUSE,
    TRIES,
    Messages,
    parameters,
    worst_case,
)
from asmith.generate.troubles import unfinished
from asmith.host import clock
from asmith.model.names import ModuleName
from asmith.project.config import BudgetConfig, GeneratorConfig
from fakes.messages_api import Cut, ErrorEvent, Fails, Reply, Says, Sends, Server, in_turn, serve

CONFIG = GeneratorConfig("anthropic", seconds=5.0, max_tokens=1000)
ASKED = Dialogue(ModuleName("mid"), "the rules\n", "the request\n")
TALK = ASKED.then(Turn("an answer \n", "findings\n")).then(Turn("", "more findings\n"))


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses that were wanted, which nobody waits for; a key is set."""
    found: list[float] = []
    monkeypatch.setattr(clock, "pause", found.append)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key")
    return found


def ask(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    config: GeneratorConfig = CONFIG,
    budget: Budget | None = None,
    dialogue: Dialogue = ASKED,
) -> Answer:
    """Ask a server."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    with closing(Messages(budget or Budget(BudgetConfig(usd=100.0)))) as provider:
        return provider.ask(config, dialogue, lambda _: None)


# ---- what is sent --------------------------------------------------------------------------------


def test_a_dialogue_becomes_parameters() -> None:
    assert parameters(replace(CONFIG, effort="high"), TALK) == {
        "model": "claude-opus-5-5",
        "max_tokens": 1000,
        "output_config": {"effort": "high"},
        "system": [{"type": "text", "text": "the rules\n", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": "the request\n"},
            {"role": "assistant", "content": "an answer"},
            {"role": "user", "content": "findings\n"},
            {"role": "assistant", "content": "(nothing)"},
            {"role": "user", "content": "more findings\n"},
        ],
    }


def test_a_server_of_the_basics_is_sent_nothing_else(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with serve(Says("text", usage=None)) as server:
        answer = ask(server, monkeypatch, replace(CONFIG, effort="high", compat=True))
    (asked,) = server.asked
    assert asked.json == {
        "model": "claude-opus-5-5",
        "max_tokens": 1000,
        "system": "the rules\n",
        "messages": [{"role": "user", "content": "the request\n"}],
        "stream": True,
    }
    assert answer.raw == b"text"
    assert answer.facts["usd"] == "unknown"
    assert "input_tokens" not in answer.facts
    assert pauses == []


def test_the_cached_prefix_is_the_same_bytes_in_every_request(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Dialogue(ModuleName("top"), ASKED.stable, "another request\n")
    with serve(Says("text")) as server:
        ask(server, monkeypatch)
        ask(server, monkeypatch, dialogue=other)
        ask(server, monkeypatch, dialogue=TALK)
    starts = set()
    for asked in server.asked:
        start = asked.body.index(b'"system":')
        starts.add(asked.body[start : asked.body.index(b"]", start)])
    assert len(starts) == 1
    assert pauses == []


@pytest.mark.parametrize("variable", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
def test_the_key_is_the_environments(
    variable: str, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.setenv(variable, "another")
    with serve(Says("text")) as server:
        ask(server, monkeypatch)
    assert server.asked[0].headers["authorization"] == "Bearer another"
    assert pauses == []


# ---- what comes back -----------------------------------------------------------------------------


def test_an_answer_has_its_facts(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    usage = {
        "input_tokens": 100,
        "output_tokens": 50,
        "cache_read_input_tokens": 1000,
        "cache_creation_input_tokens": 10,
    }
    with serve(Says("a long text " * 99, thinking="well", usage=usage)) as server:
        answer = ask(server, monkeypatch)
    assert answer.raw.decode() == "a long text " * 99
    facts = dict(answer.facts)
    assert float(facts.pop("seconds")) >= 0
    assert facts == {
        "name": "anthropic",
        "model": "claude-opus-5-5",
        "answered_by": "scripted",
        "stop_reason": "end_turn",
        "request_bytes": "22",
        "answer_bytes": "1188",
        "input_tokens": "100",
        "output_tokens": "50",
        "cache_read_tokens": "1000",
        "cache_write_tokens": "10",
        "usd": f"{(100 * 4 + 50 * 20 + 1000 * 0.2 + 10 * 5) / 1e6:.6f}",
    }
    assert pauses == []


def test_progress_is_told_while_the_answer_comes(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    with serve(Says("x" * 1000, thinking="y" * 500, piece=250)) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        with closing(Messages(Budget(BudgetConfig()))) as provider:
            provider.ask(CONFIG, ASKED, told.append)
    assert sorted(set(told) - {0}) == [250, 500, 750, 1000, 1250, 1500]
    assert told == sorted(told)
    assert pauses == []


@pytest.mark.parametrize(
    ("reply", "code", "what"),
    [
        (Says("x", "end_turn"), None, ""),
        (Says("x", "stop_sequence"), None, ""),
        (Says("x", "max_tokens"), ExitCode.FINDINGS, "the answer was cut off at max_tokens"),
        (
            Says("x", "model_context_window_exceeded"),
            ExitCode.FINDINGS,
            "the answer was cut off at the model's context window",
        ),
        (Says("", "refusal"), ExitCode.UNAVAILABLE, "the model refused to answer"),
        (Says("", "tool_use"), ExitCode.UNAVAILABLE, "the model stopped for 'tool_use'"),
        (Says("x", "pause_turn"), ExitCode.UNAVAILABLE, "the model stopped for 'pause_turn'"),
        (Says("x", "new_reason"), ExitCode.UNAVAILABLE, "the model stopped for 'new_reason'"),
    ],
)
def test_every_stop_reason_has_its_end(
    reply: Says,
    code: ExitCode | None,
    what: str,
    pauses: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve(reply) as server:
        answer = ask(server, monkeypatch)
    assert len(server.asked) == 1
    problem = unfinished(ASKED.module, answer.facts)
    assert (problem and problem.exit_code) == code
    assert what in (problem.what if problem else "")
    assert pauses == []


def test_a_refusal_says_what_for(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": None}
    with serve(Says("", "refusal", stop_details=details)) as server:
        problem = unfinished(ASKED.module, ask(server, monkeypatch).facts)
    assert problem is not None
    assert (problem.why or "").endswith("its reason: cyber")
    assert pauses == []


# ---- failures ------------------------------------------------------------------------------------

NO_MESSAGE = (
    Sends(b"<html>an intranet's page</html>", "text/html"),
    Sends(b'{"oops":1}'),
    Sends(b'{"id":"m","content":[{"ty'),
    Sends(b'data: {"type":"message_start"}\n\n', "text/event-stream"),
    Sends(b"event: message_start\ndata: {no json\n\n", "text/event-stream"),
    Sends(b'event: message_start\ndata: {"type":"message_start"}\n\n', "text/event-stream"),
    Sends(b"event: content_block_delta\ndata: 5\n\n", "text/event-stream"),
    Cut("text", started=False),
)


@pytest.mark.parametrize(
    ("reply", "what", "calls"),
    [
        (Fails(400, "invalid_request_error"), "refused the request (status 400)", 1),
        (Fails(401, "authentication_error"), "refused the key", 1),
        (Fails(402, "billing_error"), "wants to be paid first", 1),
        (Fails(403, "permission_error"), "refused the key", 1),
        (Fails(404, "not_found_error"), "does not know the model 'claude-opus-5-5'", 1),
        (Fails(408, "timeout_error"), "failed (status 408) (asked 5 times)", TRIES),
        (Fails(409), "failed (status 409) (asked 5 times)", TRIES),
        (Fails(413, "request_too_large"), "finds the request too large", 1),
        (Fails(422), "refused the request (status 422)", 1),
        (Fails(429, "rate_limit_error"), "limits our rate (asked 5 times)", TRIES),
        (Fails(500), "failed (status 500) (asked 5 times)", TRIES),
        (Fails(503), "failed (status 503) (asked 5 times)", TRIES),
        (Fails(504), "failed (status 504) (asked 5 times)", TRIES),
        (Fails(529, "overloaded_error"), "failed (status 529) (asked 5 times)", TRIES),
        (Fails(500, headers={"x-should-retry": "false"}), "failed (status 500)", 1),
        (ErrorEvent("overloaded_error"), "failed (asked 5 times)", TRIES),
        (ErrorEvent("invalid_request_error", text="begun"), "gave no answer", 1),
        (Cut("a text that breaks off", 5), "failed (asked 5 times)", TRIES),
        (Cut("a text that breaks off", 5, reset=True), "failed (asked 5 times)", TRIES),
        (Cut("a text", reset=True, started=False), "failed (asked 5 times)", TRIES),
        (Says("a text", stop_reason=None), "failed (asked 5 times)", TRIES),
        *((reply, "gave no answer", 1) for reply in NO_MESSAGE),
    ],
)
def test_every_failure_ends_in_one_message(
    reply: Reply, what: str, calls: int, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(reply) as server, pytest.raises(UnavailableError) as caught:
        ask(server, monkeypatch)
    assert caught.value.what == f"{server.url} {what}"
    assert caught.value.why
    assert caught.value.help
    assert len(server.asked) == calls
    assert len(pauses) == calls - 1


def test_a_server_that_is_away_is_asked_a_few_times(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(Says("")) as server:
        pass
    with pytest.raises(UnavailableError) as caught:
        ask(server, monkeypatch)
    assert caught.value.what == f"cannot reach {server.url} (asked 5 times)"
    assert pauses == [1.0, 2.0, 4.0, 8.0]


def test_a_slow_answer_is_given_up(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Says("x" * 50, piece=1, pause=0.05)
    with serve(slow) as server, pytest.raises(UnavailableError) as caught:
        ask(server, monkeypatch, replace(CONFIG, seconds=0.5))
    assert caught.value.why == "the answer did not end within 0.5 s"
    assert "'seconds'" in (caught.value.help or "")
    assert pauses == []


def test_no_key_is_said_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Says("")) as server, pytest.raises(UnavailableError) as caught:
        ask(server, monkeypatch)
    assert caught.value.what == f"there is no key for {server.url}"
    assert server.asked == []


def test_a_failure_that_passes_is_waited_for(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = Fails(429, "rate_limit_error", headers={"retry-after": "7"})
    patient = Fails(529, headers={"retry-after": "86400"})
    dated = Fails(503, headers={"retry-after": "Fri, 27 Nov 2026 12:00:00 GMT"})
    with serve(in_turn(limited, patient, dated, Cut("half", 2), Says("whole"))) as server:
        assert ask(server, monkeypatch).raw == b"whole"
    assert pauses == [7.0, LONGEST_PAUSE, 4.0, 8.0]


# ---- the budget ----------------------------------------------------------------------------------


def test_the_worst_case_is_every_byte_a_token_and_max_tokens() -> None:
    cost = worst_case(CONFIG, ASKED)
    assert cost.tokens == 22 + 1000
    assert cost.usd is not None
    assert float(cost.usd) == (22 * 5 + 1000 * 20) / 1e6
    assert worst_case(replace(CONFIG, model="nobody's"), ASKED).usd is None
    assert worst_case(replace(CONFIG, compat=True), ASKED).usd is None
    half = worst_case(CONFIG, ASKED, batch=True)
    assert half.usd is not None
    assert half.usd * 2 == cost.usd


def test_a_call_that_might_pass_the_budget_is_not_made(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(Says("text")) as server, pytest.raises(BudgetError):
        ask(server, monkeypatch, budget=Budget(BudgetConfig(usd=0.02)))
    assert server.asked == []
    with serve(Says("text")) as server:
        ask(server, monkeypatch, budget=Budget(BudgetConfig(usd=0.03)))
    assert pauses == []


@pytest.mark.parametrize(
    ("reply", "spent"),
    [
        (Says("text", usage={"input_tokens": 10, "output_tokens": 5}), 15),
        (Says("text", usage=None), 1022),  # nobody says: the worst
        (Fails(401), 0),
        (Cut("text", 2), 5 * 1022),  # each might have been counted in full
        (Fails(529), 0),
    ],
)
def test_what_was_spent_is_known_or_the_worst(
    reply: Reply, spent: int, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Budget(BudgetConfig(usd=100.0))
    with serve(reply) as server:
        try:
            ask(server, monkeypatch, budget=budget)
        except AsmithError:
            assert not isinstance(reply, Says)
    assert budget.spent().tokens == spent
    assert len(pauses) in (0, TRIES - 1)


def test_concurrent_calls_never_pass_the_budget_together(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Budget(BudgetConfig(usd=0.045))  # two worst cases, not three
    found: list[Any] = []
    with serve(Says("text", delay=0.05, usage={"input_tokens": 9, "output_tokens": 9})) as server:

        def work() -> None:
            found.append(ask(server, monkeypatch, budget=budget))

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 6
    assert server.most_at_once == 2
    assert pauses == []


# ---- the SDK is heavy ----------------------------------------------------------------------------


def test_only_a_call_imports_the_sdk() -> None:
    script = (
        "import sys\n"
        "import asmith.cli.main, asmith.run.build, asmith.run.dodo, asmith.generate.messages\n"
        "import asmith.generate.messages_sdk\n"
        "assert not {'anthropic', 'httpx2', 'pydantic'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
