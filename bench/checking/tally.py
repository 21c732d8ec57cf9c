"""Verdicts added up: a line for each group, and a file with everything that was said."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from checking.cache import CACHE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from checking.subject import Verdict

WANTED_SHARE = 0.97


class Tally:
    """The sums of one group of objects."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.objects = self.functions = self.analysed = 0
        self.seconds = 0.0
        self.rules: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.failures: list[str] = []
        self.lines: list[str] = []

    def add(self, verdict: Verdict) -> None:
        """Count one object."""
        self.objects += 1
        self.functions += verdict.functions
        self.analysed += verdict.analysed
        self.seconds += verdict.seconds
        self.rules.update(finding.rule for finding in verdict.findings)
        self.reasons.update(reason for _, reason in verdict.lost)
        said = verdict.crash or verdict.error
        if said:
            self.failures.append(f"{verdict.object}: {said}")
        self.lines += [
            f"{self.name}: {f.rule} {verdict.object} {f.function}+{f.offset or 0:#x}: {f.message}"
            for f in verdict.findings
        ]
        self.lines += [
            f"{self.name}: not analysed {verdict.object} {function}: {reason}"
            for function, reason in verdict.lost
        ]

    @property
    def share(self) -> float:
        """Return the share of functions that were analysed; 0 if there were none."""
        return self.analysed / self.functions if self.functions else 0.0

    @property
    def holds(self) -> bool:
        """Tell whether the group has no report, no failure, and enough analysed functions."""
        return not self.rules and not self.failures and self.share >= WANTED_SHARE

    def row(self) -> str:
        """Return the group's line."""
        rules = ", ".join(f"{rule} {n}" for rule, n in sorted(self.rules.items()))
        found = f"{sum(self.rules.values())} reports{f' ({rules})' if rules else ''}"
        failed = f", {len(self.failures)} objects failed" if self.failures else ""
        return (
            f"{self.name:<34} {self.functions:>6} functions, {100 * self.share:6.2f} % analysed, "
            f"{found}{failed}"
        )


def show(title: str, tallies: Iterable[Tally]) -> bool:
    """Print the groups, write all that was said to build/bench, and tell whether all hold."""
    groups = list(tallies)
    for tally in groups:
        print(tally.row())
        for reason, count in tally.reasons.most_common(3) if not tally.holds else ():
            print(f"    {count} x not analysed: {reason}")
        for failure in tally.failures[:3]:
            print(f"    {failure}")
    functions = sum(t.functions for t in groups)
    analysed = sum(t.analysed for t in groups)
    reports = sum(sum(t.rules.values()) for t in groups)
    share = 100 * analysed / functions if functions else 0.0
    print(f"{title}: {functions} functions, {share:.2f} % analysed, {reports} reports")
    print(f"every line: {_written(title, groups).relative_to(CACHE.parents[1])}")
    return bool(groups) and all(t.holds for t in groups)


def _written(title: str, groups: list[Tally]) -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    place = CACHE / f"check-{title}.txt"
    lines = [line for t in groups for line in (*t.lines, *t.failures)]
    place.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return place
