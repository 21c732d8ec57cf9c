"""The inner loops of the analysis: in C, where `_loops.c` was built, else here in Python.

What is built does the common cases and calls the functions of this package for all others, so that
it and they give the same results.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from asmith.check.flow import arithmetic, events, joining, moves, summary
from asmith.check.flow.machine import Machine
from asmith.toolchain.insn import Insn

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.check.flow.block import Block
    from asmith.check.flow.joining import Registers
    from asmith.check.flow.machine import State

_FORMAT = 1
"""Of the arguments of what is built."""
_WITHOUT = "ASMITH_PURE_PYTHON"
"""Set to 1: Python alone, to compare."""

MOST_RUNS = 200
"""So often one block may be run: the height of the lattice is far below."""


class Ended(Exception):  # noqa: N818 -- no error, but the end of a block
    """A call, in the middle of a block, from which nothing returns."""


def advance_in_python(m: Machine, order: list[Block], waiting: bytearray) -> Block | None:
    """Run blocks up to one whose end needs a closer look, which is returned; None: none waits.

    The first one that waits comes first.
    """
    while (place := waiting.find(1)) >= 0:
        waiting[place] = 0
        block = order[place]
        block.runs += 1
        if block.runs > MOST_RUNS:
            return block
        assert block.state is not None
        m.r = list(block.state[0])
        m.slots = block.state[1]
        m.own = False
        m.block = block.start
        m.events = block.events = []
        try:
            for act, insn, at in block.ops:
                act(m, insn, at)
        except Ended:
            continue
        return block
    return None


def joined(m: Machine, address: int, state: State) -> State | None:
    """Join the machine's state into one before a block: `joining.joined`."""
    return joining.joined(m, address, state, registers)


def straight_in_python(
    ops: list[tuple[Callable[..., None], Insn, int]],
    known: dict[int, Insn],
    seen: dict[int, Insn],
    leaders: set[int],
    address: int,
    stop: int,
) -> tuple[int, int, bool]:
    """Take instructions after which control goes on.

    That is up to one after which it may not, one that is not known yet, or a place that has been
    seen or where a block begins. Return the address behind them, that of the last one (-1: there is
    none) and whether there is such a place.
    """
    last = -1
    while address < stop:
        insn = known.get(address & 0xFFFFFFFF)
        if insn is None or insn.flow:
            break
        seen[address] = insn
        if insn.act is not moves.nothing:
            ops.append((insn.act, insn, address))
        last = address
        address += insn.length
        if address in leaders or address in seen:
            return address, last, True
    return address, last, False


def _built() -> Any:
    """Return what was built, if it is of this source and can be used."""
    if os.environ.get(_WITHOUT):
        return None
    try:
        from asmith.check.flow import _loops  # type: ignore[attr-defined]  # where it can be built
    except ImportError:
        return None
    if getattr(_loops, "FORMAT", 0) != _FORMAT:
        return None
    from asmith.check.flow.block import Block

    acts = (
        moves.mov_rr, moves.mov_rr32, moves.mov_ri, moves.load64, moves.load64_frame, moves.load32,
        moves.load_narrow, moves.lea, moves.lea32, moves.store64, moves.store64_i,
        moves.store_narrow, moves.push_r, moves.pop_r, arithmetic.zero, arithmetic.alu,
        arithmetic.cmp_rr, arithmetic.cmp_ri, arithmetic.cmp_m, arithmetic.add_ri,
        arithmetic.add_rspi, moves.extend, summary.call_outside,
    )  # fmt: skip
    calls = (events.Call, summary.PLATFORM)
    functions = (acts, calls, moves.nothing, joining.joined_modes, joining.either, joined, Ended)
    return _loops if _loops.setup((Insn, Machine, Block), *functions) else None


_loops = _built()
advance: Callable[..., Block | None] = advance_in_python if _loops is None else _loops.advance
registers: Callable[..., Registers] = joining.registers if _loops is None else _loops.registers
straight: Callable[..., tuple[int, int, bool]] = (
    straight_in_python if _loops is None else _loops.straight
)
