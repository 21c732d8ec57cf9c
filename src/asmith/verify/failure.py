"""The one exception by which a module fails its test, and the message that it carries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from _pytest.outcomes import Failed

from asmith.dataclass import dataclass
from asmith.host import files
from asmith.model.finding import Finding

if TYPE_CHECKING:
    from pathlib import Path

_COMMENT = re.compile(r""";(?=(?:[^'"`]|'[^']*'|"[^"]*"|`[^`]*`)*$)""")


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in the code under test; file and line are empty where there is no line table."""

    file: str = ""
    line: int | None = None
    function: str = ""
    offset: int = 0
    code: str = ""  # the source line without its comment


class ModuleFailure(Failed):
    """A function under test broke a rule that every function keeps.

    It is no `Exception`: a test that expects some exception does not take a crash for it.
    """

    def __init__(self, finding: Finding, registers: str = "") -> None:
        self.finding = finding
        text = finding.render()
        super().__init__(f"{text}\n{registers}" if registers else text)


# As pytest does for its own: reports then name the class alone, and the message follows.
ModuleFailure.__module__ = "builtins"


def source_line(root: Path, file: str, line: int) -> str:
    """Return a line of a source file without its comment, or the empty string if it is not there.

    `file` is relative to the project's `root`, or absolute.
    """
    data = files.read_if_exists(root / file)
    lines = data.decode("utf-8", "replace").splitlines() if data else []
    return _COMMENT.split(lines[line - 1], maxsplit=1)[0].rstrip() if 0 < line <= len(lines) else ""


def finding(rule: str, message: str, spot: Spot, *, label: str, why: str, help: str) -> Finding:  # noqa: A002
    """Return a finding at `spot`; `label` is what to say under the source line."""
    return Finding(
        rule=rule,
        message=message,
        why=why,
        help=help,
        function=spot.function,
        offset=spot.offset,
        file=spot.file,
        line=spot.line,
        excerpt=spot.code,
        label=label,
    )
