"""The control-flow graph of one function, found by following it from its entry.

A graph grows: targets of jump tables are added when the values that lead to them are known.
"""

from __future__ import annotations

from enum import Enum, auto
from itertools import pairwise
from typing import TYPE_CHECKING

from asmith.check.flow.events import Split
from asmith.check.flow.moves import nothing
from asmith.check.flow.symbols import SECTION
from asmith.check.flow.values import KIND, SYM
from asmith.toolchain.decode import Flow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from asmith.check.flow.events import Event
    from asmith.check.flow.functions import Function
    from asmith.check.flow.machine import State
    from asmith.check.flow.symbols import Symbols, Target
    from asmith.toolchain.decode import Code, Insn

_CALL, _BRANCH, _JUMP = Flow.CALL, Flow.BRANCH, Flow.JUMP
MOST_INSTRUCTIONS = 200_000
"""Functions above are not followed; the largest of the common libraries has about 30,000."""


class End(Enum):
    """How a block ends."""

    NEXT = auto()  # in the block behind it
    JUMP = auto()
    BRANCH = auto()
    RETURN = auto()
    TAIL = auto()  # a jump to another function
    BRANCH_TAIL = auto()  # on a condition
    INDIRECT = auto()
    STOP = auto()
    INVALID = auto()  # bytes that are no instruction
    OUT = auto()  # behind the end of the function
    NO_RETURN = auto()  # a call that does not come back


class Block:
    """A run of instructions; `next` is the address behind it, `target` what its jump goes to.

    A jump through a table may go to each of `tables`; the table has so many `entries`.
    """

    __slots__ = (
        "end",
        "entries",
        "events",
        "last",
        "next",
        "ops",
        "start",
        "state",
        "tables",
        "target",
    )

    def __init__(self, start: int) -> None:
        self.start = start
        self.ops: list[tuple[Callable[..., None], Insn, int]] = []
        self.end = End.NEXT
        self.last = start
        self.next = start
        self.target: Target | None = None
        self.tables: tuple[int, ...] = ()
        self.entries = 0
        self.state: State | None = None
        self.events: list[Event] = []


