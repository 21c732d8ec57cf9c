"""Plots and the drawing of the graph: what is in them, and that it stays within."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from asmith.model.iteration import Result
from asmith.report import modules, plots, summary
from asmith.report.modules import Graph
from asmith.report.svg import nice_ceiling, ticks
from fakes.iterations import busy

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTHS = (960.0, 600.0, 368.0)
CHAIN = Graph(
    layers=(("leaf", "other"), ("mid",), ("top",)),
    edges={"mid": {"leaf"}, "top": {"mid"}, "leaf": set(), "other": {"leaf"}},
    changed=frozenset({"leaf"}),
    cone=frozenset({"leaf", "mid", "top"}),
)


def rects(drawn: str) -> Iterator[tuple[str, float, float, float, float]]:
    """Yield class, x, y, width and height of each rectangle."""
    for one in ET.fromstring(drawn).iter("rect"):  # noqa: S314 -- our own
        yield (
            one.get("class", ""),
            *(float(one.get(n, "nan")) for n in ("x", "y", "width", "height")),
        )  # type: ignore[misc]


def within(drawn: str) -> bool:
    """Tell whether all rectangles lie within the drawing."""
    root = ET.fromstring(drawn)  # noqa: S314 -- our own
    wide, high = float(root.get("width", "0")), float(root.get("height", "0"))
    return all(
        x >= 0 and y >= 0 and x + w <= wide + 0.1 and y + h <= high + 0.1
        for _, x, y, w, h in rects(drawn)
    )


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", [1, 2, 30, 200])
def test_stage_times_stay_within_and_show_the_newest(width: float, count: int) -> None:
    log = busy(count)
    drawn = plots.stage_times(log, width)
    assert within(drawn)
    assert log[-1].at[:16].replace("T", " ") in drawn
    tests = [h for style, _, _, _, h in rects(drawn) if style == "s-test"]
    assert all(h >= 0 for h in tests)


def test_a_bar_is_as_high_as_its_stages() -> None:
    one = replace(busy(1)[0], stages={"plan": 1.0, "test": 3.0})
    heights = {style: h for style, _, _, _, h in rects(plots.stage_times((one,), 960.0))}
    assert heights["s-test"] + 0.6 == pytest.approx(3 * (heights["s-plan"] + 0.6), abs=0.2)


def test_what_was_not_adopted_is_marked() -> None:
    one = replace(busy(1)[0], result=Result.FAILED)
    assert plots.stage_times((one,), 960.0).count("\N{MULTIPLICATION SIGN}") == 1
    assert "\N{MULTIPLICATION SIGN}" not in plots.stage_times(busy(1), 960.0)


def test_an_outlier_is_cut_off_and_told() -> None:
    log = [replace(i, stages={"test": 1.0}) for i in busy(20)]
    log[7] = replace(log[7], stages={"test": 500.0})
    drawn = plots.stage_times(log, 960.0)
    assert (drawn.count('class="cut"'), drawn.count(">8 min 20 s<")) == (1, 1)
    assert within(drawn)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_regenerated_share_is_that_of_the_bar(width: float) -> None:
    figures = summary.of(busy())
    drawn = plots.regenerated(figures, width)
    assert within(drawn)
    track = next(w for style, _, _, w, _ in rects(drawn) if style == "track")
    shares = [k.share.median for k in figures.kinds if k.share.median]
    bars = [w / track for style, _, _, w, _ in rects(drawn) if style == "median"]
    assert bars == pytest.approx(shares, abs=0.01)


@pytest.mark.parametrize("width", WIDTHS)
def test_full_regeneration_ends_above(width: float) -> None:
    unit, points = summary.against_full(busy())
    drawn = plots.against_full(unit, points, width)
    ends = [float(y) for y in re.findall(r'd="M[^"]*V([\d.]+)"', drawn)]
    assert len(ends) == 2
    assert ends[0] < ends[1]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_graph_marks_the_cone(width: float) -> None:
    drawn = modules.draw(CHAIN, width)
    assert within(drawn)
    assert re.findall(r"<title>(\w+: [\w ]+)</title>", drawn) == [
        "top: linked again",
        "mid: linked again",
        "leaf: changed",
        "other: untouched",
    ]
    assert (drawn.count('class="edge on"'), drawn.count('class="edge"')) == (2, 1)


def test_a_wide_layer_takes_several_rows() -> None:
    names = tuple(f"module_{n:02}" for n in range(40))
    graph = Graph((names,), {}, frozenset(), frozenset())
    drawn = modules.draw(graph, 368.0)
    assert within(drawn)
    boxes = list(rects(drawn))
    assert len(boxes) == 40
    for _, x1, y1, w1, _ in boxes:
        assert not [1 for _, x2, y2, _, _ in boxes if y1 == y2 and x1 < x2 < x1 + w1]


def test_a_large_graph_is_reduced_to_its_cone() -> None:
    names = tuple(f"m{n}" for n in range(500))
    graph = Graph((names,), {"m1": {"m2"}}, frozenset({"m2"}), frozenset({"m1", "m2"}))
    small = modules.reduced(graph)
    assert (small.layers, small.edges["m1"]) == ((("m1", "m2"),), {"m2"})
    assert (small.left_out, modules.reduced(CHAIN)) == (498, CHAIN)


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (0.011, 0.012), (1, 1), (1.1, 1.2), (17, 20), (26, 30), (950, 1000)]
)
def test_an_axis_ends_at_a_round_value(value: float, top: float) -> None:
    assert nice_ceiling(value) == pytest.approx(top)


def test_ticks_are_round_and_few() -> None:
    assert ticks(20) == [0, 5, 10, 15, 20]
    assert ticks(12) == [0, 5, 10]
    assert ticks(1.6) == [0, 0.5, 1.0, 1.5]
