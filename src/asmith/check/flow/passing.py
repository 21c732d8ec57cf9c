"""What calls pass to callees whose contract asks something of it: which numbers that may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow import arcs
from asmith.check.flow.contracts import conjuncts
from asmith.check.flow.events import Access, Call, Exit, Handed, Passed
from asmith.check.flow.ranges import WHOLE, Ranges
from asmith.check.flow.values import CONST, KIND, SYM, TOP
from asmith.model.contract import Class, Name, Number, Operation, Pointer, Predicate, Role, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.flow.arcs import Arc
    from asmith.check.flow.contracts import Argument, Convention
    from asmith.check.flow.graph import Graph
    from asmith.check.flow.outcome import Outcome
    from asmith.check.flow.ranges import Held
    from asmith.check.flow.roster import Roster
    from asmith.model.contract import Term

_BRANCHES = {"==": "je", "!=": "jne", "<": "jl", "<=": "jle", ">": "jg", ">=": "jge"}
_UNSIGNED = {"jl": "jb", "jle": "jbe", "jg": "ja", "jge": "jae"}


def passed(graph: Graph, outcome: Outcome, roster: Roster) -> Iterator[Passed]:
    """Yield what is passed where the callee's contract asks something of its arguments."""
    leaving: dict[int, tuple[Convention, tuple[int, ...]]] = {}
    for call in outcome.of(Call):
        if call.convention is not None and _asks(call.convention):
            leaving[call.address] = call.convention, call.registers
    for leave in outcome.of(Exit):
        convention = roster.convention(leave.target) if leave.kind == "jump" else None
        if convention is not None and _asks(convention):
            leaving[leave.address] = convention, leave.registers
    if not leaving:
        return
    ranges = Ranges(graph, leaving, dict(_required(outcome.convention)))
    ranges.run()
    for at, (convention, registers) in leaving.items():
        before = ranges.before.get(at)
        given = {}
        for argument in convention.arguments:
            if len(argument.registers) == 1 and _width(argument):
                register = argument.registers[0]
                held = before[register] if before is not None else None
                found = _numbers(argument, registers[register], held)
                if found is not None:
                    given[argument.name] = found
        if given:
            yield Passed(at, convention, given)


def _asks(convention: Convention) -> bool:
    function = convention.function
    return function is not None and any(c.keyword == "requires" for c in function.clauses)


def _width(argument: Argument) -> int:
    """Return the bits of an argument that is a number or an address, or 0."""
    ctype = argument.type
    if isinstance(ctype, Pointer):
        return WHOLE
    if not isinstance(ctype, Scalar) or ctype.kind is not Class.INTEGER:
        return 0
    return 8 * ctype.size if 8 * ctype.size <= WHOLE else 0


def _numbers(argument: Argument, value: int, held: Held | None) -> tuple[int, int] | None:
    """Return the least and the greatest number an argument may be; None: any of its type."""
    width = _width(argument)
    turn = 1 << width
    if value & KIND == CONST:
        arc = (value >> 4) % turn, 0
    elif held is None:
        return None
    elif width == WHOLE:
        arc = held.whole
    else:
        arc = (held.half[0] % turn, held.half[1]) if held.half[1] < turn else arcs.full(width)
    signed = isinstance(argument.type, Scalar) and argument.type.signed
    found = arcs.bounds(arc, width, signed=signed)
    return None if found == arcs.bounds(arcs.full(width), width, signed=signed) else found


def _required(convention: Convention | None) -> Iterator[tuple[int, Arc]]:
    """Yield the registers of arguments of 8 bytes that a contract bounds by constants."""
    function = convention.function if convention is not None else None
    if convention is None or function is None:
        return
    for argument in convention.arguments:
        if len(argument.registers) != 1 or _width(argument) != WHOLE:
            continue
        arc: Arc | None = arcs.full(WHOLE)
        for clause in function.clauses:
            if clause.keyword == "requires" and isinstance(clause.body, Predicate):
                for term in conjuncts(clause.body.term):
                    arc = _bounded(argument, term, arc) if arc is not None else None
        if arc is not None:
            yield argument.registers[0], arc


