"""Which blocks of a function can be reached at all, where constants in its frame decide branches.

Compilers leave a branch where it is though a constant was stored before to what it asks, if they
find that out too late. The blocks behind it read what nobody has set, and never run. So constants
of 1 to 8 bytes are followed through the frame and the general registers, each as long as nothing
may have changed it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow import arcs
from asmith.check.flow.block import End
from asmith.check.flow.events import Blank, Junk
from asmith.check.flow.loops import Ended
from asmith.check.flow.machine import FRAME
from asmith.check.flow.values import BASE, KIND, SHIFT, STACK
from asmith.toolchain.decode import Flow

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.check.flow.block import Block
    from asmith.check.flow.graph import Graph
    from asmith.check.flow.machine import Machine
    from asmith.toolchain.decode import Insn

Known = dict[tuple[int, int], int]
"""(STACK address, bytes) -> the number there; (register, 0) -> the number in it."""
_NOWHERE = 0
WHOLE = 64
"""Bytes of the widest store."""
_KEEP_FLAGS = frozenset({"mov", "movzx", "movsx", "movsxd", "lea", "push", "pop", "nop"})


def unset(graph: Graph, m: Machine, *, compiled: bool) -> set[int]:
    """Return the instructions of a run that read of the frame what no path to them has set.

    In compilers' code, what blocks have noted that never run is dropped.
    """
    noted = [(e, b) for b in graph.blocks.values() for e in b.events if type(e) in (Blank, Junk)]
    if noted and compiled:
        run = reached(graph, m)
        for start in graph.blocks.keys() - run:
            graph.blocks[start].events = []
        noted = [(event, block) for event, block in noted if block.start in run]
    return {event.address for event, _ in noted if type(event) is Blank}


def reached(graph: Graph, m: Machine) -> set[int]:
    """Return the starts of the blocks that some path reaches; the machine is run once more."""
    roots = {graph.function.start, *graph.pads()}
    before: dict[int, Known] = {start: {} for start in roots if start in graph.blocks}
    waiting = sorted(before)
    while waiting:
        block = graph.blocks[waiting.pop()]
        if block.state is None:
            continue
        ways = _Run(m, block, before[block.start], graph.unwind).ways()
        for goal in ways:
            known = before.get(goal)
            after = ways[goal]
            both = after if known is None else dict(known.items() & after.items())
            if both != known and goal in graph.blocks:
                before[goal] = both
                waiting.append(goal)
    return set(before)


class _Run:
    """One run of one block."""

    def __init__(self, m: Machine, block: Block, known: Known, unwind: Callable[..., None]) -> None:
        self.m = m
        self.unwind = unwind
        self.block = block
        self.known = dict(known)
        self.flags: tuple[int, int, int] | None = None  # two numbers that were compared, and bytes

    def ways(self) -> dict[int, Known]:
        """Return what holds at each block that may follow."""
        m, block = self.m, self.block
        assert block.state is not None
        m.r, m.slots, m.own = list(block.state[0]), block.state[1], False
        m.block, m.events = block.start, []
        try:
            for act, insn, at in block.ops:
                if act == self.unwind:
                    continue  # pads are reached anyway
                place = self._place(insn)
                act(m, insn, at)
                self._step(insn, at, place)
        except Ended:
            return {}
        if block.end is End.BRANCH and block.insn is not None and block.target is not None:
            goal, name = block.target.address, block.insn.name
            assert goal is not None
            names = ((goal, name), (block.next, arcs.INVERSE.get(name, "")))
            return {start: self.known for start, way in names if self._is_taken(way)}
        goals = (block.next,) if block.end in (End.NEXT, End.BRANCH_TAIL) else block.goals
        return dict.fromkeys(goals, self.known)

    def _is_taken(self, name: str) -> bool:
        """Tell whether a branch may be taken."""
        if self.flags is None:
            return True
        one, other, size = self.flags
        return arcs.that(name, (one, 0), (other, 0), 8 * size) is not None

    def _place(self, e: Insn) -> int | None:
        """Return the address of a memory operand in the frame, or `_NOWHERE`; None: unknown."""
        if not e.memory or e.name == "lea":
            return _NOWHERE
        if e.base < 0 or e.index != -1 or e.segment:
            return None
        value = self.m.r[e.base]
        return value + (e.disp << SHIFT) if value & KIND == STACK else None

    def _step(self, e: Insn, at: int, place: int | None) -> None:
        """Follow constants through an instruction, which has been run."""
        if e.flow in (Flow.CALL, Flow.INDIRECT_CALL):
            self.known, self.flags = {}, None
            return
        of = self._operands(e, at, place)
        if e.name in ("cmp", "test"):
            self.flags = None
            if e.name == "test" and e.operands[0] == e.operands[1] and of[0] is not None:
                of[1] = 0
            elif e.name == "test":
                return
            if of[0] is not None and of[1] is not None:
                self.flags = (of[0], of[1], _size(e))
            return
        if e.name not in _KEEP_FLAGS:
            self.flags = None
        self._forget(e, place)
        if e.name not in ("mov", "movzx") or len(of) != 2 or of[1] is None:
            return
        to = e.operands[0]
        if to[0] == "m" and place:
            self.known[place, e.size] = of[1]
        elif to[0] == "r" and to[2] >= 4:
            self.known[to[1], 0] = of[1]

    def _operands(self, e: Insn, at: int, place: int | None) -> list[int | None]:
        """Return the numbers of the operands, where they are known."""
        found: list[int | None] = []
        for operand in e.operands:
            number = None
            if operand[0] == "i" and not (e.imm_at and at + e.imm_at in self.m.relocations):
                number = operand[1]
            elif operand[0] == "r":
                number = self.known.get((operand[1], 0))
            elif operand[0] == "m" and place:
                number = self.known.get((place, e.size))
            size = operand[2] if operand[0] == "r" else e.size if e.memory else _size(e)
            found.append(None if number is None else number & (1 << 8 * (size or 8)) - 1)
        return found

    def _forget(self, e: Insn, place: int | None) -> None:
        """Drop what an instruction changes: of a store to unknown places all that it may reach."""
        gone = {n for n in range(16) if e.masked and e.writes >> n & 1}
        gone |= {operand[1] for operand in e.operands if operand[0] in "rh"}
        stores = e.stores or e.operands[:1] == (("m",),) or e.name in ("push", "xchg")
        for key, size in list(self.known):
            if not size:
                hit = key in gone
            elif place is None:
                hit = stores and self.m.r[FRAME] == -1
            elif place == _NOWHERE:
                hit = stores
            else:
                near = (key - place) >> SHIFT
                hit = stores and (bool((key - place) & BASE) or -size < near < (e.size or WHOLE))
            if hit:
                del self.known[key, size]


def _size(e: Insn) -> int:
    """Return how many bytes an instruction compares."""
    return next((o[2] for o in e.operands if o[0] == "r"), e.size or 8)
