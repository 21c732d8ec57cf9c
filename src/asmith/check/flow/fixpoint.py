"""The abstract interpretation of one function, to a fixpoint.

Blocks are run in reverse post-order while any of them has a new state before it: where paths meet,
all of them are run first, so that only loops run anything again. What a block notes when it is run
replaces what it noted before, so in the end the notes are those of the fixpoint. Values only ever
go down in their lattice, except that rsp and the bases of the stack may be renamed; a bound on the
runs of one block ends whatever would not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow import loops
from asmith.check.flow.block import End
from asmith.check.flow.events import Call, Computed, Exit, Invalid, JumpOut, Junk, Leak, Narrow, Out
from asmith.check.flow.machine import FLAGS, RSP, SOME_VECTORS, SUSPECT, WHOLE, X87_JUNK
from asmith.check.flow.moves import UNSAFE, fetch, vector_in
from asmith.check.flow.owned import let_go
from asmith.check.flow.partial import asks_memory, follows_call
from asmith.check.flow.summary import unwind
from asmith.check.flow.symbols import Target
from asmith.check.flow.tables import entries_of_table, is_of_others, kept_tables, targets_of_table
from asmith.check.flow.values import (
    CHOICE,
    HALF_ADDRESS,
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
    WIDE,
    is_part,
    is_whole,
)
from asmith.dataclass import dataclass
from asmith.model.contract import Named
from asmith.toolchain.decode import Flow

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.check.flow.block import Block
    from asmith.check.flow.contracts import Convention
    from asmith.check.flow.graph import Graph
    from asmith.check.flow.machine import Machine
    from asmith.toolchain.decode import Insn


class NotFollowed(Exception):  # noqa: N818 -- no error: the answer "this function is beyond us"
    """A function that the analysis cannot follow: why, and the jump that does it, if one does."""

    def __init__(self, reason: str, jump: int = 0) -> None:
        super().__init__(reason)
        self.jump = jump


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
        self._order: list[Block] = []
        self._waiting = bytearray()  # by place in that order, 1 for each block that has to be run

    def run(self) -> None:
        """Bring every block to its fixpoint; raises `NotFollowed`."""
        graph, m = self.graph, self.machine
        graph.unwind = self._unwind
        self._grow((graph.function.start, *graph.pads()))
        entry = graph.blocks[graph.function.start]
        entry.state = m.entry_state()
        self._queue_up(entry)
        block = loops.advance(m, self._order, self._waiting, True)
        if block is not None:
            self._end(block)
        self.needs = m.used
        while (block := loops.advance(m, self._order, self._waiting, False)) is not None:
            if block.runs > loops.MOST_RUNS:
                raise NotFollowed("its state does not converge")
            self._end(block)

    def _grow(self, starts: tuple[int, ...]) -> list[Block]:
        """Let the graph go on at some addresses; return the blocks that are new or were cut."""
        changed = self.graph.grow(starts)
        if self.graph.too_large:
            raise NotFollowed("it has too many instructions")
        waiting = [block for block in self._order if self._waiting[block.place]]
        self._order = loops.ordered(self.graph.blocks, self.graph.function.start)
        self._waiting = bytearray(len(self._order))
        for block in waiting:
            self._queue_up(block)
        return changed

    def _unwind(self, m: Machine, insn: Insn, at: int) -> None:
        """Go on at the landing pad of a call with what holds if it throws."""
        landing = self.graph.thrown(at + insn.length)
        assert landing is not None
        kept = m.r, m.slots
        m.r = list(m.r)
        unwind(m, at, landing[1])
        self._flow(landing[0])
        m.r, m.slots = kept
        m.own = False

    def _queue_up(self, block: Block) -> None:
        self._waiting[block.place] = 1

    def _end(self, block: Block) -> None:
        """Hand on what holds after a block that was run."""
        m = self.machine
        end = block.end
        if m.paths and (end is _NEXT or end is _JUMP):
            self._follow_maybe(block)
        if end is _NEXT:
            self._flow(block.next)
        elif end is _BRANCH:
            self._branch(block)
        elif end is _JUMP:
            self._flow(self._goal(block))
        elif end is _RETURN:
            leaving = self.graph.seen[block.last]
            popped = leaving.operands[0][1] if leaving.operands and leaving.name == "ret" else 0
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
                self._tail(m, block.last, goal)
                m.events.append(Exit(block.last, tuple(m.r), "jump", goal))
            elif not self._ends_in_call(block):
                m.events.append(Out(block.last, block.next))
        elif end is _INVALID:
            m.events.append(Invalid(block.last))

    def _follow_maybe(self, block: Block) -> None:
        """Let what is undefined on some path be so in the only block that follows, too."""
        following: int | None = block.next
        if block.end is _JUMP:
            following = block.target.address if block.target is not None else None
        m, here = self.machine, block.start << 4 | MAYBE
        if following is not None and here in m.r:
            self._rename(here, following)

    def _rename(self, here: int, following: int) -> None:
        """Let what is undefined on some path be so in a block that follows."""
        m, there = self.machine, following << 4 | MAYBE
        m.r = [there if value == here else value for value in m.r]

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
                result = convention.function.result if convention.function else None
                if is_part(value) and isinstance(result, Named):
                    continue  # a structure may have holes
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
        insn, m = block.insn, self.machine
        assert insn is not None
        flags = m.r[FLAGS]
        if insn.name in ("jrcxz", "jecxz", "loop", "loope", "loopne"):
            m.r[1] = TOP
        elif flags & KIND in UNSAFE:
            m.is_bad(flags, block.last, "branch", FLAGS)

    def _branch(self, block: Block) -> None:
        self._condition(block)
        m = self.machine
        goal = self._goal(block)
        flags = m.r[FLAGS]
        kind = flags & KIND
        insn = block.insn
        if kind == STACK and insn is not None and insn.name in ("je", "jne"):
            # rsp was compared with a known address: on one edge it equals that
            kept, m.r[FLAGS] = m.r[RSP], TOP
            equal, other = goal, block.next
            if insn.name == "jne":
                equal, other = other, equal
            self._flow(other)
            m.r[RSP] = flags
            self._flow(equal)
            m.r[RSP] = kept
            return
        if kind == RESULT and m.r[m.OWNED] and insn is not None and insn.name in ("je", "jne"):
            # on one edge the result is null, and there is nothing to release
            kept = m.r[m.OWNED]
            null, other = goal, block.next
            if insn.name == "jne":
                null, other = other, null
            self._flow(other)
            let_go(m, flags)
            self._flow(null)
            m.r[m.OWNED] = kept
            return
        here = block.start << 4 | MAYBE
        if (
            m.paths
            and here in m.r
            and asks_memory(block)
            and not follows_call(self.graph.seen, block.start)
        ):
            before = m.r
            for following in (goal, block.next):
                m.r = before
                self._rename(here, following)
                self._flow(following)
            return
        self._flow(goal)
        self._flow(block.next)

    def _goal(self, block: Block) -> int:
        """Return where the jump of a block goes; note one into the middle of another function."""
        target = block.target
        assert target is not None
        assert target.address is not None
        if block.leaves:
            self.machine.events.append(JumpOut(block.last, target.address))
        return target.address

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
            self._queue_up(block)
            return
        both = loops.joined(m, address, state)
        if both is not None:
            block.state = both
            self._queue_up(block)

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
        if not self.compiled and any(type(event) in (Junk, Narrow) for event in m.events):
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
            inside = tuple(a for a in found if graph.is_inside(a))
            if len(inside) < len(m.symbols.choices(value)):
                m.events.append(Exit(at, tuple(m.r), "jump"))
            self._spread(block, inside)
            return
        if is_whole(value) and (kind != TABLE or is_of_others(graph, m.symbols, value)):
            m.events.append(Exit(at, tuple(m.r), "jump"))
            return
        labels = (
            graph.labels() or kept_tables(graph, m.symbols, self._barriers) if self.compiled else ()
        )
        if labels:
            self._spread(block, labels)
            return
        cut = value == HALF_ADDRESS or (kind == TABLE and not value & WIDE)
        if (self.strict and kind != MAYBE) or cut or m.symbols.is_data(value):
            m.events.append(Computed(at))
            return
        raise NotFollowed(
            f"the indirect jump at +{at - graph.function.start:#x} goes to unknown places", at
        )

    def _spread(self, block: Block, targets: tuple[int, ...]) -> None:
        """Go on at each of several addresses."""
        goals = tuple(dict.fromkeys((*block.goals, *targets)))
        if goals != block.goals:
            block.goals = goals
            for changed in self._grow(targets):
                if changed.state is not None:
                    self._queue_up(changed)  # it was cut
        for target in targets:
            self._flow(target)
