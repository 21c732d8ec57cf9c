"""Progress for people: a line for each step that starts, and on a terminal a bar below the lines.

    assemble:mid                 input-changed: text
     12/40 [=========>                   ] check:leaf, check:mid  3.2 s

The bar appears when a build has taken a moment, is redrawn in place and leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import threading
from typing import TYPE_CHECKING, Self

from asmith.host import clock
from asmith.model.plan import Step, StepKind
from asmith.run import terminal
from asmith.run.events import Ended, Passed, Planned, Started

if TYPE_CHECKING:
    from typing import TextIO

    from asmith.model.names import ModuleName
    from asmith.model.plan import Reason
    from asmith.run.events import Event

_PATIENCE = 0.3  # seconds before a bar is worth its flicker
_TICK = 0.1  # seconds between two drawings
_MINUTE = 60
_BYTES_A_TOKEN = 3  # of assembly, roughly: a provider counts for itself only at the end
_SLOTS = 24  # characters of the bar itself
_GREEN, _PLAIN, _ERASE = "\x1b[32m", "\x1b[0m", "\r\x1b[K"


def line(step: Step, reasons: tuple[Reason, ...], *, verbose: bool) -> str:
    """Return what is said of a step that starts: its first reason, or with `verbose` all."""
    shown = reasons if verbose else reasons[:1]
    more = len(reasons) - len(shown)
    text = "; ".join(str(r) for r in shown) + (f" and {more} more" if more else "")
    return f"{step!s:<28} {text}".rstrip()


def render(done: int, total: int, current: tuple[str, ...], seconds: float, *, width: int) -> str:
    """Return the bar with what runs now, at most `width` characters wide."""
    filled = _SLOTS * done // total if total else 0
    bar = "=" * filled + (">" if filled < _SLOTS else "")
    head = f"{done:>{len(str(total))}}/{total} [{bar:<{_SLOTS}}]"
    minutes = f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    tail = f"  {minutes}" if seconds >= _MINUTE else f"  {seconds:.1f} s"
    room = width - len(head) - len(tail) - 1
    if room < 0:
        return f"{done}/{total}"[:width]
    return f"{head} {_fitting(current, room)}{tail}"


def _fitting(names: tuple[str, ...], room: int) -> str:
    """Return as many names as there is room for, and how many more there are."""
    for count in range(len(names), -1, -1):
        more = len(names) - count
        text = ", ".join(names[:count]) + (f"{' ' if count else ''}+{more}" if more else "")
        if len(text) <= room:
            return text
    return ""


def on_terminal(stream: TextIO) -> bool:
    """Tell whether a bar may be drawn there."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


class Display:
    """Lines on a stream and, where it is a terminal, a bar below them. An observer of builds."""

    def __init__(self, stream: TextIO, *, verbose: bool = False, lines: bool = True) -> None:
        """Write to `stream`; without `lines` the bar alone is shown."""
        self._stream = stream
        self._verbose = verbose
        self._lines = lines
        self._guard = terminal.LOCK
        self._began = clock.monotonic()
        self._done = self._total = 0
        self._current: dict[str, str] = {}  # with a note each, in the order in which they started
        self._drawn = False
        self._over = threading.Event()
        self._ticker: threading.Thread | None = None
        self._bar = on_terminal(stream)
        self._colours = "NO_COLOR" not in os.environ

    def __enter__(self) -> Self:
        if self._bar:
            self._ticker = threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar away for good."""
        self._over.set()
        if self._ticker is not None:
            self._ticker.join()
            self._ticker = None
        with self._guard:
            self._erase()

    def __call__(self, event: Event) -> None:
        """Show what happened."""
        match event:
            case Planned():
                self.plan(len(event.steps))
            case Started():
                if self._lines:
                    self.write(line(event.step, event.reasons, verbose=self._verbose) + "\n")
                self.start(str(event.step))
            case Ended() | Passed():
                self.end(str(event.step))
            case _:
                pass

    def plan(self, steps: int) -> None:
        """Take notice that so many more steps are to come; what was done stays done."""
        self._total = self._done + steps

    def start(self, name: str) -> None:
        """Show a step as running."""
        with self._guard:
            self._current[name] = ""

    def end(self, name: str) -> None:
        """Show a step as done."""
        with self._guard:
            self._current.pop(name, None)
            self._done += 1

    def receive(self, module: ModuleName, received: int) -> None:
        """Show how much of an answer has come, given its bytes so far."""
        name = str(Step(StepKind.GENERATE, module))
        with self._guard:
            if name in self._current:
                self._current[name] = f" ~{received // _BYTES_A_TOKEN:,} tokens"

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        self.write(f"{text}\n")

    def write(self, text: str) -> None:
        """Write whole lines above the bar."""
        with self._guard:
            self._erase()
            self._stream.write(text)
            self._stream.flush()

    def _tick(self) -> None:
        while not self._over.wait(_TICK):
            elapsed = clock.monotonic() - self._began
            if self._total and elapsed > _PATIENCE:
                with self._guard:
                    self._draw(elapsed)

    def _draw(self, seconds: float) -> None:
        width = shutil.get_terminal_size().columns - 1
        current = tuple(f"{name}{note}" for name, note in self._current.items())
        text = render(min(self._done, self._total), self._total, current, seconds, width=width)
        if self._colours:
            text = text.replace("[", f"[{_GREEN}", 1).replace("]", f"{_PLAIN}]", 1)
        self._stream.write(f"{_ERASE}{text}")
        self._stream.flush()
        self._drawn = True

    def _erase(self) -> None:
        if self._drawn:
            self._stream.write(_ERASE)
            self._stream.flush()
            self._drawn = False
