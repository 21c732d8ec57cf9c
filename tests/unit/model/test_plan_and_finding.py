"""Steps, reasons, findings and errors as words and as JSON."""

from __future__ import annotations

import pytest

from asmith.errors import AsmithError, ExitCode, Place, UnavailableError, UsageError, did_you_mean
from asmith.model.finding import Finding, Severity
from asmith.model.names import canonical_json, digest_bytes, digest_of
from asmith.model.plan import Reason, Step, StepKind, Why


def test_a_step_is_named_like_its_doit_task() -> None:
    assert str(Step(StepKind.ASSEMBLE, "leaf")) == "assemble:leaf"


def test_steps_sort_by_kind_and_subject() -> None:
    steps = [Step(StepKind.LINK, "a"), Step(StepKind.ASSEMBLE, "b"), Step(StepKind.ASSEMBLE, "a")]
    assert [str(s) for s in sorted(steps)] == ["assemble:a", "assemble:b", "link:a"]


def test_a_reason_in_words_and_as_json() -> None:
    bare, full = Reason(Why.NEVER_RAN, "the step"), Reason(Why.UPSTREAM, "link:p", "it failed")
    assert [str(bare), str(full)] == ["never-ran: the step", "upstream: link:p (it failed)"]
    shown = Reason(Why.EXPORT_CHANGED, "m.f", "in short", ("- old", "+ new"))
    assert shown.lines() == ("export-changed: m.f (in short)", "    - old", "    + new")
    assert full.to_json() == {
        "kind": "upstream",
        "subject": "link:p",
        "detail": "it failed",
        "difference": [],
    }


FOUND = Finding("ABI003", "f returns with rbx changed", "rbx is the caller's", "push it")


def test_a_finding_without_a_place_is_three_lines() -> None:
    assert FOUND.render() == (
        "error[ABI003]: f returns with rbx changed\nwhy:  rbx is the caller's\nhelp: push it"
    )


def test_a_finding_shows_its_line_and_marks_it() -> None:
    found = Finding(
        "ABI003",
        "f returns with rbx changed",
        "rbx is the caller's",
        "push it",
        function="f",
        offset=47,
        file="modules/m.asm",
        line=31,
        severity=Severity.WARNING,
        excerpt="        mov     rbx, rdi",
        label="written here",
    )
    assert found.render() == (
        "warning[ABI003]: f returns with rbx changed\n"
        "  --> modules/m.asm:31 (f+0x2f)\n"
        "31 |         mov     rbx, rdi\n"
        "   |         ^^^^^^^^^^^^^^^^ written here\n"
        "why:  rbx is the caller's\n"
        "help: push it"
    )


def test_a_finding_on_an_object_names_it() -> None:
    found = Finding("LNK001", "no provider", "it ends the link", "add one", object="build/obj/m.o")
    assert "\n  --> build/obj/m.o\n" in found.render()
    assert found.to_json() == {
        "rule": "LNK001",
        "severity": "error",
        "object": "build/obj/m.o",
        "function": "",
        "offset": None,
        "file": "",
        "line": None,
        "message": "no provider",
        "why": "it ends the link",
        "help": "add one",
    }


# ---- errors --------------------------------------------------------------------------------------


def test_an_error_renders_what_it_knows_and_no_more() -> None:
    assert AsmithError("it failed").render() == "error: it failed"
    full = AsmithError("it failed", where=Place("a.h", 3, 7), why="so", help="do that")
    assert full.render() == "error: it failed\n  --> a.h:3:7\nwhy:  so\nhelp: do that"


@pytest.mark.parametrize(
    ("error", "code"), [(AsmithError, 1), (UsageError, 2), (UnavailableError, 3)]
)
def test_each_kind_of_error_has_its_exit_code(error: type[AsmithError], code: int) -> None:
    assert error("x").exit_code == ExitCode(code)


@pytest.mark.parametrize(
    ("place", "text"),
    [(Place("f"), "f"), (Place("f", 1), "f:1"), (Place("f", 1, 2), "f:1:2")],
)
def test_a_place_in_words(place: Place, text: str) -> None:
    assert str(place) == text


def test_the_nearest_known_word_is_offered_if_one_is_near() -> None:
    assert did_you_mean("leav", ("leaf", "mid")) == "; did you mean 'leaf'?"
    assert did_you_mean("zzz", ("leaf", "mid")) == ""
    assert did_you_mean("leaf", ()) == ""


# ---- digests -------------------------------------------------------------------------------------


def test_equal_values_have_equal_digests_whatever_their_order() -> None:
    assert digest_of("spec", {"a": 1, "b": 2}) == digest_of("spec", {"b": 2, "a": 1})
    assert digest_of("spec", [1, 2]) != digest_of("spec", [2, 1])


def test_a_digest_tells_domains_apart() -> None:
    assert digest_of("spec", "x") != digest_of("caller", "x")


def test_a_digest_is_the_same_on_every_machine() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest_bytes(b"") == empty
    assert canonical_json({"é": [1, None, True]}) == '{"é":[1,null,true]}'
