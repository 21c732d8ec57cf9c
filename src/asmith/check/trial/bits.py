"""What instructions do that find, count, set and rearrange bits of general registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.trial.memory import ALL64
from asmith.check.trial.processor import MASK, RDX, Processor, signed, width
from asmith.check.trial.program import Unable

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.toolchain.decode import Insn


def _bit(m: Processor, e: Insn, at: int) -> None:
    size = width(e)
    count = m.get(e, 1, at, 1) & 8 * size - 1
    bit, name = 1 << count, e.name
    place = -1
    if e.operands[0][0] == "m":
        place = m.address(e, at)
        if e.operands[1][0] != "i":  # a signed number of bits, not cut to the operand
            number = signed(m.get(e, 1, at, size), size)
            place = place + (number >> 3 & -size) & ALL64
    a = m.get(e, 0, at, size) if place < 0 else m.memory.read(place, size)
    m.cf = a >> count & 1
    if name == "bt":
        return
    value = a | bit if name == "bts" else a & ~bit if name == "btr" else a ^ bit
    if place < 0:
        m.set(e, 0, at, size, value)
    else:
        m.memory.write(place, size, value, at)


def _count(m: Processor, e: Insn, at: int) -> None:
    size, name = width(e), e.name
    a = m.get(e, 1, at, size)
    low = (a & -a).bit_length() - 1
    high = a.bit_length() - 1
    if name in ("bsf", "bsr"):
        m.zf = int(not a)
        if a:
            m.set(e, 0, at, size, low if name == "bsf" else high)
        return
    value = {"popcnt": a.bit_count(), "tzcnt": low if a else 8 * size}.get(
        name, 8 * size - 1 - high
    )
    m.spoil_flags()
    if name == "popcnt":
        m.logic(value, size)
        m.pf = 0
    else:
        m.cf, m.zf = int(not a), int(not value)
    m.set(e, 0, at, size, value)


def _bswap(m: Processor, e: Insn, at: int) -> None:
    size = width(e)
    if size < 4 and e.name == "bswap":
        raise Unable
    value = m.get(e, len(e.operands) - 1, at, size)
    m.set(e, 0, at, size, int.from_bytes(value.to_bytes(size, "little"), "big"))


def _bmi(m: Processor, e: Insn, at: int) -> None:
    size, name = width(e), e.name
    bits = 8 * size
    a = m.get(e, 1, at, size)
    if name in ("shlx", "shrx", "sarx", "rorx"):
        count = m.get(e, 2, at, 1) & bits - 1
        whole = signed(a, size) if name == "sarx" else a
        value = a << count if name == "shlx" else whole >> count
        if name == "rorx":
            value = a >> count | a << bits - count
        m.set(e, 0, at, size, value)
        return
    if name == "mulx":
        whole = m.r[RDX] & MASK[size]
        whole *= m.get(e, 2, at, size)
        m.set(e, 1, at, size, whole)
        m.set(e, 0, at, size, whole >> bits)
        return
    carry = int(not a)
    if name == "andn":
        value, carry = ~a & m.get(e, 2, at, size) & MASK[size], 0
    elif name == "bzhi":
        count = m.get(e, 2, at, 1)
        value, carry = a & (1 << min(count, bits)) - 1, int(count >= bits)
    elif name == "blsr":
        value = a & a - 1 & MASK[size] if a else 0
    elif name == "blsi":
        value, carry = a & -a & MASK[size], int(a != 0)
    elif name == "blsmsk":
        value = (a ^ a - 1) & MASK[size]
    else:
        raise Unable
    m.logic(value, size)
    m.cf = carry
    m.set(e, 0, at, size, value)


BITS: dict[str, Callable[[Processor, Insn, int], None]] = {
    **dict.fromkeys(("bt", "bts", "btr", "btc"), _bit),
    **dict.fromkeys(("bsf", "bsr", "popcnt", "tzcnt", "lzcnt"), _count),
    "bswap": _bswap, "movbe": _bswap,
    **dict.fromkeys(
        ("shlx", "shrx", "sarx", "rorx", "mulx", "andn", "bzhi", "blsr", "blsi", "blsmsk"), _bmi
    ),
}  # fmt: skip
