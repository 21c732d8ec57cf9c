"""Review: what a build stages, what a person sees of it, and what accept and reject do."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from fakes.command import answer_to, generator_that, without_generator

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.command import Command
    from fakes.sample import Sample

WAITS = """\
waits for review: mid
    asmith diff mid, then asmith accept mid or asmith reject mid --reason TEXT
"""


@pytest.fixture
def staged(asmith: Command, plain: Sample) -> Sample:
    """Return a project with a new text of 'mid' that waits for review."""
    plain.edit("specs/mid.md", "add 10", "add 11")
    assert asmith(plain, "build", "--review").out == f"4 steps ran, 6 up to date\n{WAITS}"
    return plain


def attempts(sample: Sample, module: str) -> list[tuple[str, list[str]]]:
    """Return outcome and findings of each attempt in a module's record."""
    record = json.loads(sample.read(f"modules/{module}.json"))
    return [(a["outcome"], a["findings"]) for a in record["attempts"]]


def clause(sample: Sample) -> None:
    """Edit a clause that makes 'mid' and its caller 'top' stale."""
    old, new = "/*@ assigns \\nothing;", "/*@ ensures \\result >= 1;\n  @ assigns \\nothing;"
    sample.edit("interfaces/mid.h", old, new)


# ---- staging -------------------------------------------------------------------------------------


def test_nothing_is_adopted_before_a_person_says_so(asmith: Command, plain: Sample) -> None:
    before, sum_before = plain.tree("modules", "build/bin", "build/obj"), plain.top(0)
    plain.edit("specs/mid.md", "add 10", "add 11")
    for words in (("build", "--review"), ("build",), ("build", "-q")):
        assert asmith(plain, *words).code == 0
        assert plain.tree("modules", "build/bin", "build/obj") == before
    assert plain.top(0) == sum_before


@pytest.mark.parametrize("removed", ["build", "build/stage", "build/state"])
def test_neither_another_build_nor_a_removed_directory_lets_it_pass(
    asmith: Command, staged: Sample, removed: str
) -> None:
    before = staged.tree("modules")
    staged.remove(removed)
    said = asmith(staged, "build")
    assert said.code == 0
    assert said.out.endswith(WAITS)
    assert staged.tree("modules") == before
    assert asmith(staged, "accept", "mid").code == 0
    assert "rax, 11" in staged.read("modules/mid.asm")


def test_what_waits_is_told_by_plan_graph_and_locked(asmith: Command, staged: Sample) -> None:
    assert asmith(staged, "plan").out == f"nothing to do\n{WAITS}"
    assert "mid   review  leaf" in asmith(staged, "graph").out
    said = asmith(staged, "build", "--locked")
    assert said.code == 1
    assert said.messages() == ["error: --locked: mid is stale"]
    assert json.loads(asmith(staged, "build", "--json").out)["in_review"] == ["mid"]


def test_other_modules_go_on_meanwhile(asmith: Command, staged: Sample) -> None:
    before = staged.top(0)
    staged.edit("modules/top.asm", "mov     rax, 100", "mov     rax, 200")
    assert asmith(staged, "build").out == f"adopted: top\n3 steps ran, 7 up to date\n{WAITS}"
    assert staged.top(0) == before + 100
    assert asmith(staged, "accept", "mid").code == 0
    assert staged.top(0) == before + 101


def test_a_configuration_can_ask_for_review_always(asmith: Command, plain: Sample) -> None:
    config = plain.read("pyproject.toml")
    plain.write("pyproject.toml", f"[tool.asmith]\nreview = true\n{config}")
    plain.edit("specs/mid.md", "add 10", "add 11")
    assert asmith(plain, "build").out.endswith(WAITS)
    assert asmith(plain, "accept", "mid").out.startswith("adopted: mid\n")
    plain.edit("specs/mid.md", "add 11", "add 12")
    without_generator(plain)
    plain.write("answer", answer_to(asmith(plain, "prompt", "mid").out))
    assert asmith(plain, "accept", "mid", str(plain.root / "answer")).out.startswith("adopted: mid")


