"""The three plots of the page: time by stage, regenerated share, generated against everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.model.iteration import Result
from asmith.report import summary as figures
from asmith.report import words
from asmith.report.svg import Canvas, nice_ceiling, number, text_width, ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from asmith.model.iteration import Iteration
    from asmith.report.summary import Point, Summary

_TOP, _BOTTOM = 22.0, 30.0  # pixels above and below a plot's area
_HEIGHT = 240.0
_SLOT = 11.0  # pixels of one iteration
_FAR = 3.0  # times the 90th percentile: what is longer is cut off and said in words
_CROSS = "\N{MULTIPLICATION SIGN}"
_ROW, _TALL_ROW, _LABEL = 30.0, 44.0, 170.0


def stage_times(iterations: Sequence[Iteration], width: float) -> str:
    """Return a bar of stacked stages for each of the newest iterations that there is room for."""
    totals = [_work(i) for i in iterations]
    left = 12.0 + max(text_width(words.tick(t)) for t in ticks(_ceiling(totals)))
    room = width - left - 6
    shown = iterations[-int(room / _SLOT) :]
    top = _ceiling([_work(i) for i in shown])
    slot = min(room / len(shown), 40.0)
    canvas = Canvas(width, _HEIGHT, f"Seconds of work of the last {len(shown)} iterations by stage")
    base = _HEIGHT - _BOTTOM
    scale = (base - _TOP) / top
    _grid(canvas, left, width, lambda v: base - v * scale, ticks(top), words.tick)
    free = left  # where the next label of a cut-off bar may begin
    for index, one in enumerate(shown):
        x = left + index * slot
        _bar(canvas, one, (x + slot * 0.12, base, slot * 0.76), scale, top)
        if _work(one) > top:
            said = words.seconds(_work(one))
            at = min(
                max(x + slot / 2 - text_width(said, 11) / 2, left), width - text_width(said, 11)
            )
            if at >= free:
                canvas.text((at, _TOP - 8), said, "small")
                free = at + text_width(said, 11) + 6
        if one.result is not Result.ADOPTED:
            canvas.text((x + slot / 2, base + 11), _CROSS, "bad", end="middle")
    _dates(canvas, [i.at for i in shown], left, slot)
    return canvas.render()


def _work(iteration: Iteration) -> float:
    return sum(figures.stage(iteration, s) for s in figures.STAGES)


def _ceiling(totals: Sequence[float]) -> float:
    """Return the top of the axis: the longest, but no outlier that would flatten all others."""
    spread = figures.spread(totals)
    assert spread is not None
    return nice_ceiling(max(min(max(totals), _FAR * spread.ninth, 8 * spread.median), 1e-3))


def _bar(
    canvas: Canvas, one: Iteration, place: tuple[float, float, float], scale: float, top: float
) -> None:
    x, base, width = place
    height = 0.0
    lines = [f"{one.at[:16].replace('T', ' ')} {one.kind} ({one.result})"]
    lines += [f.path for f in one.files[:3]]
    times = [(s, t) for s in figures.STAGES if (t := figures.stage(one, s)) > 0]
    canvas.open("\n".join([*lines, *(f"{s}: {words.seconds(t)}" for s, t in times)]))
    for stage, seconds in times:
        part = min(seconds, top - height)
        if part > 0:
            bounds = (x, base - (height + part) * scale, width, max(part * scale - 0.6, 0.4))
            canvas.rect(bounds, f"s-{stage}")
        height += max(part, 0)
    canvas.close()
    if _work(one) > top:
        y, half = base - top * scale, width / 2 + 1
        start = f"M{number(x - 1)} {number(y + 7)}"
        canvas.path(f"{start}l{number(half)} -4l{number(half)} 4", "cut")


def _grid(
    canvas: Canvas,
    left: float,
    width: float,
    y: Callable[[float], float],
    values: Sequence[float],
    shown: Callable[[float], str],
) -> None:
    for value in values:
        canvas.line((left, y(value)), (width, y(value)), "axis" if value == 0 else "grid")
        canvas.text((left - 8, y(value) + 4), "0" if value == 0 else shown(value), end="end")


def _dates(canvas: Canvas, times: Sequence[str], left: float, slot: float) -> None:
    """Write the date where a new day begins; within one day the time, as often as there is room."""
    days = [t[5:10] for t in times]
    one_day = len(set(days)) == 1
    free = left
    for index, time in enumerate(times):
        fresh = one_day or index == 0 or days[index] != days[index - 1]
        label = time[11:16] if one_day else days[index]
        at = left + index * slot
        if fresh and at >= free and at + text_width(label) <= canvas.width:
            canvas.text((at, canvas.height - 6), label)
            free = at + text_width(label) + (60 if one_day else 8)


def regenerated(summary: Summary, width: float) -> str:
    """Return a bar for each kind of change: the share of modules that it regenerated."""
    narrow = width < 2.5 * _LABEL
    row = _TALL_ROW if narrow else _ROW
    canvas = Canvas(
        width, row * len(summary.kinds), "Share of modules regenerated by kind of change"
    )
    values = [_share_words(k, summary) for k in summary.kinds]
    right = 0.0 if narrow else 12 + max(map(text_width, values))
    left = 0.0 if narrow else _LABEL
    for index, (kind, value) in enumerate(zip(summary.kinds, values, strict=True)):
        y = index * row
        bar_y, bar = (y + 20, 12.0) if narrow else (y + 8, 14.0)
        canvas.text((0, y + (13 if narrow else 19)), str(kind.kind), "name")
        canvas.text((width, y + (13 if narrow else 19)), value, end="end")
        room = width - left - right
        canvas.rect((left, bar_y, room, bar), "track", radius=3)
        for style, part in (("ninth", kind.share.ninth), ("median", kind.share.median)):
            if part > 0:
                title = f"{kind.kind}: {style} {words.share(part)}"
                canvas.rect((left, bar_y, max(room * part, 3), bar), style, radius=3, title=title)
    return canvas.render()


def _share_words(kind: figures.OfKind, summary: Summary) -> str:
    return f"{words.regenerated(kind, summary.modules)} · n = {kind.count}"


def against_full(unit: str, points: Sequence[Point], width: float) -> str:
    """Return two rising lines: what was generated, and what all modules each time would be."""
    canvas = Canvas(width, _HEIGHT, f"Cumulative {unit} generated, and with full regeneration")
    base = _HEIGHT - _BOTTOM
    last = points[-1]
    top = nice_ceiling(last.full)
    left = 12.0 + max(text_width(words.count(t)) for t in ticks(top))
    right = width - 14 - max(text_width(words.count(v)) for v in (last.full, last.spent))
    scale = (base - _TOP) / top
    _grid(canvas, left, right + 6, lambda v: base - v * scale, ticks(top), words.count)
    step = (right - left) / len(points)

    def line(values: Sequence[float]) -> str:
        steps = (
            f"H{number(left + i * step)}V{number(base - v * scale)}"
            for i, v in enumerate(values, 1)
        )
        return f"M{number(left)} {number(base)}" + "".join(steps)

    spent = line([p.spent for p in points])
    canvas.path(f"{spent}V{number(base)}Z", "spent-area")
    canvas.path(line([p.full for p in points]), "full")
    canvas.path(spent, "spent")
    for index, point in enumerate(points, 1):
        place = (left + index * step, base - point.spent * scale)
        who = ", ".join(point.iteration.regenerated)
        title = f"{who}\n{words.count(point.spent)} of {words.count(point.full)} {unit}"
        canvas.circle(place, min(2.5, step / 4), "spent-dot", title=title)
    y_full, y_spent = base - last.full * scale, base - last.spent * scale
    y_spent = max(y_spent, y_full + 15)
    canvas.text((right + 8, y_full + 4), words.count(last.full), "full-value")
    canvas.text((right + 8, y_spent + 4), words.count(last.spent), "spent-value")
    _dates(canvas, [p.iteration.at for p in points], left, step)
    return canvas.render()
