"""Builds against a scripted Messages API: what is asked, when, and what comes of each answer."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from asmith.generate.answer import split
from fakes.command import answer_to, generator_that
from fakes.messages_api import Asked, Reply, Says, in_turn, serve
from fakes.provider import make_ready, point_at, record, right
from fakes.sample import FUNCTION, SPEC

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakes.command import Command
    from fakes.sample import Sample


def exporting(asked: Asked) -> Reply:
    """Answer with one more function that everybody may see, which no contract names."""
    more = "        global  more:function (more.end - more)\nmore:\n        ret\n.end:\n"
    text = answer_to(asked.text)
    return Says(text.replace("        section .note", f"{more}        section .note"))


def misaligned(asked: Asked) -> Reply:
    """Answer with one push less, so that the stack is not where a call needs it."""
    text = answer_to(asked.text).replace(
        "        push    r12                     ; rsp = 0 mod 16\n", ""
    )
    return Says(text.replace("        pop     r12\n        pop     r12\n", "        pop     r12\n"))


def wrong(asked: Asked) -> Reply:
    """Answer with a function that returns nothing of use, which the tests find."""
    return Says(answer_to(asked.text).replace("mov     rax, rbx", "xor     eax, eax"))


def unassembled(asked: Asked) -> Reply:
    """Answer with a word that is no instruction."""
    return Says(answer_to(asked.text).replace("push    rbx", "pusch   rbx"))


def test_one_edit_is_one_request_for_that_module_alone(
    asmith: Command, ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = asmith(ready, "prompt", "mid").out
    before = ready.top(0)
    with serve(right) as server:
        point_at(server, monkeypatch)
        assert asmith(ready, "build", "-q") == (0, "", "")
        assert asmith(ready, "build", "-q") == (0, "", "")
        ready.edit("specs/mid.md", "add 11", "add 10")
        assert asmith(ready, "build", "-q") == (0, "", "")
        assert ready.top(0) == before
        ready.edit("specs/mid.md", "add 10", "add 11")
        assert asmith(ready, "build", "-q") == (0, "", "")
    (asked,) = server.asked
    assert asked.text == printed
    assert asked.json["model"] == "claude-opus-5-5"
    assert asked.json["stream"] is True
    assert asked.json["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert not {"temperature", "top_p", "top_k"} & set(asked.json)
    assert asked.headers["authorization"] == "Bearer a-key"
    assert ready.top(0) == before + 1
    (attempt,) = [a for a in record(ready)["attempts"] if a["model"]]
    assert attempt["mode"] == "generated"
    assert attempt["outcome"] == "accepted"
    tokens = attempt["usage"]
    cost = (4 * tokens["input_tokens"] + 20 * tokens["output_tokens"]) / 1e6
    assert float(tokens["usd"]) == pytest.approx(cost, abs=1e-6)
    assert record(ready)["generator"]["stop_reason"] == "end_turn"


# ---- repair --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "rule", "ran"),
    [
        (unassembled, "ASM001", "generate:mid generate:mid assemble:mid check:mid link:sum"),
        (
            exporting,
            "ELF002",
            "generate:mid assemble:mid generate:mid assemble:mid check:mid link:sum",
        ),
        (
            misaligned,
            "ABI004",
            "generate:mid assemble:mid generate:mid assemble:mid check:mid link:sum",
        ),
    ],
)
def test_findings_go_back_and_the_next_answer_is_taken(
    bad: Callable[[Asked], Reply],
    rule: str,
    ran: str,
    asmith: Command,
    ready: Sample,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve(in_turn(bad, right)) as server:
        point_at(server, monkeypatch)
        said = asmith(ready, "build", "--json")
    assert said.code == 0, said
    assert json.loads(said.out)["executed"] == ran.split()
    first, second = server.asked
    assert second.json["system"] == first.json["system"]
    question, answered, told = second.json["messages"]
    assert question == first.json["messages"][0]
    assert answered == {"role": "assistant", "content": bad(first).text.strip()}  # type: ignore[union-attr]
    assert told["content"].startswith(f"It was rejected:\n\nerror[{rule}]: ")
    rejected, accepted = [a for a in record(ready)["attempts"] if a["model"]]
    assert (rejected["outcome"], accepted["outcome"]) == ("rejected", "accepted")
    assert rejected["findings"][0].startswith(f"{rule}: ")
    assert rejected["request"] != accepted["request"]
    assert rejected["usage"]["output_tokens"] > 0
    assert asmith(ready, "build", "--locked", "-q").code == 0


def test_a_test_that_fails_goes_back_and_what_was_linked_is_linked_again(
    asmith: Command, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_ready(sample, monkeypatch)
    with serve(in_turn(wrong, right)) as server:
        point_at(server, monkeypatch)
        assert asmith(sample, "build", "-q", "-n", "3").code == 0
    told = server.asked[1].json["messages"][2]["content"]
    assert "error: test:mid failed" in told
    assert "assert" in told
    assert sample.top(0) == 1 + 5 + 8 + 11 + 100
    assert asmith(sample, "build", "-q", "--locked").code == 0


def test_a_generator_is_asked_a_few_times_and_no_more(
    asmith: Command, ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ready.tree("modules", "build/bin")
    with serve(in_turn(unassembled, exporting, unassembled)) as server:
        point_at(server, monkeypatch)
        said = asmith(ready, "build", "-q")
        assert said.code == 1
        assert said.messages() == ["error[ASM001]: parser: instruction expected"]
        assert len(server.asked) == 3
        assert ready.tree("modules", "build/bin") == before
        server.reply = right  # a new build begins a new dialogue
        assert asmith(ready, "build", "-q") == (0, "", "")
    lengths = [len(a.json["messages"]) for a in server.asked]
    assert lengths == [1, 3, 5, 1]
    outcomes = [a["outcome"] for a in record(ready)["attempts"] if a["model"]]
    assert outcomes == ["rejected", "rejected", "rejected", "accepted"]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("I would rather not write that.\n", "the answer has no fenced code block"),
        ("```nasm\nret\n```\nor\n```nasm\nret\n```\n", "the answer has 2 fenced code blocks"),
        ("```nasm\nother:\n        ret\n.end:\n```\n", "the answer lacks the function 'mid'"),
        ("```nasm\n%macro m 0\n%endmacro\n```\n", "'%macro m 0' is not part of a module's"),
        ("", "the answer has no fenced code block"),
    ],
)
def test_what_is_no_answer_goes_back_as_well(
    text: str, finding: str, asmith: Command, ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(in_turn(Says(text), right)) as server:
        point_at(server, monkeypatch)
        assert asmith(ready, "build", "-q") == (0, "", "")
    assert finding in server.asked[1].json["messages"][2]["content"]


def test_a_command_is_told_what_was_wrong_as_well(asmith: Command, plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    generator_that(
        plain,
        "open('calls', 'a').write(request + '=' * 99)\n"
        "if 'What is wrong' not in request: sys.exit(print('no block here'))",
    )
    said = asmith(plain, "build")
    assert said.code == 0
    line = "generate:mid                 rejected: ANSWER: the answer has no fenced code block"
    assert f"\n{line}; asking again\n" in said.err
    first, second, _ = plain.read("calls").split("=" * 99)
    assert second.startswith(first + "\n# Your answer\nno block here\n\n# What is wrong with it\n")
    rejected, accepted = record(plain)["attempts"][-2:]
    assert (rejected["outcome"], accepted["outcome"]) == ("rejected", "accepted")
    assert rejected["usage"]["usd"] == "unknown"


@pytest.mark.parametrize(
    ("reply", "code", "what"),
    [
        (Says("x", "refusal"), 3, "error: module 'mid': the model refused to answer"),
        (Says("x", "max_tokens"), 1, "error: module 'mid': the answer was cut off at max_tokens"),
    ],
)
def test_an_answer_that_did_not_end_is_no_reason_to_ask_again(
    reply: Says,
    code: int,
    what: str,
    asmith: Command,
    ready: Sample,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve(reply) as server:
        point_at(server, monkeypatch)
        said = asmith(ready, "build", "-q")
        assert (said.code, said.messages()) == (code, [what])
        assert len(server.asked) == 1
        server.reply = right
        assert asmith(ready, "build", "-q") == (0, "", "")
    assert [len(a.json["messages"]) for a in server.asked] == [1, 1]


def test_a_reviewers_words_go_back(
    asmith: Command, ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slower(asked: Asked) -> Reply:
        return Says(answer_to(asked.text).replace("push    rbx\n", "push    rbx\n        nop\n"))

    with serve(in_turn(slower, right)) as server:
        point_at(server, monkeypatch)
        assert asmith(ready, "build", "-q", "--review").code == 0
        assert asmith(ready, "reject", "mid", "--reason", "why the nop?").code == 0
        assert asmith(ready, "build", "-q") == (0, "", "")
    told = server.asked[1].json["messages"][2]["content"]
    assert "a person did not want it\nwhy:  why the nop?" in told
    assert "nop" not in ready.read("modules/mid.asm")


# ---- kills ---------------------------------------------------------------------------------------


def test_an_answer_that_arrived_is_never_asked_for_again(
    ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The build is killed by the nasm that is to assemble the answer."""
    nasm = shutil.which("nasm")
    flag = ready.root / "killed"
    once = f"case $* in *elf64*) [ -e {flag} ] || {{ : > {flag}; kill -9 $PPID; }};; esac"
    killer = f'#!/bin/sh\n{once}\nexec {nasm} "$@"\n'
    ready.write("tools/nasm", killer)
    (ready.root / "tools/nasm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{ready.root}/tools:{os.environ['PATH']}")
    command = [sys.executable, "-m", "asmith.cli.main", "build", "-C", str(ready.root)]
    with serve(right) as server:
        point_at(server, monkeypatch)
        killed = subprocess.run(command, cwd=ready.root, capture_output=True, check=False)
        assert killed.returncode == -signal.SIGKILL
        assert len(server.asked) == 1
        ready.remove("build/stage")  # not even what was made of the answer is left
        done = subprocess.run(command, cwd=ready.root, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert len(server.asked) == 1
    assert "mov     rax, 11" in ready.read("modules/mid.asm")


def test_a_dialogue_goes_on_where_a_kill_ended_it(
    ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-m", "asmith.cli.main", "build", "-C", str(ready.root)]
    with serve(in_turn(unassembled, Says("never read", delay=60))) as server:
        point_at(server, monkeypatch)
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while len(server.asked) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        child.kill()
        child.wait()
        server.reply = right
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    assert [len(a.json["messages"]) for a in server.asked] == [1, 3, 3]


# ---- doit, and many modules at once --------------------------------------------------------------


def doit(sample: Sample, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run plain doit in a project."""
    shutil.copy(Path(__file__).parents[2] / "dodo.py", sample.root)
    return subprocess.run(
        [sys.executable, "-m", "doit", *arguments],
        cwd=sample.root,
        capture_output=True,
        text=True,
        check=False,
    )


def test_doit_asks_repairs_and_adopts(ready: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(in_turn(misaligned, right)) as server:
        point_at(server, monkeypatch)
        done = doit(ready)
        assert done.returncode == 0, done.stdout
        assert len(server.asked) == 2
        assert "error[ABI004]" in server.asked[1].text
        assert doit(ready).stdout.startswith("nothing to do")
    assert ready.top(0) == 1 + 5 + 8 + 11 + 100
    assert [a["outcome"] for a in record(ready)["attempts"] if a["model"]] == [
        "rejected",
        "accepted",
    ]


def test_doit_repairs_what_a_test_finds(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    make_ready(sample, monkeypatch)
    with serve(in_turn(wrong, right)) as server:
        point_at(server, monkeypatch)
        done = doit(sample)
        assert done.returncode == 0, done.stdout
        assert len(server.asked) == 2
        assert doit(sample).stdout.startswith("nothing to do")
    assert sample.top(0) == 1 + 5 + 8 + 11 + 100


def many(sample: Sample, count: int = 8) -> None:
    """Add modules m1, m2, ... that are stale; each calls the one before."""
    for number in range(1, count + 1):
        name, uses = f"m{number}", f"m{number - 1}" if number > 1 else ""
        says = f"call m{number - 1} and add {number}" if uses else "add 1"
        sample.write(f"interfaces/{name}.h", FUNCTION.format(name))
        sample.write(f"specs/{name}.md", SPEC.format(name, uses, says))


@pytest.mark.parametrize("program", ["asmith", "doit"])
def test_many_modules_are_asked_for_at_once_and_order_does_not_matter(
    program: str, asmith: Command, ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ready.read("pyproject.toml")
    ready.write("pyproject.toml", config + "[tool.asmith.budget]\nusd = 100\n")
    ready.edit("specs/mid.md", "add 11", "add 10")
    many(ready)
    four = threading.Barrier(4)

    def together(asked: Asked) -> Reply:
        four.wait(60)  # four requests wait for each other: none of them is answered before
        time.sleep(random.random() / 10)  # noqa: S311 -- any order will do
        return right(asked)

    with serve(together) as server:
        point_at(server, monkeypatch)
        if program == "doit":
            done = doit(ready, "-n", "4")
            assert done.returncode == 0, done.stdout
        else:
            assert asmith(ready, "build", "-q", "-n", "4") == (0, "", "")
    assert server.most_at_once == 4
    assert len(server.asked) == 8
    made = ready.tree("modules")
    elsewhere = {}
    for name in (f"m{n}" for n in range(1, 9)):
        alone = answer_to(next(a.text for a in server.asked if f"# The module: {name}\n" in a.text))
        elsewhere[f"modules/{name}.asm"] = alone.removeprefix("```nasm\n").removesuffix("```\n")
    assert {p: t.decode() for p, t in made.items() if p in elsewhere} == elsewhere


# ---- one function --------------------------------------------------------------------------------


def test_one_requirement_of_five_functions_asks_for_one_function(
    asmith: Command, ready: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["mid", "f2", "f3", "f4", "f5"]
    more = "".join(
        f"//@ assigns \\nothing; asm stack 32;\nuint64_t {n}(uint64_t x);\n" for n in names[1:]
    )
    ready.write("interfaces/mid.h", ready.read("interfaces/mid.h") + more)
    says = "".join(
        f"### {n}\n- **FR-00{i}**: {n} MUST add {i}.\n" for i, n in enumerate(names[1:], 2)
    )
    ready.edit("specs/mid.md", "## Notes", f"{says}\n## Notes")

    def one_function(asked: Asked) -> Reply:
        text = answer_to(asked.text)
        start = text.index("; unsigned long f3")
        return Says(f"```nasm\n{text[start : text.index('.end:', start)]}.end:\n```\n")

    with serve(right) as server:
        point_at(server, monkeypatch)
        assert asmith(ready, "build", "-q") == (0, "", "")
        before = split(ready.read("modules/mid.asm"))
        ready.edit("specs/mid.md", "f3 MUST add 3", "f3 MUST add 33")
        server.reply = one_function
        assert asmith(ready, "build", "-q") == (0, "", "")
    first, second = server.asked
    assert first.text.endswith("# What to answer with\nAnswer with the whole module.\n")
    assert second.text.endswith(
        "# What changed since it was written\n"
        "Requirement FR-003 changed:\n    - f3 MUST add 3.\n    + f3 MUST add 33.\n"
        "\n# What to answer with\nOnly f3 must change. Answer with it alone.\n"
    )
    assert first.json["system"] == second.json["system"]
    after = split(ready.read("modules/mid.asm"))
    assert [u.name for u in after.units] == names
    assert [u.name for u, v in zip(after.units, before.units, strict=True) if u != v] == ["f3"]
    assert (after.preamble, after.tail) == (before.preamble, before.tail)
    assert "33" in after.units[2].text