def _bounded(argument: Argument, term: Term, arc: Arc) -> Arc | None:
    """Return what is left of the numbers of an argument if a comparison with a constant holds."""
    if not isinstance(term, Operation) or term.operator not in _BRANCHES:
        return arc
    name, (left, right) = _BRANCHES[term.operator], term.operands
    if isinstance(left, Number):
        left, right, name = right, left, arcs.SWAPPED[name]
    if left != Name(argument.name, Role.PARAMETER) or not isinstance(right, Number):
        return arc
    if not (isinstance(argument.type, Scalar) and argument.type.signed):
        name = _UNSIGNED.get(name, name)
    return arcs.that(name, arc, (right.value % (1 << WHOLE), 0), WHOLE)


def handed(outcome: Outcome, roster: Roster) -> Iterator[Handed]:
    """Yield where the address of a function goes to a place that calls it as another one."""
    symbols = roster.symbols
    for call in outcome.of(Call):
        for argument in call.convention.arguments if call.convention is not None else ():
            wanted = argument.callees.get(None)
            value = call.registers[argument.registers[0]] if len(argument.registers) == 1 else TOP
            if wanted is not None and value & KIND == SYM:
                yield from _compared(roster, call.address, value, wanted, stored=False)
    own = outcome.convention
    for access in outcome.of(Access):
        for argument in own.arguments if own is not None else ():
            wanted = argument.callees.get(access.offset)
            if wanted is not None and argument.registers == (access.register,):
                source = _stored(outcome, access.address)
                if source is not None:
                    value = symbols.operand(outcome.code[source], source)
                    if value & KIND == SYM:
                        yield from _compared(roster, access.address, value, wanted, stored=True)


def _compared(
    roster: Roster, at: int, value: int, wanted: Convention, *, stored: bool
) -> Iterator[Handed]:
    target = roster.symbols.target(value)
    given = roster.convention(target) if not target.offset and not target.delta else None
    if given is not None and difference(given, wanted):
        yield Handed(at, given, wanted, stored)


def _stored(outcome: Outcome, at: int) -> int | None:
    """Return the `lea` straight before a store whose address it stores, or nothing."""
    store = outcome.code[at]
    if store.name != "mov" or store.operands[:1] != (("m",),) or store.operands[1][0] != "r":
        return None
    before = [place for place in outcome.code if at - FAR <= place < at]
    for place in sorted(before, reverse=True):
        insn = outcome.code[place]
        if place + insn.length != at or insn.flow:
            return None
        if insn.operands[:1] == (store.operands[1],):
            return place if insn.name == "lea" and insn.base == -2 else None
        if insn.masked and insn.writes >> store.operands[1][1] & 1:
            return None
        at = place
    return None


FAR = 64
"""So many bytes before a store the address is looked for."""


def difference(given: Convention, wanted: Convention) -> str:
    """Return in words what a function expects otherwise than who calls it through a pointer."""
    takes, gets = given.arguments, wanted.arguments
    if len(takes) != len(gets):
        return f"takes {len(takes)} arguments, and gets {len(gets)}"
    for one, other in zip(takes, gets, strict=True):
        if (one.registers, one.vectors, one.stack) != (other.registers, other.vectors, other.stack):
            return f"takes '{one.name}' in another place than it is passed in"
        if one.size > max(other.size, HALF):
            return f"takes {one.size} bytes of '{one.name}', and gets {other.size}"
    results = (given.results, given.vector_results, given.x87_results)
    if wanted.results and results != (wanted.results, wanted.vector_results, wanted.x87_results):
        return "returns its result in another place than it is looked for"
    if wanted.vector_results and wanted.vector_results != given.vector_results:
        return "returns its result in another place than it is looked for"
    if wanted.result_size > max(given.result_size, HALF):
        return f"returns {given.result_size} bytes, of which {wanted.result_size} are used"
    return ""


HALF = 4
"""Bytes below which who is called need not mind how wide a number is: it is passed in 4."""
