"""What numbers registers may hold at calls: for the arguments that a contract asks something of.

The blocks of a function are run to a fixpoint of their own, with an arc for each register and for
its low half. A branch leaves on each way only what fits it, in all registers that hold the number
compared: copies of a number are known as such. After a landing pad or a call nothing is known of
what these destroy.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from asmith.check.flow import arcs
from asmith.check.flow.block import ON_RCX, End
from asmith.check.flow.summary import CALLER_SAVED
from asmith.toolchain.decode import Flow

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from asmith.check.flow.arcs import Arc
    from asmith.check.flow.block import Block
    from asmith.check.flow.graph import Graph
    from asmith.toolchain.decode import Insn

WHOLE, HALF = 64, 32
MOST_JOINS = 4
"""So often what holds before a block may grow by any step; then it grows up to the next number that
the code compares something with, as counters do, and at last to any number."""
MOST_LANDMARKS = 20
MOST_INSTRUCTIONS = 20_000
Registers = tuple["Held", ...]


class Held(NamedTuple):
    """What a register may hold, and its low half; the same number has the same name in both."""

    whole: Arc
    half: Arc
    name: tuple[int, ...]
    half_name: tuple[int, ...]


class Compared(NamedTuple):
    """Two numbers that were compared; `plain` says that only equality and sign are known."""

    width: int
    one: Held
    other: Held
    plain: bool = False


class Ranges:
    """The run of one function; `before` are the registers before each of the wanted places."""

    def __init__(self, graph: Graph, wanted: Collection[int], given: Mapping[int, Arc]) -> None:
        self.graph = graph
        self.before: dict[int, Registers] = {}
        self._wanted = wanted
        self._landmarks = {
            insn.operands[1][1]
            for insn in graph.seen.values()
            if insn.name == "cmp" and insn.operands[1][0] == "i"
        }
        self._names = count(1)
        self._states: dict[int, Registers] = {}
        self._joins: dict[int, int] = {}
        self.r: list[Held] = [self._any() for _ in range(16)]
        self._flags: Compared | None = None
        self._entry = {n: self._exactly(arc) for n, arc in given.items()}

    def run(self) -> None:
        """Bring every block to its fixpoint, then look at the wanted places once."""
        blocks = self.graph.blocks
        if len(self.graph.seen) > MOST_INSTRUCTIONS:
            return
        for pad in self.graph.pads():
            self._states[pad] = tuple(self._any() for _ in range(16))
        entry = [self._entry.get(n, held) for n, held in enumerate(self.r)]
        self._states[self.graph.function.start] = tuple(entry)
        queue = [(blocks[start].place, start) for start in self._states if start in blocks]
        heapify(queue)
        while queue:
            block = blocks[heappop(queue)[1]]
            if queue and queue[0][1] == block.start:
                continue
            if block.state is not None:
                self._run(block)
                for goal in self._ways(block):
                    heappush(queue, (blocks[goal].place, goal))
        for start in self._states:
            if start in blocks and blocks[start].state is not None:
                self._run(blocks[start], look=True)

    def _run(self, block: Block, *, look: bool = False) -> None:
        self.r, self._flags = list(self._states[block.start]), None
        for _, insn, at in block.ops:
            if look and at in self._wanted:
                self.before[at] = tuple(self.r)
            if insn.flow in (Flow.CALL, Flow.INDIRECT_CALL):
                for register in CALLER_SAVED:
                    self.r[register] = self._any()
                self._flags = None
            else:
                self._step(insn)
        if look and block.last in self._wanted and block.last not in self.before:
            self.before[block.last] = tuple(self.r)

    # ---- ways on --------------------------------------------------------------------------------

    def _ways(self, block: Block) -> list[int]:
        """Hand on what holds after a block; return the blocks before which that is news."""
        if block.end in (End.BRANCH, End.BRANCH_TAIL) and block.insn is not None:
            name = block.insn.name
            if name in ON_RCX:
                self.r[1] = self._any()
            found = self._to(block.next, arcs.INVERSE.get(name, ""))
            goal = block.target.address if block.target is not None else None
            if block.end is End.BRANCH and goal is not None:
                found += self._to(goal, name)
            return found
        return [goal for start in block.goals for goal in self._to(start, "")]

    def _to(self, start: int, name: str) -> list[int]:
        """Go on at a block after a branch by a name: it is in the answer if that is news."""
        after = self._taken(name)
        if after is None or start not in self.graph.blocks:
            return []
        known = self._states.get(start)
        if known is None:
            self._states[start] = after
            return [start]
        joins = self._joins[start] = self._joins.get(start, 0) + 1
        marks = self._landmarks if joins < MOST_LANDMARKS else ()
        both = tuple(
            self._joined(one, other, (start, n), marks if joins > MOST_JOINS else None)
            for n, (one, other) in enumerate(zip(known, after, strict=True))
        )
        if both == known:
            return []
        self._states[start] = both
        return [start]

    def _joined(
        self, one: Held, other: Held, here: tuple[int, int], marks: Collection[int] | None
    ) -> Held:
        if one == other:
            return one
        whole = arcs.joined(one.whole, other.whole, WHOLE)
        half = arcs.joined(one.half, other.half, HALF)
        return Held(
            arcs.widened(one.whole, whole, WHOLE, marks),
            arcs.widened(one.half, half, HALF, marks),
            one.name if one.name == other.name else (*here, WHOLE),
            one.half_name if one.half_name == other.half_name else (*here, HALF),
        )

    def _taken(self, name: str) -> Registers | None:
        """Return the registers where a branch by a name is taken; None: it never is."""
        flags = self._flags
        if not name or flags is None:
            return tuple(self.r)
        one, other, width = flags.one, flags.other, flags.width
        if name in ("js", "jns"):
            if _arc(other, width) != (0, 0):
                return tuple(self.r)
            name = "jl" if name == "js" else "jge"
        elif flags.plain and name not in ("je", "jne"):
            return tuple(self.r)
        left = arcs.that(name, _arc(one, width), _arc(other, width), width)
        right = arcs.that(arcs.SWAPPED.get(name, ""), _arc(other, width), _arc(one, width), width)
        if left is None or right is None:
            return None
        new = {_name(other, width): right, _name(one, width): left}
        return tuple(
            self._narrowed(held, new[_name(held, width)], width)
            if _name(held, width) in new
            else held
            for held in self.r
        )

    def _narrowed(self, held: Held, arc: Arc, width: int) -> Held:
        if width == WHOLE:
            half = (arc[0] & 0xFFFFFFFF, arc[1]) if not arc[1] >> HALF else held.half
            return held._replace(whole=arc, half=half)
        low, high = arcs.bounds(held.whole, WHOLE, signed=False)
        whole = arcs.extended(arc) if low >= 0 and not high >> HALF else held.whole
        return held._replace(half=arc, whole=whole)

    # ---- instructions ---------------------------------------------------------------------------

    def _any(self) -> Held:
        return self._exactly(arcs.full(WHOLE))

    def _exactly(self, arc: Arc) -> Held:
        half = arcs.full(HALF) if arc[1] >> HALF else (arc[0] & 0xFFFFFFFF, arc[1])
        return Held(arc, half, (next(self._names),), (next(self._names),))

    def _of_half(self, arc: Arc) -> Held:
        return Held(arcs.extended(arc), arc, (next(self._names),), (next(self._names),))

    def _made(self, arc: Arc, size: int) -> Held:
        return self._exactly(arc) if size == 8 else self._of_half(arc)

    def _operand(self, operand: tuple[Any, ...], size: int) -> Held | None:
        """Return a register or a constant of `size` bytes, 4 or 8."""
        if operand[0] == "i":
            return self._made((operand[1] % (1 << 8 * size), 0), size)
        if operand[0] == "r" and operand[2] == size:
            return self.r[int(operand[1])]
        return None

    def _step(self, e: Insn) -> None:
        act = _ACTS.get(e.name)
        if act is not None and act(self, e):
            return
        self._flags = None
        if e.name in ("cmp", "test", "push", "nop"):
            return
        for n in range(16):
            if e.masked and e.writes >> n & 1:
                self.r[n] = self._any()
        for operand in e.operands if e.name in _BOTH else e.operands[:1]:
            if operand[0] in "rh":
                self.r[operand[1]] = self._any()
        if e.name in _BOTH:
            self.r[0] = self._any()

    def set(self, operand: tuple[Any, ...], arc: Arc | None) -> bool:
        """Set a register of 4 or 8 bytes to a new number."""
        size = operand[2]
        self.r[operand[1]] = self._made(arcs.full(8 * size) if arc is None else arc, size)
        return True

    def mov(self, e: Insn) -> bool:
        """Copy, load or set a number."""
        to, source = e.operands
        if to[0] == "m":
            return True
        if to[0] != "r" or to[2] < 4:
            return False
        held = self._operand(source, to[2])
        if held is None:
            return self.set(to, None)
        if to[2] == 4:
            held = self._of_half(held.half)._replace(half_name=held.half_name)
        self.r[to[1]] = held
        return True

    def extend(self, e: Insn) -> bool:
        """Extend a narrower number by zeros or by its sign."""
        to, source = e.operands
        if to[2] < 4:
            return False
        width = 8 * (source[2] if source[0] == "r" else 1 if source[0] == "h" else e.size)
        signed = e.name != "movzx"
        low, high = arcs.bounds(arcs.full(width), width, signed=signed)
        if source[0] == "r":
            known = arcs.bounds(self.r[source[1]].half, HALF, signed=signed)
            low, high = known if low <= known[0] and known[1] <= high else (low, high)
        return self.set(to, arcs.between(low, high, 8 * to[2]))

    def cdqe(self, e: Insn) -> bool:
        """Extend eax by its sign."""
        del e
        low, high = arcs.bounds(self.r[0].half, HALF, signed=True)
        name = self.r[0].half_name
        self.r[0] = self._exactly(arcs.between(low, high, WHOLE))._replace(half_name=name)
        return True

    def lea(self, e: Insn) -> bool:
        """Compute a sum."""
        to = e.operands[0]
        if to[2] < 4 or e.base == -2 or e.index == -3 or e.disp_at:
            return False
        width = 8 * to[2]
        total: Arc = (e.disp % (1 << width), 0)
        for register, factor in ((e.base, 1), (e.index, e.scale)):
            if register >= 0:
                arc = _arc(self.r[register], width)
                total = arcs.added(total, arcs.times(arc, factor, width), width)
        return self.set(to, total)

    def compute(self, e: Insn) -> bool:
        """Compute a number of a register, and perhaps of another one or a constant."""
        to = e.operands[0]
        if to[0] != "r" or to[2] < 4:
            return False
        width = 8 * to[2]
        one = _arc(self.r[to[1]], width)
        last = e.operands[-1] if len(e.operands) > 1 else ("i", 1)
        if e.name in ("xor", "sub") and last == to:
            result: Arc | None = (0, 0)
        else:
            held = self._operand(last, to[2])
            result = None if held is None else arcs.computed(e.name, one, _arc(held, width), width)
        self.set(to, result)
        zero = self._made((0, 0), to[2])
        shift = e.name in ("shl", "sal", "shr", "sar")
        self._flags = None if shift else Compared(width, self.r[to[1]], zero, plain=True)
        return True

    def imul(self, e: Insn) -> bool:
        """Multiply by a constant."""
        to = e.operands[0]
        if len(e.operands) != 3 or to[2] < 4:
            return False
        held, factor = self._operand(e.operands[1], to[2]), e.operands[2][1]
        width = 8 * to[2]
        self.set(to, None if held is None else arcs.times(_arc(held, width), factor, width))
        self._flags = None
        return True

    def compare(self, e: Insn) -> bool:
        """Compare two numbers."""
        first, last = e.operands
        if first[0] != "r":
            return False
        size, one = first[2], self.r[first[1]]
        if size < 4:
            sides = [self._narrow(operand, size) for operand in (first, last)]
            if None in sides:
                return False
            size, last = 4, ("r", last[1], 4) if last[0] == "r" else last
            first = ("r", first[1], 4)
        other = self._operand(last, size)
        if e.name == "test":
            other = self._made((0, 0), size) if last == first else None
        self._flags = None if other is None else Compared(8 * size, one, other)
        return True

    def _narrow(self, operand: tuple[Any, ...], size: int) -> int | None:
        """Return the greatest number of an operand of 1 or 2 bytes that is all of its register.

        Only of one without a sign: so a comparison says the same of 32 bits.
        """
        held = self._operand(("r", operand[1], 4), 4) if operand[0] == "r" else None
        number = held.half if held is not None else (operand[1], 0) if operand[0] == "i" else None
        if number is None:
            return None
        most = arcs.bounds(number, HALF, signed=False)[1]
        return most if most < 1 << 8 * size - 1 else None

    def setcc(self, e: Insn) -> bool:
        """Set a byte to 0 or 1, in a register that is 0."""
        to = e.operands[0]
        if to[0] == "m":
            return True
        clear = to[0] == "r" and self.r[to[1]].whole == (0, 0)
        self.r[to[1]] = self._exactly((0, 1)) if clear else self._any()
        return True

    def cmov(self, e: Insn) -> bool:
        """Copy a number, or not."""
        to, source = e.operands
        if to[2] < 4 or source[0] != "r":
            return False
        width = 8 * to[2]
        one, other = _arc(self.r[to[1]], width), _arc(self.r[source[1]], width)
        return self.set(to, arcs.joined(one, other, width))


def _arc(held: Held, width: int) -> Arc:
    return held.whole if width == WHOLE else held.half


def _name(held: Held, width: int) -> tuple[int, ...]:
    return held.name if width == WHOLE else held.half_name


_BOTH = frozenset({"xchg", "xadd", "cmpxchg", "cmpxchg8b", "cmpxchg16b"})
_ACTS: dict[str, Callable[[Ranges, Insn], bool]] = {
    "mov": Ranges.mov, "movzx": Ranges.extend, "movsx": Ranges.extend, "movsxd": Ranges.extend,
    "cdqe": Ranges.cdqe, "lea": Ranges.lea, "cmp": Ranges.compare, "test": Ranges.compare,
    "imul": Ranges.imul,
    **dict.fromkeys(("add", "sub", "inc", "dec", "and", "xor", "neg", "shl", "sal", "shr", "sar"),
                    Ranges.compute),
    **dict.fromkeys(("sete", "setne", "setb", "setae", "setbe", "seta", "setl", "setge", "setle",
                     "setg", "sets", "setns"), Ranges.setcc),
    **dict.fromkeys(("cmove", "cmovne", "cmovb", "cmovae", "cmovbe", "cmova", "cmovl", "cmovge",
                     "cmovle", "cmovg", "cmovs", "cmovns"), Ranges.cmov),
}  # fmt: skip
