"""Spending: the budget of a run, what a person is asked first, and what is said of the cost."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from fakes.command import answer_to, without_generator
from fakes.messages_api import Asked, Reply, Says, serve
from fakes.provider import point_at, record, right

if TYPE_CHECKING:
    from fakes.command import Command
    from fakes.sample import Sample


def dear(asked: Asked) -> Reply:
    """Answer rightly, after much thought."""
    usage = {"input_tokens": 2000, "output_tokens": 12_000}
    return Says(answer_to(asked.text), usage=usage)  # 0.248 US dollars


def stale(sample: Sample) -> None:
    """Make the other modules stale too."""
    sample.edit("specs/leaf.md", "add 1 and", "add 2 and")
    sample.edit("specs/top.md", "add 100", "add 200")


def test_a_budget_ends_a_run_with_what_was_done_and_what_is_left(
    asmith: Command, ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale(ready)
    with serve(dear) as server:
        point_at(server, monkeypatch)
        said = asmith(ready, "build", "--budget", "0.5")
        assert said.code == 4
        assert len(server.asked) == 1  # 0.25 spent, and the next might take 0.35
        assert said.messages() == [
            "error: the budget of this run, 0.50 USD, does not allow the next call"
        ]
        assert "\ndone: leaf; left: mid, top\n" in said.err
        assert said.out.splitlines()[-2:] == [
            "spent 0.25 USD (14,000 tokens)",
            "sum in build/bin is new; what failed in it stays as it last was good",
        ]
        assert asmith(ready, "build", "-q", "--budget", "5") == (0, "", "")
    assert len(server.asked) == 3


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_no_request_is_made_whose_worst_case_would_pass_a_dollar(
    jobs: str, asmith: Command, ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale(ready)
    spent, worst = 0.0, []

    def counted(asked: Asked) -> Reply:
        size = len(asked.text.encode())
        worst.append(spent + (size * 5 + asked.json["max_tokens"] * 20) / 1e6)
        return dear(asked)

    with serve(counted) as server:
        point_at(server, monkeypatch)
        for _ in range(3):
            said = asmith(ready, "build", "--json", "-n", jobs)
            assert json.loads(said.out)["spent"]["usd"] <= 1.0
            if said.code == 0:
                break
            assert said.code == 4
    assert said.code == 0
    assert max(worst) <= 1.0


def test_a_limit_of_one_module_stops_its_repair_alone(
    asmith: Command, ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ready.read("pyproject.toml")
    ready.write("pyproject.toml", config + "[tool.asmith.budget]\nusd = 9\nmodule.usd = 0.5\n")
    stale(ready)

    def reply(asked: Asked) -> Reply:
        usage = {"input_tokens": 2000, "output_tokens": 12_000}
        bad = "# The module: mid\n" in asked.text
        return Says("nothing to see", usage=usage) if bad else dear(asked)

    with serve(reply) as server:
        point_at(server, monkeypatch)
        said = asmith(ready, "build", "-q")
    assert said.code == 4
    assert len(server.asked) == 3
    assert "the budget of module 'mid', 0.50 USD" in said.err
    assert "done: leaf, top; left: mid" in said.err


def test_an_unknown_price_is_said_and_tokens_are_the_limit(
    asmith: Command, ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ready.read("pyproject.toml")
    ready.write("pyproject.toml", config + 'model = "llama"\ncompat = true\n')
    with serve(right) as server:
        point_at(server, monkeypatch)
        said = asmith(ready, "build", "--max-tokens", "3000000")
        assert said.code == 4
        assert "does not allow the next call" in said.err
        assert "an unknown price (3,0" in said.err
        assert server.asked == []
        said = asmith(ready, "build", "--max-tokens", "3000")
        assert said.code == 0
        assert "spent an unknown price (" in said.out
    assert server.asked[0].json["max_tokens"] == 3000
    assert record(ready)["attempts"][-1]["usage"]["usd"] == "unknown"


def test_the_command_line_is_stronger_than_the_configuration(
    asmith: Command, ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ready.read("pyproject.toml")
    ready.write("pyproject.toml", config + 'model = "claude-sonnet-5-5"\neffort = "low"\n')
    with serve(right) as server:
        point_at(server, monkeypatch)
        options = ("--model", "claude-haiku-5-5", "--effort", "max")
        assert asmith(ready, "build", "-q", *options) == (0, "", "")
    asked = server.asked[0].json
    assert (asked["model"], asked["output_config"]) == ("claude-haiku-5-5", {"effort": "max"})
    assert record(ready)["attempts"][-1]["model"] == "claude-haiku-5-5"


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--effort", "hihg"], "--effort hihg: there is no such level; did you mean 'high'?"),
        (["--max-tokens", "0"], "--max-tokens 0: it must be at least 1"),
        (["--budget", "inf"], "--budget inf: it must be a positive number of US dollars"),
        (["--budget", "-1"], "--budget -1.0: it must be a positive number of US dollars"),
    ],
)
def test_wishes_that_make_no_sense(
    options: list[str], what: str, asmith: Command, ready: Sample
) -> None:
    said = asmith(ready, "build", *options)
    assert (said.code, said.messages()) == (2, [f"error: {what}"])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("usd = inf", "'usd' in [tool.asmith.budget] must be a positive number, not inf"),
        ("usd = 0", "'usd' in [tool.asmith.budget] must be a positive number, not 0"),
        (
            "tokens = 1.5",
            "'tokens' in [tool.asmith.budget] must be a positive whole number, not 1.5",
        ),
        ("eur = 1", "unknown key 'eur' in [tool.asmith.budget]; did you mean 'usd'?"),
        ('ask = "no"', "'ask' in [tool.asmith.budget] must be true or false, not 'no'"),
    ],
)
def test_budgets_that_are_refused(text: str, what: str, asmith: Command, ready: Sample) -> None:
    ready.write("pyproject.toml", ready.read("pyproject.toml") + f"[tool.asmith.budget]\n{text}\n")
    said = asmith(ready, "build")
    assert said.code == 2
    assert said.messages()[0].startswith(f"error: {what.partition(';')[0]}")


# ---- who is asked before money is spent ----------------------------------------------------------


def on_a_terminal(sample: Sample, typed: str, *arguments: str) -> tuple[int, str]:
    """Run a build on a terminal where somebody types; return its status and what was shown."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "asmith.cli.main", "build", "-C", str(sample.root), *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    return child.wait(60), shown.decode().replace("\r\n", "\n")


