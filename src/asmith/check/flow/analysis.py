"""All functions of one object, followed: callees before their callers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow import callees, moves
from asmith.check.flow.effects import bind
from asmith.check.flow.events import Call, Exit, Invalid, Junk, Out
from asmith.check.flow.fixpoint import Ended, Fixpoint, Needed, NotFollowed
from asmith.check.flow.functions import Function, functions_of
from asmith.check.flow.graph import Graph
from asmith.check.flow.machine import DF, MMX, RSP, UPPER, Machine
from asmith.check.flow.outcome import Outcome
from asmith.check.flow.summary import (
    CALLER_SAVED,
    NO_RETURN,
    PLATFORM,
    Summary,
    apply,
    clobbered,
)
from asmith.check.flow.symbols import OFFSET, SECTION, Symbols, Target
from asmith.check.flow.tables import barriers_of
from asmith.check.flow.values import KIND, STACK, SYM
from asmith.model.objects import Section
from asmith.toolchain.decode import Code, Flow

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from asmith.model.objects import ObjectFacts
    from asmith.toolchain.decode import Insn

_INTERNED: dict[bytes, Insn] = {}
"""Descriptions by bytes, for all objects of a run."""

GIVEN = sum(1 << n for n in (0, 1, 2, 4, 6, 7, 8, 9, 10))
"""What may hold something at the entry of a function whose prototype is unknown: the arguments'
registers, al of variadic functions, r10 of nested ones (psABI 3.2.3)."""

ANYTHING = (1 << 32) - 1
"""What may hold something in a local function of hand-written code: its own convention."""


class ObjectFlow:
    """The analysis of one object; `outcomes` are in order of address."""

    def __init__(self, facts: ObjectFacts, *, compiled: bool) -> None:
        self.facts = facts
        self.compiled = compiled
        self.symbols = Symbols(facts)
        self.functions = functions_of(facts)
        self.codes = {
            s.index: Code(s.data, _INTERNED, bind)
            for s in facts.sections
            if s.has(Section.EXEC) and s.data
        }
        self.barriers = barriers_of(self.symbols, frozenset(self.codes))
        self.summaries: dict[int, Summary] = {}
        self.outcomes: dict[int, Outcome] = {}
        self.found: dict[int, Function] = {}
        self.no_return = set(callees.NO_RETURN)
        self._needs: dict[int, set[int]] = {}
        self._pending: set[int] = set()
        self._circles: dict[int, Summary] = {}

    def run(self) -> None:
        """Follow every function."""
        for function in self.functions.values():
            self._needs[function.start] = self._callees(function)
        parents = {f.name: f.start for f in self.functions.values()}
        for function in self.functions.values():
            if function.parent in parents:
                self._needs[parents[function.parent]] |= self._needs[function.start]
        for function in list(self.functions.values()):
            if not function.parent:
                self._with_callees(function)

    def _callees(self, function: Function) -> set[int]:
        """Sweep over a function: return which addresses of this object it calls or jumps to.

        A call of another object's function that nothing follows does not return: so the compiler
        says that it knows this.
        """
        code = self.codes[function.start >> SECTION]
        high = function.start >> SECTION << SECTION
        found = set()
        for offset in code.sweep(function.start & OFFSET, function.end & OFFSET or len(code.data)):
            insn = code.at[offset]
            target = self.symbols.branch(insn, high | offset)
            if target.address is not None:
                inside = function.start <= target.address < function.end
                if insn.flow == Flow.CALL or (not inside and target.address in self.functions):
                    found.add(target.address)
            if insn.flow == Flow.CALL:
                ends = self.compiled and high | offset + insn.length == function.end
                if ends and target.address is None:
                    self.no_return.add(target.name)
        return found

    # ---- order ----------------------------------------------------------------------------------

    def _with_callees(self, function: Function) -> None:
        """Follow a function after all that it calls, except where the calls make a circle."""
        todo = [function.start]
        while todo:
            start = todo[-1]
            if start in self.outcomes:
                todo.pop()
                continue
            waiting = []
            if start not in self._pending:
                self._pending.add(start)
                waiting = [
                    c
                    for c in self._needs.get(start, ())
                    if c not in self.outcomes
                    and c not in self._pending
                    and self._function(c) is not None
                ]
            if waiting:
                todo += waiting
                continue
            found = self._function(start)
            assert found is not None
            self._follow(found)

    def _returns(self, target: Target) -> bool:
        if target.address is None:
            return target.name not in self.no_return
        summary = self.summaries.get(target.address)
        return summary is None or summary.returns

    # ---- one function ---------------------------------------------------------------------------

    def _follow(self, function: Function) -> None:
        outcome = Outcome(function, counted=function.named)
        self.outcomes[function.start] = outcome
        outcome.address_taken = function.start in self.symbols.taken
        private = not self.compiled and outcome.is_private
        machine = Machine(self.symbols, ANYTHING if private else GIVEN)

        def call(m: Machine, e: Insn, at: int) -> None:
            self._call(graph, m, e, at)

        graph = Graph(function, self.codes, self.functions, self.symbols, call, self._returns)
        try:
            Fixpoint(graph, machine, self.barriers, compiled=self.compiled).run()
        except Needed as first:
            del self.outcomes[function.start]
            self._needs[function.start] = {first.address}
            self._pending.discard(function.start)
            return
        except NotFollowed as reason:
            outcome.reason = str(reason)
            self.summaries[function.start] = PLATFORM
            return
        for start in sorted(graph.blocks):
            if graph.blocks[start].state is not None:
                outcome.add(graph.blocks[start].events)
        outcome.add([*graph.splits()])
        if not self.compiled:
            self._lost_stack(outcome)
        for bad in outcome.of(Invalid):
            outcome.reason = f"its code is no instruction at +{bad.address - function.start:#x}"
        outcome.code = graph.seen
        self.summaries[function.start] = self._summary(function, outcome)

    def _lost_stack(self, outcome: Outcome) -> None:
        """Say that a function is not followed which takes rsp from where no rsp was seen to go.

        A compiler never does that, so in its code it stays a fault.
        """
        for leave in outcome.of(Exit):
            if leave.registers[RSP] & KIND != STACK and not outcome.reason:
                place = leave.address - outcome.function.start
                outcome.reason = f"nobody knows where rsp is at the exit at +{place:#x}"

    def _call(self, graph: Graph, m: Machine, e: Insn, at: int) -> None:
        """Run a call."""
        target = graph.target_of(at) if e.flow == Flow.CALL else None
        summary = PLATFORM
        if e.flow == Flow.INDIRECT_CALL:
            target = self._through(m, e, at)
        if target is not None and target.address == at + e.length:
            moves.push(m, self.symbols.value(target), at)
            return
        if target is not None:
            summary = self._of(target)
        m.events.append(Call(at, tuple(m.r), target, summary))
        apply(m, summary, at)
        if not summary.returns:
            raise Ended

    def _in_circle(self, address: int) -> Summary:
        """Return what a call back into a circle of functions changes: whatever they write at all.

        Functions that call each other have no first one to be followed; that they write no other
        register is still certain, and compilers use it.
        """
        if self._function(address) is None:
            return PLATFORM
        if address not in self._pending:
            raise Needed(address)
        known = self._circles.get(address)
        if known is None:
            mask = self._written(address)
            known = Summary(clobbers=tuple(n for n in CALLER_SAVED if mask >> n & 1))
            self._circles[address] = known
        return known

    def _found(self, address: int) -> Function | None:
        """Return the function that a call shows to begin at an address without a symbol."""
        code = self.codes.get(address >> SECTION)
        if code is None or address & OFFSET >= len(code.data):
            return None
        inside = (f for f in self.functions.values() if f.start < address < f.end)
        home = next(inside, None)
        name, end = f"code at {address & OFFSET:#x}", (address & ~OFFSET) + len(code.data)
        if home is not None:
            name, end = f"{home.name}+{address - home.start:#x}", home.end
        made = Function(name, address, end, sized=False, exported=False, named=False)
        self.found[address] = made
        self._needs[address] = self._callees(made)
        return made

    def _function(self, address: int) -> Function | None:
        """Return the function at an address, by a symbol or found before; parts are none."""
        function = self.functions.get(address) or self.found.get(address)
        if function is not None:
            return None if function.parent else function
        return self._found(address)

    def _written(self, address: int) -> int:
        """Return the mask of registers that a function and its callees write."""
        mask, todo, seen = 0, [address], {address}
        every = sum(1 << n for n in CALLER_SAVED)
        while todo and mask & every != every:
            start = todo.pop()
            done = self.summaries.get(start)
            function = self.functions.get(start) or self.found.get(start)
            if done is not None or function is None:
                clobbers = (done or PLATFORM).clobbers
                mask |= sum(1 << n for n in clobbers)
                continue
            more = self._needs.get(start, set()) - seen
            seen |= more
            todo += more
            mask |= self._writes_of(function, every)
        return mask

    def _writes_of(self, function: Function, every: int) -> int:
        """Return the mask of registers that the instructions of a function write."""
        code = self.codes[function.start >> SECTION]
        mask, at, end = 0, function.start & OFFSET, function.end - function.start
        end += at
        while at < end:
            insn = code.at[at]
            if insn.flow == Flow.INDIRECT_CALL:
                return every
            if insn.flow == Flow.CALL:
                target = self.symbols.branch(insn, function.start >> SECTION << SECTION | at)
                if target.address is None:
                    return every
            mask |= insn.writes if insn.masked else 0
            if insn.operands and insn.operands[0][0] in "rh":
                mask |= 1 << insn.operands[0][1]
            at += insn.length
        return mask

    def _through(self, m: Machine, e: Insn, at: int) -> Target | None:
        """Return what an indirect call goes to, if that is known."""
        if e.memory:
            value = moves.fetch(m, m.address(e, at), at)
        else:
            register = e.operands[0][1]
            value = m.r[register]
            if m.is_junk(value):
                m.events.append(Junk(at, "call", register, value))
        return self.symbols.target(value) if value & KIND == SYM else None

    def _summary(self, function: Function, outcome: Outcome) -> Summary:
        """Return what callers in this object may rely on."""
        mask = 0
        returns = bool(outcome.of(Out))
        aligned = False
        modes = (0, 0, 0)
        for event in outcome.of(Exit):
            mask |= clobbered(event.registers)
            if event.kind == "jump":
                summary = self._of(event.target)
                mask |= sum(1 << n for n in summary.clobbers)
                returns = returns or summary.returns
                aligned = aligned or summary.aligned
            else:
                returns = True
            r = event.registers
            modes = (max(modes[0], r[DF]), max(modes[1], r[MMX]), max(modes[2], r[UPPER]))
        for call in outcome.of(Call):
            mask |= sum(1 << n for n in call.summary.clobbers if n in CALLER_SAVED)
            aligned = aligned or (call.summary.aligned and _counts_from_entry(call))
        return Summary(
            clobbers=tuple(n for n in range(16) if mask >> n & 1 and n != RSP),
            returns=returns,
            aligned=aligned,
            private=not self.compiled and not function.exported,
            modes=modes,
        )

    def _of(self, target: Target | None) -> Summary:
        """Return what the target of a call or jump does."""
        if target is None:
            return PLATFORM
        if target.address is None:
            return NO_RETURN if target.name in self.no_return else PLATFORM
        return self.summaries.get(target.address) or self._in_circle(target.address)

    def counted(self) -> Iterator[Outcome]:
        """Yield the outcomes of functions that have a symbol of their own."""
        for start in sorted(self.outcomes):
            yield self.outcomes[start]


def _counts_from_entry(call: Call) -> bool:
    """Tell whether the alignment at a call follows from that at the entry."""
    rsp = call.registers[RSP]
    return rsp & KIND == STACK and not rsp >> 9 & 0x7FFFF


def interned() -> MutableMapping[bytes, Insn]:
    """Return the table of distinct instructions."""
    return _INTERNED
