"""The bar and the lines of a build."""

from __future__ import annotations

import io

import pytest

from asmith.errors import StepFailedError
from asmith.model.plan import Reason, Step, StepKind, Why
from asmith.run.events import Ended, Passed, Planned, Started
from asmith.run.progress import Display, line, render

STEP = Step(StepKind.ASSEMBLE, "mid")
OTHER = Step(StepKind.CHECK, "mid")
TEXT = Reason(Why.INPUT_CHANGED, "text")
STAMP = Reason(Why.INPUT_CHANGED, "stamp")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, " 6/12 [============>           ] check:leaf, check:mid  3.2 s"),
        (50, " 6/12 [============>           ] +2  3.2 s"),
        (53, " 6/12 [============>           ] check:leaf +1  3.2 s"),
        (20, "6/12"),
        (3, "6/1"),
    ],
)
def test_a_bar_fits_the_terminal(width: int, shown: str) -> None:
    drawn = render(6, 12, ("check:leaf", "check:mid"), 3.21, width=width)
    assert drawn == shown
    assert len(drawn) <= width


def test_a_full_bar_has_no_head_and_minutes_are_told() -> None:
    assert render(3, 3, (), 125.4, width=60) == "3/3 [========================]   2 min 5 s"


def test_a_step_has_its_first_reason_or_all() -> None:
    assert line(STEP, (TEXT, STAMP), verbose=False) == (
        "assemble:mid                 input-changed: text and 1 more"
    )
    assert line(STEP, (TEXT, STAMP), verbose=True) == (
        "assemble:mid                 input-changed: text; input-changed: stamp"
    )
    assert line(STEP, (), verbose=False) == "assemble:mid"


def test_a_file_gets_lines_and_no_bar() -> None:
    stream = io.StringIO()
    with Display(stream) as display:
        for event in (Planned((STEP, OTHER), {}), Started(STEP, (TEXT,)), Ended(STEP)):
            display(event)
        display(Passed(OTHER))
    assert stream.getvalue() == "assemble:mid                 input-changed: text\n"


def test_a_bar_counts_what_ended_failed_or_was_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    display = Display(stream)
    display(Planned((STEP, OTHER), {}))
    display(Started(STEP, (TEXT,)))
    display._draw(1.0)
    assert stream.getvalue().endswith("\r\x1b[K0/2 [>                       ] assemble:mid  1.0 s")
    display(Ended(STEP, StepFailedError("no")))
    display(Passed(OTHER))
    display._draw(2.0)
    assert stream.getvalue().endswith("\r\x1b[K2/2 [========================]   2.0 s")
    display.write("a line\n")
    assert stream.getvalue().endswith("\r\x1b[Ka line\n")
    display.close()
    assert stream.getvalue().endswith("a line\n")


def test_colour_is_left_out_where_nobody_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    display = Display(stream)
    display._draw(1.0)
    assert "\x1b[32m" in stream.getvalue()


def test_a_dumb_terminal_gets_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with Display(Terminal()) as display:
        assert display._ticker is None
