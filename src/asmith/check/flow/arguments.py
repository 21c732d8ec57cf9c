"""What a call passes: arguments that hold nothing, and the frame's address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow import moves
from asmith.check.flow.events import Junk
from asmith.check.flow.machine import RSP, SUSPECT, VECTORS, Machine
from asmith.check.flow.moves import UNSAFE
from asmith.check.flow.values import ENTRY, KIND, LOCAL, STACK, UNDEF

if TYPE_CHECKING:
    from asmith.check.flow.contracts import Convention


def look_at_arguments(m: Machine, at: int, convention: Convention | None) -> None:
    """Note arguments that hold nothing, and whether the callee learns where the frame is."""
    r = m.r
    if convention is None:
        m.escaped = m.escaped or any(r[n] & KIND in (STACK, LOCAL) for n in range(16) if n != RSP)
        return
    for argument in convention.arguments:
        for number, register in enumerate(argument.registers):
            value = r[register]
            if value & KIND in (STACK, LOCAL):
                m.escaped = True
            elif value & KIND in SUSPECT and (
                argument.size - 8 * number >= 8 or value & KIND in UNSAFE
            ):
                _argument(m, at, argument.size - 8 * number, register)
        missing = sum(1 << n for n in argument.vectors) & r[VECTORS]
        if missing:
            m.events.append(Junk(at, "argument", moves.vector_in(missing), UNDEF))
    if convention.variadic and r[0] & KIND in UNSAFE:
        m.is_bad(r[0], at, "vectors", 0)


def _argument(m: Machine, at: int, size: int, register: int) -> None:
    """Note an argument of `size` bytes that is undefined; a narrow one is only half a register."""
    value = m.r[register]
    if size >= 8 or value & KIND != ENTRY or m.is_junk(value):
        m.is_bad(value, at, "argument", register)
