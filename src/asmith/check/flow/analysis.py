"""All functions of one object, followed: callees before their callers."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from asmith.check.flow import callees, moves
from asmith.check.flow.arguments import (
    called_through,
    look_at_arguments,
    look_at_needs,
    look_at_special,
)
from asmith.check.flow.bounds import beyond
from asmith.check.flow.contracts import summary_of
from asmith.check.flow.effects import bind
from asmith.check.flow.events import (
    Call,
    Cut,
    Exit,
    Invalid,
    Out,
    Overwrite,
)
from asmith.check.flow.feasible import unset
from asmith.check.flow.fixpoint import Context, Fixpoint, Needed, NotFollowed
from asmith.check.flow.graph import Graph
from asmith.check.flow.loops import Ended
from asmith.check.flow.machine import (
    ALL_PATHS,
    FEW_PATHS,
    RSP,
    Machine,
)
from asmith.check.flow.needs import vectors_needed
from asmith.check.flow.outcome import (
    Outcome,
    counts_from_entry,
    lost_by,
    modes_after,
    x87_after,
)
from asmith.check.flow.owned import acquire, borrow
from asmith.check.flow.passing import handed, passed
from asmith.check.flow.returning import is_right, suspects
from asmith.check.flow.roster import Roster
from asmith.check.flow.summary import (
    CALLER_SAVED,
    NO_RETURN,
    PLATFORM,
    SOMEWHERE,
    Summary,
    apply,
    clobbered,
    mask_of,
)
from asmith.check.flow.symbols import Symbols, Target
from asmith.check.flow.tables import barriers_of
from asmith.check.flow.tried import Trials
from asmith.check.flow.values import AREA, CHOICE, KIND, SYM, TOP
from asmith.check.flow.walk import Walk, is_worth
from asmith.model.objects import Section
from asmith.toolchain.decode import Code, Flow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asmith.check.flow.contracts import Convention
    from asmith.check.flow.functions import Function
    from asmith.model.objects import ObjectFacts
    from asmith.toolchain.decode import Insn

_INTERNED: dict[bytes, Insn] = {}
_FORMS: dict[bytes, Insn] = {}
"""Descriptions by bytes, for all objects of a run."""
_WRITTEN_VECTORS = attrgetter("vwrites")
GIVEN = sum(1 << n for n in (0, 1, 2, 4, 6, 7, 8, 9, 10))
"""What may hold something at the entry of a function whose prototype is unknown: the arguments'
registers, al of variadic functions, r10 of nested ones (psABI 3.2.3)."""

CALLER_MASK = mask_of(CALLER_SAVED)
ARGUMENTS = sum(1 << n for n in (1, 2, 6, 7, 8, 9))
ANYTHING = (1 << 32) - 1
"""What may hold something in a local function of hand-written code: its own convention."""


class ObjectFlow:
    """The analysis of one object; `outcomes` are in order of address."""

    def __init__(
        self,
        facts: ObjectFacts,
        *,
        compiled: bool,
        strict: bool,
        conventions: Mapping[str, Convention] | None = None,
    ) -> None:
        self.compiled = compiled
        self.strict = strict
        self.symbols = Symbols(facts)
        codes = {
            s.index: Code(s.data, _INTERNED, _FORMS, bind)
            for s in facts.sections
            if s.has(Section.EXEC) and s.data
        }
        self.roster = Roster(facts, codes, self.symbols, conventions or {}, compiled=compiled)
        self._trials = Trials(facts, self.roster, strict=strict)
        self.barriers = barriers_of(self.symbols, frozenset(codes))
        self.summaries: dict[int, Summary] = {}
        self.outcomes: dict[int, Outcome] = {}
        self._own: Convention | None = None
        self._pending: set[int] = set()
        self._circles: dict[int, Summary] = {}

    def run(self) -> None:
        """Follow every function."""
        for function in list(self.roster.functions.values()):
            if not function.parent:
                self._with_callees(function)

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
                    for c in self.roster.needs.get(start, ())
                    if c not in self.outcomes
                    and c not in self._pending
                    and self.roster.function(c) is not None
                ]
            if waiting:
                todo += waiting
                continue
            found = self.roster.function(start)
            assert found is not None
            self._follow(found)

    def _returns(self, target: Target) -> bool:
        if target.address is None:
            return self.roster.returns_outside(target.name)
        summary = self.summaries.get(target.address)
        return summary is None or summary.returns

    # ---- one function ---------------------------------------------------------------------------

    def _follow(self, function: Function) -> None:
        """Follow one function; if that needs another one first, that is put before it."""
        outcome = Outcome(function, counted=function.named)
        outcome.address_taken = function.start in self.symbols.taken
        convention = self.roster.conventions.get(function.name) if function.exported else None
        outcome.convention = convention
        outcome.arguments_end = convention.stack_end if convention is not None else None
        self.outcomes[function.start] = outcome
        try:
            graph, machine = self._interpreted(function, outcome)
            self._note(outcome, graph, machine)
            followed = not outcome.reason
            self.summaries[function.start] = self._summary(outcome) if followed else PLATFORM
        except Needed as first:
            del self.outcomes[function.start]
            self.roster.needs[function.start] = {first.address}
            self._pending.discard(function.start)
        except LookupError as error:
            outcome.reason = f"the object's tables contradict each other ({error!r})"
            self.summaries[function.start] = PLATFORM
        except NotFollowed as reason:
            outcome.reason, outcome.astray = str(reason), reason.jump
            self.summaries[function.start] = PLATFORM
        if function.start in self.outcomes and outcome.convention is not None and not self.compiled:
            outcome.add([*self._trials.of(outcome)])

    def _note(self, outcome: Outcome, graph: Graph, machine: Machine) -> None:
        """Take what a run has shown."""
        outcome.code, outcome.lowest = graph.seen, machine.lowest
        ordered = graph.in_order()
        for block in ordered:
            if block.events and block.state is not None:
                outcome.add(block.events)
        if not self.compiled:
            outcome.add([*beyond(graph)])
            if outcome.convention is None:
                outcome.vectors_used = vectors_needed(graph, outcome.of(Call))
            if not outcome.reason and is_worth(graph.seen):
                outcome.add([*Walk(graph, outcome).run()])
        if self.roster.conventions:
            outcome.add([*passed(graph, outcome, self.roster)])
            outcome.add([*handed(outcome, self.roster)])
        outcome.add([*graph.splits(ordered)])
        graph.close()
        if self.strict and not self.compiled:
            outcome.add([*graph.unreached()])
        if not self.compiled:
            self._lost_stack(outcome)
        for bad in outcome.of(Invalid):
            place = bad.address - outcome.function.start
            outcome.reason = f"its code is no instruction at +{place:#x}"

    def _interpreted(self, function: Function, outcome: Outcome) -> tuple[Graph, Machine]:
        """Run a function to its fixpoint: again, if callees that do not return explain it better.

        Then all of its code is still reached, since compilers write none that is not.
        """
        graph, machine = self._settled(function, outcome)
        if not self.compiled or not (names := suspects(graph, machine)):
            return graph, machine
        known = self.roster.no_return
        self.roster.no_return = known | names
        other, there = self._settled(function, outcome)
        if is_right(other) and other.seen.keys() == graph.seen.keys():
            return other, there
        self.roster.no_return = known
        return self._settled(function, outcome)

    def _settled(self, function: Function, outcome: Outcome) -> tuple[Graph, Machine]:
        """Run a function to its fixpoint: again, if it reads of its frame what it never wrote.

        Where that is so is only certain in the end, since what a loop stores comes round later.
        """
        blank: frozenset[int] = frozenset()
        while True:
            graph, machine = self._once(function, outcome, blank)
            found = blank | unset(graph, machine, compiled=self.compiled)
            if found == blank:
                return graph, machine
            blank = found

    def _once(
        self, function: Function, outcome: Outcome, blank: frozenset[int]
    ) -> tuple[Graph, Machine]:
        machine = self._machine(outcome)
        machine.unwritten = blank
        machine.accesses = outcome.convention is not None
        self._own = outcome.convention
        if outcome.convention is not None and not outcome.convention.variadic:
            machine.arguments_end = outcome.convention.stack_end
        machine.paths = 0 if self.compiled else ALL_PATHS if self.strict else FEW_PATHS
        graph = Graph(function, self.roster, self._call, self._returns)
        machine.seen = graph.seen
        context = Context(self.compiled, self.strict, self.barriers, outcome.convention, self._tail)
        run = Fixpoint(graph, machine, context)
        run.run()
        if self.compiled:
            outcome.used = (run.needs or 0) & ARGUMENTS & ~machine.spilled
        else:
            outcome.used, outcome.followed = machine.used & 0xFFFF & ~(1 << RSP), machine.followed
        return graph, machine

    def _machine(self, outcome: Outcome) -> Machine:
        """Return the machine at the entry of a function."""
        convention = outcome.convention
        if convention is not None:
            return Machine(
                self.symbols,
                convention.given,
                narrow=convention.narrow,
                vectors=convention.vectors,
            )
        if not self.compiled and outcome.is_private:
            return Machine(self.symbols, ANYTHING, vectors=ANYTHING)
        return Machine(self.symbols, GIVEN)

    def _lost_stack(self, outcome: Outcome) -> None:
        """Say that a function is not followed which takes rsp from where no rsp was seen to go.

        A compiler never does that, so in its code it stays a fault.
        """
        if outcome.of(Cut):
            return
        for leave in outcome.of(Exit):
            if leave.registers[RSP] & KIND == TOP and not outcome.reason:
                place = leave.address - outcome.function.start
                outcome.reason = f"nobody knows where rsp is at the exit at +{place:#x}"

    def _call(self, m: Machine, e: Insn, at: int) -> None:
        """Run a call."""
        target = self.symbols.branch(e, at) if e.flow == Flow.CALL else None
        summary = PLATFORM
        if e.flow == Flow.INDIRECT_CALL:
            target = self._through(m, e, at)
            if (
                not self.compiled
                and not e.memory
                and m.r[e.operands[0][1]] & KIND in (AREA, CHOICE)
            ):
                summary = SOMEWHERE
        if target is not None and target.address == at + e.length:
            moves.push(m, self.symbols.value(target), at)
            return
        if target is not None:
            summary = self._of(target)
            look_at_special(m, at, target.name)
        elif e.flow == Flow.INDIRECT_CALL and self.symbols.is_descriptor(at):
            summary = callees.TLS_DESCRIPTOR
        convention = self.roster.convention(target)
        if target is None and e.flow == Flow.INDIRECT_CALL and m.accesses:
            convention = called_through(self._own, m.r, e)
            summary = summary if convention is None else summary_of(convention)
        look_at_arguments(m, at, convention)
        if convention is None and (summary.reads or summary.vector_reads):
            look_at_needs(m, at, summary)
        if convention is not None and convention.borrows is not None:
            borrow(m, at, m.r[convention.borrows])
        m.events.append(Call(at, tuple(m.r), target, summary, convention))
        apply(m, summary, at)
        if convention is not None and convention.released_by:
            acquire(m, at)
        if not summary.returns:
            raise Ended

    def _tail(self, m: Machine, at: int, target: Target | None) -> None:
        """Look at the arguments of a call in tail position."""
        convention = self.roster.convention(target)
        if target is not None:
            look_at_special(m, at, target.name)
        if convention is not None:
            look_at_arguments(m, at, convention)
        elif not self.compiled and target is not None:
            look_at_needs(m, at, self._of(target))

    def _in_circle(self, address: int) -> Summary:
        """Return what a call back into a circle of functions changes: whatever they write at all.

        Functions that call each other have no first one to be followed; that they write no other
        register is still certain, and compilers use it.
        """
        if self.roster.function(address) is None:
            return PLATFORM
        if address not in self._pending:
            raise Needed(address)
        known = self._circles.get(address)
        if known is None:
            mask = self.roster.written(address, self.summaries)
            convention = self.roster.convention(Target(address))
            mask |= sum(1 << n for n in convention.results) if convention is not None else 0
            known = Summary(clobbers=tuple(n for n in CALLER_SAVED if mask >> n & 1))
            self._circles[address] = known
        return known

    def _through(self, m: Machine, e: Insn, at: int) -> Target | None:
        """Return what an indirect call goes to, if that is known."""
        if e.memory:
            value = moves.fetch(m, m.address(e, at), at)
        else:
            register = e.operands[0][1]
            value = m.r[register]
            if value & KIND in moves.UNSAFE:
                m.is_bad(value, at, "call", register)
        return self.symbols.target(value) if value & KIND == SYM else None

    def _summary(self, outcome: Outcome) -> Summary:
        """Return what callers in this object may rely on."""
        mask = 0
        returns = bool(outcome.of(Out))
        aligned = False
        for event in outcome.of(Exit):
            mask |= clobbered(event.registers)
            if event.kind == "jump":
                summary = self._of(event.target)
                mask |= mask_of(summary.clobbers)
                returns = returns or summary.returns
                aligned = aligned or summary.aligned
            else:
                returns = True
        for call in outcome.of(Call):
            if call.summary is not PLATFORM:
                mask |= mask_of(call.summary.clobbers) & CALLER_MASK
            else:
                mask |= CALLER_MASK
            aligned = aligned or (call.summary.aligned and counts_from_entry(call))
        private = not self.compiled and outcome.convention is None
        return Summary(
            clobbers=tuple(n for n in range(16) if mask >> n & 1 and n != RSP),
            returns=returns,
            aligned=aligned,
            private=private,
            modes=modes_after(outcome, empties=private),
            vectors=self._vectors(outcome),
            reads=outcome.used,
            follows=outcome.followed,
            reaches=bool(outcome.of(Overwrite)),
            vector_reads=outcome.vectors_used,
            lost=lost_by(outcome),
            x87=x87_after(outcome),
        )

    def _vectors(self, outcome: Outcome) -> int:
        """Return the mask of vector registers that a function or what it calls may change."""
        mask = 0
        if any(map(_WRITTEN_VECTORS, outcome.code.values())):
            for insn in set(outcome.code.values()):
                if insn.vwrites and insn.name != "vzeroupper":
                    mask |= insn.vwrites
        for call in outcome.of(Call):
            mask |= call.summary.vectors
        for leave in outcome.of(Exit):
            if leave.kind == "jump":
                mask |= self._of(leave.target).vectors
        return mask

    def _of(self, target: Target | None) -> Summary:
        """Return what the target of a call or jump does."""
        if target is None:
            return PLATFORM
        if target.address is None:
            convention = self.roster.conventions.get(target.name)
            if convention is not None:
                return summary_of(convention)
            special = callees.SPECIAL.get(target.name, PLATFORM)
            return NO_RETURN if target.name in self.roster.no_return else special
        return self.summaries.get(target.address) or self._in_circle(target.address)

    def counted(self) -> Iterator[Outcome]:
        """Yield the outcomes of functions that have a symbol of their own."""
        for start in sorted(self.outcomes):
            yield self.outcomes[start]
