"""What is followed in outline only: by what an instruction reads and writes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asmith.check.flow.arithmetic import LEGACY, ZERO
from asmith.check.flow.events import Junk, Misaligned
from asmith.check.flow.machine import SOME_VECTORS, SUSPECT, UPPER, VECTORS
from asmith.check.flow.moves import guard, vector_in
from asmith.check.flow.values import (
    CONST,
    ENTRY,
    KIND,
    LOCAL,
    SHIFT,
    STACK,
    SYM,
    TOP,
    UNDEF,
    UNKNOWN,
    constant,
    number,
    residue,
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
        if r[n] & KIND in SUSPECT and m.bits(r[n]) < (e.c if m.paths else 1):
            junk = True
    if e.base != -1 or e.index != -1 or e.disp_at:
        address = m.address(e, at)
        if e.b:
            look_at_alignment(m, address, e.b, at)
        if e.stores:
            kind = address & KIND
            if kind == STACK:
                m.spoil(address, e.size or 8, at, defined=not (e.a and e.vreads & r[VECTORS]))
            elif kind == SYM:
                guard(m, address, at)
            else:
                if kind == LOCAL:
                    m.spread()
                missing = e.vreads & m.lacking() if kind != LOCAL or (e.a and m.paths) else 0
                if missing:
                    m.events.append(Junk(at, "store", vector_in(missing), UNDEF))
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


def look_at_alignment(m: Machine, address: int, needed: int, at: int) -> None:
    """Note an address that is known not to be a multiple of what the instruction needs.

    Of an address in the frame only the residue modulo 16 is known.
    """
    kind = address & KIND
    if kind in (STACK, LOCAL):
        left = residue(address)
        if left < UNKNOWN and left:
            m.events.append(Misaligned(at, needed, left))
    elif kind == SYM:
        left = m.symbols.residue(address, needed)
        if left:
            m.events.append(Misaligned(at, needed, left))


def vector(m: Machine, e: Insn, at: int) -> None:
    """Follow which vector registers hold something.

    A sum of what nobody defined is undefined; of shuffles, conversions that keep the upper part and
    the like only as much is known as that they write.
    """
    r = m.r
    junk = e.vsources & r[VECTORS]
    if m.paths and e.a and e.vsources & m.lacking() and _NUMBER.match(e.name):
        missing = vector_in(e.vsources & m.lacking())
        m.events.append(Junk(at, "operand", missing, UNDEF))
    if e.a and r[SOME_VECTORS]:
        some = e.vsources & r[SOME_VECTORS]
        r[SOME_VECTORS] = r[SOME_VECTORS] | e.vwrites if some else r[SOME_VECTORS] & ~e.vwrites
    else:
        r[SOME_VECTORS] &= ~e.vwrites
    if e.a and junk:
        r[VECTORS] |= e.vwrites
        for register in e.changed:
            r[register] = at << 4 | UNDEF
        return
    r[VECTORS] &= ~e.vwrites
    if e.a and e.vwrites and e.base >= 0 and e.index == -1 and r[e.base] & KIND == STACK:
        address = r[e.base] + (e.disp << SHIFT)
        scalar = bool(m.paths) and e.name[-2:] in ("sd", "ss")  # a number has no holes
        if m.is_junk(m.loaded(address, e.size, at, partly=scalar)):
            r[VECTORS] |= e.vwrites


_NUMBER = re.compile(r"v?(?:add|sub|mul|div|fn?m(?:add|sub)(?:132|213|231))[sp][sd]$")
"""Arithmetic on numbers, whose operands all count."""


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
