"""What instructions on general registers, flags and memory do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.trial.memory import ALL64
from asmith.check.trial.processor import (
    CONDITIONS,
    MASK,
    RDI,
    RDX,
    Divided,
    Processor,
    signed,
    width,
)
from asmith.check.trial.program import Unable
from asmith.toolchain.decode import RSP

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.toolchain.decode import Insn

RCX, RSI = 1, 6
WORD = 8


def _of(e: Insn, n: int) -> int:
    operand = e.operands[n]
    return operand[2] if operand[0] == "r" else 1 if operand[0] == "h" else e.size


def _mov(m: Processor, e: Insn, at: int) -> None:
    size = width(e)
    m.set(e, 0, at, size, m.get(e, 1, at, size))


def _movzx(m: Processor, e: Insn, at: int) -> None:
    m.set(e, 0, at, width(e), m.get(e, 1, at, _of(e, 1)))


def _movsx(m: Processor, e: Insn, at: int) -> None:
    size = _of(e, 1)
    m.set(e, 0, at, width(e), signed(m.get(e, 1, at, size), size))


def _lea(m: Processor, e: Insn, at: int) -> None:
    m.set(e, 0, at, width(e), m.address(e, at))


def _add(m: Processor, e: Insn, at: int) -> None:
    size = width(e)
    carry = m.cf if e.name == "adc" else 0
    m.set(e, 0, at, size, m.added(m.get(e, 0, at, size), m.get(e, 1, at, size), carry, size))


def _sub(m: Processor, e: Insn, at: int) -> None:
    size = width(e)
    a = m.get(e, 0, at, size)
    carry = m.cf if e.name == "sbb" else 0
    value = m.subtracted(a, m.get(e, 1, at, size), carry, size)
    if e.name != "cmp":
        m.set(e, 0, at, size, value)


def _bitwise(m: Processor, e: Insn, at: int) -> None:
    size = width(e)
    a, b = m.get(e, 0, at, size), m.get(e, 1, at, size)
    name = e.name
    value = a & b if name in ("and", "test") else a | b if name == "or" else a ^ b
    m.logic(value, size)
    if name != "test":
        m.set(e, 0, at, size, value)


def _incdec(m: Processor, e: Insn, at: int) -> None:
    size, carry = width(e), m.cf
    a = m.get(e, 0, at, size)
    value = m.added(a, 1, 0, size) if e.name == "inc" else m.subtracted(a, 1, 0, size)
    m.cf = carry
    m.set(e, 0, at, size, value)


def _neg(m: Processor, e: Insn, at: int) -> None:
    size = width(e)
    a = m.get(e, 0, at, size)
    m.set(e, 0, at, size, m.subtracted(0, a, 0, size) if e.name == "neg" else ~a)


def _shift(m: Processor, e: Insn, at: int) -> None:
    size, name = width(e), e.name
    bits = 8 * size
    count = (m.get(e, 1, at, 1) if len(e.operands) > 1 else 1) & (63 if size == 8 else 31)
    a = m.get(e, 0, at, size)
    if name in ("rol", "ror"):
        left = count % bits if name == "rol" else -count % bits
        value = (a << left | a >> bits - left) & MASK[size]
        if count:
            top = value >> bits - 1
            m.cf = value & 1 if name == "rol" else top
            m.of = top ^ (m.cf if name == "rol" else value >> bits - 2 & 1)
    elif name in ("shl", "sal"):
        value = a << count & MASK[size]
        if count:
            m.cf = a << count >> bits & 1
            m.of = value >> bits - 1 ^ m.cf
            m.result(value, size)
    elif name in ("shr", "sar"):
        whole = signed(a, size) if name == "sar" else a
        value = whole >> count & MASK[size]
        if count:
            m.cf = whole >> count - 1 & 1
            m.of = a >> bits - 1 if name == "shr" else 0
            m.result(value, size)
    else:
        raise Unable
    m.set(e, 0, at, size, value)


def _double(m: Processor, e: Insn, at: int) -> None:
    size = width(e)
    count = m.get(e, 2, at, 1) & (63 if size == 8 else 31)
    a, b = m.get(e, 0, at, size), m.get(e, 1, at, size)
    if count > 8 * size:
        raise Unable
    if not count:
        m.set(e, 0, at, size, a)
        return
    if e.name == "shld":
        value = (a << 8 * size | b) << count >> 8 * size & MASK[size]
        m.cf = a >> 8 * size - count & 1
    else:
        value = (b << 8 * size | a) >> count & MASK[size]
        m.cf = a >> count - 1 & 1
    m.of = (a ^ value) >> 8 * size - 1
    m.result(value, size)
    m.set(e, 0, at, size, value)


def _imul(m: Processor, e: Insn, at: int) -> None:
    size = width(e)
    if len(e.operands) == 1:
        _mul(m, e, at)
        return
    first = len(e.operands) - 2
    whole = signed(m.get(e, first, at, size), size) * signed(m.get(e, first + 1, at, size), size)
    m.spoil_flags()
    m.cf = m.of = int(whole != signed(whole, size))
    m.set(e, 0, at, size, whole)


def _mul(m: Processor, e: Insn, at: int) -> None:
    size = width(e)
    a, b = m.r[0] & MASK[size], m.get(e, 0, at, size)
    whole = signed(a, size) * signed(b, size) if e.name == "imul" else a * b
    if size == 1:
        m.r[0] = m.r[0] & ~0xFFFF | whole & 0xFFFF
    else:
        _put(m, 0, size, whole)
        _put(m, RDX, size, whole >> 8 * size)
    m.spoil_flags()
    wide = whole != signed(whole, size) if e.name == "imul" else whole >> 8 * size != 0
    m.cf = m.of = int(wide)


def _put(m: Processor, register: int, size: int, value: int) -> None:
    if size >= 4:
        m.r[register] = value & MASK[size]
    else:
        m.r[register] = m.r[register] & ~MASK[size] | value & MASK[size]


def _div(m: Processor, e: Insn, at: int) -> None:
    size = width(e)
    by = m.get(e, 0, at, size)
    if size == 1:
        whole = m.r[0] & 0xFFFF
    else:
        whole = (m.r[RDX] & MASK[size]) << 8 * size | m.r[0] & MASK[size]
    if e.name == "idiv":
        half = 1 << 16 * size - 1
        whole, by = (whole ^ half) - half, signed(by, size)
    if not by:
        raise Divided
    quotient = abs(whole) // abs(by) * (1 if (whole < 0) == (by < 0) else -1)
    limit = 1 << 8 * size
    if not (-limit // 2 <= quotient < limit // 2 if e.name == "idiv" else quotient < limit):
        raise Divided
    rest = whole - quotient * by
    if size == 1:
        m.r[0] = m.r[0] & ~0xFFFF | quotient & 0xFF | (rest & 0xFF) << 8
    else:
        _put(m, 0, size, quotient)
        _put(m, RDX, size, rest)
    m.spoil_flags()


def _extend(m: Processor, e: Insn, at: int) -> None:
    name = e.name
    size = {"cbw": 1, "cwde": 2, "cdqe": 4, "cwd": 2, "cdq": 4, "cqo": 8}[name]
    value = signed(m.r[0], size)
    if name in ("cbw", "cwde", "cdqe"):
        _put(m, 0, 2 * size, value)
    else:
        _put(m, RDX, size, value >> 8 * size)


def _push(m: Processor, e: Insn, at: int) -> None:
    narrow = e.length not in _PUSHES if e.operands[0][0] == "i" else width(e) != WORD
    if narrow:
        raise Unable
    m.push(m.get(e, 0, at, 8), at)


_PUSHES = (2, 5)
"""Bytes of a push of an immediate that pushes eight bytes: with a prefix it pushes two."""


def _pop(m: Processor, e: Insn, at: int) -> None:
    if width(e) != WORD:
        raise Unable
    m.set(e, 0, at, 8, m.pop())


def _leave(m: Processor, e: Insn, at: int) -> None:
    if e.length > 1:
        raise Unable
    m.r[RSP] = m.r[5]
    m.r[5] = m.pop()


def _setcc(m: Processor, e: Insn, at: int) -> None:
    m.set(e, 0, at, 1, int(m.holds(e.name[3:])))


def _cmov(m: Processor, e: Insn, at: int) -> None:
    size = width(e)
    value = m.get(e, 1, at, size)
    m.set(e, 0, at, size, value if m.holds(e.name[4:]) else m.get(e, 0, at, size))


def _xchg(m: Processor, e: Insn, at: int) -> None:
    size = width(e)
    a, b = m.get(e, 0, at, size), m.get(e, 1, at, size)
    first = m.added(a, b, 0, size) if e.name == "xadd" else b
    order = (0, 1) if e.operands[0][0] == "m" else (1, 0)  # the register may be the address
    for n in order:
        m.set(e, n, at, size, a if n else first)


def _cmpxchg(m: Processor, e: Insn, at: int) -> None:
    size = width(e)
    a = m.get(e, 0, at, size)
    m.subtracted(m.r[0] & MASK[size], a, 0, size)
    if m.zf:
        m.set(e, 0, at, size, m.get(e, 1, at, size))
    else:
        _put(m, 0, size, a)


def _string(m: Processor, e: Insn, at: int) -> None:
    """Run an instruction on strings: moves and stores, repeated or not."""
    size = {"b": 1, "w": 2, "d": 4, "q": 8}[e.name[-1]]
    step = -size if m.df else size
    count = m.r[RCX] if e.rep else 1
    if count > 1 << 16:
        raise Unable
    kind = e.name[:-1]
    for _ in range(count):
        if kind == "movs":
            m.memory.write(m.r[RDI], size, m.memory.read(m.r[RSI], size), at)
        elif kind == "stos":
            m.memory.write(m.r[RDI], size, m.r[0] & MASK[size], at)
        else:
            raise Unable
        m.r[RDI] = m.r[RDI] + step & ALL64
        if kind == "movs":
            m.r[RSI] = m.r[RSI] + step & ALL64
    if e.rep:
        m.r[RCX] = 0


def _flag(m: Processor, e: Insn, at: int) -> None:
    match e.name:
        case "cld":
            m.df = 0
        case "std":
            m.df = 1
        case "stc":
            m.cf = 1
        case "clc":
            m.cf = 0
        case "cmc":
            m.cf ^= 1


def _emms(m: Processor, e: Insn, at: int) -> None:
    m.st.clear()


def _nothing(m: Processor, e: Insn, at: int) -> None:
    pass


ACTS: dict[str, Callable[[Processor, Insn, int], None]] = {
    **dict.fromkeys(("mov", "movabs", "movnti"), _mov),
    "movzx": _movzx, "movsx": _movsx, "movsxd": _movsx, "lea": _lea,
    "add": _add, "adc": _add, "sub": _sub, "sbb": _sub, "cmp": _sub,
    **dict.fromkeys(("and", "or", "xor", "test"), _bitwise),
    "inc": _incdec, "dec": _incdec, "neg": _neg, "not": _neg,
    **dict.fromkeys(("shl", "sal", "shr", "sar", "rol", "ror"), _shift),
    "shld": _double, "shrd": _double, "imul": _imul, "mul": _mul, "div": _div, "idiv": _div,
    **dict.fromkeys(("cbw", "cwde", "cdqe", "cwd", "cdq", "cqo"), _extend),
    "push": _push, "pop": _pop, "leave": _leave,
    **{f"set{c}": _setcc for c in CONDITIONS}, **{f"cmov{c}": _cmov for c in CONDITIONS},
    "xchg": _xchg, "xadd": _xchg, "cmpxchg": _cmpxchg,
    "emms": _emms,
    **{f"{kind}{letter}": _string for kind in ("movs", "stos") for letter in "bwq"},
    "movsd": _string, "stosd": _string,
    **dict.fromkeys(("cld", "std", "stc", "clc", "cmc"), _flag),
    **dict.fromkeys(
        (
            "nop", "endbr64", "pause", "prefetcht0", "prefetcht1", "prefetcht2", "prefetchnta",
            "prefetchw", "sfence", "lfence", "mfence",
        ),
        _nothing,
    ),
}  # fmt: skip
