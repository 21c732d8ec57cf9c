"""Errors as data: what happened, where, why, and what to do. `__main__` renders them."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of `python -m taskify`: those of asmith."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNAVAILABLE = 3
    INTERRUPTED = 130


class TaskifyError(Exception):
    """A step that failed: the build, the database, a migration or the program."""

    exit_code = ExitCode.FAILED

    def __init__(self, what: str, *, where: object = "", why: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = str(where)
        self.why = why
        self.remedy = remedy

    def render(self) -> str:
        """Return the message in the project's form, without a final newline."""
        lines = [f"error: {self.what}"]
        if self.where:
            lines.append(f"  --> {self.where}")
        if self.why:
            lines.append("why:  " + self.why.strip().replace("\n", "\n      "))
        if self.remedy:
            lines.append(f"help: {self.remedy}")
        return "\n".join(lines)


class UnavailableError(TaskifyError):
    """A tool, port or lock that is not to be had now."""

    exit_code = ExitCode.UNAVAILABLE
