"""What instructions of the x87 unit do.

A number on its stack is a fraction, rounded as the unit does; zeros, infinities and what is no
number are floats.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from asmith.check.trial.lanes import coded, real
from asmith.check.trial.processor import signed
from asmith.check.trial.program import Unable
from asmith.check.trial.reals import INDEFINITE, divided, nearest, resized, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from asmith.check.trial.processor import Processor
    from asmith.toolchain.decode import Insn

EXTENDED = 10
"""Bytes of an extended number."""
BIAS, DIGITS = 16383, 63
DEEPEST = 8
USUAL, CUT = 0x37F, 0xF7F
"""The control word: 64 digits, no traps; to the nearest, or toward zero as C makes integers.

Of what rounds toward zero only these conversions are known."""
NOTHING = real(INDEFINITE[8], 8)
Number = float | Fraction


class Unsupported(float):
    """Ten bytes that the unit keeps, but does not compute with (Intel SDM 8.2.2): no number."""

    bits: int

    def __new__(cls, bits: int) -> Self:
        """Return what ten bytes are as a number."""
        made = super().__new__(cls, "nan")
        made.bits = bits
        return made


class StackFault(Exception):  # noqa: N818
    """More is taken from the register stack than is on it, or more put on it than fits."""


def fitted(value: Fraction) -> Number:
    """Return an exact number as the unit keeps it: rounded to 64 digits. Raises Unable outside."""
    if not value:
        return 0.0
    shift = DIGITS - _exponent(value)
    rounded = round(value * Fraction(2) ** shift) / Fraction(2) ** shift
    if not -BIAS < _exponent(rounded) <= BIAS:
        raise Unable
    return rounded


def _exponent(value: Fraction) -> int:
    """Return of which power of two a number is the last."""
    size = abs(value)
    found = size.numerator.bit_length() - size.denominator.bit_length()
    return found if size >= Fraction(2) ** found else found - 1


def extended(number: Number) -> int:
    """Return the ten bytes of a number."""
    if isinstance(number, Unsupported):
        return number.bits
    number = held(number)
    if isinstance(number, Fraction):
        sign = 1 << 79 if number < 0 else 0
        exponent = _exponent(number)
        whole_part = abs(number) * Fraction(2) ** (DIGITS - exponent)
        return sign | exponent + BIAS << 64 | int(whole_part)
    bits = coded(number, 8)
    sign = bits >> 63 << 79
    if number == 0:
        return sign
    return sign | 0x7FFF << 64 | 1 << DIGITS | (bits & (1 << 52) - 1) << 11


def held(number: Number) -> Number:
    """Return a number as the register stack has it: an exact one where there is one."""
    return Fraction(number) if number and number - number == 0 else number


def opened(value: int) -> Number:
    """Return the number that ten bytes stand for. Raises Unable for what is no normal one."""
    exponent, mantissa = value >> 64 & 0x7FFF, value & (1 << 64) - 1
    sign = -1 if value >> 79 else 1
    if not exponent and not mantissa:
        return sign * 0.0
    if exponent == 0x7FFF and mantissa == 1 << DIGITS:
        return sign * math.inf
    if exponent and not mantissa >> DIGITS:
        return Unsupported(value)
    if exponent in (0, 0x7FFF):
        raise Unable
    return sign * mantissa * Fraction(2) ** (exponent - BIAS - DIGITS)


def load(m: Processor, number: Number) -> None:
    """Put a number on the register stack."""
    if len(m.st) == DEEPEST:
        raise StackFault
    m.st.append(held(number))


def _top(m: Processor, n: int = 0) -> Number:
    if len(m.st) <= n:
        raise StackFault
    return m.st[-1 - n]


def _place(operand: tuple[str, str]) -> int:
    if operand[0] != "x" or not operand[1].startswith("st"):
        raise Unable
    return int(operand[1][2:])


def _memory(m: Processor, e: Insn, at: int) -> Number:
    value, size = m.memory.read(m.address(e, at), e.size), e.size
    if e.name.startswith("fi"):
        return held(Fraction(signed(value, size)) or 0.0)
    if size == EXTENDED:
        return opened(value)
    return held(real(resized(value, size, 8), 8))


def _load(m: Processor, e: Insn, at: int) -> None:
    if e.memory:
        load(m, _memory(m, e, at))
    else:
        load(m, _top(m, _place(e.operands[-1])))


def _constant(m: Processor, e: Insn, at: int) -> None:
    _is_usual(m)
    load(m, _CONSTANTS[e.name])


_CONSTANTS: dict[str, Number] = {
    "fld1": 1.0, "fldz": 0.0, "fldpi": Fraction(0xC90FDAA22168C235, 1 << 62),
}  # fmt: skip


def _store(m: Processor, e: Insn, at: int) -> None:
    number = _top(m)
    if not e.memory:
        place = _place(e.operands[0])
        _top(m, place)
        m.st[-1 - place] = number
    else:
        if e.name.startswith("fi"):
            value = whole(number, e.size, m.cut or e.name == "fisttp") & (1 << 8 * e.size) - 1
        elif e.size == EXTENDED:
            value = extended(number)
        elif isinstance(number, Fraction):
            _is_usual(m)
            value = nearest(number, e.size)
        else:
            plain = NOTHING if isinstance(number, Unsupported) else number
            value = resized(coded(plain, 8), 8, e.size)
        m.memory.write(m.address(e, at), e.size, value, at)
    if e.name[-1] == "p":
        m.st.pop()


_KINDS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "sub": lambda a, b: a - b,
    "subr": lambda a, b: b - a,
    "div": divided,
    "divr": lambda a, b: divided(b, a),
}


def _made(act: Callable[[Any, Any], Any], a: Number, b: Number) -> Number:
    """Return what an operation makes of two numbers."""
    if isinstance(a, Unsupported) or isinstance(b, Unsupported):
        return NOTHING
    odd = [number for number in (a, b) if number != number]  # noqa: PLR0124 -- is it no number?
    if len(odd) > 1:
        raise Unable
    if odd:
        return odd[0]
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return fitted(act(a, b))
    rough = act(math.copysign(1, a) if isinstance(a, Fraction) else a,
                math.copysign(1, b) if isinstance(b, Fraction) else b)  # fmt: skip
    if math.isnan(rough):
        return NOTHING
    made: Number = act(Fraction(a), Fraction(b)) if rough and math.isfinite(rough) else rough
    return made


def _arithmetic(m: Processor, e: Insn, at: int) -> None:
    _is_usual(m)
    name = e.name[2:] if e.name.startswith("fi") else e.name[1:]
    pops = name.endswith("p")
    act = _KINDS[name.removesuffix("p")]
    number: Number
    if e.memory:
        to, number = 0, _memory(m, e, at)
    else:
        to = _place(e.operands[0]) if e.operands else 1
        number = _top(m, _place(e.operands[1]) if len(e.operands) > 1 else 0)
    m.st[-1 - to] = _made(act, _top(m, to), number)
    if pops:
        m.st.pop()


def _one(m: Processor, e: Insn, at: int) -> None:
    _is_usual(m)
    number = _top(m)
    if isinstance(number, Unsupported):
        raise Unable
    if e.name == "fchs":
        number = -number
    elif e.name == "fabs":
        number = -number if extended(number) >> 79 else number
    elif number < 0:
        number = NOTHING
    elif isinstance(number, Fraction):
        number = _root(number)
    m.st[-1] = number


def _root(number: Fraction) -> Number:
    """Return a square root, rounded once."""
    places = max(0, DIGITS + 8 - _exponent(number) // 2)
    scaled = number * 4**places
    root = math.isqrt(int(scaled))
    return fitted(Fraction(2 * root + (root * root != scaled), 2 << places))


def _exchange(m: Processor, e: Insn, at: int) -> None:
    place = _place(e.operands[-1]) if e.operands else 1
    number = _top(m, place)
    m.st[-1 - place], m.st[-1] = _top(m), number


def _compare(m: Processor, e: Insn, at: int) -> None:
    a, b = _top(m), _top(m, _place(e.operands[-1]) if e.operands else 1)
    odd = a != a or b != b  # noqa: PLR0124
    m.zf, m.pf, m.cf = int(odd or a == b), int(odd), int(odd or a < b)
    m.of = m.sf = 0
    if e.name[-1] == "p":
        m.st.pop()


def _control(m: Processor, e: Insn, at: int) -> None:
    if e.name == "fnstcw":
        m.memory.write(m.address(e, at), 2, CUT if m.cut else USUAL, at)
        return
    word = m.memory.read(m.address(e, at), 2)
    if word not in (USUAL, CUT):
        raise Unable  # it rounds in another way, or traps
    m.cut = word == CUT


def _is_usual(m: Processor) -> None:
    """Raise Unable unless the unit rounds to the nearest."""
    if m.cut:
        raise Unable


X87: dict[str, Callable[[Processor, Insn, int], None]] = {
    "fld": _load, "fild": _load,
    **dict.fromkeys(("fld1", "fldz", "fldpi"), _constant),
    **dict.fromkeys(("fst", "fstp", "fist", "fistp", "fisttp"), _store),
    **{f"f{i}{kind}{p}": _arithmetic for kind in _KINDS for i in ("", "i") for p in ("", "p")},
    **dict.fromkeys(("fchs", "fabs", "fsqrt"), _one),
    "fxch": _exchange,
    **dict.fromkeys(("fucomi", "fucomip", "fcomi", "fcomip"), _compare),
    "fnstcw": _control, "fldcw": _control,
}  # fmt: skip
