"""Instructions that move values: mov, lea, movzx, push, pop, xchg, cmov."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Junk
from asmith.check.flow.machine import EIGHT, FLAGS, RSP
from asmith.check.flow.values import (
    AREA,
    BASE,
    CONST,
    ENTRY,
    JUNK,
    KIND,
    LOCAL,
    MAYBE,
    ROUND,
    SHIFT,
    STACK,
    SYM,
    TABLE,
    TOP,
    UNKNOWN,
    constant,
    join,
)

if TYPE_CHECKING:
    from asmith.check.flow.machine import Machine
    from asmith.toolchain.decode import Insn

MASK32 = (1 << 32) - 1


def low32(value: int) -> int:
    """Return the low 32 bits of a value, zero-extended as every 32-bit result is."""
    kind = value & KIND
    if kind == CONST:
        return constant(value >> 4 & MASK32)
    if kind in JUNK or kind in (TABLE, ROUND, MAYBE, SYM):
        return value
    return TOP


def nothing(m: Machine, e: Insn, at: int) -> None:
    """Do nothing: nop and the like."""


def mov_rr(m: Machine, e: Insn, at: int) -> None:
    """Move 64 bits between registers."""
    m.r[e.a] = m.r[e.b]


def mov_rsp(m: Machine, e: Insn, at: int) -> None:
    """Set rsp; an address in the frame that is not known exactly begins a new part of it."""
    value = m.r[e.b]
    m.r[RSP] = m.fresh(at, UNKNOWN) if value & KIND == LOCAL else value


def mov_rr32(m: Machine, e: Insn, at: int) -> None:
    """Move 32 bits between registers."""
    r, value = m.r, m.r[e.b]
    if value & KIND == ENTRY and not m.given >> (value >> 4) & 1:
        r[e.a] = value
    else:
        r[e.a] = low32(value)


def mov_ri(m: Machine, e: Insn, at: int) -> None:
    """Load a constant, which may be an address that the linker fills in."""
    if e.imm_at:
        symbol = m.symbols.absolute(at + e.imm_at)
        if symbol is not None:
            m.r[e.a] = symbol
            return
    m.r[e.a] = e.c


def load64(m: Machine, e: Insn, at: int) -> None:
    """Load 64 bits."""
    m.r[e.a] = fetch(m, m.address(e, at), at)


def load64_frame(m: Machine, e: Insn, at: int) -> None:
    """Load 64 bits from a base register and a displacement, the most common load."""
    value = m.r[e.base]
    if value & KIND == STACK:
        key = value + (e.disp << SHIFT)
        below = m.r[RSP] - key
        if below > 0 and not below & BASE:
            m.r[e.a] = m.take(key, at)
        else:
            m.r[e.a] = m.slots.get(key, TOP)
    elif value == TOP:
        m.r[e.a] = TOP
    else:
        m.r[e.a] = fetch(m, m.address(e, at), at)


def fetch(m: Machine, address: int, at: int) -> int:
    """Return the 8 bytes at an address."""
    kind = address & KIND
    if kind == STACK:
        return m.take(address, at)
    if kind == SYM:
        value = m.symbols.loaded(address)
        return value if value != TOP else address >> 4 << 4 | TABLE
    if kind == AREA:
        return address >> 4 << 4 | TABLE
    return TOP


def load32(m: Machine, e: Insn, at: int) -> None:
    """Load 32 bits, zero- or sign-extended."""
    address = m.address(e, at)
    kind = address & KIND
    if kind == STACK:
        m.r[e.a] = low32(m.take(address, at)) if not address >> SHIFT & 7 else TOP
    elif kind in (AREA, SYM):
        m.r[e.a] = address >> 4 << 4 | TABLE
    else:
        m.r[e.a] = TOP


def load_narrow(m: Machine, e: Insn, at: int) -> None:
    """Load 8 or 16 bits, extended."""
    m.address(e, at)
    m.r[e.a] = TOP


def load_part(m: Machine, e: Insn, at: int) -> None:
    """Load 8 or 16 bits into a part of a register."""
    m.address(e, at)
    part(m, e.a, TOP)


def part(m: Machine, register: int, value: int) -> None:
    """Write the low 8 or 16 bits of a register; what is above them keeps its say."""
    old = m.r[register]
    if register == RSP:
        m.r[RSP] = TOP
    elif old & KIND == CONST and value & KIND == CONST:
        m.r[register] = TOP
    elif m.is_junk(value) and m.is_junk(old):
        return
    else:
        m.r[register] = TOP


def mov_part(m: Machine, e: Insn, at: int) -> None:
    """Move 8 or 16 bits between registers."""
    part(m, e.a, m.r[e.b])


def mov_part_i(m: Machine, e: Insn, at: int) -> None:
    """Move a constant into 8 or 16 bits of a register."""
    part(m, e.a, TOP)


def extend(m: Machine, e: Insn, at: int) -> None:
    """Movzx and movsx between registers, cdqe and its kin."""
    value = m.r[e.b]
    m.r[e.a] = value if m.is_junk(value) or value & KIND in (TABLE, MAYBE) else TOP


def store64(m: Machine, e: Insn, at: int) -> None:
    """Store 64 bits of a register."""
    store(m, m.address(e, at), m.r[e.b], at)


def store64_i(m: Machine, e: Insn, at: int) -> None:
    """Store a 64-bit constant."""
    value = e.c
    if e.imm_at:
        symbol = m.symbols.absolute(at + e.imm_at)
        value = e.c if symbol is None else symbol
    store(m, m.address(e, at), value, at)


def store(m: Machine, address: int, value: int, at: int) -> None:
    """Store 8 bytes at an address."""
    kind = address & KIND
    if kind == STACK:
        m.put(address, value, at)
    elif kind == LOCAL:
        m.spread()
    else:
        k = value & KIND
        if k in JUNK or (k == ENTRY and not m.given >> (value >> 4) & 1):
            m.events.append(Junk(at, "store", -1, value))


def store_narrow(m: Machine, e: Insn, at: int) -> None:
    """Store what is not followed: fewer or more than 8 bytes."""
    address = m.address(e, at)
    kind = address & KIND
    if kind == STACK:
        m.spoil(address, e.size, at)
    elif kind == LOCAL:
        m.spread()
    elif e.b >= 0 and m.is_junk(m.r[e.b]):
        m.events.append(Junk(at, "store", e.b, m.r[e.b]))


def lea(m: Machine, e: Insn, at: int) -> None:
    """Compute an address."""
    before = len(m.events)
    value = m.address(e, at)
    if len(m.events) > before:  # no sink: the address is not used yet
        del m.events[before:]
        value = m.r[e.base] if e.base >= 0 and m.is_junk(m.r[e.base]) else m.r[e.index]
    if e.a == RSP and value & KIND == LOCAL:
        value = m.fresh(at, UNKNOWN)
    m.r[e.a] = value


def lea32(m: Machine, e: Insn, at: int) -> None:
    """Compute an address and keep 32 or 16 bits of it."""
    before = len(m.events)
    value = m.address(e, at)
    if len(m.events) > before:
        del m.events[before:]
        value = m.r[e.base] if e.base >= 0 and m.is_junk(m.r[e.base]) else m.r[e.index]
    m.r[e.a] = low32(value)


def push_r(m: Machine, e: Insn, at: int) -> None:
    """Push a register."""
    push(m, m.r[e.a], at)


def push_i(m: Machine, e: Insn, at: int) -> None:
    """Push a constant."""
    push(m, e.c, at)


def push_m(m: Machine, e: Insn, at: int) -> None:
    """Push 8 bytes of memory."""
    push(m, fetch(m, m.address(e, at), at), at)


def push(m: Machine, value: int, at: int) -> None:
    """Push a value."""
    rsp = m.r[RSP]
    if rsp & KIND == STACK:
        rsp -= EIGHT
        m.r[RSP] = rsp
        m.put(rsp, value, at)


def pop_r(m: Machine, e: Insn, at: int) -> None:
    """Pop a register."""
    rsp = m.r[RSP]
    if rsp & KIND == STACK:
        value = m.slots.get(rsp, TOP)
        m.r[RSP] = rsp + EIGHT
        m.r[e.a] = value
    else:
        m.r[e.a] = TOP


def pop_m(m: Machine, e: Insn, at: int) -> None:
    """Pop into memory; the address counts after the pop."""
    rsp = m.r[RSP]
    value = TOP
    if rsp & KIND == STACK:
        value = m.slots.get(rsp, TOP)
        m.r[RSP] = rsp + EIGHT
    store(m, m.address(e, at), value, at)


def leave(m: Machine, e: Insn, at: int) -> None:
    """Undo a frame: rsp := rbp, pop rbp."""
    r = m.r
    rsp = r[5]
    r[RSP] = rsp
    if rsp & KIND == STACK:
        r[5] = m.slots.get(rsp, TOP)
        r[RSP] = rsp + EIGHT
    else:
        r[5] = TOP


def xchg_rr(m: Machine, e: Insn, at: int) -> None:
    """Exchange two registers."""
    r = m.r
    r[e.a], r[e.b] = r[e.b], r[e.a]


def xchg_rr32(m: Machine, e: Insn, at: int) -> None:
    """Exchange the low halves of two registers."""
    r = m.r
    r[e.a], r[e.b] = low32(r[e.b]), low32(r[e.a])


def cmov(m: Machine, e: Insn, at: int) -> None:
    """Move on a condition: either of two values."""
    if m.is_junk(m.r[FLAGS]):
        m.events.append(Junk(at, "condition", FLAGS, m.r[FLAGS]))
    value = m.r[e.b]
    m.r[e.a] = join(m.r[e.a], value if e.c else low32(value))


def cmov_m(m: Machine, e: Insn, at: int) -> None:
    """Load on a condition."""
    if m.is_junk(m.r[FLAGS]):
        m.events.append(Junk(at, "condition", FLAGS, m.r[FLAGS]))
    m.r[e.a] = join(m.r[e.a], fetch(m, m.address(e, at), at) if e.c else TOP)