def test_doit_stages_too(asmith: Command, plain: Sample) -> None:
    plain.write("dodo.py", "from asmith.run.dodo import DOIT_CONFIG, task_asmith\n")
    config = plain.read("pyproject.toml")
    plain.write("pyproject.toml", f"[tool.asmith]\nreview = true\n{config}")
    plain.edit("specs/mid.md", "add 10", "add 11")
    before = plain.tree("modules", "build/bin")
    for waits in (WAITS, ""):
        done = subprocess.run(
            [sys.executable, "-m", "doit"],
            cwd=plain.root,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == waits
        assert plain.tree("modules", "build/bin") == before
    assert asmith(plain, "accept", "mid").out.startswith("adopted: mid\n")


def test_a_text_that_fails_is_never_staged(asmith: Command, plain: Sample) -> None:
    generator_that(plain, "print('```nasm\\nmid:\\n.end:\\n```'); sys.exit()")
    plain.edit("specs/mid.md", "add 10", "add 11")
    said = asmith(plain, "build", "--review")
    assert said.code == 1
    assert "waits for review" not in said.out
    assert asmith(plain, "diff").out == "nothing waits for review\n"


# ---- diff ----------------------------------------------------------------------------------------


def test_a_diff_shows_the_requirement_and_the_text(asmith: Command, staged: Sample) -> None:
    assert asmith(staged, "diff", "mid").out == (
        "mid: waits for review\n"
        "    requirement-changed: mid:FR-001 (specs/mid.md:10)\n"
        "        - mid MUST call leaf and add 10.\n"
        "        + mid MUST call leaf and add 11.\n"
        "--- modules/mid.asm\n"
        "+++ build/stage/modules/mid.asm\n"
        + asmith(staged, "diff", "mid").out.partition(".asm\n+++ build/stage/modules/mid.asm\n")[2]
    )
    lines = asmith(staged, "diff").out.splitlines()
    assert "-        mov     rax, 10" in lines
    assert "+        mov     rax, 11" in lines
    assert lines[-1] == "1 module; asmith accept MODULE, or asmith reject MODULE --reason TEXT"


def test_a_diff_as_json(asmith: Command, staged: Sample) -> None:
    value = json.loads(asmith(staged, "diff", "--json").out)["changes"]
    assert [(c["module"], c["state"]) for c in value] == [("mid", "waits for review")]
    assert value[0]["reasons"][0]["difference"][0] == "- mid MUST call leaf and add 10."
    assert "+        mov     rax, 11\n" in value[0]["diff"]


def test_a_diff_of_an_edit_by_hand(asmith: Command, plain: Sample) -> None:
    plain.edit("modules/mid.asm", "mov     rax, 10", "mov     rax, 77")
    said = asmith(plain, "diff", "mid").out
    assert said.startswith("mid: edited by hand\n--- modules/mid.asm as accepted\n")
    assert "+        mov     rax, 77\n" in said
    assert asmith(plain, "diff", "top").messages() == [
        "error: nothing of 'top' is staged, and its text is the one that its record names"
    ]


def test_a_diff_of_a_new_module(asmith: Command, plain: Sample) -> None:
    for path in ("modules/mid.asm", "modules/mid.json"):
        plain.remove(path)
    plain.remove(".asmith")
    assert asmith(plain, "build", "--review", "-q").code == 0
    assert "--- /dev/null\n+++ build/stage/modules/mid.asm\n" in asmith(plain, "diff", "mid").out


# ---- accept --------------------------------------------------------------------------------------


def test_accept_adopts_and_the_record_says_so(asmith: Command, staged: Sample) -> None:
    before = staged.top(0)
    assert asmith(staged, "accept", "mid").out == "adopted: mid\n8 steps up to date\n"
    assert staged.top(0) == before + 1
    record = json.loads(staged.read("modules/mid.json"))
    assert record["notes"][0].endswith("Z accepted in review")
    assert [o for o, _ in attempts(staged, "mid")] == ["accepted", "accepted"]
    assert asmith(staged, "build", "--locked", "-q").code == 0
    assert asmith(staged, "diff").out == "nothing waits for review\n"


def test_a_change_set_is_adopted_when_all_of_it_is_accepted(asmith: Command, plain: Sample) -> None:
    before = plain.tree("modules", "build/bin")
    clause(plain)
    assert "waits for review: mid, top" in asmith(plain, "build", "--review").out
    first = asmith(plain, "accept", "mid")
    assert first.code == 0
    assert first.out == (
        "mid: accepted; it is adopted together with top\n"
        "    waits for review: asmith diff top; asmith accept top\n"
    )
    assert "mid: accepted, not adopted yet\n" in asmith(plain, "diff", "mid").out
    assert asmith(plain, "build", "-q").code == 0
    assert plain.tree("modules", "build/bin") == before
    plain.remove("build")
    assert asmith(plain, "accept", "top", "-n", "2").out.startswith("adopted: mid, top\n")
    assert asmith(plain, "build", "--locked", "-q").code == 0


def test_what_no_longer_fits_is_not_accepted(asmith: Command, staged: Sample) -> None:
    staged.edit("specs/mid.md", "add 11", "add 12")
    said = asmith(staged, "accept", "mid")
    assert said.code == 2
    assert said.messages() == ["error: what was staged of 'mid' no longer fits"]
    assert asmith(staged, "build", "--review", "-q").code == 0
    assert asmith(staged, "accept", "mid").code == 0
    assert "rax, 12" in staged.read("modules/mid.asm")


def test_an_edit_by_hand_is_never_overwritten_by_accept(asmith: Command, staged: Sample) -> None:
    staged.edit("modules/mid.asm", "mov     rax, 10", "mov     rax, 77")
    edited = staged.read("modules/mid.asm")
    assert asmith(staged, "accept", "mid").code == 2
    assert asmith(staged, "build").messages() == [
        "error: module 'mid' was edited by hand and is stale"
    ]
    assert staged.read("modules/mid.asm") == edited
    assert asmith(staged, "build", "--force", "--review", "-q").code == 0
    assert staged.read("modules/mid.asm") == edited
    assert "-        mov     rax, 77\n" in asmith(staged, "diff", "mid").out
    assert asmith(staged, "accept", "mid").code == 0
    assert "rax, 11" in staged.read("modules/mid.asm")


@pytest.mark.parametrize("words", [("accept", "mid", "-"), ("revalidate", "mid")])
def test_other_ways_wait_until_a_person_has_said_what_becomes_of_it(
    asmith: Command,
    staged: Sample,
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "none").write_bytes(b"no answer")
    with (tmp_path / "none").open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        said = asmith(staged, *words)
    assert said.code == 2
    assert said.messages() == ["error: a text of 'mid' is staged for review"]
    assert asmith(staged, "accept", "mid").code == 0


# ---- reject --------------------------------------------------------------------------------------


def test_reject_drops_the_text_and_keeps_answer_and_reason(asmith: Command, staged: Sample) -> None:
    before = staged.tree("modules")
    assert asmith(staged, "reject", "mid", "--reason", "too slow").out == (
        "mid: rejected; its answer and your reason are kept\n"
        "the next asmith build asks for another answer, if there is whom to ask\n"
    )
    assert staged.tree("modules") == before
    assert asmith(staged, "diff").out == "nothing waits for review\n"
    log = [json.loads(x) for x in staged.read(".asmith/attempts/mid.jsonl").splitlines()]
    assert (log[-1]["outcome"], log[-1]["findings"]) == ("rejected", ["REVIEW: too slow"])
    answer = log[-1]["answer"]
    assert (staged.root / ".asmith/store/blobs" / answer[:2] / answer).exists()
    generator_that(staged, "print(';')")
    staged.write("answer.py", staged.read("answer.py") + "print('; another answer')\n")
    assert asmith(staged, "build", "-q").code == 0
    assert attempts(staged, "mid")[1:] == [("rejected", ["REVIEW: too slow"]), ("accepted", [])]


def test_the_same_answer_again_is_not_adopted(asmith: Command, staged: Sample) -> None:
    before = staged.tree("modules", "build/bin")
    asmith(staged, "reject", "mid", "--reason", "too slow")
    for words in (("build",), ("build", "--review")):
        said = asmith(staged, *words)
        assert said.code == 3
        assert said.messages() == [
            "error: the answer for 'mid' is the one that was rejected in review"
        ]
        assert "why:  too slow\n" in said.err
        assert staged.tree("modules", "build/bin") == before
    staged.write("answer", answer_to(asmith(staged, "prompt", "mid").out))
    assert asmith(staged, "accept", "mid", str(staged.root / "answer")).code == 0
    assert asmith(staged, "build", "--locked", "-q").code == 0


def test_an_old_answer_that_is_rejected_is_not_taken_from_the_store_again(
    asmith: Command, plain: Sample
) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.ran()
    plain.edit("specs/mid.md", "add 11", "add 10")
    without_generator(plain)
    assert asmith(plain, "build", "--review", "-q").code == 0
    assert asmith(plain, "reject", "mid").code == 0
    assert asmith(plain, "build", "-q").messages() == [
        "error: module 'mid' is stale and there is no answer for it"
    ]


def test_there_is_nothing_to_reject(asmith: Command, plain: Sample) -> None:
    assert asmith(plain, "reject", "mid").messages() == ["error: nothing of 'mid' waits for review"]
    assert asmith(plain, "reject", "mud").messages() == [
        "error: there is no module 'mud'; did you mean 'mid'?"
    ]


# ---- damage --------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"record": {}}', b"\xff"])
def test_a_damaged_mark_concerns_its_module_and_can_be_dropped(
    asmith: Command, staged: Sample, content: bytes
) -> None:
    (staged.root / ".asmith/review/mid.json").write_bytes(content)
    before = staged.read("modules/mid.asm")
    staged.edit("modules/top.asm", "mov     rax, 100", "mov     rax, 200")
    said = asmith(staged, "build")
    assert said.code == 3
    assert said.messages() == ["error: what was staged of 'mid' for review is damaged"]
    assert "adopted: top\n" in said.out
    assert staged.read("modules/mid.asm") == before
    assert asmith(staged, "accept", "mid").code == 3
    assert asmith(staged, "reject", "mid").out.startswith("mid: what was staged, and damaged, is ")
    assert asmith(staged, "build", "--review").out.endswith(WAITS)


def test_a_text_that_is_gone_is_not_made_anew_behind_a_persons_back(
    asmith: Command, staged: Sample
) -> None:
    text = (staged.root / "build/stage/modules/mid.asm").read_bytes()
    staged.remove("build")
    for path in (staged.root / ".asmith/store/blobs").rglob("*"):
        if path.is_file() and path.read_bytes() == text:
            path.write_bytes(b"")
    said = asmith(staged, "build")
    assert said.code == 3
    assert said.messages() == ["error: what was staged of 'mid' for review is gone"]
    assert "rax, 10" in staged.read("modules/mid.asm")


def test_gc_keeps_what_waits(asmith: Command, staged: Sample) -> None:
    staged.remove("build")
    asmith(staged, "store", "gc", "--days", "0")
    assert asmith(staged, "accept", "mid").code == 0