def test_a_person_is_asked_once_before_the_first_paid_call(
    ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale(ready)
    with serve(right) as server:
        point_at(server, monkeypatch)
        code, shown = on_a_terminal(ready, "n\n")
        assert code == 3
        assert server.asked == []
        assert "ask claude-opus-5-5 for 'leaf'? At most 0." in shown
        assert "prices of 2026-11; the budget of this run is 1.00 USD" in shown
        assert shown.count("go on? [y/N]") == 1
        assert shown.count("error: nothing was asked, since you declined") == 1
        code, shown = on_a_terminal(ready, "yes\n")
        assert code == 0, shown
        assert shown.count("go on? [y/N]") == 1
        assert len(server.asked) == 3


@pytest.mark.parametrize("way", ["--yes", "configuration"])
def test_nobody_is_asked_who_said_so(
    way: str, ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = [way] if way == "--yes" else []
    if not options:
        config = ready.read("pyproject.toml")
        ready.write("pyproject.toml", config + "[tool.asmith.budget]\nask = false\n")
    with serve(right) as server:
        point_at(server, monkeypatch)
        code, shown = on_a_terminal(ready, "", *options)
    assert code == 0, shown
    assert "go on?" not in shown
    assert len(server.asked) == 1


def test_a_terminal_shows_how_much_of_an_answer_has_come(
    ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(asked: Asked) -> Reply:
        return Says(answer_to(asked.text), pause=0.3, piece=90)

    monkeypatch.setenv("TERM", "xterm")
    with serve(slow) as server:
        point_at(server, monkeypatch)
        code, shown = on_a_terminal(ready, "", "--yes")
    assert code == 0, shown
    counts = [int(n) for n in re.findall(r"generate:mid ~(\d+) tokens", shown)]
    assert counts == sorted(counts)
    assert len(set(counts)) > 1


def test_a_key_alone_is_enough_and_without_one_nothing_is_asked(
    asmith: Command, ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_generator(ready)  # `auto`
    with serve(right) as server:
        point_at(server, monkeypatch)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "")
        said = asmith(ready, "build", "-q")
        assert said.code == 3
        assert "there is no answer for it" in said.err
        assert server.asked == []
        monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key")
        assert asmith(ready, "build", "-q") == (0, "", "")
        assert len(server.asked) == 1


def test_a_build_without_calls_never_imports_the_sdk(ready: Sample) -> None:
    ready.edit("specs/mid.md", "add 11", "add 10")
    ready.edit("modules/top.asm", "mov     rax, 100", "mov     rax, 200")
    script = (
        "import sys\n"
        "from asmith.cli.main import main\n"
        f"assert main(['build', '-C', {str(ready.root)!r}]) == 0\n"
        f"assert main(['plan', '-C', {str(ready.root)!r}]) == 0\n"
        f"assert main(['prompt', 'mid', '-C', {str(ready.root)!r}]) == 0\n"
        "assert not {'anthropic', 'httpx2', 'pydantic'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert b"assemble:top" in done.stderr


# ---- estimates -----------------------------------------------------------------------------------


def test_a_plan_estimates_offline_and_says_so(
    asmith: Command, ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(dear) as server:
        point_at(server, monkeypatch)
        said = asmith(ready, "plan")
        assert "    takes: about " in said.out
        assert "(an estimate, not calibrated)" in said.out
        assert (server.asked, server.counted) == ([], [])
        assert asmith(ready, "build", "-q") == (0, "", "")
        stale(ready)
        said = asmith(ready, "plan")
        assert said.out.count("(an estimate, calibrated on 1 answers)") == 2
        assert "asking for 2 modules: about 0." in said.out
        made = json.loads(asmith(ready, "plan", "--json").out)["generate"]
        assert [m["module"] for m in made] == ["leaf", "top"]
        assert server.counted == []
        exact = json.loads(asmith(ready, "plan", "--json", "--exact").out)["generate"]
        assert len(server.counted) == 2
        assert len(server.asked) == 1
    for before, after, counted in zip(made, exact, server.counted, strict=True):
        assert before["estimate"]["exact_input"] is False
        assert after["estimate"]["exact_input"] is True
        assert after["estimate"]["input_tokens"] == len(counted.text.encode()) // 4
    assert before["estimate"]["calibrated_on"] == 1


def test_a_plan_without_a_provider_estimates_nothing(asmith: Command, plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    assert json.loads(asmith(plain, "plan", "--json").out)["generate"][0]["estimate"] is None
