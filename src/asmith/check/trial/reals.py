"""What vector instructions on real numbers do."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING

from asmith.check.trial.lanes import XMM, both, coded, joined, put, real, shape, source, split
from asmith.check.trial.processor import MASK, signed
from asmith.check.trial.program import Unable

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.check.trial.lanes import Act
    from asmith.check.trial.processor import Processor
    from asmith.toolchain.decode import Insn


def divided(a: float, b: float) -> float:
    """Return a quotient as the processor has it."""
    if b:
        return a / b
    if math.isnan(a) or not a:
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1, b)


def nearest(value: Fraction, size: int) -> int:
    """Return the bytes of the number that is nearest to an exact one, of two the even one."""
    try:
        number = float(value)
    except OverflowError:
        return coded(math.inf if value > 0 else -math.inf, size)
    odd = coded(number, 8) & 1
    if size < 8 and not odd and number != value:  # else it would be rounded twice
        number = math.nextafter(number, math.inf if number < value else -math.inf)
    return coded(number, size)


INFINITE = {4: 0x7F80_0000, 8: 0x7FF << 52}
QUIET = {4: 1 << 22, 8: 1 << 51}
"""The bit of a NaN that is set in whatever an instruction makes of one."""
INDEFINITE = {4: 0xFFC0_0000, 8: 0xFFF8 << 48}
"""What the processor makes of operands that have no result."""


def is_nan(bits: int, size: int) -> bool:
    """Tell whether 4 or 8 bytes stand for no number."""
    return bits & MASK[size] >> 1 > INFINITE[size]


_REALS: dict[str, Callable[[float, float], float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": divided,
    "max": lambda a, b: max(b, a),
    "min": lambda a, b: min(b, a),
    "sqrt": lambda a, b: math.sqrt(b) if b >= 0 else math.nan,
}
_REAL = re.compile(r"v?(add|sub|mul|div|max|min|sqrt)([sp])([sd])$")


def _made(name: str, x: int, y: int, size: int) -> int:
    """Return what an operation makes of two numbers, as bytes all three (Intel SDM 4.8.3.5)."""
    if name in ("max", "min"):
        if is_nan(x, size) or is_nan(y, size):
            return y
    else:
        for operand in (y,) if name == "sqrt" else (x, y):
            if is_nan(operand, size):
                return operand | QUIET[size]
    number = _REALS[name](real(x, size), real(y, size))
    return INDEFINITE[size] if math.isnan(number) else coded(number, size)


def _reals(m: Processor, e: Insn, at: int) -> None:
    found = _REAL.match(e.name)
    assert found is not None
    name, size = found[1], 4 if found[3] == "s" else 8
    total, one, other = shape(e)
    if found[2] == "s":
        a, b = source(m, e, one, at, XMM), source(m, e, other, at, size)
        put(m, e, a & ~MASK[size] | _made(name, a & MASK[size], b, size), XMM)
        return
    a, b = source(m, e, one, at, total), source(m, e, other, at, total)
    lanes = zip(split(a, size, total), split(b, size, total), strict=True)
    put(m, e, joined([_made(name, x, y, size) for x, y in lanes], size), total)


_FUSED = re.compile(r"vf(n?)m(add|sub)(132|213|231)([sp])([sd])$")


def _fused(m: Processor, e: Insn, at: int) -> None:
    found = _FUSED.match(e.name)
    assert found is not None
    size = 4 if found[5] == "s" else 8
    total = e.operands[0][2]
    width = total if found[4] == "p" else size
    rows = [split(source(m, e, n, at, width), size, width) for n in range(3)]
    made = []
    for lane in zip(*rows, strict=True):
        odd = [value for value in lane if is_nan(value, size)]
        if len(odd) > 1:
            raise Unable  # processors differ in which one is kept
        x, y, z = (real(value, size) for value in lane)
        a, b, c = {"132": (x, z, y), "213": (y, x, z), "231": (y, z, x)}[found[3]]
        c = c if found[2] == "add" else -c
        made.append(odd[0] | QUIET[size] if odd else _sum(-a if found[1] else a, b, c, size))
    value = joined(made, size)
    if found[4] == "s":
        value |= source(m, e, 0, at, XMM) & ~MASK[size]
    put(m, e, value, total)


def _sum(a: float, b: float, c: float, size: int) -> int:
    """Return a product and a number added to it, rounded once."""
    if math.isfinite(a) and math.isfinite(b) and math.isfinite(c):
        total = Fraction(a) * Fraction(b) + Fraction(c)
        if total:
            return nearest(total, size)
        return coded(math.copysign(0.0, a) * math.copysign(1, b) + (c if not c else 0.0), size)
    number = math.copysign(1, a) * b if math.isinf(b) and a else a * b if math.isinf(a) else 0.0
    number = math.nan if not a and math.isinf(b) else number + c
    return INDEFINITE[size] if math.isnan(number) else coded(number, size)


def _horizontal(m: Processor, e: Insn, at: int) -> None:
    total, one, other = shape(e)
    size = 4 if e.name[-1] == "s" else 8
    a, b = source(m, e, one, at, total), source(m, e, other, at, total)
    made = []
    for x, y in zip(split(a, 16, total), split(b, 16, total), strict=True):
        for half in (x, y):
            lanes = split(half, size, 16)
            made += [_made("add", lanes[n], lanes[n + 1], size) for n in range(0, len(lanes), 2)]
    put(m, e, joined(made, size), total)


def _ordered(m: Processor, e: Insn, at: int) -> None:
    size = 4 if e.name[-1] == "s" else 8
    a, b = real(source(m, e, 0, at, size), size), real(source(m, e, 1, at, size), size)
    odd = math.isnan(a) or math.isnan(b)
    m.zf, m.pf, m.cf = int(odd or a == b), int(odd), int(odd or a < b)
    m.of = m.sf = 0


def _compared(m: Processor, e: Insn, at: int) -> None:
    size = 4 if e.name[-1] == "s" else 8
    scalar = e.name[-2] == "s"
    total, one, other = shape(e)
    kind = e.operands[-1]
    if kind[0] != "i":
        raise Unable
    width = size if scalar else total
    a, b = source(m, e, one, at, width), source(m, e, other, at, width)
    made = []
    for x, y in zip(split(a, size, width), split(b, size, width), strict=True):
        p, q = real(x, size), real(y, size)
        odd = math.isnan(p) or math.isnan(q)
        held = (p == q, p < q, p <= q, odd)[kind[1] & 3]
        if kind[1] & 8 and e.name[0] == "v":  # the other way round where there is no number
            held = held != odd
        made.append(-(held != bool(kind[1] & 4)))
    value = joined(made, size)
    if scalar:
        value |= source(m, e, one, at, XMM) & ~MASK[size]
    put(m, e, value, XMM if scalar else total)


def whole(number: float | Fraction, size: int, cut: bool) -> int:  # noqa: FBT001
    """Return a number as an integer of `size` bytes; one that does not fit is the least."""
    if number - number != 0:
        return 1 << 8 * size - 1
    value = math.trunc(number) if cut else round(number)
    return value if -(1 << 8 * size - 1) <= value < 1 << 8 * size - 1 else 1 << 8 * size - 1


_CONVERTED = re.compile(r"v?cvt(t?)(s[sd]|p[sd]|si|dq|pi)2(s[sd]|p[sd]|si|dq)$")


def _converted(m: Processor, e: Insn, at: int) -> None:
    found = _CONVERTED.match(e.name)
    assert found is not None
    cut, come, go = found[1] == "t", found[2], found[3]
    last = len(e.operands) - 1
    sizes = {"ss": 4, "ps": 4, "sd": 8, "pd": 8, "dq": 4}
    if go == "si":
        value = real(source(m, e, last, at, sizes[come]), sizes[come])
        size = e.operands[0][2]
        m.set(e, 0, at, size, whole(value, size, cut))
    elif come == "si":
        operand = e.operands[last]
        size = operand[2] if operand[0] == "r" else e.size
        value = nearest(Fraction(signed(m.get(e, last, at, size), size)), sizes[go])
        keep = source(m, e, 1 if last == 2 else 0, at, XMM)
        put(m, e, keep & ~MASK[sizes[go]] | value, XMM)
    elif come in ("ss", "sd"):
        value = resized(source(m, e, last, at, sizes[come]), sizes[come], sizes[go])
        keep = source(m, e, 1 if last == 2 else 0, at, XMM)
        put(m, e, keep & ~MASK[sizes[go]] | value, XMM)
    else:
        total = e.operands[0][2]
        a, b = sizes[come], sizes[go]
        operand = e.operands[last]
        wide = operand[2] if operand[0] == "v" else e.size
        count = min(wide // a, total // b)
        lanes = split(source(m, e, last, at, count * a) if count * a in MASK else 0, a, count * a)
        if go == "dq":
            made = [whole(real(x, a), 4, cut) for x in lanes]
        elif come == "dq":
            made = [nearest(Fraction(signed(x, 4)), b) for x in lanes]
        else:
            made = [resized(x, a, b) for x in lanes]
        put(m, e, joined(made, b), max(total, XMM))


def resized(bits: int, size: int, to: int) -> int:
    """Return the bytes of a number, or of no number, in another size."""
    if not is_nan(bits, size):
        return coded(real(bits, size), to)
    rest = bits & QUIET[size] - 1
    if size != to:
        rest = rest << 29 if to > size else rest >> 29
    return bits >> 8 * size - 1 << 8 * to - 1 | INFINITE[to] | QUIET[to] | rest


def _rounded(m: Processor, e: Insn, at: int) -> None:
    size = 4 if e.name[-1] == "s" else 8
    scalar = e.name[-2] == "s"
    total, one, other = shape(e)
    if e.name[0] == "v" and not scalar:
        other = 1
    if e.name[0] != "v":
        one, other = 0, 1
    order = e.operands[-1][1]
    act = (round, math.floor, math.ceil, math.trunc)[0 if order & 4 else order & 3]
    width = size if scalar else total
    made = []
    for lane in split(source(m, e, other, at, width), size, width):
        number = real(lane, size)
        if math.isfinite(number):
            made.append(coded(math.copysign(float(act(number)), number), size))
        else:
            made.append(lane | QUIET[size] if is_nan(lane, size) else lane)
    value = joined(made, size)
    if scalar:
        value |= source(m, e, one, at, XMM) & ~MASK[size]
    put(m, e, value, XMM if scalar else total)


_KINDS = ("ss", "sd", "ps", "pd")
_FROM = (*_KINDS, "si", "dq")
REALS: dict[str, Act] = {
    **both(" ".join(name + kind for name in _REALS for kind in _KINDS), _reals),
    **both(" ".join(f"cvt{t}{a}2{b}" for t in ("", "t") for a in _FROM for b in _FROM), _converted),
    **both("haddps haddpd", _horizontal),
    **both("ucomiss ucomisd comiss comisd", _ordered),
    **both("cmpss cmpsd cmpps cmppd", _compared),
    **both("roundss roundsd roundps roundpd", _rounded),
    **{
        f"vf{n}m{what}{way}{kind}": _fused
        for n in ("", "n")
        for what in ("add", "sub")
        for way in ("132", "213", "231")
        for kind in _KINDS
    },
}
