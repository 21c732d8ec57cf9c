"""Who can be asked before money is spent."""

from __future__ import annotations

import io
import sys

import pytest

from asmith.errors import UnavailableError
from asmith.run.terminal import to_confirm


class Stream(io.StringIO):
    """A stream that may be a terminal, or one far away."""

    def __init__(self, text: str = "", *, terminal: bool = True, far: bool = False) -> None:
        super().__init__(text)
        self.terminal = terminal
        self.far = far

    def isatty(self) -> bool:
        """Say what it is."""
        return self.terminal


def put(monkeypatch: pytest.MonkeyPatch, stdin: Stream, stderr: Stream) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(sys, "stderr", stderr)


@pytest.mark.parametrize(("typed", "agreed"), [("y\n", True), ("YES\n", True), ("\n", False)])
def test_a_person_answers(typed: str, *, agreed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Stream()
    put(monkeypatch, Stream(typed), shown)
    confirm = to_confirm()
    assert confirm is not None
    assert confirm("buy it?") is agreed
    assert shown.getvalue().endswith("buy it?\ngo on? [y/N] ")


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, Stream(terminal=False), Stream())
    assert to_confirm() is None
    put(monkeypatch, Stream(), Stream(terminal=False))
    assert to_confirm() is None
    closed = Stream()
    closed.close()
    put(monkeypatch, closed, Stream())
    assert to_confirm() is None


def test_what_watch_runs_for_others_spends_nothing_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, Stream(), Stream(terminal=False, far=True))
    confirm = to_confirm()
    assert confirm is not None
    with pytest.raises(UnavailableError, match="cannot ask you"):
        confirm("buy it?")
