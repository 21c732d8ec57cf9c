"""Instructions that move values: mov, lea, movzx, push, pop, xchg, cmov."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Cut, Junk, ReadOnly
from asmith.check.flow.machine import (
    EIGHT,
    FIRST_VECTOR,
    FRAME,
    RSP,
    SUSPECT,
    VECTORS,
    WHOLE,
)  # fmt: skip
from asmith.check.flow.owned import let_go
from asmith.check.flow.values import (
    AREA,
    BASE,
    CONST,
    ENTRY,
    HALF_ADDRESS,
    JUNK,
    KIND,
    LOADED,
    LOCAL,
    MAYBE,
    RESULT,
    ROUND,
    RSP_AT_ENTRY,
    SHIFT,
    STACK,
    STALE,
    SYM,
    TABLE,
    TOP,
    UNDEF,
    UNSIGNED,
    WIDE,
    constant,
    defined_below,
    is_part,
    residue,
)  # fmt: skip

if TYPE_CHECKING:
    from asmith.check.flow.machine import Machine
    from asmith.toolchain.decode import Insn

UNSAFE = frozenset({STALE, UNDEF, MAYBE, ENTRY})
_PLAIN = frozenset({TOP, LOADED})
HIGH = 0
"""In `e.c`: the destination is ah, bh, ch or dh."""
NARROW = 1 << 4
"""Of a RESULT value: its upper half is undefined."""
MASK32 = (1 << 32) - 1


def low32(value: int) -> int:
    """Return the low 32 bits of a value, zero-extended as every 32-bit result is."""
    kind = value & KIND
    if kind == CONST:
        return constant(value >> 4 & MASK32)
    if kind == MAYBE:
        return TOP if 32 <= value >> 4 < WHOLE else value
    if kind in JUNK or kind in (ROUND, SYM):
        return value
    if kind == TABLE:
        return value | UNSIGNED
    if kind == RESULT:
        return value & ~NARROW
    return HALF_ADDRESS if kind == STACK else TOP


def vector_in(mask: int) -> int:
    """Return the number by which events know the first vector register of a mask."""
    return FIRST_VECTOR + (mask & -mask).bit_length() - 1


def nothing(m: Machine, e: Insn, at: int) -> None:
    """Do nothing: nop and the like."""


def mov_rr(m: Machine, e: Insn, at: int) -> None:
    """Move 64 bits between registers."""
    m.r[e.a] = m.r[e.b]


def mov_rsp(m: Machine, e: Insn, at: int) -> None:
    """Set rsp; an address in the frame that is not known exactly begins a new part of it."""
    value = m.r[e.b]
    if value & KIND == LOCAL:
        value = m.fresh(at, residue(value))
        m.r[FRAME] = -1
    elif value == HALF_ADDRESS:
        m.events.append(Cut(at))
    elif value & KIND in UNSAFE:
        m.is_bad(value, at, "address", e.b)
    m.r[RSP] = value


def mov_rr32(m: Machine, e: Insn, at: int) -> None:
    """Move 32 bits between registers."""
    r, value = m.r, m.r[e.b]
    if value & KIND == ENTRY and not m.given >> (value >> 4) & 1:
        r[e.a] = at << 4 | UNDEF
    else:
        if m.paths:
            m.use(value)
        r[e.a] = low32(value)


def cut_rsp(m: Machine, e: Insn, at: int) -> None:
    """Write less than 64 bits of rsp."""
    if m.r[RSP] != HALF_ADDRESS:
        m.events.append(Cut(at))
    m.r[RSP] = HALF_ADDRESS


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
            found = m.slots.get(key)
            m.r[e.a] = m.blank(key, 8, at) if found is None else found
    elif value in _PLAIN:
        m.r[e.a] = LOADED
    else:
        m.r[e.a] = fetch(m, m.address(e, at), at)


def fetch(m: Machine, address: int, at: int) -> int:
    """Return the 8 bytes at an address."""
    kind = address & KIND
    if kind == STACK:
        return m.take(address, at)
    if kind == SYM:
        value = m.symbols.loaded(address)
        return value if value != TOP else address >> 4 << 5 | WIDE | TABLE
    if kind == AREA:
        return address >> 4 << 5 | WIDE | TABLE
    return LOADED


def load32(m: Machine, e: Insn, at: int) -> None:
    """Load 32 bits; `e.c` says that they become 64 by their sign, as a distance in a table must."""
    address = m.address(e, at)
    kind = address & KIND
    if kind == STACK:
        found = m.slots.get(address)
        m.r[e.a] = low32(m.blank(address, 4, at) if found is None else found)
    elif kind in (AREA, SYM):
        m.r[e.a] = address >> 4 << 5 | TABLE | (0 if e.c else UNSIGNED)
    else:
        m.r[e.a] = TOP


def load_narrow(m: Machine, e: Insn, at: int) -> None:
    """Load 8 or 16 bits, extended."""
    address = m.address(e, at)
    value = TOP
    if address & KIND == STACK:
        value = m.slots.get(address - ((address >> SHIFT & 7) << SHIFT), LOADED)
        if value == LOADED:
            value = m.blank(address, e.size or 1, at)
    m.r[e.a] = value if value & KIND in JUNK else TOP


def load_part(m: Machine, e: Insn, at: int) -> None:
    """Load 8 or 16 bits into a part of a register."""
    address = m.address(e, at)
    value = m.loaded(address, e.size or 1, at) if address & KIND == STACK else TOP
    part(m, e, value, at)


def part(m: Machine, e: Insn, value: int, at: int) -> None:
    """Write the low 8 or 16 bits of a register (`e.a`, `e.c`); what is above keeps its say."""
    old = m.r[e.a]
    if e.a == RSP:
        m.r[RSP] = TOP
    elif old & KIND not in SUSPECT and value & KIND not in SUSPECT:
        m.r[e.a] = TOP
    else:
        above, low = m.bits(old), m.bits(value)
        if e.c == HIGH:
            m.r[e.a] = old if above <= 8 else TOP
        elif low >= e.c:
            m.r[e.a] = defined_below(max(above, e.c), WHOLE, at)
        else:
            m.r[e.a] = defined_below(low, WHOLE, at) if m.paths or not above else MAYBE


def mov_part(m: Machine, e: Insn, at: int) -> None:
    """Move 8 or 16 bits between registers."""
    part(m, e, m.r[e.b], at)


def mov_part_i(m: Machine, e: Insn, at: int) -> None:
    """Move a constant into 8 or 16 bits of a register."""
    part(m, e, TOP, at)


def extend(m: Machine, e: Insn, at: int) -> None:
    """Movzx and movsx between registers, cdqe and its kin, of `e.c` bits."""
    value = m.r[e.b]
    kind = value & KIND
    if kind not in SUSPECT:
        m.r[e.a] = value & ~UNSIGNED if kind == TABLE and e.name != "movzx" else TOP
    elif kind == MAYBE and not is_part(value):
        m.r[e.a] = value
    else:
        m.use(value)
        bits = m.bits(value)
        m.r[e.a] = TOP if bits >= e.c else defined_below(bits, WHOLE, at)


def store64(m: Machine, e: Insn, at: int) -> None:
    """Store 64 bits of a register."""
    store(m, m.address(e, at), m.r[e.b], at, e.b)


def store64_i(m: Machine, e: Insn, at: int) -> None:
    """Store a 64-bit constant."""
    value = e.c
    if e.imm_at:
        symbol = m.symbols.absolute(at + e.imm_at)
        value = e.c if symbol is None else symbol
    store(m, m.address(e, at), value, at)


def guard(m: Machine, address: int, at: int) -> None:
    """Note a store into what cannot be written."""
    section = m.symbols.read_only(address)
    if section:
        m.events.append(ReadOnly(at, section))


def store(m: Machine, address: int, value: int, at: int, register: int = -1) -> None:
    """Store 8 bytes at an address."""
    kind = address & KIND
    if kind == STACK:
        m.put(address, value, at)
    elif kind == LOCAL:
        m.spread()
        let_go(m, value)
        if value & KIND in JUNK and m.paths:
            m.is_bad(value, at, "store", register)
    else:
        if kind == SYM:
            guard(m, address, at)
        if value & KIND in UNSAFE:
            m.is_bad(value, at, "store", register)
        elif m.r[m.OWNED]:
            let_go(m, value)


def store_narrow(m: Machine, e: Insn, at: int) -> None:
    """Store what is not followed: fewer or more than 8 bytes."""
    address = m.address(e, at)
    kind = address & KIND
    if kind == STACK:
        junk = m.is_junk(m.r[e.b]) if e.b >= 0 else e.vreads & m.r[VECTORS]
        m.spoil(address, e.size, at, defined=not junk)
    elif kind == LOCAL:
        m.spread()
        if e.b >= 0 and m.r[e.b] & KIND in JUNK and m.paths:
            m.is_bad(m.r[e.b], at, "store", e.b)
    elif kind == SYM:
        guard(m, address, at)
    elif e.b >= 0 and m.r[e.b] & KIND in UNSAFE:
        m.use(m.r[e.b])
        if m.bits(m.r[e.b]) < 8 * e.size or (not is_part(m.r[e.b]) and m.r[e.b] & KIND == MAYBE):
            m.is_bad(m.r[e.b], at, "part", e.b)
    elif e.vector and e.vreads & m.lacking():
        m.events.append(Junk(at, "store", vector_in(e.vreads & m.lacking()), UNDEF))


def lea(m: Machine, e: Insn, at: int) -> None:
    """Compute an address."""
    value = _computed(m, e, at)
    if e.a == RSP and value & KIND == LOCAL:
        value = m.fresh(at, residue(value))
        m.r[FRAME] = -1
    m.r[e.a] = value


def lea32(m: Machine, e: Insn, at: int) -> None:
    """Compute an address and keep 32 or 16 bits of it: it is a number, and leads nowhere."""
    followed = m.followed
    m.r[e.a] = low32(_computed(m, e, at))
    m.followed = followed


def _computed(m: Machine, e: Insn, at: int) -> int:
    """Return an address that is not used yet, so whatever goes into it does not count yet."""
    for register in (e.base, e.index):
        value = m.r[register] if register >= 0 else TOP
        if value & KIND in SUSPECT:
            if value & KIND == MAYBE:
                return value
            if m.is_junk(value):
                return at << 4 | UNDEF
            if e.index != -1 and m.bits(value) < WHOLE:
                return defined_below(m.bits(value), WHOLE, at)
    before = len(m.events)
    value = m.address(e, at)
    del m.events[before:]
    return value


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
        if rsp < m.lowest and rsp & BASE == RSP_AT_ENTRY:
            m.lowest = rsp
        m.put(rsp, value, at)


def pop_r(m: Machine, e: Insn, at: int) -> None:
    """Pop a register."""
    rsp = m.r[RSP]
    if rsp & KIND == STACK:
        value = m.slots.get(rsp)
        m.r[RSP] = rsp + EIGHT
        m.r[e.a] = m.blank(rsp, 8, at) if value is None else value
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
