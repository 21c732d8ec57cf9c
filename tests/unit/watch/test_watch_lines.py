"""The line of an iteration."""

from __future__ import annotations

from decimal import Decimal

import pytest

from asmith.cli.watching import as_json, line
from asmith.errors import StepFailedError
from asmith.generate.budget import Cost
from asmith.watch.loop import Told


def told(**more: object) -> Told:
    """Return an iteration in which nothing came of nothing, but for `more`."""
    base: dict[str, object] = {
        "paths": (), "executed": (), "errors": (), "waiting": (), "cancelled": False,
        "newer": False, "replaced": False, "price": None, "since": 0.001, "linked": None,
        "tested": None, "total": 0.02, "row": None,
    }  # fmt: skip
    return Told(**(base | more))  # type: ignore[arg-type]


ERROR = StepFailedError("no")


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (told(), "nothing to do  21 ms"),
        (
            told(
                paths=("specs/a.md", "specs/b.md"),
                executed=("assemble:a", "assemble:b", "link:p", "test:a"),
                linked=0.03,
                tested=1.2,
            ),
            "specs/a.md +1  2 assemble, 1 link, 1 test  linked 31 ms  tested 1.20 s",
        ),
        (
            told(paths=("specs/a.md",), waiting=(ERROR,)),
            "specs/a.md  1 module to generate when no edit comes",
        ),
        (
            told(paths=("specs/a.md",), waiting=(ERROR,), price=Cost(12000, Decimal("0.3"))),
            "specs/a.md  1 module to generate when no edit comes: at most 0.30 USD (12,000 tokens)",
        ),
        (
            told(paths=("specs/a.md",), executed=("check:a",), errors=(ERROR, ERROR)),
            "specs/a.md  1 check  FAILED: 2 errors; the last good build stays",
        ),
        (
            told(executed=("check:a",), errors=(ERROR,), replaced=True),
            "1 check  FAILED: 1 error; the rest is new",
        ),
        (
            told(executed=("test:a",), cancelled=True, newer=True),
            "1 test  stopped by a newer edit after 21 ms",
        ),
        (told(executed=("test:a",), cancelled=True), "1 test  stopped after 21 ms"),
    ],
)
def test_an_iteration_is_one_line(one: Told, said: str) -> None:
    assert line(one)[8:] == f"  {said}"


def test_an_iteration_as_json() -> None:
    assert as_json(told(paths=("specs/a.md",), waiting=(ERROR,), linked=0.5)) == {
        "event": "iteration",
        "result": "waiting",
        "kind": None,
        "changed": ("specs/a.md",),
        "executed": (),
        "regenerated": (),
        "waiting_for": ["no"],
        "at_most": None,
        "linked": 0.501,
        "tested": None,
        "total": 0.021,
        "errors": [],
    }
