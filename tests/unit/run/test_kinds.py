"""Which kind of change follows from which reasons."""

from __future__ import annotations

import pytest

from asmith.model.iteration import Kind
from asmith.model.names import ModuleName
from asmith.model.plan import Reason, Step, StepKind, Why
from asmith.run import kinds

MID = ModuleName("mid")


def stale(why: Why, subject: str = "leaf.leaf") -> dict[ModuleName, tuple[Reason, ...]]:
    return {MID: (Reason(why, subject),)}


@pytest.mark.parametrize(
    ("why", "kind"),
    [
        (Why.REQUIREMENT_REMOVED, Kind.REQUIREMENT),
        (Why.USES_CHANGED, Kind.USES),
        (Why.IMPORT_REMOVED, Kind.CONTRACT),
        (Why.EXPORT_CHANGED, Kind.FRAME),
        (Why.EXPORT_REMOVED, Kind.CONTRACT),
        (Why.NEVER_GENERATED, Kind.MODULE),
    ],
)
def test_a_stale_module_tells(why: Why, kind: Kind) -> None:
    assert kinds.of(stale(why), {}) == (kind,)


def test_an_export_that_callers_see_is_a_contract() -> None:
    assert kinds.of(stale(Why.EXPORT_CHANGED), {}, seen_by_callers=["leaf.leaf"]) == (
        Kind.CONTRACT,
    )


def test_the_dearest_kind_comes_first() -> None:
    both = {
        MID: (Reason(Why.EXPORT_ADDED, "mid.more"), Reason(Why.IMPORT_CHANGED, "shape.t.second"))
    }
    assert kinds.of(both, {}, types=["shape.t.second"]) == (Kind.FIELD, Kind.FUNCTION)


@pytest.mark.parametrize(
    ("step", "subjects", "kind"),
    [
        (StepKind.ASSEMBLE, ["include", "stamp"], (Kind.VALUE,)),
        (StepKind.ASSEMBLE, ["nasm"], (Kind.TOOLS,)),
        (StepKind.ASSEMBLE, ["file table.bin"], (Kind.HAND,)),
        (StepKind.CHECK, ["contracts"], (Kind.WAIVER,)),
        (StepKind.CHECK, ["code", "rules"], (Kind.TOOLS,)),
        (StepKind.LINK, ["code of mid", "stamp of mid"], (Kind.REPAIR,)),
        (StepKind.LINK, ["objects of group 3"], (Kind.REPAIR,)),
        (StepKind.LINK, ["linker", "library libpq"], (Kind.TOOLS,)),
        (StepKind.LINK, ["stub"], (Kind.CONTRACT,)),
        (StepKind.LINK, ["product"], (Kind.SETTING,)),
        (StepKind.TEST, ["file tests/modules/test_mid.py", "code of mid"], (Kind.TEST,)),
        (StepKind.TEST, ["something new"], (Kind.SETTING,)),
    ],
)
def test_without_a_stale_module_the_steps_tell(
    step: StepKind, subjects: list[str], kind: tuple[Kind, ...]
) -> None:
    ran = {Step(step, "mid"): tuple(Reason(Why.INPUT_CHANGED, s) for s in subjects)}
    assert kinds.of({}, ran) == kind


def test_a_first_assembly_is_a_clean_build_and_nothing_is_nothing() -> None:
    assert kinds.of({}, {Step(StepKind.ASSEMBLE, "mid"): (Reason(Why.NEVER_RAN, "the step"),)}) == (
        Kind.CLEAN,
    )
    assert kinds.of({}, {}) == ()


def test_a_value_takes_its_tests_with_it() -> None:
    ran = {
        Step(StepKind.ASSEMBLE, "mid"): (Reason(Why.INPUT_CHANGED, "include"),),
        Step(StepKind.CHECK, "mid"): (Reason(Why.INPUT_CHANGED, "contracts"),),
    }
    assert kinds.of({}, ran) == (Kind.VALUE,)
