"""A log of iterations as a busy fortnight might leave it, the same each time it is made."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from asmith.model.iteration import FileEdit, Iteration, Kind, Result

NAMES = (
    "app", "config", "db_pool", "errors", "health", "http_parse", "http_write", "int_codec",
    "json_escape", "json_writer", "log", "main", "net", "router", "row_json", "sql", "tasks_get",
)  # fmt: skip
_KINDS = (
    [Kind.REQUIREMENT] * 10 + [Kind.CONTRACT] * 3 + [Kind.HAND] * 3 + [Kind.TEST] * 3
    + [Kind.VALUE] * 2 + [Kind.FRAME, Kind.WAIVER, Kind.PROSE, Kind.FIELD, Kind.FUNCTION]
)  # fmt: skip
_MADE = {Kind.REQUIREMENT: 1, Kind.CONTRACT: 4, Kind.FIELD: 3, Kind.FRAME: 1, Kind.FUNCTION: 1}


def busy(count: int = 90, *, tokens: bool = True) -> tuple[Iteration, ...]:
    """Return so many iterations, the first a clean build."""
    dice = random.Random(7)  # noqa: S311 -- a test's figures
    when = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    found = []
    for number in range(count):
        when += timedelta(minutes=dice.choice((1, 2, 3, 5, 9, 400)))
        kind = Kind.CLEAN if number == 0 else dice.choice(_KINDS)
        found.append(_one(dice, when, kind, tokens=tokens))
    return tuple(found)


def _one(dice: random.Random, when: datetime, kind: Kind, *, tokens: bool) -> Iteration:
    made = tuple(sorted(dice.sample(NAMES, max(1, _MADE[kind] + dice.randint(-1, 2) * (
        kind is Kind.CONTRACT))))) if kind in _MADE else ()  # fmt: skip
    good = dice.random() > 0.1 or kind is Kind.CLEAN
    scale = 17 if kind is Kind.CLEAN else max(1, len(made))
    times = {"plan": dice.uniform(0.1, 0.2)}
    if made and tokens:
        times["generate"] = dice.expovariate(1 / 4.0) * len(made)
    if kind not in (Kind.PROSE, Kind.TEST, Kind.WAIVER):
        times |= {"assemble": 0.03 * scale, "check": 0.05 * scale, "link": 0.08}
    if kind is not Kind.PROSE:
        times |= {"test": dice.uniform(0.4, 0.9) * min(scale, 12), "adopt": 0.02}
    linked = sum(t for s, t in times.items() if s not in ("test", "adopt"))
    size = 11_000
    paid = tokens and bool(made)
    return Iteration(
        at=when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        command="watch",
        result=Result.ADOPTED if good else Result.FAILED,
        kind=kind,
        kinds=(kind,),
        files=(FileEdit(f"specs/{(made or NAMES)[0]}.md", "changed", 2, 1),),
        regenerated=made if good else (),
        stages=times,
        waited=0.01,
        linked=linked if "link" in times else None,
        tested=linked + times.get("test", 0.0) if good and "test" in times else None,
        total=sum(times.values()),
        modules=len(NAMES),
        text_bytes=size * len(NAMES),
        new_bytes=600 * len(made),
        regenerated_bytes=size * len(made),
        calls=tuple({"module": m} for m in made) if paid else (),
        input_tokens=9_000 * len(made) if paid else 0,
        output_tokens=4_000 * len(made) if paid else 0,
        usd=0.09 * len(made) if paid else 0.0,
        tests=dice.randint(3, 40),
        environment={"cpu": "a processor", "kernel": "Linux 6.1", "python": "3.11", "nasm": "2.16"},
    )
