"""The functions of an object and what they call: swept over before any of them is followed."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

from asmith.check.flow import callees as known
from asmith.check.flow import loops
from asmith.check.flow.functions import Function, empty_parts, functions_of
from asmith.check.flow.landing import Landing
from asmith.check.flow.partial import ending
from asmith.check.flow.summary import CALLER_SAVED, PLATFORM
from asmith.check.flow.symbols import SECTION, WITHIN, Symbols
from asmith.check.flow.values import TOP
from asmith.toolchain.decode import Code, Flow

MOST_BACK = 16
"""So many instructions are looked at for the address that the last one calls."""

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.check.flow.contracts import Convention
    from asmith.check.flow.summary import Summary
    from asmith.check.flow.symbols import Target
    from asmith.model.objects import ObjectFacts


class Roster:
    """All functions by address: those that have a symbol, and those that a call shows.

    `needs` maps each to the addresses that it calls or jumps to, `parts` a name to the starts of
    the parts (`f.cold`) that belong to it; `no_return` names the functions of other objects that do
    not come back, `special` those that are called otherwise than the platform says; `empty` maps a
    name to the starts of its parts without code.
    """

    def __init__(
        self,
        facts: ObjectFacts,
        codes: dict[int, Code],
        symbols: Symbols,
        conventions: Mapping[str, Convention],
        *,
        compiled: bool,
    ) -> None:
        self.compiled = compiled
        self.codes = codes
        self.symbols = symbols
        self.conventions = conventions
        outside = [s.name for s in facts.symbols if s.section is None]
        self.no_return = known.no_return(outside)
        self.special = frozenset(filter(known.is_special, outside))
        self.functions = functions_of(facts)
        self.empty = empty_parts(facts) if compiled else {}
        self.landing = Landing(facts, symbols)
        self._starts = list(self.functions)
        self._reached = list(accumulate((f.end for f in self.functions.values()), max))
        self.found: dict[int, Function] = {}
        self.needs = {start: self._callees(f) for start, f in self.functions.items()}
        self.parts: dict[str, list[int]] = {}
        parents = {f.name: f.start for f in self.functions.values()}
        for function in self.functions.values():
            if function.parent:
                self.parts.setdefault(function.parent, []).append(function.start)
            if function.parent in parents:
                self.needs[parents[function.parent]] |= self.needs[function.start]

    def _callees(self, function: Function) -> set[int]:
        """Sweep over a function: return which addresses of this object it calls or jumps to.

        A call of another object's function that nothing follows does not return: so the compiler
        says that it knows this.
        """
        code = self.codes[function.start >> SECTION]
        high = function.start >> SECTION << SECTION
        found = set()
        direct = code.sweep(function.start & WITHIN, function.end & WITHIN or len(code.data))
        for offset in loops.leaving(code, direct, function.start, function.end, self.symbols):
            insn = code.at[offset]
            target = self.symbols.branch(insn, high | offset)
            if target.address is not None:
                inside = function.start <= target.address < function.end
                if insn.flow == Flow.CALL and inside and self.thunk(target.address):
                    continue
                if insn.flow == Flow.CALL or (not inside and target.address in self.functions):
                    found.add(target.address)
            if insn.flow == Flow.CALL:
                ends = self.compiled and high | offset + insn.length == function.end
                if ends and target.address is None:
                    self.no_return.add(target.name)
        if self.compiled and (name := self._called_last(code, function)):
            self.no_return.add(name)
        return found

    def _called_last(self, code: Code, function: Function) -> str:
        """Return the other object's function that the last instruction calls through a register.

        So the large code model has it; the address is looked for in the few instructions before.
        """
        at = function.end & WITHIN or len(code.data)
        wanted: set[int] = set()
        for _ in range(MOST_BACK):
            insn = ending(code.at, at)
            if insn is None or (insn.flow if wanted else insn.flow != Flow.INDIRECT_CALL):
                return ""
            at -= insn.length
            if not wanted:
                wanted = {insn.base, insn.index} if insn.memory else {insn.operands[0][1]}
            elif insn.imm_at and insn.operands[0][0] == "r" and insn.operands[0][1] in wanted:
                value = self.symbols.absolute(function.start & ~WITHIN | at + insn.imm_at)
                if value is not None and value != TOP:
                    return self.symbols.target(value).name
        return ""

    def thunk(self, address: int) -> str:
        """Return what a call within a function does that never comes back: "ret", "jmp"."""
        code = self.codes.get(address >> SECTION)
        return known.thunk(code, address & WITHIN) if code is not None else ""

    def function(self, address: int) -> Function | None:
        """Return the function at an address, by a symbol or found before; parts are none."""
        function = self.functions.get(address) or self.found.get(address)
        if function is not None:
            return None if function.parent else function
        return self._found(address)

    def _found(self, address: int) -> Function | None:
        """Return the function that a call shows to begin at an address without a symbol."""
        code = self.codes.get(address >> SECTION)
        if code is None or address & WITHIN >= len(code.data):
            return None
        home = self._around(address)
        name, end = f"code at {address & WITHIN:#x}", (address & ~WITHIN) + len(code.data)
        if home is not None:
            name, end = f"{home.name}+{address - home.start:#x}", home.end
        made = Function(name, address, end, sized=False, exported=False, named=False)
        self.found[address] = made
        self.needs[address] = self._callees(made)
        return made

    def _around(self, address: int) -> Function | None:
        """Return the first function that has an address in its middle."""
        place, found = bisect_left(self._starts, address) - 1, None
        while place >= 0 and self._reached[place] > address:
            function = self.functions[self._starts[place]]
            found = function if function.end > address else found
            place -= 1
        return found

    def convention(self, target: Target | None) -> Convention | None:
        """Return the contract of the target of a call or jump, if it has one."""
        if target is None or not self.conventions:
            return None
        name = target.name
        if target.address is not None:
            function = self.functions.get(target.address)
            name = function.name if function is not None and function.exported else ""
        return self.conventions.get(name)

    def returns_outside(self, name: str) -> bool:
        """Tell whether a function of another object comes back."""
        convention = self.conventions.get(name)
        return name not in self.no_return if convention is None else convention.returns

    def written(self, address: int, summaries: Mapping[int, Summary]) -> int:
        """Return the mask of registers that a function and its callees write."""
        mask, todo, seen = 0, [address], {address}
        every = sum(1 << n for n in CALLER_SAVED)
        while todo and mask & every != every:
            start = todo.pop()
            done = summaries.get(start)
            function = self.functions.get(start) or self.found.get(start)
            if done is not None or function is None:
                clobbers = (done or PLATFORM).clobbers
                mask |= sum(1 << n for n in clobbers)
                continue
            more = self.needs.get(start, set()) - seen
            seen |= more
            todo += more
            mask |= self._writes_of(function, every)
        return mask

    def _writes_of(self, function: Function, every: int) -> int:
        """Return the mask of registers that the instructions of a function write."""
        code = self.codes[function.start >> SECTION]
        mask, at, end = 0, function.start & WITHIN, function.end - function.start
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
