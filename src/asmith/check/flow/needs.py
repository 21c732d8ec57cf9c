"""Which vector registers a function needs from its callers: read before they are set.

A backward analysis of liveness over the graph. What only is kept in the frame, as a variadic
function keeps all that it may have got, is not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.outline import generic
from asmith.toolchain.decode import RBP, RSP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asmith.check.flow.block import Block
    from asmith.check.flow.events import Call
    from asmith.check.flow.graph import Graph
    from asmith.toolchain.decode import Insn

ALL = 0xFFFFFFFF


def vectors_needed(graph: Graph, made: Iterable[Call]) -> int:
    """Return the mask of vector registers that are live at the entry of a function."""
    calls = {call.address: call.summary.vector_reads for call in made}
    blocks = [b for b in graph.blocks.values() if b.state is not None]
    parts = {b.start: _part(b, calls) for b in blocks}
    live = dict.fromkeys(parts, 0)
    changed = True
    while changed:
        changed = False
        for block in blocks:
            reads, writes = parts[block.start]
            after = 0
            for place in block.goals:
                after |= live.get(place, 0)
            now = reads | (after & ~writes)
            if now != live[block.start]:
                live[block.start] = now
                changed = True
    return live.get(graph.function.start, 0)


def _part(block: Block, calls: Mapping[int, int]) -> tuple[int, int]:
    """Return the masks of what a block reads before it writes it, and of what it writes."""
    reads = writes = 0
    for _, insn, at in block.ops:
        if insn.flow:
            reads |= calls.get(at, 0) & ~writes
            writes = ALL
        elif insn.vector:
            if insn.act is generic and insn.a and not _keeps(insn):
                reads |= insn.vsources & ~writes
            writes |= insn.vwrites
    return reads, writes


def _keeps(insn: Insn) -> bool:
    return insn.stores and insn.base in (RSP, RBP)
