"""The figures of a log."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asmith.model.iteration import Iteration, Kind, Result
from asmith.report import summary, table, words
from fakes.iterations import busy

BASE = Iteration(
    at="2026-01-02T03:04:05.678Z",
    command="build",
    result=Result.ADOPTED,
    kind=Kind.REQUIREMENT,
    stages={"plan": 0.1, "check": 0.2, "compare": 0.3, "test": 1.0},
    waited=0.5,
    linked=1.0,
    tested=2.0,
    modules=4,
    text_bytes=1000,
    new_bytes=10,
    regenerated=("a",),
    regenerated_bytes=250,
)


TABLE = """\
3 iterations, 2026-01-02 (1 failed)

                   edit -> linked          edit -> tested              modules   bytes
kind of change  n          median    90 %          median    90 %  regenerated    kept
requirement     1          1.50 s  1.50 s          2.50 s  2.50 s       1 of 4  99.0 %
waiver          1               -       -          2.50 s  2.50 s       0 of 4   100 %

seconds of work by stage, median / 90th percentile where it ran

kind of change         plan        check         test
requirement     0.10 / 0.10  0.50 / 0.50  1.00 / 1.00
waiver          0.10 / 0.10  0.50 / 0.50  1.00 / 1.00

in all: 3 tests passed, 0 findings
"""


def test_nothing_gives_no_figures() -> None:
    empty = summary.of(())
    assert (empty.count, empty.kinds, empty.edits) == (0, (), None)
    assert summary.to_json(empty)["first"] is None
    assert table.render(empty) == table.EMPTY
    assert summary.against_full(()) == ("bytes", ())


def test_times_count_from_the_save_where_it_was_one_sitting() -> None:
    far = replace(BASE, waited=None, linked=3.0)
    (kind,) = summary.of((BASE, far)).kinds
    assert kind.linked == summary.Spread(2, 1.5, 3.0)
    assert kind.tested == summary.Spread(2, 2.0, 2.5)


def test_comparing_headers_is_checking_and_stages_that_did_not_run_are_left_out() -> None:
    (kind,) = summary.of((BASE,)).kinds
    assert {s: round(v.median, 9) for s, v in kind.stages.items()} == {
        "plan": 0.1,
        "check": 0.5,
        "test": 1.0,
    }


def test_failures_are_counted_and_not_measured() -> None:
    failed = replace(BASE, result=Result.FAILED, linked=100.0)
    made = summary.of((BASE, failed))
    assert dict(made.results) == {"adopted": 1, "failed": 1}
    assert made.kinds[0].linked == summary.Spread(1, 1.5, 1.5)


def test_clean_builds_are_no_edits() -> None:
    clean = replace(BASE, kind=Kind.CLEAN)
    made = summary.of((clean, BASE))
    assert made.edits is not None
    assert (made.edits.count, [str(k.kind) for k in made.kinds]) == (
        1,
        ["clean build", "requirement"],
    )


def test_a_percentile_is_a_value_that_occurred() -> None:
    assert summary.spread([3.0, 1.0, 2.0, 4.0]) == summary.Spread(4, 2.0, 4.0)
    assert summary.spread(map(float, range(1, 101))) == summary.Spread(100, 50.0, 90.0)
    assert summary.spread([]) is None


def test_full_regeneration_costs_all_bytes_at_the_same_price() -> None:
    unit, points = summary.against_full((BASE, BASE))
    assert (unit, [(p.spent, p.full) for p in points]) == ("bytes", [(250, 1000), (500, 2000)])
    counted = replace(BASE, input_tokens=30, output_tokens=20)
    unit, points = summary.against_full((BASE, counted))
    assert (unit, [(p.spent, p.full) for p in points]) == ("tokens", [(50, 200)])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0004, "0 ms"), (0.024, "24 ms"), (0.0994, "99 ms"), (0.0996, "0.10 s"),
        (9.949, "9.95 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min 0 s"),
        (200.0, "3 min 20 s"),
    ],
)  # fmt: skip
def test_durations_in_words(value: float, said: str) -> None:
    assert words.seconds(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0 %"), (0.0001, "< 0.1 %"), (0.004, "0.4 %"), (0.06, "6 %"), (0.9897, "99.0 %"),
        (0.99999, "> 99.9 %"), (1.0, "100 %"),
    ],
)  # fmt: skip
def test_shares_in_words(value: float, said: str) -> None:
    assert words.share(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(950, "950"), (999.7, "1000"), (12_345, "12.3 k"), (20_000_000, "20 M"), (999_600, "1 M")],
)
def test_counts_in_words(value: float, said: str) -> None:
    assert words.count(value) == said


def test_the_table_of_a_terminal() -> None:
    failed = replace(BASE, result=Result.FAILED)
    waiver = replace(BASE, kind=Kind.WAIVER, linked=None, regenerated=(), new_bytes=0, tests=3)
    shown = table.render(summary.of((BASE, waiver, failed)))
    assert f"{shown}\n" == TABLE


def test_a_busy_log_as_json() -> None:
    made = summary.to_json(summary.of(busy()))
    assert made["iterations"] == sum(made["results"].values()) == 90
    assert sum(k["n"] for k in made["kinds"]) == made["results"]["adopted"]
    assert made["totals"]["tokens"] > 0
