"""A small writer of SVG for plots in an HTML page. Pure functions.

Colours are classes that the page's style sheet fills, so that one drawing serves light and dark.
Text is measured by a mean width of its characters: layouts leave room for the error.
"""

from __future__ import annotations

import math
from html import escape

from asmith.dataclass import dataclass, field

_NICE = (1, 1.2, 1.6, 2, 2.5, 3, 4, 5, 6, 8, 10)
_MEAN = 0.56  # of a character's width to the font's size, for common sans-serif fonts


def text_width(text: str, size: float = 12) -> float:
    """Return about how wide a text is, in pixels."""
    return _MEAN * size * len(text)


def number(value: float) -> str:
    """Return a coordinate, short."""
    return f"{value:.1f}".removesuffix(".0")


@dataclass(slots=True)
class Canvas:
    """A drawing of some width and height; what is drawn later lies on top."""

    width: float
    height: float
    label: str  # what a screen reader says of it
    parts: list[str] = field(default_factory=list)

    def rect(
        self,
        box: tuple[float, float, float, float],
        style: str,
        *,
        title: str = "",
        radius: float = 0,
    ) -> None:
        """Draw a rectangle: x, y, width, height."""
        x, y, width, height = map(number, box)
        rounded = f' rx="{number(radius)}"' if radius else ""
        head = f'<rect class="{style}" x="{x}" y="{y}" width="{width}" height="{height}"{rounded}'
        self.parts.append(f"{head}>{_title(title)}</rect>" if title else f"{head}/>")

    def open(self, title: str) -> None:
        """Begin a group with a title that shows when the pointer rests on any of its parts."""
        self.parts.append(f"<g>{_title(title)}")

    def close(self) -> None:
        """End the group."""
        self.parts.append("</g>")

    def line(self, start: tuple[float, float], end: tuple[float, float], style: str) -> None:
        """Draw a straight line."""
        x1, y1, x2, y2 = map(number, (*start, *end))
        self.parts.append(f'<line class="{style}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>')

    def path(self, data: str, style: str, *, title: str = "") -> None:
        """Draw a path in SVG's language."""
        self.parts.append(f'<path class="{style}" d="{data}">{_title(title)}</path>')

    def circle(
        self, centre: tuple[float, float], radius: float, style: str, *, title: str = ""
    ) -> None:
        """Draw a disc."""
        x, y = map(number, centre)
        head = f'<circle class="{style}" cx="{x}" cy="{y}" r="{number(radius)}"'
        self.parts.append(f"{head}>{_title(title)}</circle>")

    def text(self, at: tuple[float, float], words: str, style: str = "", *, end: str = "") -> None:
        """Write words from a place; `end` "middle" or "end" says which part of them is there."""
        x, y = map(number, at)
        anchor = f' text-anchor="{end}"' if end else ""
        kind = f' class="{style}"' if style else ""
        self.parts.append(f'<text{kind} x="{x}" y="{y}"{anchor}>{escape(words)}</text>')

    def render(self, style: str = "") -> str:
        """Return the element."""
        width, height = number(self.width), number(self.height)
        return (
            f'<svg class="{style}" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" '
            f'role="img" aria-label="{escape(self.label)}">{"".join(self.parts)}</svg>'
        )


def _title(text: str) -> str:
    return f"<title>{escape(text)}</title>" if text else ""


def nice_ceiling(value: float) -> float:
    """Return the least round number that is no less: few digits, and easy to divide."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(f * power for f in _NICE if f * power >= value * (1 - 1e-9))


def ticks(top: float, most: int = 4) -> list[float]:
    """Return round values from 0 to `top`, at most `most` steps."""
    power = 10.0 ** math.floor(math.log10(top / most))
    step = next(f * power for f in (1, 2, 5, 10) if f * power * most >= top * (1 - 1e-9))
    return [step * i for i in range(int(top / step + 1e-9) + 1)]
