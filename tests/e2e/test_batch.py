"""`asmith build --batch`: one batch for all stale modules, whatever ends it, and what it costs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from asmith.host import clock
from fakes.command import answer_to
from fakes.messages_api import Asked, Fails, Reply, Says, serve
from fakes.provider import point_at, record, right

if TYPE_CHECKING:
    from fakes.command import Command
    from fakes.sample import Sample


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses that were wanted, which nobody waits for."""
    found: list[float] = []
    monkeypatch.setattr(clock, "pause", found.append)
    return found


@pytest.fixture
def three(ready: Sample) -> Sample:
    """Return a project of three stale modules."""
    ready.edit("specs/leaf.md", "add 1 and", "add 2 and")
    ready.edit("specs/top.md", "add 100", "add 200")
    return ready


def of(asked: Asked, module: str) -> bool:
    """Tell whether a request is for a module."""
    return f"# The module: {module}\n" in asked.text


def test_all_answers_come_in_one_batch_at_half_the_price(
    asmith: Command, three: Sample, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(right) as server:
        point_at(server, monkeypatch)
        said = asmith(three, "build", "--batch")
        assert said.code == 0, said
        assert "batch msgbatch_1: leaf, mid, top; it may take a day." in said.err
        (handed_in,) = server.asked
        requests = handed_in.json["requests"]
        assert len(requests) == 3
        assert all("stream" not in r["params"] for r in requests)
        assert requests[0]["params"]["system"] == requests[1]["params"]["system"]
        assert asmith(three, "build", "--batch", "-q") == (0, "", "")
        assert len(server.asked) == 1
    assert pauses == [1.0, 1.5]
    usage = record(three)["attempts"][-1]["usage"]
    cost = (4 * usage["input_tokens"] + 20 * usage["output_tokens"]) / 2e6
    assert float(usage["usd"]) == pytest.approx(cost, abs=1e-6)
    assert record(three)["generator"]["batch"] == "msgbatch_1"
    assert not (three.root / ".asmith/batch.json").exists()


def test_findings_go_back_in_the_next_batch(
    asmith: Command, three: Sample, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def reply(asked: Asked) -> Reply:
        text = answer_to(asked.text)
        first = len(asked.json["messages"]) == 1
        if of(asked, "mid") and first:
            return Says(text.replace("push    rbx", "pusch   rbx"))
        if of(asked, "top") and first:
            return Says("no block")
        return Says(text)

    with serve(reply) as server:
        point_at(server, monkeypatch)
        said = asmith(three, "build", "--batch", "-q")
        assert said.code == 0, said
    first, second = server.asked
    assert len(first.json["requests"]) == 3
    again = [r["params"]["messages"] for r in second.json["requests"]]
    assert [len(m) for m in again] == [3, 3]
    assert any("error[ASM001]" in m[2]["content"] for m in again)
    assert any("no fenced code block" in m[2]["content"] for m in again)
    assert pauses


def test_what_a_batch_does_not_answer_is_told_and_the_rest_goes_on(
    asmith: Command, three: Sample, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def reply(asked: Asked) -> Reply:
        if of(asked, "mid"):
            return Fails(400, "invalid_request_error", "too odd")
        return Fails(0, "expired") if of(asked, "top") else right(asked)

    with serve(reply) as server:
        point_at(server, monkeypatch)
        said = asmith(three, "build", "--batch", "-q")
        assert said.code == 3
        assert said.messages() == [
            "error: module 'mid': batch msgbatch_1 has no answer",
            "error: module 'top': batch msgbatch_1 has no answer",
        ]
        assert "why:  too odd\n" in said.err
        assert "why:  the request was expired\n" in said.err
        assert len(server.asked) == 1
    assert len(pauses) == 2
    assert "add 2" in three.read("specs/leaf.md")
    assert "mov     rax, 2" in three.read("modules/leaf.asm")


def test_a_batch_is_waited_for_after_a_kill(
    asmith: Command, three: Sample, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-m", "asmith.cli.main", "build", "-C", str(three.root), "--batch"]
    pending = three.root / ".asmith/batch.json"
    with serve(right) as server:
        server.polls = 1_000_000
        point_at(server, monkeypatch)
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not pending.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        child.kill()
        child.wait()
        said = asmith(three, "build", "-q")  # at the full price: not what is paid for already
        assert said.code == 3
        assert "module 'mid' is being answered by batch msgbatch_1" in said.err
        assert len(server.asked) == 1
        server.batches["msgbatch_1"].polls_left = 1
        assert asmith(three, "build", "--batch", "-q").code == 0
        assert len(server.asked) == 1
    assert not pending.exists()
    assert pauses == [1.0]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 2}', '{"schema": 1, "items": 5}'])
def test_a_damaged_note_of_a_batch_is_none(
    text: str,
    asmith: Command,
    ready: Sample,
    pauses: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ready.write(".asmith/batch.json", text)
    with serve(right) as server:
        point_at(server, monkeypatch)
        assert asmith(ready, "build", "--batch", "-q").code == 0
    assert len(server.asked) == 1
    assert len(pauses) == 2


def test_a_batch_that_is_refused_is_no_batch(
    asmith: Command, three: Sample, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(right) as server:
        point_at(server, monkeypatch)
        server.refuse_batches = Fails(429, "rate_limit_error", "too many batches")
        said = asmith(three, "build", "--batch", "-q")
        assert said.code == 3
        assert "limits our rate" in said.err
        assert "too many batches" in said.err
        assert not (three.root / ".asmith/batch.json").exists()
        assert len(server.asked) == 1
    assert pauses == []


def test_a_batch_keeps_to_the_budget(
    asmith: Command, three: Sample, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(right) as server:
        point_at(server, monkeypatch)
        said = asmith(three, "build", "--batch", "--json", "--budget", "0.4")
        assert said.code == 4  # two worst cases of half the price fit in, not three
        assert len(server.asked[0].json["requests"]) == 2
        made = json.loads(said.out)
        assert len(made["adopted"]) == 2
        assert "left: top" in made["errors"][0]
        assert 0 < made["spent"]["usd"] < 0.4
    assert len(pauses) == 2


def test_a_command_has_no_batches(asmith: Command, plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    said = asmith(plain, "build", "--batch")
    assert (said.code, said.messages()) == (
        2,
        ["error: --batch: generator 'command' has no batches"],
    )
