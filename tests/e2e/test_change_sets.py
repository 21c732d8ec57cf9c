"""Modules that one edit ties together move on together or stay on the last good build together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fakes.command import answer_to, generator_that, without_generator
from fakes.sample import FUNCTION, SPEC, Sample

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.command import Command, Said

STALE = ("leaf", "mid", "top")


@pytest.fixture
def tied(plain: Sample) -> Sample:
    """Return a project where mid and top call leaf, with an edit of leaf's contract.

    An independent new module stands beside them.
    """
    plain.edit("specs/top.md", "uses: [mid]", "uses: [leaf, mid]")
    plain.edit("specs/top.md", "call mid and", "call mid and call leaf and")
    plain.ran()
    plain.edit("interfaces/leaf.h", "assigns", "ensures \\result >= 0;\n  @ assigns")
    plain.write("interfaces/alone.h", FUNCTION.format("alone"))
    plain.write("specs/alone.md", SPEC.format("alone", "", "add 3"))
    return plain


def record(sample: Sample, module: str) -> dict[str, Any]:
    """Return a module's record."""
    value: dict[str, Any] = json.loads(sample.read(f"modules/{module}.json"))
    return value


def attempts(sample: Sample, module: str) -> list[tuple[str, str, str]]:
    """Return outcome, mode and findings of each attempt in a module's record."""
    found = record(sample, module)["attempts"]
    return [(a["outcome"], a["mode"], "; ".join(a["findings"])) for a in found]


def hand_in(asmith: Command, sample: Sample, module: str, *options: str) -> Said:
    """Accept what the fake generator answers to the module's request."""
    sample.write("ANSWER", answer_to(asmith(sample, "prompt", module).out))
    return asmith(sample, "accept", module, str(sample.root / "ANSWER"), *options)


def changed(sample: Sample, before: dict[str, bytes]) -> set[str]:
    """Return the paths below modules/ and build/bin that are not as before."""
    after = sample.tree("modules", "build/bin")
    return {p for p in {*before, *after} if before.get(p) != after.get(p)}


def test_one_wrong_answer_keeps_its_whole_set_back_and_nothing_else(
    asmith: Command, tied: Sample
) -> None:
    before, sum_before = tied.tree("modules", "build/bin"), tied.top(1)
    generator_that(tied, "if name == 'top': print('I cannot.'); sys.exit()")
    said = asmith(tied, "build")
    assert said.code == 1
    assert said.messages() == ["error: module 'top': the answer has no fenced code block"]
    assert "adopted: alone\n" in said.out
    assert "the last good build stays in build/bin\n" in said.out
    assert changed(tied, before) == {"modules/alone.asm", "modules/alone.json"}
    assert tied.top(1) == sum_before


def test_good_answers_of_a_set_are_kept_until_the_last_one_comes(
    asmith: Command, tied: Sample
) -> None:
    before = tied.tree("modules", "build/bin")
    generator_that(tied, "if name == 'top': print('I cannot.'); sys.exit()")
    asmith(tied, "build")
    generator_that(tied, "if name != 'top': sys.exit('asked again for ' + name)")
    said = asmith(tied, "build")
    assert said.code == 0
    assert "adopted: leaf, mid, top\n" in said.out
    expected = {f"modules/{m}.{e}" for m in (*STALE, "alone") for e in ("asm", "json")}
    assert changed(tied, before) == {*expected, "build/bin/libsum.so"}
    assert asmith(tied, "build", "--locked").code == 0


def test_by_hand_a_set_is_adopted_with_its_last_answer(asmith: Command, tied: Sample) -> None:
    tied.ran("alone")
    without_generator(tied)
    before, sum_before = tied.tree("modules", "build/bin"), tied.top(1)
    first = hand_in(asmith, tied, "leaf", "--mode", "blind")
    assert first.code == 0
    assert first.out.splitlines() == [
        "leaf: accepted; it is adopted together with mid, top",
        "    no answer yet: asmith prompt mid > request; asmith accept mid ANSWER",
        "    no answer yet: asmith prompt top > request; asmith accept top ANSWER",
    ]
    assert hand_in(asmith, tied, "mid").code == 0
    assert changed(tied, before) == set()
    waiting = asmith(tied, "build", "-q")
    assert waiting.code == 3
    assert waiting.messages() == ["error: module 'top' is stale and there is no answer for it"]
    assert changed(tied, before) == set()
    assert tied.top(1) == sum_before
    last = hand_in(asmith, tied, "top")
    assert last.code == 0
    assert "adopted: leaf, mid, top\n" in last.out
    assert [record(tied, m)["mode"] for m in STALE] == ["blind", "assisted", "assisted"]
    assert asmith(tied, "build", "--locked").code == 0


def test_a_set_is_planned_as_one(asmith: Command, tied: Sample) -> None:
    sets = json.loads(asmith(tied, "plan", "--json").out)["sets"]
    assert {"modules": list(STALE), "because": ["leaf"]} in sets
    assert {"modules": ["alone"], "because": []} in sets


