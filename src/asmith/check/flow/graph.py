"""The control-flow graph of one function, found by following it from its entry.

A graph grows: targets of jump tables are added when the values that lead to them are known.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from asmith.check.flow import loops
from asmith.check.flow.block import ON_RCX, Block, End
from asmith.check.flow.callees import RETURN_THUNK
from asmith.check.flow.events import Split, Unreached
from asmith.check.flow.moves import nothing
from asmith.check.flow.summary import call_outside
from asmith.check.flow.symbols import SECTION, WITHIN
from asmith.check.flow.values import KIND, SYM
from asmith.toolchain.decode import Flow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from asmith.check.flow.functions import Function
    from asmith.check.flow.roster import Roster
    from asmith.check.flow.symbols import Target
    from asmith.toolchain.decode import Insn

_PADDING = frozenset({"nop", "int3", "ud2", "hlt"})
_INDIRECT_CALL, _BRANCH, _JUMP = Flow.INDIRECT_CALL, Flow.BRANCH, Flow.JUMP
MOST_INSTRUCTIONS = 200_000
"""Functions above are not followed; the largest of the common libraries has about 30,000."""


_ENDS = {
    Flow.RETURN: End.RETURN,
    Flow.INDIRECT_JUMP: End.INDIRECT,
    Flow.STOP: End.STOP,
    Flow.INVALID: End.INVALID,
}


class Graph:
    """The blocks of a function by address; a jump to one of `nowhere` never happens."""

    def __init__(
        self,
        function: Function,
        roster: Roster,
        call: Callable[..., None],
        returns: Callable[[Target], bool],
    ) -> None:
        self.function = function
        self.blocks: dict[int, Block] = {}
        self.leaders: set[int] = set()
        self.seen: dict[int, Insn] = {}
        self._codes = roster.codes
        self._functions = roster.functions
        self.symbols = roster.symbols
        self._conventions = roster.conventions
        self._landing = roster.landing or None
        self._special = roster.special
        self._thunk = roster.thunk
        self.unwind: Callable[..., None] = nothing
        self._call = call
        self._returns = returns
        self._branches = roster.symbols.branches
        self.others = roster.functions.keys()
        self.nowhere = roster.empty.get(function.name, frozenset())
        self._parts = {function.start, *roster.parts.get(function.name, ())}

    def grow(self, starts: Iterable[int]) -> list[Block]:
        """Follow the code from these addresses; return the blocks that were cut on the way."""
        blocks, seen = self.blocks, self.seen
        todo = [s for s in starts if s not in seen]
        self.leaders.update(starts)
        while todo and len(seen) < MOST_INSTRUCTIONS:
            address = todo.pop()
            if address not in seen:
                self._walk(address, todo)
        late = sorted(self.leaders - blocks.keys())
        cut = self._cut(late) if late else []
        for leader in late:
            blocks[leader] = Block(leader)
        for block in (*cut, *map(blocks.__getitem__, late)):
            self._fill(block)
        return cut

    @property
    def too_large(self) -> bool:
        """Tell whether the function was not followed to its end."""
        return len(self.seen) >= MOST_INSTRUCTIONS

    def _cut(self, new: list[int]) -> list[Block]:
        """Return the blocks in whose middle one of these addresses lies, which are in order."""
        found = []
        for block in self.blocks.values():
            place = bisect_right(new, block.start)
            if place < len(new) and new[place] < block.next:
                found.append(block)
        return found

    # ---- following ------------------------------------------------------------------------------

    def _walk(self, address: int, todo: list[int]) -> None:
        """Make the blocks of one run, up to its end or to code that is known."""
        code = self._codes.get(address >> SECTION)
        if code is None:
            return
        known, seen, leaders = code.at, self.seen, self.leaders
        function = self.function
        high = address >> SECTION << SECTION
        stop = self._limit(address)
        block: Block | None = self._begun(address)
        where = (
            known, seen, leaders, self.blocks, self._branches, self._functions, todo,
            function.start, function.end, stop,
        )  # fmt: skip
        while True:
            block, address = loops.walk(where, block, address)
            if block is None:
                return
            if address >= stop:
                block.end = End.OUT
                return
            if address - high not in known:
                code.decode(address - high, len(code.data))
            insn = known[address - high]
            if not insn.flow:
                continue
            seen[address] = insn
            block.last = address
            block.next = after = address + insn.length
            goes_on = self._call_at(block, insn, address)
            if not goes_on:
                self._jump(block, insn, address, todo)
                if insn.flow != _BRANCH:
                    return
                leaders.add(after)
                if after >= stop:
                    todo.append(after)
                    return
            address = after
            if address in leaders or address in seen:
                leaders.add(address)
                if goes_on:
                    block.goals, block.plain = (address,), True
                if address in seen:
                    return
                block = self._begun(address)

    def _begun(self, start: int) -> Block:
        block = self.blocks[start] = Block(start)
        return block

    def _call_at(self, block: Block, insn: Insn, at: int) -> bool:
        """Add an instruction to a block if it is a call; return whether the block goes on."""
        flow = insn.flow
        if flow > _INDIRECT_CALL:
            return False
        if self._landing is not None and self._landing.pad(at + insn.length) is not None:
            block.ops.append((self.unwind, insn, at))
        if flow == _INDIRECT_CALL:
            block.ops.append((self._call, insn, at))
            return True
        target = self._branches.get(at) or self.symbols.branch(insn, at)
        goal = target.address
        if goal is not None and goal not in self._functions and self.holds(goal):
            thunk = self._thunk(goal)
            if thunk:
                block.end = End.RETURN if thunk == "ret" else End.TAIL
                return False
        returns = self._returns(target)
        unknown = returns and goal is None and not self._conventions
        if unknown and self._special and target.name in self._special:
            unknown = False
        block.ops.append((call_outside if unknown else self._call, insn, at))
        if not returns:
            block.end = End.NO_RETURN
        return returns

    def _jump(self, block: Block, insn: Insn, at: int, todo: list[int]) -> None:
        """Say how a block ends; a place in the function that it jumps to is to be followed."""
        flow = insn.flow
        if flow != _BRANCH and flow != _JUMP:
            block.end = _ENDS.get(flow, block.end)
            return
        block.insn = insn
        target = block.target = self._branches.get(at) or self.symbols.branch(insn, at)
        goal = target.address
        if goal is not None and goal in self.nowhere:
            if flow == _JUMP:
                block.end = End.STOP
            else:
                block.goals, block.plain = (at + insn.length,), True
        elif goal is not None and self.is_inside(goal):
            if not self.function.start <= goal < self.function.end:
                block.leaves = self.function.named and not self.holds(goal) and self.holds(at)
            if flow == _JUMP:
                block.end, block.goals = End.JUMP, (goal,)
            else:
                block.end, block.goals = End.BRANCH, (at + insn.length, goal)
            block.plain = not block.leaves and insn.name not in ON_RCX
            self.leaders.add(goal)
            if goal not in self.seen:
                todo.append(goal)
        elif flow == _JUMP and self._name(target) == RETURN_THUNK:
            block.end = End.RETURN
        else:
            block.end = End.TAIL if flow == _JUMP else End.BRANCH_TAIL
            block.goals = () if flow == _JUMP else (at + insn.length,)

    def _name(self, target: Target) -> str:
        """Return the name of a function, of this object or another one."""
        function = self._functions.get(target.address) if target.address is not None else None
        return function.name if function is not None else target.name

    def pads(self) -> tuple[int, ...]:
        """Return the landing pads of the function's calls."""
        if self._landing is None:
            return ()
        function = self.function
        extents = [(function.start, function.end)]
        extents += [self._functions[p][1:3] for p in self._parts if p in self._functions]
        found = [pad for extent in extents for pad in self._landing.pads(*extent)]
        return tuple(pad for pad in found if self.is_inside(pad))

    def thrown(self, after: int) -> tuple[int, int] | None:
        """Return the pad of the call that returns to an address, and how much it pushed."""
        return self._landing.pad(after) if self._landing is not None else None

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
        """Collect the instructions of a block again, up to the next place that is jumped to."""
        block.ops, block.events = [], []
        block.target, block.end, block.leaves = None, End.NEXT, False
        block.goals, block.plain, block.places = (), False, None
        seen, leaders = self.seen, self.leaders
        at = block.next = block.start
        while True:
            insn = seen.get(at)
            if insn is None:
                block.end = End.OUT
                return
            block.last = at
            block.next = at + insn.length
            if not insn.flow:
                if insn.act is not nothing:
                    block.ops.append((insn.act, insn, at))
            elif not self._call_at(block, insn, at):
                self._jump(block, insn, at, [])
                return
            at = block.next
            if at in leaders:
                block.goals, block.plain = (at,), True
                return

    def in_order(self) -> list[Block]:
        """Return the blocks in order of their addresses."""
        return [self.blocks[start] for start in sorted(self.blocks)]

    def splits(self, ordered: list[Block]) -> list[Split]:
        """Return the jumps to within an instruction, but for those that skip a lock prefix.

        `ordered` are the blocks in order: only where two share a byte there may be one.
        """
        if not any(one.next > other.start for one, other in pairwise(ordered)):
            return []
        found = []
        for one, other in pairwise(sorted(self.seen)):
            insn = self.seen[one]
            if one + insn.length > other and not (insn.locked and other == one + 1):
                for at, target in self._branches.items():
                    if target.address == other and at in self.seen:
                        found.append(Split(at, other, other - one))
        return found

    def unreached(self) -> Iterator[Unreached]:
        """Yield the stretches of a function that no path reaches, padding and traps left out."""
        start = last = -1
        function = self.function
        code = self._codes[function.start >> SECTION].at
        at = function.start
        while function.sized and at < function.end:
            insn = self.seen.get(at) or code.get(at & WITHIN)
            if insn is None:
                return  # the sweep and the jumps disagree on where instructions begin
            dead = at not in self.seen and insn.name not in _PADDING
            if dead and start < 0:
                start = at
            elif not dead and start >= 0 and insn.name not in _PADDING:
                yield Unreached(start, last - start)
                start = -1
            at += insn.length
            last = at if dead else last
        if start >= 0:
            yield Unreached(start, last - start)

    def labels(self) -> tuple[int, ...]:
        """Return the addresses in the function that its code or some data takes.

        They are where an indirect jump may go of which nothing better is known.
        """
        taken = set()
        for at, insn in self.seen.items():
            if insn.base == -2 and insn.name == "lea":
                value = self.symbols.operand(insn, at)
                known = value & KIND == SYM
                target = self.symbols.target(value).address if known else None
                own = target in (at, self.function.start)  # the table of offsets counts from there
                if target is not None and not own and self.holds(target):
                    taken.add(target)
        taken |= {a for a in self.symbols.taken if self.holds(a)} - self._parts
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
        self._call = self.unwind = nothing
