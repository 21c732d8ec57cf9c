"""A stale module without an answer, `--locked`, targets, and what stays usable meanwhile."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from fakes.command import answer_to, generator_that, without_generator
from fakes.sample import Sample

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.command import Command

UNANSWERED = """\
error: module 'mid' is stale and there is no answer for it
  --> specs/mid.md:10
why:  requirement-changed: mid:FR-001 (specs/mid.md:10)
help: write one: asmith prompt mid > request, then asmith accept mid ANSWER; \
keep the old text if it still holds: asmith revalidate mid; \
ask a model: set ANTHROPIC_API_KEY, or name a generator in [tool.asmith.generator]; \
or revert the edit
"""


@pytest.fixture
def alone(plain: Sample) -> Sample:
    """Return a project with an edited requirement and nobody to answer."""
    plain.edit("specs/mid.md", "add 10", "add 11")
    without_generator(plain)
    return plain


def test_a_stale_module_without_an_answer_says_how_to_supply_one(
    asmith: Command, alone: Sample
) -> None:
    before, sum_before = alone.tree("modules", "build/bin"), alone.top(1)
    assert asmith(alone, "build", "-q") == (3, "", UNANSWERED)
    assert alone.tree("modules", "build/bin") == before
    assert alone.top(1) == sum_before


def test_the_last_good_product_is_linked_again_without_its_answer(
    asmith: Command, alone: Sample
) -> None:
    before, sum_before = alone.tree("modules", "build/bin"), alone.top(1)
    alone.remove("build")
    assert asmith(alone, "build", "-q") == (3, "", UNANSWERED)
    assert alone.tree("modules", "build/bin") == before
    assert alone.top(1) == sum_before


def test_other_modules_go_on_meanwhile(asmith: Command, alone: Sample) -> None:
    sum_before = alone.top(1)
    alone.edit("modules/top.asm", "mov     rax, 100", "mov     rax, 200")
    assert asmith(alone, "build", "-q") == (3, "", UNANSWERED)
    assert alone.top(1) == sum_before + 100


def test_each_way_that_the_message_names_works(asmith: Command, alone: Sample) -> None:
    copies = {}
    for way in ("accept", "revalidate", "generator", "revert"):
        shutil.copytree(alone.root, alone.root.parent / way)
        copies[way] = Sample(alone.root.parent / way)
    accepted = copies["accept"]
    accepted.write("ANSWER", answer_to(asmith(accepted, "prompt", "mid").out))
    assert asmith(accepted, "accept", "mid", str(accepted.root / "ANSWER")).code == 0
    assert asmith(copies["revalidate"], "revalidate", "mid").code == 0
    generator_that(copies["generator"], "")
    copies["revert"].edit("specs/mid.md", "add 11", "add 10")
    sums = {}
    for way, sample in copies.items():
        assert asmith(sample, "build").code == 0, way
        assert asmith(sample, "build", "--locked").code == 0, way
        sums[way] = sample.top(0)
    old = alone.top(0)
    assert sums == {"accept": old + 1, "revalidate": old, "generator": old + 1, "revert": old}


def test_locked_passes_when_fresh_and_fails_when_stale(asmith: Command, plain: Sample) -> None:
    assert asmith(plain, "build", "--locked", "-q") == (0, "", "")
    plain.edit("specs/mid.md", "add 10", "add 11")
    before = plain.tree("modules", "build/bin")
    for _ in range(2):
        said = asmith(plain, "build", "--locked", "-q")
        assert said.code == 1
        assert said.err == (
            "error: --locked: mid is stale\n"
            "why:  requirement-changed: mid:FR-001 (specs/mid.md:10)\n"
            "help: build without --locked and commit modules/\n"
        )
    assert plain.tree("modules", "build/bin") == before


def test_locked_builds_what_was_never_built(asmith: Command, plain: Sample) -> None:
    plain.remove("build")
    assert asmith(plain, "build", "--locked").code == 0
    assert plain.top(0) == 1 + 5 + 8 + 10 + 100


def test_a_target_is_built_and_nothing_beside_it(asmith: Command, plain: Sample) -> None:
    plain.edit("specs/leaf.md", "add 1 and", "add 2 and")
    plain.edit("specs/top.md", "add 100", "add 200")
    leaf = json.loads(asmith(plain, "build", "leaf", "--json").out)
    assert leaf["executed"] == ["generate:leaf", "assemble:leaf", "check:leaf"]
    assert leaf["adopted"] == ["leaf"]
    rest = json.loads(asmith(plain, "build", "sum", "--json").out)
    assert rest["executed"] == ["generate:top", "assemble:top", "check:top", "link:sum"]
    assert rest["adopted"] == ["top"]


def test_a_step_can_be_a_target(asmith: Command, plain: Sample) -> None:
    plain.remove("build")
    said = json.loads(asmith(plain, "build", "link:sum", "--json").out)
    assert said["executed"][-1] == "link:sum"
    assert (plain.root / "build/bin/libsum.so").exists()


def test_an_answer_paid_for_is_not_bought_again_after_a_failure_elsewhere(
    asmith: Command, plain: Sample
) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.edit("specs/top.md", "add 100", "add 101")
    count = "open('calls', 'a').write(name + '\\n')"
    generator_that(plain, f"{count}\nif name == 'top': sys.exit('out of credit')")
    assert asmith(plain, "build").code == 3
    generator_that(plain, count)
    assert asmith(plain, "build").code == 0
    assert plain.read("calls").split() == ["mid", "top", "top"]


def test_the_prompt_is_what_a_generator_is_sent(asmith: Command, plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    generator_that(plain, "open('request', 'w').write(request)")
    printed = asmith(plain, "prompt", "mid").out
    assert asmith(plain, "build").code == 0
    assert plain.read("request") == printed


def test_an_answer_may_hold_one_function_and_keeps_the_others_bytes(
    asmith: Command, plain: Sample
) -> None:
    second = "/*@ assigns \\nothing; */\nuint64_t more(uint64_t x);\n"
    plain.write("interfaces/mid.h", plain.read("interfaces/mid.h") + second)
    plain.edit("specs/mid.md", "## Notes", "### more\n- **FR-002**: more MUST add 3.\n\n## Notes")
    plain.ran()
    plain.edit("specs/mid.md", "add 3", "add 4")
    before = plain.read("modules/mid.asm")
    whole = answer_to(asmith(plain, "prompt", "mid").out)
    start = whole.index("; unsigned long more")
    end = whole.index(".end:", start) + len(".end:\n")
    plain.write("ANSWER", f"```nasm\n{whole[start:end]}```\n")
    assert asmith(plain, "accept", "mid", str(plain.root / "ANSWER")).code == 0
    after = plain.read("modules/mid.asm")
    cut = before.index(".end:\n") + len(".end:\n")
    assert after[:cut] == before[:cut]
    assert "mov     rax, 4" in after[cut:]
    assert "mov     rax, 3" not in after


def test_an_answer_on_standard_input_is_taken(
    asmith: Command, alone: Sample, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "ANSWER"
    file.write_text(answer_to(asmith(alone, "prompt", "mid").out), encoding="utf-8")
    with file.open(encoding="utf-8") as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert asmith(alone, "accept", "mid", "-").code == 0
    assert "mov     rax, 11" in alone.read("modules/mid.asm")


def test_a_missing_answer_file_is_named(asmith: Command, alone: Sample) -> None:
    assert asmith(alone, "accept", "mid", "no-such-file") == (
        2,
        "",
        "error: cannot read the file: no such file\n  --> no-such-file\n",
    )


# ---- the same project elsewhere ------------------------------------------------------------------


def test_the_same_project_gives_the_same_bytes_in_every_directory(
    asmith: Command, plain: Sample, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "a directory with quite another and longer name"
    for name in ("specs", "interfaces", "modules"):
        shutil.copytree(plain.root / name, elsewhere / name)
    shutil.copy(plain.root / "pyproject.toml", elsewhere)
    other = Sample(elsewhere)
    without_generator(other)
    assert asmith(other, "build").code == 0
    made = plain.tree("build/obj", "build/bin")
    assert sorted(made) == [
        "build/bin/libsum.so",
        "build/obj/leaf.o",
        "build/obj/mid.o",
        "build/obj/top.o",
    ]
    assert other.tree("build/obj", "build/bin") == made


def test_an_include_cycle_is_shown_as_a_path(asmith: Command, plain: Sample) -> None:
    plain.edit("interfaces/leaf.h", "#include <stdint.h>", '#include "mid.h"')
    plain.edit("interfaces/mid.h", "#include <stdint.h>", '#include "leaf.h"')
    said = asmith(plain, "build")
    assert said.code == 2
    assert said.messages() == ["error: interfaces include each other: leaf -> mid -> leaf"]


def test_modules_may_call_each_other_in_a_circle(asmith: Command, plain: Sample) -> None:
    plain.edit("specs/leaf.md", "uses: [shape]", "uses: [mid, shape]")
    plain.edit("specs/leaf.md", "add 1 and", "call mid and add 1 and")
    assert asmith(plain, "build").code == 0
    assert json.loads(asmith(plain, "graph", "--json").out)["cycles"] == [["leaf", "mid"]]
    plain.edit("specs/leaf.md", "add 1 and", "add 2 and")
    assert asmith(plain, "build").code == 0
    assert asmith(plain, "build", "--locked").code == 0


def test_only_the_first_answer_to_a_request_can_be_blind(
    asmith: Command, alone: Sample, tmp_path: Path
) -> None:
    prose, answer = tmp_path / "prose", tmp_path / "answer"
    prose.write_text("I would rather not.\n")
    answer.write_text(answer_to(asmith(alone, "prompt", "mid").out), encoding="utf-8")
    accept = ("accept", "mid", "-q", "--mode", "blind")
    assert asmith(alone, *accept, str(prose))[0] == 1
    code, _, told = asmith(alone, *accept, str(answer))
    assert code == 2
    assert told.startswith("error: --mode blind: another answer for 'mid' was handed in before\n")
    assert asmith(alone, *accept[:3], "--mode", "assisted", str(answer))[0] == 0