def test_a_target_brings_its_change_set_with_it(asmith: Command, tied: Sample) -> None:
    said = asmith(tied, "build", "mid", "--json")
    assert json.loads(said.out)["adopted"] == list(STALE)
    assert not (tied.root / "modules/alone.asm").exists()


# ---- edits by hand -------------------------------------------------------------------------------


@pytest.fixture
def edited(plain: Sample) -> Sample:
    """Return a project whose mid is both edited by hand and stale."""
    plain.edit("modules/mid.asm", "mov     rax, 10", "mov     rax, 20")
    plain.edit("specs/mid.md", "add 10", "add 11")
    return plain


def test_an_edited_and_stale_module_is_refused(asmith: Command, edited: Sample) -> None:
    before = edited.tree("modules", "build/bin")
    said = asmith(edited, "build", "-q")
    assert said.code == 3
    assert said.err == (
        "error: module 'mid' was edited by hand and is stale\n"
        "  --> modules/mid.asm\n"
        "why:  a new answer would overwrite the edit; "
        "stale since requirement-changed: mid:FR-001 (specs/mid.md:10)\n"
        "help: keep it: asmith revalidate mid (or asmith accept mid); "
        "replace it: asmith build --force\n"
    )
    assert changed(edited, before) == set()


def test_force_replaces_an_edit(asmith: Command, edited: Sample) -> None:
    assert asmith(edited, "build", "--force").code == 0
    assert "mov     rax, 11" in edited.read("modules/mid.asm")
    assert record(edited, "mid")["standing"] == "accepted"


def test_an_answer_overwrites_an_edit_only_by_force(asmith: Command, edited: Sample) -> None:
    before = edited.tree("modules", "build/bin")
    said = hand_in(asmith, edited, "mid")
    assert said.code == 1
    assert said.messages() == ["error: 'modules/mid.asm' was edited by hand"]
    assert changed(edited, before) == set()
    assert hand_in(asmith, edited, "mid", "--force").code == 0
    assert "mov     rax, 11" in edited.read("modules/mid.asm")


def test_revalidate_keeps_an_edit_under_the_new_spec(asmith: Command, edited: Sample) -> None:
    assert asmith(edited, "revalidate", "mid").code == 0
    assert "mov     rax, 20" in edited.read("modules/mid.asm")
    kept = record(edited, "mid")
    assert kept["standing"] == "revalidated"
    assert kept["notes"][0].endswith(
        "kept though requirement-changed: mid:FR-001 (specs/mid.md:10)"
    )
    assert asmith(edited, "build", "--locked").code == 0


def test_attesting_keeps_an_edit_and_says_so(asmith: Command, edited: Sample) -> None:
    assert asmith(edited, "accept", "mid").code == 0
    assert "mov     rax, 20" in edited.read("modules/mid.asm")
    kept = record(edited, "mid")
    assert (kept["standing"], kept["mode"]) == ("attested", "generated")
    assert kept["notes"][0].endswith("attested by hand")
    assert asmith(edited, "build", "--locked").code == 0


def test_an_accepted_text_needs_no_attestation(asmith: Command, plain: Sample) -> None:
    assert asmith(plain, "accept", "mid", "-q").err == (
        "error: 'modules/mid.asm' is the accepted answer already\n"
        "why:  its text is the one that its record names\n"
    )


def test_a_fresh_module_needs_no_revalidation(asmith: Command, plain: Sample) -> None:
    said = asmith(plain, "revalidate", "mid")
    assert said.code == 2
    assert said.messages() == [
        "error: module 'mid' is fresh: there is nothing to revalidate",
    ]


def test_revalidation_fails_with_a_failing_test(asmith: Command, plain: Sample) -> None:
    plain.write(
        "tests/modules/test_mid.py",
        "def test_it_adds_eleven(module):\n    assert module.mid(0) == 18\n",
    )
    plain.edit("specs/mid.md", "add 10", "add 11")
    before = plain.tree("modules", "build/bin")
    said = asmith(plain, "revalidate", "mid", "-q")
    assert said.code == 1
    assert said.messages() == ["error: test:mid failed"]
    assert changed(plain, before) == set()


def test_an_attested_text_that_its_set_refuses_is_no_rejected_answer(
    asmith: Command, plain: Sample
) -> None:
    plain.write("interfaces/ghost.h", FUNCTION.format("ghost"))
    plain.edit("specs/mid.md", "[leaf]", "[ghost, leaf]")
    plain.edit("modules/mid.asm", "call    leaf wrt", "call    ghost wrt")
    before = plain.tree("modules", "build/bin")
    said = asmith(plain, "accept", "mid", "-q")
    assert said.code == 1
    assert said.messages() == [
        "error[LNK001]: mid refers to ghost, and nothing in product sum provides it"
    ]
    assert changed(plain, before) == set()
    log = plain.root / ".asmith/attempts/mid.jsonl"
    assert "rejected" not in log.read_text(encoding="utf-8")


# ---- attempts ------------------------------------------------------------------------------------


