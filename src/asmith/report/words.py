"""Figures as words: seconds, shares, counts. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asmith.report.summary import OfKind, Spread

_MINUTE = 60.0


def seconds(value: float) -> str:
    """Return a duration in two or three digits: `24 ms`, `1.2 s`, `3 min 20 s`."""
    if value < 0.0995:  # noqa: PLR2004 -- rounds to 100 ms from there
        return f"{value * 1000:.0f} ms"
    if value < 9.95:  # noqa: PLR2004 -- 9.95 is the first that rounds to 10
        return f"{value:.2f} s"
    if value < _MINUTE - 0.5:
        return f"{value:.0f} s"
    whole = round(value)
    return f"{whole // 60} min {whole % 60} s"


def tick(value: float) -> str:
    """Return a round duration on an axis: `0.5 s`, `20 ms`."""
    return f"{value * 1000:g} ms" if value < 0.0995 else f"{value:g} s"  # noqa: PLR2004 -- as above


def share(value: float) -> str:
    """Return a share as percent: whole ones, but near 0 and 100 with a digit."""
    percent = 100 * value
    if 0 < percent < 1 or 98.5 <= percent < 100:  # noqa: PLR2004 -- where whole ones say nothing
        rounded = f"{percent:.1f} %"
        return {"100.0 %": "> 99.9 %", "0.0 %": "< 0.1 %"}.get(rounded, rounded)
    return f"{percent:.0f} %"


def count(value: float) -> str:
    """Return a large number short: `950`, `12.3 k`, `4.1 M`."""
    if value < 1000:  # noqa: PLR2004 -- a thousand
        return f"{value:.0f}"
    for unit in ("k", "M", "G"):
        value /= 1000
        if value < 999.5 or unit == "G":  # noqa: PLR2004 -- rounds to 1000
            digits = f"{value:.1f}".removesuffix(".0") if value < 99.95 else f"{value:.0f}"  # noqa: PLR2004 -- three digits
            return f"{digits} {unit}"
    raise AssertionError(value)


def spread(value: Spread | None) -> tuple[str, str]:
    """Return the median and the 90th percentile of durations; dashes for none."""
    return (seconds(value.median), seconds(value.ninth)) if value else ("-", "-")


def regenerated(kind: OfKind, modules: int) -> str:
    """Return how many modules an iteration of a kind regenerated, in the middle and at most."""
    middle, ninth = kind.regenerated.median, kind.regenerated.ninth
    many = f"{middle:.0f}" if middle == ninth else f"{middle:.0f}-{ninth:.0f}"
    return f"{many} of {modules}"