class Graph:
    """The blocks of a function by address, and the calls that it makes of this object's code."""

    def __init__(
        self,
        function: Function,
        codes: dict[int, Code],
        functions: dict[int, Function],
        symbols: Symbols,
        call: Callable[..., None],
        returns: Callable[[Target], bool],
    ) -> None:
        self.function = function
        self.blocks: dict[int, Block] = {}
        self.leaders: set[int] = set()
        self.calls: set[int] = set()
        self.outside: list[tuple[int, int]] = []  # (jump, target) inside another function
        self.instructions = 0
        self.seen: dict[int, Insn] = {}
        self._codes = codes
        self._functions = functions
        self._symbols = symbols
        self._call = call
        self._returns = returns
        self._targets: dict[int, Target] = {}
        self.others = functions.keys()
        self._parts = {function.start}
        for part in functions.values():
            if part.parent and part.parent == function.name:
                self._parts.add(part.start)

    def grow(self, starts: Iterable[int]) -> list[int]:
        """Follow the code from these addresses; return the blocks that are new or were cut."""
        before = set(self.leaders)
        todo = [s for s in starts if s not in self.seen]
        self.leaders.update(starts)
        while todo and len(self.seen) < MOST_INSTRUCTIONS:
            self._walk(todo.pop(), todo)
        new = self.leaders - before
        cut = [b for b in self.blocks.values() if self._is_cut(b, new)] if before else []
        for leader in new:
            self.blocks[leader] = Block(leader)
            self._fill(self.blocks[leader])
        for block in cut:
            self._fill(block)
        return [*new, *(b.start for b in cut)]

    @property
    def too_large(self) -> bool:
        """Tell whether the function was not followed to its end."""
        return len(self.seen) >= MOST_INSTRUCTIONS

    def _is_cut(self, block: Block, new: set[int]) -> bool:
        return any(block.start < leader < block.next for leader in new)

    # ---- following ------------------------------------------------------------------------------

    def _walk(self, address: int, todo: list[int]) -> None:
        """Follow one run up to its end, or to code that is known."""
        code = self._codes.get(address >> SECTION)
        if code is None:
            return
        known, seen = code.at, self.seen
        high = address >> SECTION << SECTION
        stop = self._limit(address)
        while address not in seen:
            if address >= stop:
                return
            insn = known.get(address - high)
            if insn is None:
                code.decode(address - high, len(code.data))
                insn = known[address - high]
            seen[address] = insn
            if insn.flow and not self._goes_on(insn, address, todo):
                return
            address += insn.length
        self.leaders.add(address)

    def _goes_on(self, insn: Insn, address: int, todo: list[int]) -> bool:
        """Take in a call or jump; tell whether control may go on behind it."""
        flow = insn.flow
        if flow == _CALL:
            target = self._symbols.branch(insn, address)
            self._targets[address] = target
            if target.address is not None:
                self.calls.add(target.address)
            return self._returns(target)
        if flow in (_BRANCH, _JUMP):
            self._jump(insn, address, todo)
            if flow == _BRANCH:
                self._lead(address + insn.length, todo)
            return flow == _BRANCH
        return flow == Flow.INDIRECT_CALL

    def _jump(self, insn: Insn, address: int, todo: list[int]) -> None:
        target = self._symbols.branch(insn, address)
        self._targets[address] = target
        if target.address is None:
            return
        if self.is_inside(target.address):
            self._lead(target.address, todo)
        else:
            self.calls.add(target.address)

    def _lead(self, address: int, todo: list[int]) -> None:
        self.leaders.add(address)
        if address not in self.seen:
            todo.append(address)

    def is_inside(self, address: int) -> bool:
        """Tell whether a jump to an address stays in the function: no other one begins there."""
        if address in self._parts:
            return True
        return address not in self._functions and address >> SECTION in self._codes

    def _limit(self, address: int) -> int:
        """Return the end of the function, or of the part of one, that an address is in."""
        function = self.function
        if function.start <= address < function.end:
            return function.end
        for part in (self._functions[p] for p in self._parts if p in self._functions):
            if part.start <= address < part.end:
                return part.end
        code = self._codes[address >> SECTION]
        return (address >> SECTION << SECTION) + len(code.data)

    # ---- blocks ---------------------------------------------------------------------------------

    def _fill(self, block: Block) -> None:
        """Collect the instructions of a block and say how it ends."""
        block.ops = ops = []
        block.state, block.events = block.state, []
        block.target = None
        seen, leaders = self.seen, self.leaders
        at = block.start
        while True:
            insn = seen.get(at)
            if insn is None:
                block.end, block.next = End.OUT, at
                return
            block.last = at
            after = at + insn.length
            flow = insn.flow
            if flow > 2:
                block.next = after
                self._finish(block, insn, at)
                return
            if flow:
                ops.append((self._call, insn, at))
                target = self._targets.get(at)
                if target is not None and not self._returns(target):
                    block.end, block.next = End.NO_RETURN, after
                    return
            elif insn.act is not nothing:
                ops.append((insn.act, insn, at))  # type: ignore[arg-type]
            at = after
            if at in leaders:
                block.end, block.next = End.NEXT, at
                return

    def _finish(self, block: Block, insn: Insn, at: int) -> None:
        match insn.flow:
            case Flow.BRANCH | Flow.JUMP:
                target = block.target = self._targets[at]
                here = target.address is not None and self.is_inside(target.address)
                if insn.flow == Flow.JUMP:
                    block.end = End.JUMP if here else End.TAIL
                else:
                    block.end = End.BRANCH if here else End.BRANCH_TAIL
            case Flow.RETURN:
                block.end = End.RETURN
            case Flow.INDIRECT_JUMP:
                block.end = End.INDIRECT
            case Flow.STOP:
                block.end = End.STOP
            case _:
                block.end = End.INVALID

    def splits(self) -> list[Split]:
        """Return the jumps to within an instruction, but for those that skip a lock prefix."""
        found = []
        for one, other in pairwise(sorted(self.seen)):
            insn = self.seen[one]
            if one + insn.length > other and not (insn.locked and other == one + 1):
                for at, target in self._targets.items():
                    if target.address == other:
                        found.append(Split(at, other, other - one))
        return found

    def labels(self) -> tuple[int, ...]:
        """Return the addresses in the function that its code or some data takes.

        They are where an indirect jump may go of which nothing better is known.
        """
        taken = set()
        for at, insn in self.seen.items():
            if insn.base == -2 and insn.name == "lea":
                value = self._symbols.operand(insn, at)
                known = value & KIND == SYM
                target = self._symbols.target(value).address if known else None
                if target is not None and target != self.function.start and self.holds(target):
                    taken.add(target)
        taken |= {a for a in self._symbols.taken if self.holds(a)} - self._parts
        return tuple(sorted(taken))

    def holds(self, address: int) -> bool:
        """Tell whether an address lies in the function or one of its parts."""
        if self.function.start <= address < self.function.end:
            return True
        parts = (self._functions[start] for start in self._parts if start in self._functions)
        return any(part.start <= address < part.end for part in parts)

    def close(self) -> None:
        """Drop the blocks, which refer back to the graph: so it goes without a collector."""
        self.blocks.clear()
        self._call = nothing

    def target_of(self, at: int) -> Target | None:
        """Return what the direct call or jump at an address goes to."""
        return self._targets.get(at)
