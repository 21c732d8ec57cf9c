"""What a call passes: arguments that hold nothing, and the frame's address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow import callees, moves
from asmith.check.flow.contracts import NUMBERS
from asmith.check.flow.events import Junk, Unchecked
from asmith.check.flow.machine import FRAME, RSP, SUSPECT, WHOLE, Machine
from asmith.check.flow.moves import UNSAFE
from asmith.check.flow.owned import UNCHECKED, release
from asmith.check.flow.summary import look_at_frame
from asmith.check.flow.values import (
    KIND,
    LOCAL,
    MAYBE,
    RESULT,
    SHIFT,
    STACK,
    UNDEF,
    is_part,
    parameter_place,
)
from asmith.model.contract import Named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asmith.check.flow.contracts import Argument, Convention
    from asmith.check.flow.summary import Summary
    from asmith.toolchain.decode import Insn


def look_at_arguments(m: Machine, at: int, convention: Convention | None) -> None:
    """Note arguments that hold nothing, and whether the callee learns where the frame is."""
    r = m.r
    if convention is None:
        look_at_frame(m)
        return
    for argument in convention.arguments:
        for number, register in enumerate(argument.registers):
            value = r[register]
            if value & KIND in (STACK, LOCAL):
                r[FRAME] = -1
            elif value & KIND in SUSPECT:
                _argument(m, at, argument, number)
        if argument.stack is not None and r[RSP] & KIND == STACK:
            key = r[RSP] + (argument.stack << SHIFT)
            value = m.loaded(key, min(argument.size, 8), at)
            if m.is_junk(value):
                m.is_bad(value, at, "argument", -1)
        missing = sum(1 << n for n in argument.vectors) & m.lacking()
        if missing:
            m.events.append(Junk(at, "argument", moves.vector_in(missing), UNDEF))
    for register in convention.releases:
        release(m, r[register])
    if convention.variadic and r[0] & KIND in UNSAFE:
        m.is_bad(r[0], at, "vectors", 0)


def _argument(m: Machine, at: int, argument: Argument, number: int) -> None:
    """Note a part of an argument that is undefined; of a narrow one only its own bits count."""
    register = argument.registers[number]
    value = m.r[register]
    needed = 8 * min(argument.size - 8 * number, 8)
    if is_part(value) and isinstance(argument.type, Named):
        return  # a structure may have holes
    whole = needed == WHOLE or value & KIND == MAYBE
    if m.bits(value) < needed or (whole and not is_part(value)):
        m.is_bad(value, at, "needed" if argument.not_null else "argument", register)
    elif value & KIND == RESULT and value & UNCHECKED:
        m.events.append(Unchecked(at, "argument", register, value))


def look_at_needs(m: Machine, at: int, summary: Summary) -> None:
    """Note registers that hold nothing and that a callee of this object reads."""
    for register in range(16):
        if summary.reads >> register & 1:
            value = m.r[register]
            address = summary.follows >> register & 1 and m.bits(value) < WHOLE
            if m.is_junk(value) or address:
                m.is_bad(value, at, "argument", register)
            else:
                m.use(value)
    missing = summary.vector_reads & m.lacking()
    if missing:
        m.events.append(Junk(at, "argument", moves.vector_in(missing), UNDEF))


def look_at_special(m: Machine, at: int, name: str) -> None:
    """Look at a call by name of what does more than other functions: `setjmp`, or a thunk."""
    if name in callees.TWICE:
        m.r[FRAME] = -1  # what is stored later may be there when it returns once more
    elif name.startswith(callees.INDIRECT_THUNK):
        register = NUMBERS.get(name[len(callees.INDIRECT_THUNK) :], RSP)
        if m.r[register] & KIND in UNSAFE:
            m.is_bad(m.r[register], at, "call", register)


def called_through(own: Convention | None, registers: Sequence[int], e: Insn) -> Convention | None:
    """Return what an indirect call calls by the type of an argument, or of a field there."""
    register = e.base if e.memory else e.operands[0][1]
    if register < 0 or (e.memory and (e.index != -1 or e.segment or e.disp_at)):
        return None
    place = parameter_place(registers[register])
    for argument in own.arguments if own is not None and place is not None else ():
        if place is not None and argument.registers == (place[0],):
            if e.memory:
                return argument.callees.get(place[1] + e.disp)
            return argument.callees.get(None) if not place[1] else None
    return None
