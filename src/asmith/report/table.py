"""The figures of a log as text for a terminal. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.report import words
from asmith.report.summary import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asmith.report.summary import Summary

EMPTY = (
    "no iteration yet: edit a spec, build it (asmith build, doit or asmith watch), and ask again"
)


def render(summary: Summary) -> str:
    """Return the report, without a final newline."""
    if not summary.count:
        return EMPTY
    lines = [_head(summary), ""]
    if summary.kinds:
        lines += [*_grid(_by_kind(summary)), ""]
        lines += ["seconds of work by stage, median / 90th percentile where it ran", ""]
        lines += [*_grid(_by_stage(summary)), ""]
    lines.append(_total(summary))
    return "\n".join(lines)


def _head(summary: Summary) -> str:
    other = [f"{n} {r}" for r, n in sorted(summary.results.items()) if r != "adopted"]
    many = f"{summary.count} iteration{'s' if summary.count != 1 else ''}"
    dates = sorted({summary.first[:10], summary.last[:10]})
    return f"{many}, {' to '.join(dates)}" + (f" ({', '.join(other)})" if other else "")


def _total(summary: Summary) -> str:
    parts = [f"{summary.tests} tests passed", f"{summary.findings} findings"]
    if summary.calls:
        parts.append(f"{summary.calls} generator calls")
    if summary.tokens:
        parts.append(f"{words.count(summary.tokens)} tokens, {summary.usd:.2f} USD")
    return "in all: " + ", ".join(parts)


def _by_kind(summary: Summary) -> list[list[str]]:
    rows = [
        ["", "", "edit -> linked", "", "edit -> tested", "", "modules", "bytes"],
        ["kind of change", "n", "median", "90 %", "median", "90 %", "regenerated", "kept"],
    ]
    for kind in summary.kinds:
        kept = words.share(kind.kept.median) if kind.kept else "-"
        rows.append(
            [
                str(kind.kind),
                str(kind.count),
                *words.spread(kind.linked),
                *words.spread(kind.tested),
                words.regenerated(kind, summary.modules),
                kept,
            ]
        )
    return rows


def _by_stage(summary: Summary) -> list[list[str]]:
    present = [s for s in STAGES if any(s in k.stages for k in summary.kinds)]
    rows = [["kind of change", *present]]
    for kind in summary.kinds:
        cells = (kind.stages.get(s) for s in present)
        shown = (f"{c.median:.2f} / {c.ninth:.2f}" if c else "-" for c in cells)
        rows.append([str(kind.kind), *shown])
    return rows


def _grid(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows in columns: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [f"{row[0]:<{widths[0]}}"]
        cells += [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield "  ".join(cells).rstrip()
