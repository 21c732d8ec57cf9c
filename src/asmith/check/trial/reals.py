"""What vector instructions on real numbers do."""

from __future__ import annotations

import math
import re
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
    if math.isnan(a) or math.isnan(b) or not a:
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1, b)


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


def _reals(m: Processor, e: Insn, at: int) -> None:
    found = _REAL.match(e.name)
    assert found is not None
    act, size = _REALS[found[1]], 4 if found[3] == "s" else 8
    total, one, other = shape(e)
    if found[2] == "s":
        a, b = source(m, e, one, at, XMM), source(m, e, other, at, size)
        value = coded(act(real(a & MASK[size], size), real(b, size)), size)
        put(m, e, a & ~MASK[size] | value, XMM)
        return
    a, b = source(m, e, one, at, total), source(m, e, other, at, total)
    lanes = zip(split(a, size, total), split(b, size, total), strict=True)
    put(
        m,
        e,
        joined([coded(act(real(x, size), real(y, size)), size) for x, y in lanes], size),
        total,
    )


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
        x, y, z = (real(value, size) for value in lane)
        a, b, c = {"132": (x, z, y), "213": (y, x, z), "231": (y, z, x)}[found[3]]
        product = -(a * b) if found[1] else a * b
        made.append(coded(product + (c if found[2] == "add" else -c), size))
    value = joined(made, size)
    if found[4] == "s":
        value |= source(m, e, 0, at, XMM) & ~MASK[size]
    put(m, e, value, total)


def _horizontal(m: Processor, e: Insn, at: int) -> None:
    total, one, other = shape(e)
    size = 4 if e.name[-1] == "s" else 8
    a, b = source(m, e, one, at, total), source(m, e, other, at, total)
    made = []
    for x, y in zip(split(a, 16, total), split(b, 16, total), strict=True):
        for half in (x, y):
            lanes = [real(lane, size) for lane in split(half, size, 16)]
            made += [coded(lanes[n] + lanes[n + 1], size) for n in range(0, len(lanes), 2)]
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
        held = (not odd and p == q, not odd and p < q, not odd and p <= q, odd)[kind[1] & 3]
        made.append(-(held != bool(kind[1] & 4)))
    value = joined(made, size)
    if scalar:
        value |= source(m, e, one, at, XMM) & ~MASK[size]
    put(m, e, value, XMM if scalar else total)


def whole(number: float, size: int, cut: bool) -> int:  # noqa: FBT001
    """Return a number as an integer of `size` bytes; one that does not fit is the least."""
    if math.isnan(number) or math.isinf(number):
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
        value = coded(signed(m.get(e, last, at, size), size), sizes[go])
        keep = source(m, e, 1 if last == 2 else 0, at, XMM)
        put(m, e, keep & ~MASK[sizes[go]] | value, XMM)
    elif come in ("ss", "sd"):
        value = coded(real(source(m, e, last, at, sizes[come]), sizes[come]), sizes[go])
        keep = source(m, e, 1 if last == 2 else 0, at, XMM)
        put(m, e, keep & ~MASK[sizes[go]] | value, XMM)
    else:
        total = e.operands[0][2]
        a, b = sizes[come], sizes[go]
        operand = e.operands[last]
        wide = operand[2] if operand[0] == "v" else e.size
        count = min(wide // a, total // b)
        lanes = split(source(m, e, last, at, count * a) if count * a in MASK else 0, a, count * a)
        numbers = [signed(x, 4) if come == "dq" else real(x, a) for x in lanes]
        made = [whole(x, 4, cut) if go == "dq" else coded(x, b) for x in numbers]
        put(m, e, joined(made, b), max(total, XMM))


def _rounded(m: Processor, e: Insn, at: int) -> None:
    size = 4 if e.name[-1] == "s" else 8
    scalar = e.name[-2] == "s"
    total, one, other = shape(e)
    if e.name[0] == "v" and not scalar:
        other = 1
    if e.name[0] != "v":
        one, other = 0, 1
    act = (round, math.floor, math.ceil, math.trunc)[e.operands[-1][1] & 3]
    width = size if scalar else total
    made = []
    for lane in split(source(m, e, other, at, width), size, width):
        number = real(lane, size)
        fine = math.isfinite(number)
        made.append(coded(float(act(number)), size) if fine else lane)
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
