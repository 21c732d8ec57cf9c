"""What instructions of the x87 unit do; its numbers are doubles here, which decides nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from asmith.check.trial.lanes import coded, real
from asmith.check.trial.processor import signed
from asmith.check.trial.program import Unable
from asmith.check.trial.reals import divided, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.check.trial.processor import Processor
    from asmith.toolchain.decode import Insn

EXTENDED = 10
"""Bytes of an extended number."""
BIAS, DIGITS = 16383, 63
DEEPEST = 8


class StackFault(Exception):  # noqa: N818
    """More is taken from the register stack than is on it, or more put on it than fits."""


def extended(number: float) -> int:
    """Return the ten bytes of a number."""
    sign = 1 << 79 if math.copysign(1, number) < 0 else 0
    if number == 0:
        return sign
    if not math.isfinite(number):
        return sign | 0x7FFF << 64 | 1 << 63 | (1 << 62 if math.isnan(number) else 0)
    fraction, exponent = math.frexp(abs(number))
    return sign | (exponent - 1 + BIAS) << 64 | int(fraction * 2**64)


def narrowed(value: int) -> float:
    """Return the number that ten bytes stand for, as nearly as a double can."""
    sign, exponent = (-1.0 if value >> 79 & 1 else 1.0), value >> 64 & 0x7FFF
    mantissa = value & (1 << 64) - 1
    if exponent == 0x7FFF:
        return sign * math.inf if not mantissa & (1 << 63) - 1 else math.nan
    try:
        return sign * math.ldexp(float(mantissa), exponent - BIAS - DIGITS)
    except OverflowError:
        return sign * math.inf


def load(m: Processor, number: float) -> None:
    """Put a number on the register stack."""
    if len(m.st) == DEEPEST:
        raise StackFault
    m.st.append(number)


def _top(m: Processor, n: int = 0) -> float:
    if len(m.st) <= n:
        raise StackFault
    return m.st[-1 - n]


def _place(operand: tuple[str, str]) -> int:
    if operand[0] != "x" or not operand[1].startswith("st"):
        raise Unable
    return int(operand[1][2:])


def _memory(m: Processor, e: Insn, at: int) -> float:
    value = m.memory.read(m.address(e, at), e.size)
    if e.name.startswith("fi"):
        return float(signed(value, e.size))
    return narrowed(value) if e.size == EXTENDED else real(value, e.size)


def _load(m: Processor, e: Insn, at: int) -> None:
    if e.memory:
        load(m, _memory(m, e, at))
    else:
        load(m, _top(m, _place(e.operands[-1])))


def _constant(m: Processor, e: Insn, at: int) -> None:
    known = {"fld1": 1.0, "fldz": 0.0, "fldpi": math.pi}
    load(m, known[e.name])


def _store(m: Processor, e: Insn, at: int) -> None:
    number = _top(m)
    if not e.memory:
        place = _place(e.operands[0])
        _top(m, place)
        m.st[-1 - place] = number
    else:
        if e.name.startswith("fi"):
            value = whole(number, e.size, e.name == "fisttp") & (1 << 8 * e.size) - 1
        else:
            value = extended(number) if e.size == EXTENDED else coded(number, e.size)
        m.memory.write(m.address(e, at), e.size, value, at)
    if e.name[-1] == "p":
        m.st.pop()


_KINDS: dict[str, Callable[[float, float], float]] = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "sub": lambda a, b: a - b,
    "subr": lambda a, b: b - a,
    "div": divided,
    "divr": lambda a, b: divided(b, a),
}


def _arithmetic(m: Processor, e: Insn, at: int) -> None:
    name = e.name[2:] if e.name.startswith("fi") else e.name[1:]
    pops = name.endswith("p")
    act = _KINDS[name.removesuffix("p")]
    if e.memory:
        to, number = 0, _memory(m, e, at)
    else:
        to = _place(e.operands[0]) if e.operands else 1
        number = _top(m, _place(e.operands[1]) if len(e.operands) > 1 else 0)
    made = act(_top(m, to), number)
    m.st[-1 - to] = made
    if pops:
        m.st.pop()


def _one(m: Processor, e: Insn, at: int) -> None:
    number = _top(m)
    if e.name == "fchs":
        number = -number
    elif e.name == "fabs":
        number = abs(number)
    else:
        number = math.sqrt(number) if number >= 0 else math.nan
    m.st[-1] = number


def _exchange(m: Processor, e: Insn, at: int) -> None:
    place = _place(e.operands[-1]) if e.operands else 1
    number = _top(m, place)
    m.st[-1 - place], m.st[-1] = _top(m), number


def _compare(m: Processor, e: Insn, at: int) -> None:
    a, b = _top(m), _top(m, _place(e.operands[-1]) if e.operands else 1)
    odd = math.isnan(a) or math.isnan(b)
    m.zf, m.pf, m.cf = int(odd or a == b), int(odd), int(odd or a < b)
    m.of = m.sf = 0
    if e.name[-1] == "p":
        m.st.pop()


def _control(m: Processor, e: Insn, at: int) -> None:
    if e.name == "fnstcw":
        m.memory.write(m.address(e, at), 2, 0x37F, at)
    else:
        m.memory.read(m.address(e, at), 2)


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
