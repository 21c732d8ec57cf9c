"""The abstract interpretation of one function, to a fixpoint.

Blocks are run in order of their addresses while any of them has a new state before it. What a block
notes when it is run replaces what it noted before, so in the end the notes are those of the
fixpoint. Values only ever go down in their lattice, except that rsp and the bases of the stack may
be renamed; a bound on the runs of one block ends whatever would not.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from asmith.check.flow.events import Call, Computed, Exit, Invalid, JumpOut, Junk, Leak, Out
from asmith.check.flow.graph import End
from asmith.check.flow.joining import joined
from asmith.check.flow.machine import FLAGS, RSP, SOME_VECTORS, SUSPECT, WHOLE, X87_JUNK
from asmith.check.flow.moves import UNSAFE, WIDE, fetch, vector_in
from asmith.check.flow.owned import let_go
from asmith.check.flow.symbols import Target
from asmith.check.flow.tables import entries_of_table, targets_of_table
from asmith.check.flow.values import (
    CHOICE,
    KIND,
    MAYBE,
    RESULT,
    RETURN_ADDRESS,
    RSP_AT_ENTRY,
    SHIFT,
    STACK,
    SYM,
    TABLE,
    TARGET,
    TOP,
    UNDEF,
    is_part,
    is_whole,
)
from asmith.toolchain.decode import Flow

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.check.flow.contracts import Convention
    from asmith.check.flow.graph import Block, Graph
    from asmith.check.flow.machine import Machine

MOST_RUNS = 200
"""So often one block may be run: the height of the lattice is far below."""


class NotFollowed(Exception):  # noqa: N818 -- no error: the answer "this function is beyond us"
    """A function that the analysis cannot follow, and why."""


class Ended(Exception):  # noqa: N818 -- no error either
    """A call, in the middle of a block, from which nothing returns."""


class Needed(Exception):  # noqa: N818
    """A function that has to be followed first: its address."""

    def __init__(self, address: int) -> None:
        super().__init__(address)
        self.address = address


_NEXT, _JUMP, _BRANCH, _RETURN = End.NEXT, End.JUMP, End.BRANCH, End.RETURN
_TAIL, _BRANCH_TAIL, _INDIRECT = End.TAIL, End.BRANCH_TAIL, End.INDIRECT
_OUT, _INVALID = End.OUT, End.INVALID


@dataclass(frozen=True, slots=True)
class Context:
    """What a function's run depends on besides its code.

    `strict` says that an indirect jump which nothing explains is a fault, not a limit of ours;
    `barriers` are where tables end at the latest; `tail` looks at a call in tail position.
    """

    compiled: bool
    strict: bool
    barriers: frozenset[int]
    convention: Convention | None
    tail: Callable[[Machine, int, Target | None], None]


class Fixpoint:
    """The run of one function's graph; `exits` collects (kind, address, registers, target)."""

    def __init__(self, graph: Graph, machine: Machine, context: Context) -> None:
        self.compiled = context.compiled
        self.strict = context.strict
        self.convention = context.convention
        self._tail = context.tail
        self._barriers = context.barriers
        self.needs: int | None = None  # registers that every run of the function reads
        self.graph = graph
        self.machine = machine
        self._queue: list[int] = []
        self._queued: set[int] = set()
        self._runs: dict[int, int] = {}

    def run(self) -> None:
        """Bring every block to its fixpoint; raises `NotFollowed`."""
        entry = self.graph.function.start
        self.graph.grow([entry])
        self.graph.blocks[entry].state = self.machine.entry_state()
        self._queue_up(entry)
        while self._queue:
            start = heappop(self._queue)
            self._queued.discard(start)
            if self.graph.too_large:
                raise NotFollowed("it has too many instructions")
            self._runs[start] = runs = self._runs.get(start, 0) + 1
            if runs > MOST_RUNS:
                raise NotFollowed("its state does not converge")
            self._block(self.graph.blocks[start])
            if self.needs is None:
                self.needs = self.machine.used

    def _queue_up(self, start: int) -> None:
        if start not in self._queued:
            self._queued.add(start)
            heappush(self._queue, start)

    def _block(self, block: Block) -> None:
        """Run a block from the state before it, and hand its result on."""
        m = self.machine
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
            return
        end = block.end
        if end is _NEXT:
            self._flow(block.next)
        elif end is _BRANCH:
            self._branch(block)
        elif end is _JUMP:
            assert block.target is not None
            assert block.target.address is not None
            self._outside(block, block.target.address)
            self._flow(block.target.address)
        elif end is _RETURN:
            operands = self.graph.seen[block.last].operands
            popped = operands[0][1] if operands else 0
            m.events.append(Exit(block.last, tuple(m.r), "ret", None, popped))
            self._results(block.last)
            self._owned(block.last)
        elif end is _TAIL:
            self._tail(m, block.last, block.target)
            m.events.append(Exit(block.last, tuple(m.r), "jump", block.target))
        elif end is _BRANCH_TAIL:
            self._condition(block)
            self._tail(m, block.last, block.target)
            m.events.append(Exit(block.last, tuple(m.r), "jump", block.target))
            self._flow(block.next)
        elif end is _INDIRECT:
            self._indirect(block)
        elif end is _OUT:
            if block.next in self.graph.others and not self.strict:
                goal = Target(block.next)  # it runs on into the next function
                m.events.append(Exit(block.last, tuple(m.r), "jump", goal))
            elif not self._ends_in_call(block):
                m.events.append(Out(block.last, block.next))
        elif end is _INVALID:
            m.events.append(Invalid(block.last))

    def _owned(self, at: int) -> None:
        """Note what is left behind unreleased; what is returned is the caller's."""
        m = self.machine
        if not m.r[m.OWNED]:
            return
        let_go(m, m.r[0])
        if m.r[0] & KIND == TOP and self.convention is not None and self.convention.results:
            return
        for mark in sorted(m.marks.of(m.r[m.OWNED])):
            if not mark & 1:
                m.events.append(Leak(at, mark >> 1))

    def _results(self, at: int) -> None:
        """Note results that were never set."""
        m, convention = self.machine, self.convention
        if convention is None:
            return
        for number, register in enumerate(convention.results):
            value = m.r[register]
            if value & KIND in SUSPECT:
                needed = 8 * min(convention.result_size - 8 * number, 8)
                if (
                    m.bits(value) < needed
                    or (needed == WHOLE and not is_part(value))
                    or (value & KIND == MAYBE and not is_part(value))
                ):
                    m.is_bad(value, at, "result", register)
        missing = convention.vector_results & m.lacking()
        if missing:
            m.events.append(Junk(at, "result", vector_in(missing), UNDEF))
        if convention.x87_results and m.r[X87_JUNK]:
            m.events.append(Junk(at, "result", -1, UNDEF))

    def _ends_in_call(self, block: Block) -> bool:
        """Tell whether the end is behind a call that, says a compiler, does not return.

        Of a function of this object it is known whether it does.
        """
        insn = self.graph.seen.get(block.last)
        if not self.compiled or insn is None or insn.flow not in (Flow.CALL, Flow.INDIRECT_CALL):
            return False
        calls = [e for e in block.events if isinstance(e, Call) and e.address == block.last]
        return not any(call.is_local for call in calls)

    def _condition(self, block: Block) -> None:
        insn = self.graph.seen[block.last]
        m = self.machine
        flags = m.r[FLAGS]
        if insn.name in ("jrcxz", "jecxz", "loop", "loope", "loopne"):
            m.r[1] = TOP
        elif flags & KIND in UNSAFE:
            m.is_bad(flags, block.last, "branch", FLAGS)

    def _branch(self, block: Block) -> None:
        self._condition(block)
        m = self.machine
        assert block.target is not None
        assert block.target.address is not None
        flags = m.r[FLAGS]
        name = self.graph.seen[block.last].name
        self._outside(block, block.target.address)
        if flags & KIND == STACK and name in ("je", "jne"):
            # rsp was compared with a known address: on one edge it equals that
            kept, m.r[FLAGS] = m.r[RSP], TOP
            equal, other = (block.target.address, block.next)
            if name == "jne":
                equal, other = other, equal
            self._flow(other)
            m.r[RSP] = flags
            self._flow(equal)
            m.r[RSP] = kept
            return
        if flags & KIND == RESULT and name in ("je", "jne") and m.r[m.OWNED]:
            # on one edge the result is null, and there is nothing to release
            kept = m.r[m.OWNED]
            null, other = (block.target.address, block.next)
            if name == "jne":
                null, other = other, null
            self._flow(other)
            let_go(m, flags)
            self._flow(null)
            m.r[m.OWNED] = kept
            return
        self._flow(block.target.address)
        self._flow(block.next)

    def _outside(self, block: Block, address: int) -> None:
        """Note a jump into the middle of another function."""
        graph = self.graph
        if graph.holds(address) or not graph.holds(block.last) or not graph.function.named:
            return
        self.machine.events.append(JumpOut(block.last, address))

    # ---- joining --------------------------------------------------------------------------------

    def _flow(self, address: int) -> None:
        """Join the machine's state into the one before the block at an address."""
        block = self.graph.blocks.get(address)
        if block is None:
            return
        m = self.machine
        m.r[SOME_VECTORS] = 0
        state = block.state
        if state is None:
            block.state = (tuple(m.r), m.slots)
            m.own = False
            self._queue_up(address)
            return
        both = joined(m, address, state)
        if both is not None:
            block.state = both
            self._queue_up(address)

    # ---- jumps through values -------------------------------------------------------------------

    def _indirect(self, block: Block) -> None:
        """Follow an indirect jump: a jump table, or a call of another function in tail position."""
        m, graph = self.machine, self.graph
        insn = graph.seen[block.last]
        at = block.last
        value = TOP
        if insn.memory:
            value = fetch(m, m.address(insn, at), at)
        elif insn.operands and insn.operands[0][0] == "r":
            value = m.r[insn.operands[0][1]]
            if value & KIND in UNSAFE and m.is_bad(value, at, "jump", insn.operands[0][1]):
                return
        kind = value & KIND
        if not self.compiled and any(type(event) is Junk for event in m.events):
            return  # told already: where it goes depends on that
        if kind in (TABLE, TARGET):
            targets = targets_of_table(graph, m.symbols, value, self._barriers)
            if targets:
                block.entries = entries_of_table(m.symbols, value, self._barriers)
                self._spread(block, targets)
                return
        if kind == SYM:
            goal = m.symbols.target(value)
            if goal.address is not None and graph.is_inside(goal.address):
                self._spread(block, (goal.address,))
                return
            m.events.append(Exit(at, tuple(m.r), "jump", goal))
            return
        if value == RETURN_ADDRESS and m.r[RSP] == RSP_AT_ENTRY + (8 << SHIFT):
            m.r[RSP] = RSP_AT_ENTRY
            m.events.append(Exit(at, tuple(m.r), "ret"))
            return
        if kind == CHOICE:
            found = [t.address for t in m.symbols.choices(value) if t.address is not None]
            self._spread(block, tuple(a for a in found if graph.is_inside(a)))
            return
        if is_whole(value) or (kind == TABLE and value & WIDE and self._is_of_others(value)):
            m.events.append(Exit(at, tuple(m.r), "jump"))
            return
        labels = graph.labels() if self.compiled else ()
        if labels:
            self._spread(block, labels)
            return
        if (self.strict and kind != MAYBE) or m.symbols.is_data(value):
            m.events.append(Computed(at))
            return
        raise NotFollowed(
            f"the indirect jump at +{at - graph.function.start:#x} goes to unknown places"
        )

    def _is_of_others(self, value: int) -> bool:
        """Tell whether a table of whole addresses is none of places in this function."""
        start = self.machine.symbols.targets[value >> 5].address
        relocation = self.machine.symbols.relocations.get(start or 0)
        if relocation is None:
            return True
        first = self.machine.symbols.resolved(relocation, relocation.addend).address
        return first is None or first == self.graph.function.start or not self.graph.holds(first)

    def _spread(self, block: Block, targets: tuple[int, ...]) -> None:
        """Go on at each of several addresses."""
        block.tables = targets
        for start in self.graph.grow(targets):
            if self.graph.blocks[start].state is not None:
                self._queue_up(start)  # it was cut
        for target in targets:
            self._flow(target)
