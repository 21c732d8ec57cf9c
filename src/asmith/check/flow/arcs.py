"""Sets of numbers of a fixed width: arcs of the circle of all of them.

An arc (low, span) holds low, low + 1, ... low + span modulo 2^width: so it says what is known of a
number with a sign as well as of one without. Whatever is computed of arcs holds all that can be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

Arc = tuple[int, int]


def full(width: int) -> Arc:
    """Return all numbers of a width in bits."""
    return 0, (1 << width) - 1


def between(low: int, high: int, width: int) -> Arc:
    """Return the numbers from `low` to `high`, which may be below 0."""
    return low % (1 << width), min(high - low, (1 << width) - 1)


def bounds(arc: Arc, width: int, *, signed: bool) -> tuple[int, int]:
    """Return the least and the greatest number of an arc."""
    turn = 1 << width
    least = -(turn >> 1) if signed else 0
    low = (arc[0] - least) % turn + least
    return (low, low + arc[1]) if low + arc[1] < least + turn else (least, least + turn - 1)


def added(one: Arc, other: Arc, width: int) -> Arc:
    """Return all sums."""
    span = one[1] + other[1]
    return full(width) if span >> width else ((one[0] + other[0]) % (1 << width), span)


def negated(arc: Arc, width: int) -> Arc:
    """Return the numbers with the other sign."""
    return -(arc[0] + arc[1]) % (1 << width), arc[1]


def times(arc: Arc, factor: int, width: int) -> Arc:
    """Return multiples of numbers."""
    if factor < 0:
        return times(negated(arc, width), -factor, width)
    span = arc[1] * factor
    return full(width) if span >> width else (arc[0] * factor % (1 << width), span)


def joined(one: Arc, other: Arc, width: int) -> Arc:
    """Return the smaller arc that holds both."""
    turn = 1 << width
    found = full(width)
    for a, b in ((one, other), (other, one)):
        span = max(a[1], (b[0] - a[0]) % turn + b[1])
        if span < found[1]:
            found = a[0], span
    return found


def common(one: Arc, other: Arc, width: int) -> Arc | None:
    """Return what two arcs have in common, or the smaller one if that is in two pieces."""
    turn = 1 << width
    ahead, behind = (other[0] - one[0]) % turn, (one[0] - other[0]) % turn
    first = (other[0], min(other[1], one[1] - ahead)) if ahead <= one[1] else None
    second = (one[0], min(one[1], other[1] - behind)) if behind <= other[1] else None
    if first is None or second is None or ahead == 0:
        return first if first is not None else second
    return min(one, other, key=lambda arc: arc[1])


def widened(old: Arc, new: Arc, width: int, marks: Collection[int] | None) -> Arc:
    """Return an arc for one that grew: up to the next of some numbers, if upwards, or to any."""
    if marks is None or new == old:
        return new
    turn = 1 << width
    spans = ((mark - new[0]) % turn for mark in marks if new[0] == old[0])
    span = min((s for s in spans if s >= new[1]), default=turn - 1)
    return (new[0], span) if span < turn - 1 else full(width)


def extended(arc: Arc) -> Arc:
    """Return a number of 32 bits with zeros above it."""
    low, high = bounds(arc, 32, signed=False)
    return low, high - low


def computed(name: str, one: Arc, other: Arc, width: int) -> Arc | None:
    """Return the arc of a result; None: any number."""
    if name in ("add", "inc"):
        return added(one, other, width)
    if name in ("sub", "dec"):
        return added(one, negated(other, width), width)
    low, high = bounds(one, width, signed=False)
    if name == "and":
        mask = bounds(other, width, signed=False)[1]
        whole = not other[1] and not mask & (mask + 1) and high <= mask
        return one if whole else (0, min(high, mask))
    if name == "neg":
        return negated(one, width)
    if other[1]:
        return None
    by = other[0] & (width - 1)
    if name in ("shl", "sal"):
        return times(one, 1 << by, width)
    if name == "sar":
        low, high = bounds(one, width, signed=True)
    return between(low >> by, high >> by, width) if name in ("shr", "sar") else None


def that(name: str, arc: Arc, other: Arc, width: int) -> Arc | None:
    """Return those numbers of an arc for which a branch by `name` is taken.

    Before it they were compared with some number of the other arc. None: there are none.
    """
    if name == "je":
        return common(arc, other, width)
    if name == "jne":
        if other[1]:
            return arc
        if arc[0] == other[0]:
            return (arc[0] + 1, arc[1] - 1) if arc[1] else None
        last = (arc[0] + arc[1]) % (1 << width)
        return (arc[0], arc[1] - 1) if last == other[0] else arc
    if name not in _ORDERS:
        return arc
    signed, below, equal = _ORDERS[name]
    least, most = bounds(full(width), width, signed=signed)
    low, high = bounds(other, width, signed=signed)
    if below:
        most = high - (not equal)
    else:
        least = low + (not equal)
    return None if least > most else common(arc, between(least, most, width), width)


_ORDERS = {
    "jb": (False, True, False), "jbe": (False, True, True),
    "ja": (False, False, False), "jae": (False, False, True),
    "jl": (True, True, False), "jle": (True, True, True),
    "jg": (True, False, False), "jge": (True, False, True),
}  # fmt: skip
"""Branch -> whether it asks for the sign, for less, and is taken where both are the same."""
INVERSE = {
    "je": "jne", "jne": "je", "jb": "jae", "jae": "jb", "jbe": "ja", "ja": "jbe",
    "jl": "jge", "jge": "jl", "jle": "jg", "jg": "jle", "js": "jns", "jns": "js",
}  # fmt: skip
SWAPPED = {
    "je": "je", "jne": "jne", "jb": "ja", "ja": "jb", "jbe": "jae", "jae": "jbe",
    "jl": "jg", "jg": "jl", "jle": "jge", "jge": "jle",
}  # fmt: skip
