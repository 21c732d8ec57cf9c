"""Findings: one violation found by a check, as data. Text, JSON and SARIF are renderings of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from asmith.dataclass import dataclass


class Severity(StrEnum):
    """How much a finding weighs: an error stops the module, a warning is shown."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation: rule, place, facts, reason and remedy.

    `file` and `line` are the assembly's (from DWARF) where known, `offset` counts bytes from the
    start of `function` or, without one, of the section. `excerpt` is the source line and `label`
    what to write under it.
    """

    rule: str
    message: str
    why: str
    help: str
    object: str = ""
    function: str = ""
    offset: int | None = None
    file: str = ""
    line: int | None = None
    severity: Severity = Severity.ERROR
    excerpt: str = ""
    label: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the finding as the JSON object of `asmith check --json`."""
        return {
            "rule": self.rule,
            "severity": str(self.severity),
            "object": self.object,
            "function": self.function,
            "offset": self.offset,
            "file": self.file,
            "line": self.line,
            "message": self.message,
            "why": self.why,
            "help": self.help,
        }

    def render(self) -> str:
        """Return the finding in the form that every asmith message has."""
        lines = [f"{self.severity}[{self.rule}]: {self.message}"]
        place = self.file or self.object
        if place:
            spot = f"{place}:{self.line}" if self.line is not None else place
            if self.function:
                spot += f" ({self.function}+{self.offset or 0:#x})"
            lines.append(f"  --> {spot}")
        if self.excerpt and self.line is not None:
            margin = " " * len(str(self.line))
            code = self.excerpt.rstrip()
            indent = len(code) - len(code.lstrip())
            under = " " * indent + "^" * max(1, len(code) - indent)
            lines += [f"{self.line} | {code}", f"{margin} | {under} {self.label}".rstrip()]
        lines.append(f"why:  {self.why}")
        lines.append(f"help: {self.help}")
        return "\n".join(lines)
