"""`asmith build --samples N`: several answers to one request, and the fastest correct one wins."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from asmith.run import sampling
from asmith.store.answers import Store
from fakes.command import answer_to, error, generator_that
from fakes.messages_api import Asked, Reply, Says, serve
from fakes.provider import point_at
from fakes.sample import GENERATOR, TEST

if TYPE_CHECKING:
    from asmith.errors import AsmithError
    from asmith.model.names import ModuleName
    from asmith.run.session import Session
    from fakes.command import Command
    from fakes.sample import Sample

BENCH = """\
def calls(module, seed):
    return lambda: module.mid(seed)
"""
HELP = (
    "help: write it: a function calls(module, seed) that returns what is timed "
    "(docs/reference/module-tests.md); or build without --samples"
)
IN_TURN = """
import pathlib
asked = pathlib.Path("asked")
number = len(asked.read_text()) if asked.exists() else 0
asked.write_text("x" * (number + 1))
kind = {kinds}[number]
out = io.StringIO()
sys.stdin, sys.stdout = io.StringIO(request), out
runpy.run_path({generator!r}, run_name="__main__")
sys.stdout = sys.__stdout__
spin = "mov     ecx, 1000000\\n.spin:\\n        dec     ecx\\n        jnz     .spin\\n        "
old = "mov     rax, rbx"
new = {{"fast": old, "slow": spin + old, "wrong": "xor     eax, eax"}}.get(kind)
if new is None:
    sys.exit("no more")
