"""The inner loops of the analysis: in C, where `_loops.c` was built, else here in Python.

What is built does the common cases and calls the functions of this package for all others, so that
it and they give the same results.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from asmith.check.flow import arithmetic, events, joining, moves, summary
from asmith.check.flow.block import ON_RCX, Block, End
from asmith.check.flow.machine import Machine
from asmith.check.flow.symbols import WITHIN, Target
from asmith.toolchain.insn import Flow, Insn

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.check.flow.joining import Registers
    from asmith.check.flow.machine import State
    from asmith.check.flow.symbols import Symbols
    from asmith.toolchain.decode import Code

_FORMAT = 1
"""Of the arguments of what is built."""
_WITHOUT = "ASMITH_PURE_PYTHON"
"""Set to 1: Python alone, to compare."""

MOST_RUNS = 200
"""So often one block may be run: the height of the lattice is far below."""


class Ended(Exception):  # noqa: N818 -- no error, but the end of a block
    """A call, in the middle of a block, from which nothing returns."""


def leaving_in_python(
    code: Code, offsets: list[int], start: int, end: int, symbols: Symbols
) -> list[int]:
    """Return where the direct calls are, and jumps out of a function or to a relocated place.

    The targets of the other jumps are noted on the way.
    """
    found = []
    high = start & ~WITHIN
    for offset in offsets:
        insn = code.at[offset]
        at = high | offset
        if insn.flow == Flow.CALL or at + insn.length - 4 in symbols.relocations:
            found.append(offset)
        else:
            goal = symbols.branch(insn, at).address
            if goal is None or not start <= goal < end:
                found.append(offset)
    return found


def ordered_in_python(blocks: dict[int, Block], entry: int) -> list[Block]:
    """Return the blocks in reverse post-order: each behind all that lead to it, but loops.

    What a branch falls through to comes before what it jumps to. Blocks to which no known edge
    leads come last.
    """
    found: list[Block] = []
    seen: set[int] = set()
    todo = [entry]
    while todo:
        start = todo.pop()
        if start < 0:
            found.append(blocks[~start])
        elif start not in seen and start in blocks:
            seen.add(start)
            todo.append(~start)
            todo += blocks[start].goals
    found.reverse()
    if len(found) < len(blocks):
        found += [blocks[start] for start in sorted(blocks.keys() - seen)]
    places = {block.start: place for place, block in enumerate(found)}
    for place, block in enumerate(found):
        block.place = place
        if block.plain:
            there = tuple(map(places.get, block.goals))
            block.places = None if None in there else there
    return found


def advance_in_python(
    m: Machine,
    order: list[Block],
    waiting: bytearray,
    once: bool,  # noqa: FBT001 -- what is built takes its arguments by position
) -> Block | None:
    """Run blocks up to one whose end needs a closer look, which is returned; None: none waits.

    The first one that waits comes first. Of what runs `once` the end needs one, whatever it is: so
    does each here, but after a call that does not return.
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


def walk_in_python(
    where: tuple[Any, ...], block: Block | None, address: int
) -> tuple[Block | None, int]:
    """Make blocks of code, up to an instruction that needs a closer look; return it and its block.

    There is no block if what follows is known already. `where` are the code that is known, by
    offset, what the function has of it, where blocks begin, the blocks; the targets of branches,
    the functions; what is still to be followed; where the function begins and ends, and the code.
    """
    known, seen, leaders, blocks, *_, stop = where
    assert block is not None
    while address < stop:
        insn = known.get(address & 0xFFFFFFFF)
        if insn is None or insn.flow:
            break
        seen[address] = insn
        if insn.act is not moves.nothing:
            block.ops.append((insn.act, insn, address))
        block.last = address
        block.next = address = address + insn.length
        if address in leaders or address in seen:
            leaders.add(address)
            block.goals, block.plain = (address,), True
            if address in seen:
                return None, address
            block = blocks[address] = Block(address)
    return block, address


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
    ends = (End.BRANCH, End.JUMP, ON_RCX)
    functions = (
        acts,
        calls,
        ends,
        moves.nothing,
        joining.joined_modes,
        joining.either,
        joined,
        Ended,
    )
    return _loops if _loops.setup((Insn, Machine, Block), *functions) else None


_loops = _built()


def _leaving(code: Code, offsets: list[int], start: int, end: int, symbols: Symbols) -> list[int]:
    where = (code.data, code.at, symbols.relocations, symbols.branches, Target)
    found: list[int] = _loops.leaving(where, offsets, start, end)
    return found


advance: Callable[..., Block | None] = advance_in_python if _loops is None else _loops.advance
leaving: Callable[..., list[int]] = leaving_in_python if _loops is None else _leaving
ordered: Callable[..., list[Block]] = ordered_in_python if _loops is None else _loops.ordered
registers: Callable[..., Registers] = joining.registers if _loops is None else _loops.registers
walk: Callable[..., tuple[Block | None, int]] = walk_in_python if _loops is None else _loops.walk
