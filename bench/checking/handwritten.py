"""The handwritten leg: assembly of real libraries in the `asm` profile; every report is explained.

docs/reference/check-report-classes.md has a table of real deviations and named limits; a report
that no row explains fails the leg, and a row that explains nothing is told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from checking.archive import handwritten, members
from checking.cache import static_library
from checking.libraries import Library
from checking.subject import judged
from checking.tally import Tally, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.model.finding import Finding

CLASSES = Path(__file__).parents[2] / "docs" / "reference" / "check-report-classes.md"

LIBRARIES = (
    Library("libgmp-dev", "libgmp.a"),
    Library("libssl-dev", "libcrypto.a"),
    Library("libx264-dev", "libx264.a"),
    Library("libturbojpeg0-dev", "libturbojpeg.a"),
    Library("libc6-dev", "libc.a"),
)
SMOKE = LIBRARIES[3:4]


@dataclass(frozen=True, slots=True)
class Row:
    """One class: which reports it explains, and whether they are right (a deviation) or a limit."""

    rule: str
    library: str
    member: str
    function: str
    kind: str
    why: str

    def explains(self, library: str, member: str, finding: Finding) -> bool:
        """Tell whether a report belongs to the class; member and function are patterns."""
        return (
            self.rule == finding.rule
            and self.library == library
            and re.fullmatch(self.member, member) is not None
            and re.fullmatch(self.function, finding.function) is not None
        )


def rows(text: str) -> Iterator[Row]:
    """Yield the rows of the table: cells in backquotes are exact patterns."""
    for line in text.splitlines():
        cells = [
            cell.strip().strip("`").replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)
        ][1:-1]
        if len(cells) == 6 and re.fullmatch(r"[A-Z]{3}\d{3}", cells[0]):
            yield Row(*cells)


def main(libraries: tuple[Library, ...] = LIBRARIES) -> bool:
    """Check the hand-written members; tell whether every report is explained."""
    table = list(rows(CLASSES.read_text(encoding="utf-8")))
    used: dict[Row, int] = dict.fromkeys(table, 0)
    tallies, unexplained = [], []
    for library in libraries:
        tally = Tally(library.name)
        for member in members(static_library(library.package, library.name)):
            if not handwritten(member):
                continue
            verdict = judged(member.data, member.path, "asm")
            tally.add(verdict)
            for finding in verdict.findings:
                row = next(
                    (r for r in table if r.explains(library.name, member.name, finding)), None
                )
                if row is None:
                    unexplained.append((member.path, finding))
                else:
                    used[row] += 1
        tallies.append(tally)
    show("handwritten", tallies)
    return _explained(used, unexplained, {library.name for library in libraries})


def _explained(
    used: dict[Row, int], unexplained: list[tuple[str, Finding]], checked: set[str]
) -> bool:
    """Print the classes with their counts and what is left over."""
    for row, count in used.items():
        if row.library in checked:
            print(f"{count:>5} x {row.rule} {row.library} {row.member} {row.function}: {row.kind}")
    for path, finding in unexplained:
        print(
            f"unexplained: {finding.rule} {path} {finding.function}+{finding.offset or 0:#x}: "
            f"{finding.message}"
        )
    idle = [row for row, count in used.items() if not count and row.library in checked]
    for row in idle:
        print(f"explains nothing: {row.rule} {row.library} {row.member} {row.function}")
    reports = sum(used.values()) + len(unexplained)
    print(f"{reports} reports, {len(unexplained)} of them unexplained")
    return not unexplained
