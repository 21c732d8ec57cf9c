"""How comparisons of sums come out: from what is known of them, or with numbers put in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from asmith.check.flow.sums import ZERO, Sum, plus

if TYPE_CHECKING:
    from asmith.check.flow.path import Path
    from asmith.check.flow.sums import Symbols


class Flags(NamedTuple):
    """The flags are those of `one` compared with `other`; `whole` tells if all of them are."""

    one: Sum
    other: Sum
    size: int
    whole: bool = True


class Condition(NamedTuple):
    """A comparison by name (`jl`), and whether it came out so."""

    name: str
    one: Sum
    other: Sum
    size: int
    holds: bool = True


_SIGNED = {"jl": (None, -1), "jge": (0, None), "jle": (None, 0), "jg": (1, None)}
_UNSIGNED = {"jb": "jl", "jae": "jge", "jbe": "jle", "ja": "jg"}
_SIGN = {"js": "jl", "jns": "jge"}
_INVERSE = {"jl": "jge", "jge": "jl", "jle": "jg", "jg": "jle", "je": "jne", "jne": "je"}


def condition(path: Path, name: str) -> Condition | None:
    """Return what a branch asks, or None if the flags are not followed."""
    flags = path.flags
    if flags is None or (not flags.whole and name not in ("je", "jne", *_SIGN)):
        return None
    if name in _SIGN and (flags.other != ZERO or not flags.whole):
        name = _SIGN[name] if flags.other == ZERO else ""
    name = _SIGN.get(name, name)
    known = name in _SIGNED or name in _UNSIGNED or name in ("je", "jne")
    return Condition(name, flags.one, flags.other, flags.size) if known else None


def _plain(path: Path, asked: Condition) -> str:
    """Return the name of a comparison with signs; of one without it is the same below the half."""
    if asked.name not in _UNSIGNED:
        return asked.name
    positive = path.ranges.of(asked.one)[0] >= 0 and path.ranges.of(asked.other)[0] >= 0
    return _UNSIGNED[asked.name] if positive else ""


def decided(path: Path, asked: Condition | None) -> bool | None:
    """Return how a comparison comes out, or None if that is not known."""
    if asked is None:
        return None
    if not asked.one.terms and not asked.other.terms:
        return _compared(asked.name, asked.one.constant, asked.other.constant, asked.size)
    name = _plain(path, asked)
    low, high = path.ranges.of(plus(asked.one, asked.other, -1))
    if name in ("je", "jne"):
        if low > 0 or high < 0:
            return name == "jne"
        return (name == "je") if low == high == 0 else None
    if not name:
        return None
    least, most = _SIGNED[name]
    if (least is None or low >= least) and (most is None or high <= most):
        return True
    return (
        False if (least is not None and high < least) or (most is not None and low > most) else None
    )


def assume(path: Path, asked: Condition | None, *, holds: bool) -> None:
    """Take it that a comparison came out so."""
    if asked is None:
        path.taint()
        return
    path.holds.append(asked._replace(holds=holds))
    name = _plain(path, asked)
    if asked.name in ("jb", "jbe") and holds and path.ranges.of(asked.other)[0] >= 0:
        path.ranges.limited(asked.one, 0, None)
        name = _UNSIGNED[asked.name]
    if not name:
        return
    if not holds:
        name = _INVERSE[name]
    difference = plus(asked.one, asked.other, -1)
    if name == "je":
        path.ranges.limited(difference, 0, 0)
    elif name == "jne":
        low, high = path.ranges.of(difference)
        path.ranges.limited(difference, 1 if low == 0 else None, -1 if high == 0 else None)
    else:
        path.ranges.limited(difference, *_SIGNED[name])


def comes_out(asked: Condition, symbols: Symbols, numbers: dict[int, int]) -> bool:
    """Tell whether a comparison comes out as it did with these numbers."""
    one, other = symbols.value(asked.one, numbers), symbols.value(asked.other, numbers)
    return _compared(asked.name, one, other, asked.size) == asked.holds


def _compared(name: str, one: int, other: int, size: int) -> bool:
    if name in _UNSIGNED:
        mask = (1 << 8 * size) - 1
        one, other, name = one & mask, other & mask, _UNSIGNED[name]
    if name in ("je", "jne"):
        return (one == other) == (name == "je")
    least, most = _SIGNED[name]
    return one - other >= least if least is not None else one - other <= (most or 0)
