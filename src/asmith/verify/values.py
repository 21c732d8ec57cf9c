"""Scalars between Python and C: checked on the way in, never cut to fit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from asmith.model.contract import Class
from asmith.verify.type_json import spell

if TYPE_CHECKING:
    from asmith.model.contract import Scalar

_FLOAT_MAX = (2 - 2**-23) * 2.0**127
_FLOAT_SIZE = 4
_BYTE = 8  # bits
BOOLEANS = ("_Bool", "bool")


def bounds(scalar: Scalar) -> tuple[int, int]:
    """Return the least and the greatest value of an integer type."""
    if scalar.name in BOOLEANS:
        return 0, 1
    bits = _BYTE * scalar.size
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if scalar.signed else (0, (1 << bits) - 1)


def integer(value: object, scalar: Scalar, what: str) -> int:
    """Return `value` if it is an int that the type can hold.

    Raises TypeError or ValueError naming `what` ("parameter 'n' of f") otherwise.
    """
    if not isinstance(value, int):
        raise TypeError(f"{what} takes {spell(scalar)}, got {_show(value)}")
    low, high = bounds(scalar)
    if not low <= value <= high:
        raise ValueError(f"{what} takes {spell(scalar)}: {low} .. {high}, got {value}")
    return int(value)


def enumerator(value: object, size: int, what: str) -> int:
    """Return `value` if an enum of `size` bytes can hold it, be its type signed or unsigned.

    Which of the two it is depends on its least enumerator, and the contract does not say.
    """
    if not isinstance(value, int):
        raise TypeError(f"{what} takes an enumerator, got {_show(value)}")
    bits = _BYTE * size
    low, high = -(1 << (bits - 1)), (1 << bits) - 1
    if not low <= value <= high:
        raise ValueError(f"{what} takes an enumerator: {low} .. {high}, got {value}")
    return int(value)


def real(value: object, scalar: Scalar, what: str) -> float:
    """Return `value` as a float if it is a number that the type can hold; it may be rounded.

    Raises TypeError or ValueError naming `what` otherwise; infinities and NaN pass.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{what} takes {spell(scalar)}, got {_show(value)}")
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError(f"{what} takes {spell(scalar)}, got {value}") from error
    narrow = scalar.kind is Class.SSE and scalar.size == _FLOAT_SIZE
    if narrow and math.isfinite(number) and abs(number) > _FLOAT_MAX:
        raise ValueError(f"{what} takes {spell(scalar)}: up to {_FLOAT_MAX:g}, got {value}")
    return number


def from_register(raw: int, *, size: int, signed: bool) -> int:
    """Return the integer in the low `size` bytes of a register; the rest of it is garbage."""
    bits = _BYTE * size
    value = raw & ((1 << bits) - 1)
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def to_register(value: int, junk: int, *, size: int) -> int:
    """Return a 64-bit register with `value` in its low `size` bytes and `junk` above them.

    A caller may leave anything above the type's width (System V psABI 3.2.3); junk there finds
    the callee that relies on zeros.
    """
    mask = (1 << (_BYTE * size)) - 1
    return (value & mask) | (junk & ~mask & ((1 << 64) - 1))


def _show(value: object) -> str:
    text = repr(value)
    short = text if len(text) <= 40 else text[:37] + "..."  # noqa: PLR2004 -- a line of a message
    return f"{type(value).__name__} {short}"
