"""What becomes of values of which nothing, or only the low bits, is defined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.machine import FLAGS, RSP
from asmith.check.flow.values import ENTRY, KIND, MAYBE, UNDEF, defined_below
from asmith.toolchain.decode import RBP, Flow

if TYPE_CHECKING:
    from asmith.check.flow.block import Block
    from asmith.check.flow.machine import Machine
    from asmith.toolchain.decode import Insn


def of_part(m: Machine, e: Insn, value: int, other: int, at: int) -> int | None:
    """Return what becomes of operands that are undefined, all or in part; None if they are not.

    The low bits of sums, products and bitwise results depend on the low bits of the operands alone;
    shifts move them. What a mask keeps of an undefined value, compilers leave to chance.
    """
    for one in (value, other):
        if one & KIND == ENTRY:
            m.used |= 1 << (one >> 4)
    name, of = e.name, 8 * e.size
    a, b = m.bits(value), m.bits(other)
    if name in _CARRIES and m.is_junk(m.r[FLAGS]):
        return at << 4 | UNDEF
    if e.b >= 0 and name in _SHIFTS:
        if b >= 8:
            b = of
        if b and a and a < of and name not in ("shl", "sal"):
            return MAYBE
    bits = min(a, b, of)
    if bits == of:
        return None
    if e.b < 0 and name in _MIXING:
        if bits == 0:
            return at << 4 | UNDEF if m.paths else MAYBE
        if name == "and":
            kept = e.c & ((1 << of) - 1)
            bits = of if not kept >> bits else bits
        elif name in _SHIFTS:
            if name[:2] == "ro":
                return MAYBE
            bits += e.c if name in ("shl", "sal") else -e.c
        return defined_below(bits, of, at)
    if (bits and name in ("and", "or")) or name not in _LOW_BITS:
        return MAYBE if bits else at << 4 | UNDEF
    return defined_below(bits, of, at)


_SHIFTS = frozenset({"shl", "shr", "sar", "sal", "rol", "ror", "rcl", "rcr"})
_MIXING = frozenset({"and", "or", "shl", "shr", "sar", "sal", "rol", "ror", "bts", "btr", "btc"})
_CARRIES = frozenset({"adc", "sbb", "rcl", "rcr"})
_LOW_BITS = frozenset({
    "add", "sub", "imul", "and", "or", "xor", "neg", "not", "inc", "dec", "adc", "sbb", "shl",
    "sal", "bts", "btr", "btc",
})  # fmt: skip


def asks_memory(block: Block) -> bool:
    """Tell whether a branch asks for what its own block has loaded, and nothing else.

    So it has nothing to do with the way by which control came to the block.
    """
    asked: set[int] | None = None
    for _, insn, _ in reversed(block.ops):
        outside = insn.memory and insn.base not in (RSP, RBP) and insn.index != RSP
        if asked is None:
            if insn.name in ("cmp", "test"):
                asked = {o[1] for o in insn.operands if o[0] in "rh"}
                if insn.memory and not outside:
                    return False
            elif insn.masked or insn.name not in _NO_FLAGS:
                return False
        elif insn.operands[:1] and insn.operands[0][0] == "r" and insn.operands[0][1] in asked:
            if insn.name not in _LOADS or not outside:
                return False
            asked.discard(insn.operands[0][1])
        if asked is not None and not asked:
            return True
    return False


def follows_call(seen: dict[int, Insn], at: int) -> bool:
    """Tell whether the code right before an address is a call, which may be one without return."""
    insn = ending(seen, at)
    if insn is not None and insn.name == "nop":
        return follows_call(seen, at - insn.length)
    return insn is not None and insn.flow in (Flow.CALL, Flow.INDIRECT_CALL)


def ending(seen: dict[int, Insn], at: int) -> Insn | None:
    """Return the instruction that ends at an address, the shortest one."""
    for length in range(1, LONGEST + 1):
        insn = seen.get(at - length)
        if insn is not None and insn.length == length:
            return insn
    return None


def asks_again(seen: dict[int, Insn], at: int) -> bool:
    """Tell whether what follows an instruction asks for the flags that it has asked for."""
    place = at + seen[at].length
    while (insn := seen.get(place)) is not None:
        if insn.reads >> FLAGS & 1:
            return True
        if insn.writes >> FLAGS & 1 or insn.flow != Flow.NEXT:
            return False
        place += insn.length
    return False


LONGEST = 15
"""Bytes of the longest instruction."""
_LOADS = frozenset({"mov", "movzx", "movsx", "movsxd"})
_NO_FLAGS = frozenset({*_LOADS, "lea", "push", "pop"})
