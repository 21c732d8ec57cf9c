"""What is followed in outline only: by what an instruction reads and writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.arithmetic import LEGACY, ZERO
from asmith.check.flow.events import Junk
from asmith.check.flow.machine import SUSPECT, UPPER, VECTORS
from asmith.check.flow.moves import guard, vector_in
from asmith.check.flow.values import (
    CONST,
    ENTRY,
    JUNK,
    KIND,
    LOCAL,
    SHIFT,
    STACK,
    SYM,
    TOP,
    UNDEF,
    constant,
    number,
)

if TYPE_CHECKING:
    from asmith.check.flow.machine import Machine
    from asmith.toolchain.decode import Insn


def generic(m: Machine, e: Insn, at: int) -> None:
    """Anything else: what it writes is defined afterwards, and nothing more is known of it.

    Of some it is known that their results come from certain registers alone.
    """
    r = m.r
    junk = False
    for n in e.sources:
        if r[n] & KIND == ENTRY:
            m.used |= 1 << (r[n] >> 4)
        junk = junk or m.is_junk(r[n])
    if e.base != -1 or e.index != -1 or e.disp_at:
        address = m.address(e, at)
        if e.stores:
            kind = address & KIND
            if kind == STACK:
                m.spoil(address, e.size or 8, at)
                if e.a and e.vreads & r[VECTORS] and not address >> SHIFT & 7:
                    m.mine()[address] = at << 4 | UNDEF
            elif kind == LOCAL:
                m.spread()
            elif kind == SYM:
                guard(m, address, at)
            elif e.vreads & r[VECTORS]:
                m.events.append(Junk(at, "store", vector_in(e.vreads & r[VECTORS]), UNDEF))
    for register in e.changed:
        r[register] = TOP
    if junk:
        for register in e.changed:
            r[register] = at << 4 | UNDEF
        r[VECTORS] |= e.vwrites
    elif e.vector:
        vector(m, e, at)
        if e.width > 16 and e.vwrites & LEGACY:
            r[UPPER] = 1


def vector(m: Machine, e: Insn, at: int) -> None:
    """Follow which vector registers hold something.

    A sum of what nobody defined is undefined; of shuffles, conversions that keep the upper part and
    the like only as much is known as that they write.
    """
    r = m.r
    junk = e.vreads & r[VECTORS]
    if e.a and junk:
        r[VECTORS] |= e.vwrites
        for register in e.changed:
            r[register] = at << 4 | UNDEF
        return
    r[VECTORS] &= ~e.vwrites
    if e.a and e.vwrites and e.base >= 0 and r[e.base] & KIND == STACK and e.index == -1:
        found = m.slots.get(r[e.base] + (e.disp << SHIFT), TOP)
        if found & KIND in JUNK:
            r[VECTORS] |= e.vwrites
    if e.a and m.unwritten and e.vwrites and not e.vreads and e.base >= 0:
        address = m.address(e, at)
        if address & KIND == STACK and m.blank(address, e.size, at) & KIND == UNDEF:
            r[VECTORS] |= e.vwrites
    elif e.a and e.vwrites and e.base >= 0 and e.index == -1:
        address = r[e.base]
        if address & KIND == STACK:
            m.blank(address + (e.disp << SHIFT), e.size, at)


def string(m: Machine, e: Insn, at: int) -> None:
    """movs, stos, lods, scas, cmps: rdi and rsi move on, rcx counts down."""
    r = m.r
    if e.stores:
        address = r[7]
        kind = address & KIND
        if kind == STACK:
            count = r[1] if e.rep else constant(1)
            if count & KIND == CONST and 0 <= number(count) < 4096:
                m.spoil(address, number(count) * e.size, at)
            m.spread()
        elif kind == LOCAL:
            m.spread()
        elif address & KIND in SUSPECT:
            m.is_bad(address, at, "address", 7)
    for register in e.changed:
        if register in (6, 7) and r[register] & KIND in (STACK, LOCAL):
            r[register] = LOCAL
        else:
            r[register] = TOP
    if e.rep:
        r[1] = ZERO if not e.name.startswith(("scas", "cmps")) else TOP
