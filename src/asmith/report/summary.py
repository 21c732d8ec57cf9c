"""The iteration log in figures: medians and 90th percentiles by kind of change. Pure functions.

Times and shares are those of iterations that were adopted; others are counted and no more. A
percentile is that of the nearest rank, so it is always a value that occurred.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass
from asmith.model.iteration import Kind, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from asmith.model.iteration import Iteration

STAGES = ("plan", "generate", "assemble", "check", "link", "test", "adopt")


@dataclass(frozen=True, slots=True)
class Spread:
    """How some values lie: how many, the median and the 90th percentile."""

    count: int
    median: float
    ninth: float

    def to_json(self) -> dict[str, float]:
        """Return it as `report --json` prints it."""
        return {"n": self.count, "median": self.median, "p90": self.ninth}


@dataclass(frozen=True, slots=True)
class OfKind:
    """What iterations of one kind of change took; None where nothing was measured."""

    kind: Kind
    count: int
    linked: Spread | None  # seconds from the edit
    tested: Spread | None
    stages: Mapping[str, Spread]
    regenerated: Spread  # modules
    share: Spread  # of the project's modules that were regenerated, 0 to 1
    kept: Spread | None  # share of the bytes of all texts that stayed, 0 to 1


@dataclass(frozen=True, slots=True)
class Summary:
    """The whole log in figures."""

    count: int
    results: Mapping[str, int]
    first: str
    last: str
    modules: int
    kinds: tuple[OfKind, ...]
    edits: OfKind | None  # all adopted iterations but clean builds
    calls: int
    tokens: int
    usd: float
    tests: int
    findings: int


def of(iterations: Sequence[Iteration]) -> Summary:
    """Return the figures of a log, in its order."""
    good = [i for i in iterations if i.result is Result.ADOPTED]
    edits = [i for i in good if i.kind not in (Kind.CLEAN, Kind.REPAIR)]
    groups = [(k, [i for i in good if i.kind is k]) for k in Kind]
    return Summary(
        count=len(iterations),
        results=dict(Counter(str(i.result) for i in iterations)),
        first=iterations[0].at if iterations else "",
        last=iterations[-1].at if iterations else "",
        modules=max((i.modules for i in iterations[-1:]), default=0),
        kinds=tuple(_of_kind(k, group) for k, group in groups if group),
        edits=_of_kind(Kind.PROSE, edits) if edits else None,
        calls=sum(len(i.calls) for i in iterations),
        tokens=sum(tokens(i) for i in iterations),
        usd=sum(i.usd for i in iterations),
        tests=sum(i.tests for i in iterations),
        findings=sum(len(i.findings) for i in iterations),
    )


def _of_kind(kind: Kind, group: Sequence[Iteration]) -> OfKind:
    regenerated = spread(len(i.regenerated) for i in group)
    share = spread(len(i.regenerated) / i.modules if i.modules else 0.0 for i in group)
    assert regenerated is not None
    assert share is not None
    stages = {s: spread(stage(i, s) for i in group if stage(i, s) > 0) for s in STAGES}
    return OfKind(
        kind=kind,
        count=len(group),
        linked=spread(t for i in group if (t := from_edit(i, i.linked)) is not None),
        tested=spread(t for i in group if (t := from_edit(i, i.tested)) is not None),
        stages={s: v for s, v in stages.items() if v is not None},
        regenerated=regenerated,
        share=share,
        kept=spread(1 - i.new_bytes / i.text_bytes for i in group if i.text_bytes),
    )


def stage(iteration: Iteration, name: str) -> float:
    """Return the seconds of one stage; comparing real headers counts as checking."""
    seconds = iteration.stages.get(name, 0.0)
    return seconds + iteration.stages.get("compare", 0.0) if name == "check" else seconds


def from_edit(iteration: Iteration, seconds: float | None) -> float | None:
    """Return a time since the start as time since the save, where the two were one sitting."""
    return None if seconds is None else seconds + (iteration.waited or 0.0)


def tokens(iteration: Iteration) -> int:
    """Return the tokens that went in and came out."""
    return iteration.input_tokens + iteration.output_tokens


def spread(values: Iterable[float]) -> Spread | None:
    """Return how values lie; None for none."""
    ordered = sorted(values)
    if not ordered:
        return None
    return Spread(len(ordered), _rank(ordered, 0.5), _rank(ordered, 0.9))


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Point:
    """One step of the comparison with full regeneration: totals up to and with an iteration."""

    spent: float
    full: float
    iteration: Iteration


def against_full(iterations: Sequence[Iteration]) -> tuple[str, tuple[Point, ...]]:
    """Return the unit and the totals of what was generated, against all modules each time.

    The unit is `tokens` where generators counted them: the full price is then the iteration's own
    tokens for each byte that it generated, times the bytes of all texts. Where nobody counted it
    is `bytes` of assembly, regenerated texts against all texts.
    """
    made = [i for i in iterations if i.result is Result.ADOPTED and i.regenerated]
    made = [i for i in made if i.regenerated_bytes and i.kind is not Kind.CLEAN]
    counted = [i for i in made if tokens(i)]
    unit, chosen = ("tokens", counted) if counted else ("bytes", made)
    points, spent, full = [], 0.0, 0.0
    for one in chosen:
        paid = tokens(one) if unit == "tokens" else one.regenerated_bytes
        spent += paid
        full += paid * one.text_bytes / one.regenerated_bytes
        points.append(Point(spent, full, one))
    return unit, tuple(points)


def to_json(summary: Summary) -> dict[str, Any]:
    """Return the figures as `report --json` prints them."""
    return {
        "iterations": summary.count,
        "results": dict(summary.results),
        "first": summary.first or None,
        "last": summary.last or None,
        "modules": summary.modules,
        "edits": _kind_json(summary.edits, name=None) if summary.edits else None,
        "kinds": [_kind_json(k, name=str(k.kind)) for k in summary.kinds],
        "totals": {
            "calls": summary.calls,
            "tokens": summary.tokens,
            "usd": round(summary.usd, 6),
            "tests": summary.tests,
            "findings": summary.findings,
        },
    }


def _kind_json(one: OfKind, *, name: str | None) -> dict[str, Any]:
    def of_spread(spread: Spread | None) -> dict[str, float] | None:
        return spread.to_json() if spread else None

    return {
        **({"kind": name} if name else {}),
        "n": one.count,
        "linked": of_spread(one.linked),
        "tested": of_spread(one.tested),
        "stages": {s: v.to_json() for s, v in one.stages.items()},
        "regenerated": one.regenerated.to_json(),
        "share": one.share.to_json(),
        "kept": of_spread(one.kept),
    }
