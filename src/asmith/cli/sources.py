"""Source lines for findings on objects outside of a project: from the files beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from asmith.dataclass import replace
from asmith.errors import AsmithError

if TYPE_CHECKING:
    from asmith.check.engine import CheckResult
    from asmith.model.finding import Finding


class Sources:
    """The texts that line tables name, as far as they are at hand and no newer than the object."""

    def __init__(self, made: int) -> None:
        self._made = made  # nanoseconds: when the object was written
        self._texts: dict[str, list[str]] = {}

    def shown(self, result: CheckResult) -> CheckResult:
        """Return a result whose findings carry the source line they are about."""
        return replace(result, findings=tuple(map(self._with_line, result.findings)))

    def _with_line(self, finding: Finding) -> Finding:
        from asmith.model.nasm import without_comment

        if finding.excerpt or not finding.file or finding.line is None:
            return finding
        lines = self._lines(finding.file)
        if not 0 < finding.line <= len(lines):
            return finding
        line = lines[finding.line - 1]
        code = without_comment(line) if finding.file.endswith((".asm", ".nasm", ".s")) else line
        return replace(finding, excerpt=code.rstrip())

    def _lines(self, file: str) -> list[str]:
        """Return the lines of a file, or none where it is not to be trusted."""
        from asmith.host import files

        if file not in self._texts:
            path = Path(file)
            try:
                fresh = files.written(path) <= self._made
                text = files.read_text(path) if fresh else ""
            except AsmithError:
                text = ""
            self._texts[file] = text.split("\n") if text else []
        return self._texts[file]
