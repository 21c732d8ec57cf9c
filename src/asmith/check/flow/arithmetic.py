"""Instructions that compute: sums, logic, comparisons, and whatever is only followed in outline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Cut
from asmith.check.flow.machine import FLAGS, RSP, SUSPECT
from asmith.check.flow.moves import HIGH, UNSAFE, fetch, guard, low32, part
from asmith.check.flow.owned import UNCHECKED, checked
from asmith.check.flow.partial import asks_again, of_part
from asmith.check.flow.values import (
    BASE,
    CONST,
    ENTRY,
    HALF_ADDRESS,
    JUNK,
    KIND,
    LOCAL,
    MAYBE,
    MULTIPLE,
    MULTIPLE_OF_8,
    RESULT,
    RSP_AT_ENTRY,
    SHIFT,
    STACK,
    SYM,
    TABLE,
    TOP,
    UNDEF,
    constant,
    is_part,
    is_round,
    join,
    number,
    residue,
)

if TYPE_CHECKING:
    from asmith.check.flow.machine import Machine
    from asmith.toolchain.decode import Insn

ZERO = constant(0)
LEGACY = 0xFFFF
"""The vector registers that SSE instructions know: the others have no upper half to clear."""


def add_rspi(m: Machine, e: Insn, at: int) -> None:
    """Move rsp by a constant (`e.c`, negative for sub), the most common sum."""
    value = m.r[e.a]
    m.r[FLAGS] = TOP
    if value & KIND == STACK:
        m.r[RSP] = value = value + (e.c << SHIFT)
        if value < m.lowest and value & BASE == RSP_AT_ENTRY:
            m.lowest = value
    else:
        m.r[RSP] = m.plus(value, constant(e.c))


def add_ri(m: Machine, e: Insn, at: int) -> None:
    """Add a constant to 64 bits; a relocated one is an address."""
    value = m.r[e.a]
    if e.imm_at:
        symbol = m.symbols.absolute(at + e.imm_at)
        if symbol is not None:
            m.r[e.a] = m.plus(symbol, value) if value & KIND == CONST else TOP
            m.r[FLAGS] = TOP
            return
    m.r[FLAGS] = value if m.is_junk(value) else TOP
    m.r[e.a] = at << 4 | UNDEF if value & KIND == UNDEF else m.plus(value, constant(e.c))


def add_rr(m: Machine, e: Insn, at: int) -> None:
    """Add two 64-bit registers."""
    value = m.r[e.a] = m.sum(m.r[e.a], m.r[e.b], at)
    m.r[FLAGS] = value if value & KIND in JUNK else TOP


def sub_rr(m: Machine, e: Insn, at: int) -> None:
    """Subtract two 64-bit registers."""
    one, other = m.r[e.a], m.r[e.b]
    m.r[FLAGS] = TOP
    kind = one & KIND
    if e.a == e.b:
        value = ZERO
    elif other & KIND == CONST:
        value = m.plus(one, constant(-number(other)))
        if value & KIND in JUNK:
            m.r[FLAGS] = value
    elif m.is_junk(one) or m.is_junk(other):
        value = m.r[FLAGS] = (one if m.is_junk(one) else other) >> 4 << 4 | UNDEF
    elif kind == STACK and other & KIND == STACK:
        value = constant((one - other) >> SHIFT) if not (one - other) & ((1 << SHIFT) - 1) else TOP
    elif kind == STACK:
        value = m.moved(one, other, at)
    elif kind in SUSPECT or other & KIND in SUSPECT:
        value = m.sum(one, other, at)
    else:
        value = MULTIPLE if is_round(one) and is_round(other) else TOP
    m.r[e.a] = value


def add_rm(m: Machine, e: Insn, at: int) -> None:
    """Add or subtract 64 bits of memory."""
    value = fetch(m, m.address(e, at), at)
    m.r[FLAGS] = TOP
    if e.name == "add":
        m.r[e.a] = m.sum(m.r[e.a], value, at)
    elif m.r[e.a] & KIND == STACK:
        m.r[e.a] = m.moved(m.r[e.a], value, at)
    elif m.r[e.a] & KIND in SUSPECT or value & KIND in SUSPECT:
        m.r[e.a] = m.sum(m.r[e.a], value, at)
    else:
        m.r[e.a] = TOP


def and_ri(m: Machine, e: Insn, at: int) -> None:
    """Mask 64 bits. An address whose low four bits are cleared begins a realigned frame."""
    value = m.r[e.a]
    mask = e.c
    m.r[FLAGS] = value if m.is_junk(value) else TOP
    kind = value & KIND
    if kind == STACK and mask >= 0 and e.a == RSP:
        m.events.append(Cut(at))
        m.r[RSP] = HALF_ADDRESS
    elif kind == STACK and mask < 0:
        known = residue(value)
        if known < 16 and not known & ~mask & 15 and mask >= -16:
            return
        m.r[e.a] = m.fresh(at, 0 if not mask & 15 else 16)
    elif kind == CONST:
        m.r[e.a] = constant(value >> 4 & mask)
    elif kind in SUSPECT and (made := of_part(m, e, value, TOP, at)) is not None:
        m.r[e.a] = made
    elif kind == MAYBE:
        return
    elif not mask & 15 or value == MULTIPLE:
        m.r[e.a] = MULTIPLE
    else:
        m.r[e.a] = MULTIPLE_OF_8 if mask & 15 == 8 else TOP


def zero(m: Machine, e: Insn, at: int) -> None:
    """Xor r, r and sub r, r: zero, whatever was there (psABI and optimisation manuals agree)."""
    m.r[e.a] = ZERO
    m.r[FLAGS] = TOP


def minus_one(m: Machine, e: Insn, at: int) -> None:
    """Or r, -1."""
    m.r[e.a] = e.c
    m.r[FLAGS] = TOP


def spread_carry(m: Machine, e: Insn, at: int) -> None:
    """Sbb r, r: 0 or -1, from the carry alone."""
    m.r[e.a] = m.r[FLAGS] = UNDEF | at << 4 if m.is_junk(m.r[FLAGS]) else TOP


def alu(m: Machine, e: Insn, at: int) -> None:
    """Whatever else computes one 32- or 64-bit register from itself and another, or a constant.

    `e.b` is the other register or -1. One operand that nobody defined makes a sum undefined; `and`,
    `or` and shifts may keep or drop any of its bits, so that is undefined in part at most.
    """
    value = m.r[e.a]
    if e.a == RSP and e.size < 8:
        m.r[RSP] = MAYBE  # half of a stack address is none
        return
    other = m.r[e.b] if e.b >= 0 else TOP
    if value & KIND in SUSPECT or other & KIND in SUSPECT or m.r[FLAGS] & KIND in JUNK:
        made = of_part(m, e, value, other, at)
        if made is not None:
            m.r[e.a] = made
            m.r[FLAGS] = made if made & KIND == UNDEF else TOP
            return
    m.r[FLAGS] = TOP
    if _is_vague(value) or _is_vague(other):
        m.r[e.a] = value if _is_vague(value) else other
    elif value & KIND == CONST and (other & KIND == CONST or e.b < 0):
        m.r[e.a] = _computed(e, number(value), number(other) if e.b >= 0 else e.c)
    elif e.size < 8 and TABLE in (value & KIND, other & KIND):
        m.r[e.a] = HALF_ADDRESS  # a place to jump to has 64 bits
    else:
        multiple = (e.name == "imul" and e.b < 0 and not e.c & 15) or (
            e.name in ("shl", "sal") and e.b < 0 and e.c >= 4
        )
        multiple = multiple or (
            e.name in ("add", "sub", "neg")
            and is_round(value)
            and (is_round(other) if e.b >= 0 else not e.c & 15)
        )
        multiple = multiple or (
            e.name == "and" and (is_round(value) or (is_round(other) if e.b >= 0 else not e.c & 15))
        )
        m.r[e.a] = MULTIPLE if multiple else TOP


def _is_vague(value: int) -> bool:
    """Tell whether a value may be undefined, and nobody knows how much of it is."""
    return value & KIND == MAYBE and not is_part(value)


def _computed(e: Insn, one: int, other: int) -> int:
    """Return the result of a computation on constants, where it is an easy one."""
    match e.name:
        case "add":
            result = one + other
        case "sub":
            result = one - other
        case "and":
            result = one & other
        case "or":
            result = one | other
        case "xor":
            result = one ^ other
        case "shl" | "sal":
            result = one << (other & 63)
        case "neg":
            result = -one
        case "not":
            result = ~one
        case _:
            return TOP
    return constant(result) if e.size == 8 else low32(constant(result))


def imul3(m: Machine, e: Insn, at: int) -> None:
    """Imul r, r, constant."""
    value = m.r[e.b]
    m.r[FLAGS] = TOP
    if value & KIND in SUSPECT and (made := of_part(m, e, value, TOP, at)) is not None:
        m.r[e.a] = made
    else:
        m.r[e.a] = MULTIPLE if not e.c & 15 else TOP


def imul_m(m: Machine, e: Insn, at: int) -> None:
    """Imul r, memory, constant."""
    address = m.address(e, at)
    m.r[FLAGS] = TOP
    value = m.loaded(address, e.size, at) if address & KIND == STACK else TOP
    m.r[e.a] = value if m.is_junk(value) else TOP


def zero_part(m: Machine, e: Insn, at: int) -> None:
    """Xor r, r of 8 or 16 bits, and what is not followed."""
    m.r[FLAGS] = TOP
    part(m, e, TOP, at)


def alu_part(m: Machine, e: Insn, at: int) -> None:
    """Compute on 8 or 16 bits of a register."""
    _narrow(m, e, m.r[e.b] if e.b >= 0 else TOP, at)


def _narrow(m: Machine, e: Insn, other: int, at: int) -> None:
    """Compute 8 or 16 bits of a register from themselves and another value."""
    value = m.r[e.a]
    m.r[FLAGS] = TOP
    made = None
    if e.c != HIGH and (value & KIND in SUSPECT or other & KIND in SUSPECT):
        made = of_part(m, e, value, other, at)
        if made is not None and made & KIND == UNDEF:
            m.r[FLAGS] = made
    part(m, e, TOP if made is None else made, at)


def alu_load(m: Machine, e: Insn, at: int) -> None:
    """Compute one register from itself and memory."""
    address = m.address(e, at)
    other = m.loaded(address, e.size, at) if address & KIND == STACK else TOP
    if not m.is_junk(other):
        other = TOP
    if e.c < 32:
        _narrow(m, e, other, at)
        return
    value = m.r[e.a]
    m.r[FLAGS] = TOP
    made = None
    if value & KIND in SUSPECT or other & KIND in SUSPECT:
        made = of_part(m, e, value, other, at)
        if made is not None and made & KIND == UNDEF:
            m.r[FLAGS] = made
    if made is None:
        made = value if _is_vague(value) else TOP
    m.r[e.a] = made


def alu_store(m: Machine, e: Insn, at: int) -> None:
    """Compute on memory. A probe of the stack (`or qword [rsp + x], 0`) stores what was there."""
    address = m.address(e, at)
    m.r[FLAGS] = TOP
    kind = address & KIND
    if kind == STACK:
        if e.c == 0 and e.b < 0 and e.name in ("or", "xor", "add", "sub"):
            return
        undefined = m.loaded(address, e.size, at) & KIND in JUNK or (
            e.b >= 0 and m.is_junk(m.r[e.b])
        )
        m.spoil(address, e.size, at, defined=not undefined or e.name in ("and", "or"))
    elif kind == LOCAL:
        m.spread()
    elif kind == SYM:
        guard(m, address, at)
    elif e.b >= 0 and m.r[e.b] & KIND in UNSAFE:
        m.use(m.r[e.b])
        if m.bits(m.r[e.b]) < 8 * e.size:
            m.is_bad(m.r[e.b], at, "operand", e.b)


def cmp_rr(m: Machine, e: Insn, at: int) -> None:
    """Compare two registers; `e.size` bytes of them."""
    one, other = m.r[e.a], m.r[e.b]
    if one & KIND in SUSPECT and _compared(m, e, at, e.a):
        return
    if other & KIND in SUSPECT and e.a != e.b and _compared(m, e, at, e.b):
        return
    if one & KIND == STACK and other & KIND == STACK and RSP in (e.a, e.b):
        m.r[FLAGS] = other if e.a == RSP else one
    else:
        m.r[FLAGS] = TOP


def _compared(m: Machine, e: Insn, at: int, register: int) -> bool:
    """Note an operand of a comparison that is undefined; tell whether the flags are, too.

    A comparison of all 64 bits counts; one of fewer does where its flags are used.
    """
    value = m.r[register]
    if value & KIND == RESULT:
        if value & UNCHECKED:
            checked(m, value)
            value &= ~UNCHECKED
        zero = e.name == "test" or (e.b < 0 and e.c == 0)
        if zero and e.size == 8 and not value >> 4 & 1:
            m.r[FLAGS] = value
            return True
    if (
        e.size == 8
        and (e.name == "cmp" or e.a == e.b)
        and m.is_bad(value, at, "comparison", register)
    ):
        m.r[FLAGS] = value >> 4 << 4 | UNDEF
        return True
    if m.is_junk(value):
        m.r[FLAGS] = at << 4 | UNDEF
        return True
    if value & KIND == MAYBE:
        if is_part(value):
            if m.bits(value) >= 8 * e.size or not m.paths:
                return False
            value = at << 4 | UNDEF
        m.r[FLAGS] = value
        return True
    if value & KIND == ENTRY:
        m.used |= 1 << (value >> 4)
    return False


def cmp_ri(m: Machine, e: Insn, at: int) -> None:
    """Compare a register with a constant."""
    if m.r[e.a] & KIND in SUSPECT and _compared(m, e, at, e.a):
        return
    m.r[FLAGS] = TOP


def cmp_m(m: Machine, e: Insn, at: int) -> None:
    """Compare memory with a register or a constant."""
    address = m.address(e, at)
    if address & KIND == STACK and m.loaded(address, e.size, at) & KIND in JUNK:
        m.r[FLAGS] = at << 4 | UNDEF
        return
    if e.a >= 0 and m.r[e.a] & KIND in SUSPECT and _compared(m, e, at, e.a):
        return
    m.r[FLAGS] = TOP


def setcc(m: Machine, e: Insn, at: int) -> None:
    """Make a byte of a condition."""
    if m.r[FLAGS] & KIND in UNSAFE:
        m.is_bad(m.r[FLAGS], at, "condition", FLAGS)
    if e.memory:
        address = m.address(e, at)
        if address & KIND == STACK:
            m.spoil(address, 1, at)
    else:
        part(m, e, TOP, at)


def cmov(m: Machine, e: Insn, at: int) -> None:
    """Move on a condition: either of two values."""
    if m.r[FLAGS] & KIND in UNSAFE:
        m.is_bad(m.r[FLAGS], at, "condition", FLAGS)
    value, kept = m.r[e.b], m.r[e.a]
    if m.paths and (m.is_junk(value) or m.is_junk(kept)) and not asks_again(m.seen, at):
        m.r[e.a] = at << 4 | UNDEF  # no condition is known to keep it out
    else:
        m.r[e.a] = join(kept, value if e.c else low32(value))


def cmov_m(m: Machine, e: Insn, at: int) -> None:
    """Load on a condition."""
    if m.r[FLAGS] & KIND in UNSAFE:
        m.is_bad(m.r[FLAGS], at, "condition", FLAGS)
    m.r[e.a] = join(m.r[e.a], fetch(m, m.address(e, at), at) if e.c else TOP)