print(out.getvalue().replace(old, new))
sys.exit()
"""


def in_turn(sample: Sample, *kinds: str) -> None:
    """Let the generator answer so, one request after the other."""
    generator_that(sample, IN_TURN.format(kinds=kinds, generator=str(GENERATOR)))


@pytest.fixture
def edited(plain: Sample) -> Sample:
    """Return a project with one stale module, which alone has tests, and a benchmark."""
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.write("tests/modules/test_mid.py", TEST.format("mid"))
    plain.write("tests/modules/bench_mid.py", BENCH)
    return plain


def record(sample: Sample) -> dict[str, object]:
    found: dict[str, object] = json.loads(sample.read("modules/mid.json"))
    return found


def outcomes(sample: Sample, count: int) -> list[str]:
    """Return what came of the last answers, sorted: they are of the same second."""
    attempts = record(sample)["attempts"]
    assert isinstance(attempts, list)
    return sorted(a["outcome"] for a in attempts if a["request"] == record(sample)["request"])[
        :count
    ]


def asked(sample: Sample) -> int:
    return len(sample.read("asked"))


def test_the_fastest_correct_answer_wins_and_the_record_says_so(
    asmith: Command, edited: Sample
) -> None:
    in_turn(edited, "slow", "wrong", "fast", "fast")
    said = asmith(edited, "build", "--samples", "4")
    assert said.code == 0, said.err
    assert asked(edited) == 4
    assert "\n11 steps ran, " in said.out + said.err  # 5, 2 and 3 of the answers, and a link
    assert ".spin" not in edited.read("modules/mid.asm")
    assert outcomes(edited, 9) == ["accepted", "rejected", "slower"]
    (note,) = record(edited)["notes"]  # type: ignore[misc]
    answer = str(record(edited)["answer"])[:12]
    assert f"4 answers asked for, 2 correct; {answer} won by tests/modules/bench_mid.py" in note
    assert "1.000" in note
    assert "from seed" in note
    assert asmith(edited, "build", "--locked", "-q") == (0, "", "")
    assert edited.top(0) == 1 + 5 + 8 + 11 + 100


def test_without_a_benchmark_nothing_is_asked(asmith: Command, edited: Sample) -> None:
    edited.remove("tests/modules/bench_mid.py")
    in_turn(edited, "fast", "fast")
    assert asmith(edited, "build", "-q", "--samples", "2") == error(
        2,
        "error: --samples: module 'mid' has no benchmark",
        "  --> tests/modules/bench_mid.py",
        "why:  the correct answers are timed with it, and the fastest is kept",
        HELP,
    )
    assert not (edited.root / "asked").exists()


def test_repair_comes_first_and_its_request_is_the_one_that_is_asked_again(
    asmith: Command, edited: Sample
) -> None:
    in_turn(edited, "wrong", "slow", "fast")
    assert asmith(edited, "build", "-q", "--samples", "2").code == 0
    assert asked(edited) == 3
    assert outcomes(edited, 9) == ["accepted", "slower"]
    assert ".spin" not in edited.read("modules/mid.asm")


def test_those_that_exist_compete_when_no_more_can_be_had(asmith: Command, edited: Sample) -> None:
    in_turn(edited, "slow", "fast", "none")
    said = asmith(edited, "build", "-q", "--samples", "3")
    assert said.code == 3
    assert "no more" in said.err
    assert ".spin" not in edited.read("modules/mid.asm")
    assert asmith(edited, "build", "--locked", "-q") == (0, "", "")


def test_at_the_limit_of_the_budget_what_was_bought_is_kept(
    asmith: Command, ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready.write("tests/modules/test_mid.py", TEST.format("mid"))
    ready.write("tests/modules/bench_mid.py", BENCH)

    def dear(asked: Asked) -> Reply:
        return Says(answer_to(asked.text), usage={"input_tokens": 2000, "output_tokens": 12_000})

    with serve(dear) as server:
        point_at(server, monkeypatch)
        said = asmith(ready, "build", "--samples", "3", "--budget", "0.5")
    assert said.code == 4
    assert len(server.asked) == 1
    assert "\ndone: mid; left: nothing\n" in said.err
    assert "1 answer asked for, 1 correct" in record(ready)["notes"][-1]  # type: ignore[index]
    assert asmith(ready, "build", "--locked", "-q") == (0, "", "")


def test_without_tests_nothing_is_asked(asmith: Command, edited: Sample) -> None:
    edited.remove("tests/modules/test_mid.py")
    in_turn(edited, "fast", "fast")
    assert asmith(edited, "build", "-q", "--samples", "2") == error(
        2,
        "error: --samples: module 'mid' has no tests",
        "why:  nothing would tell a fast answer from a wrong one",
        "help: write tests/modules/test_mid.py; or build without --samples",
    )
    assert not (edited.root / "asked").exists()


@pytest.mark.parametrize("said", [("--samples", "0"), ("--samples", "2", "--batch")])
def test_what_cannot_be_is_refused(asmith: Command, edited: Sample, said: tuple[str, ...]) -> None:
    refused = asmith(edited, "build", "-q", *said)
    assert refused.code == 2
    assert len(refused.messages()) == 1


def test_a_broken_benchmark_loses_no_answer(asmith: Command, edited: Sample) -> None:
    in_turn(edited, "slow", "fast")
    edited.write("tests/modules/bench_mid.py", "def calls(module, seed):\n    return 1 / 0\n")
    said = asmith(edited, "build", "-q", "--samples", "2")
    assert said == error(
        1,
        "error: the benchmark of 'mid' failed",
        "  --> tests/modules/bench_mid.py",
        "why:  ZeroDivisionError: division by zero",
    )
    edited.write("tests/modules/bench_mid.py", BENCH)
    assert asmith(edited, "build", "-q", "--samples", "2").code == 0
    assert asked(edited) == 2
    assert ".spin" not in edited.read("modules/mid.asm")


def test_a_build_that_was_killed_goes_on_without_asking(
    asmith: Command, edited: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_turn(edited, "slow", "wrong", "fast")
    keep, kept = Store.keep_answer, []

    def dying(*arguments: object) -> object:
        kept.append(keep(*arguments))  # type: ignore[arg-type]
        if len(kept) == 3:
            raise KeyboardInterrupt
        return kept[-1]

    monkeypatch.setattr(Store, "keep_answer", dying)
    assert asmith(edited, "build", "-q", "--samples", "3").code == 130
    monkeypatch.undo()
    edited.remove("build")
    assert asmith(edited, "build", "-q", "--samples", "3").code == 0
    assert asked(edited) == 3
    assert outcomes(edited, 9) == ["accepted", "rejected", "slower"]
    assert ".spin" not in edited.read("modules/mid.asm")


def test_a_benchmark_moves_and_goes_with_its_module(asmith: Command, plain: Sample) -> None:
    plain.write("tests/modules/bench_top.py", BENCH)
    assert asmith(plain, "rename", "top", "summit").code == 0
    assert plain.read("tests/modules/bench_summit.py") == BENCH
    assert not (plain.root / "tests/modules/bench_top.py").exists()


def test_a_kill_while_a_wrong_answer_is_tried_costs_no_answer(
    asmith: Command, edited: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_turn(edited, "slow", "wrong", "fast")
    tried, calls = sampling._problem, []

    def dying(session: Session, name: ModuleName) -> AsmithError | None:
        calls.append(name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return tried(session, name)

    monkeypatch.setattr(sampling, "_problem", dying)
    assert asmith(edited, "build", "-q", "--samples", "3").code == 130
    monkeypatch.undo()
    assert asmith(edited, "build", "-q", "--samples", "3").code == 0
    assert asked(edited) == 3
    assert outcomes(edited, 9) == ["accepted", "rejected", "slower"]
    assert ".spin" not in edited.read("modules/mid.asm")
