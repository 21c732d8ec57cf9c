"""Errors as data: what happened, where, why, and what to do. They are rendered at the very top.

Every failure that a user can cause or meet is an `AsmithError`. Anything else that reaches the
top is a bug of ours and exits with `ExitCode.BUG`.
"""

from __future__ import annotations

import contextlib
from enum import IntEnum
from typing import Any

from asmith.dataclass import dataclass

_DEBUG = "ASMITH_DEBUG"  # the environment variable that shows the details of bugs at once


class ExitCode(IntEnum):
    """Exit codes of the `asmith` command (docs/reference/exit-codes.md)."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    UNAVAILABLE = 3
    BUDGET = 4
    BUG = 70
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is: a file relative to the project root, line and column counted from 1."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Return `file[:line[:column]]`."""
        parts = [self.file, *(str(n) for n in (self.line, self.column) if n is not None)]
        return ":".join(parts)


class AsmithError(Exception):
    """One failure, told once: `what` happened, `where`, `why`, and the `help` that ends it."""

    exit_code = ExitCode.FINDINGS

    def __init__(
        self,
        what: str,
        *,
        where: Place | str | None = None,
        why: str | None = None,
        help: str | None = None,  # noqa: A002 -- the word that the message itself prints
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = Place(where) if isinstance(where, str) else where
        self.why = why
        self.help = help

    def __reduce__(self) -> tuple[Any, ...]:
        """Let an error go to another process as it is, whatever its class takes to be made."""
        return type(self).__new__, (type(self), *self.args), self.__dict__

    def render(self) -> str:
        """Return the message in the form that every asmith message has, without a final newline."""
        lines = [f"error: {self.what}"]
        if self.where is not None:
            lines.append(f"  --> {self.where}")
        if self.why:
            lines.append(f"why:  {self.why}")
        if self.help:
            lines.append(f"help: {self.help}")
        return "\n".join(lines)


class UsageError(AsmithError):
    """A command line, configuration, spec, interface or record that cannot be used as it stands."""

    exit_code = ExitCode.USAGE


class StepFailedError(AsmithError):
    """A step of the build ended without its result."""


class UnavailableError(AsmithError):
    """A tool, answer, provider or resource (disk space, a lock) is not to be had now."""

    exit_code = ExitCode.UNAVAILABLE


class StoppedError(AsmithError):
    """What was under way ended because somebody asked for it, not because anything is wrong."""

    exit_code = ExitCode.INTERRUPTED


class BudgetError(AsmithError):
    """What is allowed to be spent is spent, or the next call might spend more than is left."""

    exit_code = ExitCode.BUDGET


class BugError(AsmithError):
    """A failure of asmith itself; the details lie in a file, since they are of no use to a user."""

    exit_code = ExitCode.BUG

    def __init__(self, error: Exception) -> None:
        import os
        import tempfile
        import traceback

        details = "".join(traceback.format_exception(error))
        where = f"set {_DEBUG}=1 to see them"
        if os.environ.get(_DEBUG):
            where = f"\n{details}"
        else:
            with (
                contextlib.suppress(OSError),
                tempfile.NamedTemporaryFile(
                    "w", prefix="asmith-bug-", suffix=".txt", delete=False
                ) as file,
            ):
                file.write(details)
                where = file.name
        super().__init__(
            f"asmith itself failed: {type(error).__name__}: {error}",
            why="this is a bug of asmith; your files are as they were",
            help=f"please report it with the details: {where}",
        )


def did_you_mean(word: str, known: list[str] | tuple[str, ...]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest of `known`, or the empty string."""
    from difflib import get_close_matches  # only ever needed to word an error

    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""
