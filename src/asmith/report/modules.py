"""The module graph as a drawing, callers above what they call, the last iteration's cone marked.

Layers are filled from the callees up; a layer that is wider than the drawing takes several rows.
Within a row modules stand near the mean place of those they call, which keeps lines short.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.dataclass import dataclass
from asmith.report.svg import Canvas, number, text_width

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_HIGH, _GAP, _BETWEEN = 28.0, 14.0, 46.0  # pixels: a box, between boxes, between rows
MOST = 120  # modules; a larger graph is reduced to its cone


@dataclass(frozen=True, slots=True)
class Graph:
    """What is drawn: the layers (callees first), who calls whom, and what the last edit touched."""

    layers: Sequence[Sequence[str]]
    edges: Mapping[str, Collection[str]]
    changed: frozenset[str]  # regenerated or edited
    cone: frozenset[str]  # these, and all that link them
    left_out: int = 0  # modules that there is no room for


def reduced(graph: Graph, most: int = MOST) -> Graph:
    """Return the graph, or of a large one the changed modules and as much of the cone as fits."""
    if sum(map(len, graph.layers)) <= most:
        return graph
    wanted = [*sorted(graph.changed), *sorted(graph.cone - graph.changed)][:most]
    kept = set(wanted)
    layers = tuple(row for layer in graph.layers if (row := tuple(n for n in layer if n in kept)))
    edges = {n: frozenset(graph.edges.get(n, ())) & kept for n in wanted}
    total = sum(map(len, graph.layers))
    return Graph(layers, edges, graph.changed & kept, graph.cone & kept, total - len(kept))


def draw(graph: Graph, width: float) -> str:
    """Return the drawing."""
    rows = _rows(graph, width)
    height = len(rows) * _HIGH + max(len(rows) - 1, 0) * _BETWEEN + 4
    canvas = Canvas(width, height, "The modules, and which the last iteration touched")
    places: dict[str, tuple[float, float, float]] = {}
    for index, row in enumerate(rows):
        wide = sum(_width(n) for n in row) + _GAP * (len(row) - 1)
        x = (width - wide) / 2
        for name in row:
            places[name] = (x, 2 + index * (_HIGH + _BETWEEN), _width(name))
            x += _width(name) + _GAP
    for name, callees in sorted(graph.edges.items()):
        for callee in sorted(callees):
            if name in places and callee in places:
                _edge(canvas, graph, (name, callee), places)
    for name, (x, y, wide) in places.items():
        style = "changed" if name in graph.changed else "cone" if name in graph.cone else "calm"
        title = {"changed": "changed", "cone": "linked again", "calm": "untouched"}[style]
        canvas.rect((x, y, wide, _HIGH), f"box {style}", radius=6, title=f"{name}: {title}")
        canvas.text((x + wide / 2, y + _HIGH / 2 + 4), name, f"in-{style}", end="middle")
    return canvas.render()


def _width(name: str) -> float:
    return text_width(name) + 18


def _rows(graph: Graph, width: float) -> list[list[str]]:
    """Return the rows from the top."""
    middle: dict[str, float] = {}
    rows: list[list[str]] = []
    for layer in graph.layers:  # callees are placed before their callers

        def near(name: str) -> tuple[float, str]:
            known = [middle[c] for c in graph.edges.get(name, ()) if c in middle]
            return (sum(known) / len(known) if known else 0.5, name)

        ordered = sorted(layer, key=near)
        for row in _wrapped(ordered, width):
            for index, name in enumerate(row):
                middle[name] = (index + 0.5) / len(row)
            rows.insert(0, row)
    return rows


def _wrapped(names: Sequence[str], width: float) -> list[list[str]]:
    """Return names in rows that fit, as even as their number allows."""
    wide = sum(_width(n) + _GAP for n in names) - _GAP
    count = max(1, -(-int(wide) // int(width)))
    while True:
        size = -(-len(names) // count)
        rows = [list(names[i : i + size]) for i in range(0, len(names), size)]
        if size == 1 or all(sum(_width(n) + _GAP for n in r) - _GAP <= width for r in rows):
            return rows
        count += 1


def _edge(
    canvas: Canvas,
    graph: Graph,
    pair: tuple[str, str],
    places: Mapping[str, tuple[float, float, float]],
) -> None:
    (x1, y1, w1), (x2, y2, w2) = places[pair[0]], places[pair[1]]
    style = "edge on" if pair[1] in graph.cone and pair[0] in graph.cone else "edge"
    start, end = (x1 + w1 / 2, y1 + _HIGH), (x2 + w2 / 2, y2)
    if y2 <= y1:  # a call upwards or within a row, since calls may be cyclic
        start, end = (x1 + w1 / 2, y1), (x2 + w2 / 2, y2 + (_HIGH if y2 < y1 else 0))
    bend = max(abs(end[1] - start[1]) / 2, 14) * (1 if y2 > y1 else -1)
    points = (start[0], start[1] + bend, end[0], end[1] - (bend if y2 != y1 else -bend), *end)
    numbers = " ".join(map(number, points))
    canvas.path(f"M{number(start[0])} {number(start[1])}C{numbers}", style)
