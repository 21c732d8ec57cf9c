"""What holds where two paths meet: half of the work of an analysis."""

from __future__ import annotations

from itertools import compress
from operator import ne
from typing import TYPE_CHECKING

from asmith.check.flow.machine import (
    DF,
    FCW,
    FLAGS,
    FRAME,
    MMX,
    MXCSR,
    NOBODY_KNOWS,
    RSP,
    SOME_VECTORS,
    UPPER,
    VECTORS,
    X87,
    X87_JUNK,
    Machine,
    State,
)
from asmith.check.flow.values import (
    AREA,
    CHOICE,
    CONST,
    ENTRY,
    KIND,
    LOADED,
    LOCAL,
    LOCAL_ADDRESS,
    MAYBE,
    OFFSET,
    RESULT,
    ROUND,
    STACK,
    STALE,
    SYM,
    TARGET,
    TOP,
    UNDEF,
    UNKNOWN,
    base,
    is_part,
    join,
    residue,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Registers = tuple[int, ...]

SYMS = frozenset({SYM, CHOICE})
EITHER = 2
"""Of a control word: the entry's on one path (0), another one on the other (1)."""
LONGEST_CALL = 8
"""Bytes of the longest call instruction."""
_PLAIN = (TOP, CONST, TARGET, OFFSET, AREA, ROUND, LOCAL, STACK)
_PLACES = tuple(range(SOME_VECTORS + 1))
_ASK, _TO_TOP, _OLD, _NEW, _MAYBE, _WHOLE = range(6)


def _quick() -> bytes:
    """Return by two kinds what to do: most meetings are between a few of them.

    `_NEW` and `_MAYBE` keep a MAYBE value unless it is defined in part. `_WHOLE` is `LOADED` if
    both are whole: of kind TOP only `TOP` itself is not.
    """
    table = bytearray(256)
    for kind in range(16):
        table[kind << 4 | MAYBE] = _NEW
        table[MAYBE << 4 | kind] = _MAYBE
    table[MAYBE << 4 | MAYBE] = _ASK
    for kind in _PLAIN:
        table[TOP << 4 | kind] = table[kind << 4 | TOP] = _TO_TOP
    for kind in (STALE, UNDEF):
        table[kind << 4 | kind] = _OLD
    table[TOP << 4 | RESULT] = table[RESULT << 4 | TOP] = table[RESULT << 4 | RESULT] = _WHOLE
    return bytes(table)


_QUICK = _quick()


def joined(
    m: Machine, address: int, state: State, join_registers: Callable[..., Registers]
) -> State | None:
    """Return the join of the state before a block with the machine's, or None if it is the former.

    Only what differs is looked at; the comparisons of whole tuples and mappings are the
    interpreter's own and cost next to nothing.
    """
    old, slots = state
    new = tuple(m.r)
    incoming = m.slots
    registers = old
    if old != new:
        if old[RSP] != new[RSP]:
            registers, new, incoming = _new_base(m, address, old)
            if registers[RSP] != old[RSP]:
                slots = _without_base(slots, registers[RSP])
        registers = join_registers(m, address, registers, new)
    if slots is not incoming and slots != incoming:
        differ = [key for key, value in slots.items() if incoming.get(key) != value]
        if differ:
            slots = dict(slots)
            for key in differ:
                other = incoming.get(key)
                if other is None:
                    del slots[key]
                else:
                    slots[key] = either(m, slots[key], other, address)
            if slots == state[1]:
                slots = state[1]
    if registers == old and slots is state[1]:
        return None
    return registers, slots


def registers(m: Machine, address: int, old: Registers, new: Registers) -> Registers:
    """Return the join of all registers but rsp."""
    made = list(old)
    for n in compress(_PLACES, map(ne, old, new)):
        a, b = old[n], new[n]
        if n == RSP:
            continue
        if n > FLAGS:
            return (*made[: FLAGS + 1], *joined_modes(m, old, new)[FLAGS + 1 :])
        quick = _QUICK[(a & KIND) << 4 | b & KIND]
        if quick == _TO_TOP:
            made[n] = TOP
        elif quick == _NEW and not is_part(b):
            made[n] = b
        elif quick == _WHOLE:
            made[n] = LOADED if a and b else TOP
        elif quick != _OLD and (quick != _MAYBE or is_part(a)):
            made[n] = either(m, a, b, address)
    return tuple(made)


def joined_modes(m: Machine, old: Registers, new: Registers) -> list[int]:
    """Return registers in which what stands behind the flags is joined."""
    made = list(old)
    for n in (DF, MMX, UPPER):
        made[n] = max(made[n], new[n])
    for n in (MXCSR, FCW):
        if made[n] != new[n]:
            made[n] = EITHER
    made[FRAME] |= new[FRAME]
    made[X87_JUNK] |= new[X87_JUNK]
    made[SOME_VECTORS] |= made[VECTORS] ^ new[VECTORS]
    made[VECTORS] &= new[VECTORS]
    if made[X87] != new[X87]:
        made[X87] = NOBODY_KNOWS
    if made[m.OWNED] != new[m.OWNED]:
        made[m.OWNED] = m.marks.joined(made[m.OWNED], new[m.OWNED])
    return made


def either(m: Machine, a: int, b: int, address: int) -> int:
    """Return what holds on both of two paths that meet at an address."""
    if a & KIND in SYMS:
        return m.symbols.either(a, b)
    if a & KIND == MAYBE or b & KIND == MAYBE:
        return join(a, b)
    one, other = m.is_junk(a), m.is_junk(b)
    if one != other:
        junk = a if one else b
        if junk & KIND == STALE and 0 < address - (junk >> 4) <= LONGEST_CALL:
            return MAYBE  # the call right before this place may be one that does not return
        return address << 4 | MAYBE
    if one:
        return a if a & KIND == b & KIND != ENTRY else UNDEF | address << 4
    return join(a, b)


def _new_base(
    m: Machine, address: int, old: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...], dict[int, int]]:
    """Return the state before a block with a new rsp, and the machine's renamed.

    Two paths leave rsp at different addresses, so a base is made for this place. What refers to the
    base as an earlier round knew it no longer does.
    """
    one, other = old[RSP], m.r[RSP]
    if one & KIND != STACK or other & KIND != STACK:
        return (*old[:RSP], TOP, *old[RSP + 1 :]), tuple(m.r), m.slots
    a, b = residue(one), residue(other)
    ordinal = m.bases.setdefault(~address, len(m.bases) + 1)
    made = base(ordinal, a if a == b else UNKNOWN)
    registers = list(m.r)
    for n in range(16):
        if n != RSP and registers[n] & KIND == STACK and registers[n] >> 9 & 0x7FFFF == ordinal:
            registers[n] = LOCAL_ADDRESS
    registers[FRAME] = -1
    there = (*old[:RSP], made, *old[RSP + 1 :])
    return there, tuple(registers), _without_base(m.slots, made)


def _without_base(slots: dict[int, int], made: int) -> dict[int, int]:
    """Return the slots without those of a base, whatever its residue."""
    ordinal = made >> 9 & 0x7FFFF
    if made & KIND != STACK or not any(k >> 9 & 0x7FFFF == ordinal for k in slots):
        return slots
    return {k: v for k, v in slots.items() if k >> 9 & 0x7FFFF != ordinal}
