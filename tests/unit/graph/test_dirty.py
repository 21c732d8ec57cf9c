"""The dirty check of a step."""

from __future__ import annotations

import pytest

from asmith.graph.dirty import step_reasons

INPUTS = {"text": "1", "include": "2"}


@pytest.mark.parametrize(
    ("recorded", "damaged", "interrupted", "reasons"),
    [
        (INPUTS, (), False, []),
        (INPUTS, (), True, []),
        (None, (), False, ["never-ran: the step"]),
        (None, (), True, ["interrupted: the step (it was started and never ended)"]),
        ({"text": "9", "include": "2"}, (), False, ["input-changed: text"]),
        (
            {"text": "1", "old": "3"},
            (),
            False,
            ["input-changed: include (new)", "input-changed: old (gone)"],
        ),
        (INPUTS, ("build/a.o",), False, ["output-changed: build/a.o (missing or not as written)"]),
        ({"text": "9", "include": "2"}, ("build/a.o",), False, ["input-changed: text"]),
    ],
    ids=[
        "clean",
        "clean after another slot was interrupted",
        "never ran",
        "interrupted",
        "changed",
        "new and gone",
        "damaged",
        "a changed input says enough",
    ],
)
def test_a_step_runs_for_these_reasons(
    recorded: dict[str, str] | None,
    damaged: tuple[str, ...],
    interrupted: bool,  # noqa: FBT001 -- a parameter of the table
    reasons: list[str],
) -> None:
    found = step_reasons(INPUTS, recorded, damaged=damaged, interrupted=interrupted)
    assert [str(r) for r in found] == reasons