@pytest.fixture
def tested(plain: Sample) -> Sample:
    """Return a project in which mid has a test and a new requirement, and nobody to answer."""
    plain.write(
        "tests/modules/test_mid.py",
        "def test_it_adds_eleven(module):\n    assert module.mid(0) == 1 + 5 + 8 + 11\n",
    )
    plain.edit("specs/mid.md", "add 10", "add 11")
    without_generator(plain)
    return plain


def wrong_answers(asmith: Command, sample: Sample, out: Path) -> dict[str, str]:
    """Return answers that must be rejected, each with what is found first."""
    good = answer_to(asmith(sample, "prompt", "mid").out)
    answers = {
        "ANSWER: the answer has no fenced code block": "I cannot.\n",
        "ASM001: invalid combination": good.replace("mov     rax, 11", "mov     rax"),
        "ELF001: mid is defined but not exported": good.replace(
            "        global  mid:function (mid.end - mid)\n", ""
        ),
        "TEST: test:mid failed": good.replace("mov     rax, 11", "mov     rax, 12"),
    }
    for number, answer in enumerate(answers.values()):
        (out / f"answer{number}").write_text(answer, encoding="utf-8")
    return answers


def test_rejected_attempts_stay_in_the_record(
    asmith: Command, tested: Sample, tmp_path: Path
) -> None:
    before = tested.tree("modules", "build/bin")
    answers = wrong_answers(asmith, tested, tmp_path)
    for number in range(len(answers)):
        file, mode = str(tmp_path / f"answer{number}"), "assisted" if number else "blind"
        assert asmith(tested, "accept", "mid", file, "--mode", mode, "-q").code == 1
        assert changed(tested, before) == set()
    assert hand_in(asmith, tested, "mid", "--mode", "assisted").code == 0
    found = attempts(tested, "mid")
    assert [f[:2] for f in found] == [
        ("accepted", "generated"),
        ("rejected", "blind"),
        ("rejected", "assisted"),
        ("rejected", "assisted"),
        ("rejected", "assisted"),
        ("accepted", "assisted"),
    ]
    for expected, (_, _, findings) in zip(answers, found[1:-1], strict=True):
        assert findings.startswith(expected)
    assert record(tested, "mid")["mode"] == "assisted"


def test_a_replayed_revert_keeps_all_attempts(
    asmith: Command, tested: Sample, tmp_path: Path
) -> None:
    wrong_answers(asmith, tested, tmp_path)
    asmith(tested, "accept", "mid", str(tmp_path / "answer0"))
    assert hand_in(asmith, tested, "mid").code == 0
    tested.edit("specs/mid.md", "add 11", "add 10")
    tested.edit("tests/modules/test_mid.py", "+ 11", "+ 10")
    assert asmith(tested, "build").code == 0
    assert [f[:2] for f in attempts(tested, "mid")] == [
        ("accepted", "generated"),
        ("rejected", "assisted"),
        ("accepted", "assisted"),
    ]


def test_a_generators_rejected_answers_stay_too(asmith: Command, plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    generator_that(plain, "print('I cannot.'); sys.exit()")
    assert asmith(plain, "build").code == 1
    generator_that(plain, "")
    assert asmith(plain, "build").code == 0
    assert attempts(plain, "mid") == [
        ("accepted", "generated", ""),
        *(("rejected", "generated", "ANSWER: the answer has no fenced code block"),) * 3,
        ("accepted", "generated", ""),
    ]


def test_an_answer_whose_tests_cannot_link_yet_waits_for_the_rest(
    asmith: Command, tested: Sample
) -> None:
    without_generator(tested)
    tested.write("interfaces/more.h", tested.read("interfaces/leaf.h").replace("leaf", "more"))
    spec = tested.read("specs/leaf.md").replace("leaf", "more")
    tested.write("specs/more.md", spec)
    tested.edit("specs/mid.md", "uses: [leaf]", "uses: [leaf, more]")
    tested.edit("specs/mid.md", "call leaf", "call leaf and call more")
    tested.edit("tests/modules/test_mid.py", "1 + 5 + 8", "2 * (1 + 5 + 8)")
    before = tested.tree("modules", "build/bin")
    first = hand_in(asmith, tested, "mid")
    assert first.code == 0
    assert "mid: accepted; it is adopted together with more" in first.out
    assert changed(tested, before) == set()
    assert len(attempts(tested, "mid")) == 1  # the new answer is not judged yet
    assert hand_in(asmith, tested, "more").code == 0
    assert [a[0] for a in attempts(tested, "mid")] == ["accepted", "accepted"]
    assert "call    more" in tested.read("modules/mid.asm")


def test_an_edit_by_hand_outlives_an_answer_that_waits(asmith: Command, tied: Sample) -> None:
    without_generator(tied)
    assert hand_in(asmith, tied, "leaf").code == 0  # it waits for the others
    tied.edit("modules/leaf.asm", "mov     rax, 1\n", "mov     rax, 1 ; by hand\n")
    assert hand_in(asmith, tied, "mid").code == 0
    assert hand_in(asmith, tied, "top").code == 0
    assert "; by hand" in tied.read("modules/leaf.asm")
    assert asmith(tied, "build").code == 3
    assert "; by hand" in tied.read("modules/leaf.asm")
