"""What contracts say of functions, in the numbers that the analysis computes with.

System V psABI 3.2.3 says where arguments and results are; `asmith.abi.places` obeys it. Of a value
narrower than 8 bytes the upper bytes of its register are undefined, at the entry and on return.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from asmith.check.flow.summary import CALLER_SAVED, Summary
from asmith.dataclass import dataclass, field
from asmith.model.contract import (
    Applied,
    Function,
    FunctionType,
    Locations,
    Name,
    Named,
    Number,
    OfType,
    Operation,
    Parameter,
    Pointer,
    Predicate,
    Role,
    Words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from asmith.abi.places import Location
    from asmith.model.contract import Aggregate, Clause, CType, Interface, Term

NUMBERS = {
    name: number
    for number, name in enumerate(
        ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{n}" for n in range(8, 16)))
    )
}
RAX, RSP, RDI = 0, 4, 7
_HALF = 4
_NULLABLE = ("\\valid", "\\valid_read", "valid_string", "valid_read_string")


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: its general registers and vector registers, or its place on the stack.

    `stack` counts from rsp before the call. `not_null` says that a `requires` clause excludes the
    null pointer. `callees` has, by offset, what a function is called as whose address lies there:
    in the structure that the argument points to, or (None) in the argument itself.
    """

    name: str
    type: CType
    size: int
    registers: tuple[int, ...] = ()
    vectors: tuple[int, ...] = ()
    stack: int | None = None
    not_null: bool = False
    callees: Mapping[int | None, Convention] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Convention:
    """How a function is called, and what it may rely on.

    `given`, `narrow`, `vectors` are masks of registers that hold something at the entry, of those
    whose upper 32 bits do not, and of vector registers. `stack_end` is the offset from the return
    address behind the last stack argument.
    """

    name: str
    given: int
    narrow: int
    vectors: int
    arguments: tuple[Argument, ...]
    results: tuple[int, ...] = ()
    result_size: int = 0
    vector_results: int = 0
    x87_results: int = 0
    returns: bool = True
    variadic: bool = False
    stack_end: int = 8
    clobbers: tuple[int, ...] = CALLER_SAVED
    stack: int | None = None
    isa: str = ""
    outcomes: tuple[str, ...] = ()
    fails_with_null: bool = False
    dispatch: bool = False
    complete: bool = False  # its contract says what callers see to, and all of that
    released_by: str = ""
    releases: tuple[int, ...] = ()
    borrows: int | None = None
    fails_with_number: bool = False
    function: Function | None = field(default=None, compare=False)
    types: Mapping[str, Aggregate] = field(default_factory=dict, compare=False)


def conventions(interfaces: Iterable[Interface]) -> dict[str, Convention]:
    """Return symbol -> convention for all functions of some interfaces, the first one's first."""
    from asmith.contract.layout import IncompleteError

    found: dict[str, Convention] = {}
    for interface in interfaces:
        for name, function in interface.functions.items():
            if name not in found:
                try:
                    found[name] = convention_of(function, interface.types)
                except IncompleteError:
                    continue
    return found


@cache
def summary_of(convention: Convention) -> Summary:
    """Return what a call of a function does, by its contract."""
    return Summary(
        clobbers=convention.clobbers,
        returns=convention.returns,
        results=convention.results,
        narrow=bool(convention.results) and convention.result_size <= _HALF,
        vector_results=convention.vector_results,
        may_fail=convention.fails_with_null or convention.fails_with_number,
        x87=convention.x87_results,
    )


def convention_of(
    function: Function, types: Mapping[str, Aggregate], *, pointed: bool = False
) -> Convention:
    """Return how a function is called, or (`pointed`) what a pointer points to."""
    from asmith.abi.places import places

    where = places(function, types)
    needed = frozenset(_never_null(function))
    arguments = tuple(
        _argument(
            location, parameter.type, {} if pointed else types, not_null=parameter.name in needed
        )
        for location, parameter in zip(where.arguments, function.parameters, strict=True)
    )
    given = 1 << RSP | (1 << RDI if where.hidden else 0) | (1 << RAX if function.variadic else 0)
    narrow = vectors = 0
    for argument in arguments:
        for place, register in enumerate(argument.registers):
            given |= 1 << register
            if argument.size - 8 * place <= _HALF:
                narrow |= 1 << register
        for number in argument.vectors:
            vectors |= 1 << number
    results, vector_results = _registers(where.result)
    return Convention(
        name=function.name,
        given=given,
        narrow=narrow,
        vectors=vectors,
        arguments=arguments,
        results=(RAX,) if where.hidden else results,
        result_size=8 if where.hidden or where.result is None else where.result.size,
        vector_results=sum(1 << n for n in vector_results),
        x87_results=sum(name.startswith("st") for name in _names(where.result)),
        returns=not function.noreturn,
        variadic=function.variadic,
        stack_end=8 + where.stack_bytes,
        clobbers=_clobbers(function),
        stack=_number(function, "stack"),
        isa=next(iter(_words(function, "isa")), ""),
        fails_with_null=any(map(_is_null_result, function.clauses)),
        dispatch=any(c.keyword == "dispatch" for c in function.clauses),
        complete=any(c.keyword == "requires" for c in function.clauses),
        released_by=next(filter(None, map(_releaser, function.clauses)), ""),
        releases=tuple(_released(function, arguments)),
        borrows=next(_lenders(function, arguments), None),
        fails_with_number=any(map(_is_number_result, function.clauses)),
        outcomes=tuple(c.text for c in function.clauses if c.keyword == "outcome"),
        function=function,
        types=types,
    )


def _is_null_result(clause: Clause) -> bool:
    """Tell whether a clause is an outcome whose result is the null pointer."""
    return any(isinstance(o, Applied) and o.word == "\\null" for o in _result_is(clause))


def _is_number_result(clause: Clause) -> bool:
    """Tell whether a clause is an outcome whose result is a certain number, or has a sign."""
    return not _is_null_result(clause) and bool(_result_is(clause))


def _result_is(clause: Clause) -> tuple[Term, ...]:
    """Return the result and what an outcome compares it with; nothing for other clauses."""
    if clause.keyword != "outcome" or not isinstance(clause.body, Predicate):
        return ()
    term = clause.body.term
    if not isinstance(term, Operation) or term.operator not in ("==", "<", "<=", "!="):
        return ()
    about = any(isinstance(o, Applied) and o.word == "\\result" for o in term.operands)
    return term.operands if about else ()


def _releaser(clause: Clause) -> str:
    r"""Return the function that must release the result, of `acquires \result by F`."""
    body = clause.body
    if clause.keyword != "acquires" or not isinstance(body, Locations):
        return ""
    own = any(isinstance(t, Applied) and t.word == "\\result" for t in body.terms)
    return body.source.name if own and isinstance(body.source, Name) else ""


def _released(function: Function, arguments: tuple[Argument, ...]) -> Iterator[int]:
    """Yield the registers of arguments that a call releases or takes over."""
    for clause in function.clauses:
        if clause.keyword in ("releases", "takes") and isinstance(clause.body, Locations):
            for name in map(_parameter, clause.body.terms):
                for argument in arguments:
                    if argument.name == name and len(argument.registers) == 1:
                        yield argument.registers[0]


def _lenders(function: Function, arguments: tuple[Argument, ...]) -> Iterator[int]:
    r"""Yield the register of the argument that the result is borrowed from."""
    for clause in function.clauses:
        body = clause.body
        if clause.keyword == "borrows" and isinstance(body, Locations) and body.source is not None:
            if not any(isinstance(t, Applied) and t.word == "\\result" for t in body.terms):
                continue
            for argument in arguments:
                if argument.name == _parameter(body.source) and len(argument.registers) == 1:
                    yield argument.registers[0]


def _argument(
    location: Location, ctype: CType, types: Mapping[str, Aggregate], *, not_null: bool
) -> Argument:
    name = location.name
    registers, vectors = _registers(location)
    stack = None if location.stack is None else location.stack - 8
    callees = dict(_callees(ctype, name, types))
    return Argument(name, ctype, location.size, registers, vectors, stack, not_null, callees)


def _callees(
    ctype: CType, name: str, types: Mapping[str, Aggregate]
) -> Iterator[tuple[int | None, Convention]]:
    """Yield where an argument has the address of a function, and what that is called as."""
    from asmith.contract.layout import IncompleteError

    if not isinstance(ctype, Pointer):
        return
    places: list[tuple[int | None, str, CType]] = [(None, name, ctype)]
    if isinstance(ctype.target, Named) and ctype.target.tag in types:
        fields = types[ctype.target.tag].fields
        places += [(f.offset, f"{name}->{f.name}", f.type) for f in fields]
    for offset, words, there in places:
        if isinstance(there, Pointer) and isinstance(there.target, FunctionType):
            kind = there.target
            names = kind.names or ("",) * len(kind.parameters)
            parameters = tuple(
                Parameter(given or f"argument {number}", of)
                for number, (given, of) in enumerate(zip(names, kind.parameters, strict=True), 1)
            )
            function = Function(
                f"the function at '{words}'",
                kind.result,
                parameters,
                kind.variadic,
                clauses=kind.clauses,
            )
            with suppress(IncompleteError):
                yield offset, convention_of(function, types, pointed=True)


def _registers(location: Location | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the numbers of the general and of the vector registers of a value."""
    names = _names(location)
    general = tuple(NUMBERS[n] for n in names if n in NUMBERS)
    return general, tuple(int(n[3:]) for n in names if n[:3] in ("xmm", "ymm", "zmm"))


def _names(location: Location | None) -> tuple[str, ...]:
    return location.registers if location is not None else ()


def _words(function: Function, keyword: str) -> Iterator[str]:
    for clause in function.clauses:
        if clause.keyword == keyword and isinstance(clause.body, Words):
            yield from clause.body.words


def _number(function: Function, keyword: str) -> int | None:
    return next((int(word) for word in _words(function, keyword) if word.isdigit()), None)


def _clobbers(function: Function) -> tuple[int, ...]:
    """Return what a call may change: the caller-saved registers, unless clauses say otherwise."""
    changed = set(CALLER_SAVED)
    changed |= {NUMBERS[word] for word in _words(function, "clobbers") if word in NUMBERS}
    changed -= {NUMBERS[word] for word in _words(function, "preserves") if word in NUMBERS}
    return tuple(sorted(changed))


def _never_null(function: Function) -> Iterator[str]:
    """Yield the parameters that a `requires` clause keeps from being null, whatever else holds."""
    pointers = {p.name for p in function.parameters if isinstance(p.type, Pointer)}
    for clause in function.clauses:
        if clause.keyword == "requires" and isinstance(clause.body, Predicate):
            for term in conjuncts(clause.body.term):
                name = _kept_from_null(term)
                if name in pointers:
                    yield name


def conjuncts(term: Term) -> Iterator[Term]:
    """Yield the terms that all hold where a term does."""
    if isinstance(term, Operation) and term.operator == "&&":
        for operand in term.operands:
            yield from conjuncts(operand)
    else:
        yield term


def _kept_from_null(term: Term) -> str:
    """Return the parameter that a term excludes null for, or nothing."""
    if isinstance(term, Applied) and term.word in _NULLABLE and len(term.arguments) == 1:
        return _parameter(term.arguments[0])
    if isinstance(term, Operation) and term.operator == "!=":
        left, right = term.operands
        if _is_null(right):
            return _parameter(left)
        if _is_null(left):
            return _parameter(right)
    return ""


def _is_null(term: Term) -> bool:
    if isinstance(term, OfType) and term.operand is not None:
        return _is_null(term.operand)
    return (isinstance(term, Applied) and term.word == "\\null") or (
        isinstance(term, Number) and term.value == 0
    )


def _parameter(term: Term) -> str:
    if isinstance(term, OfType) and term.operand is not None:
        return _parameter(term.operand)
    return term.name if isinstance(term, Name) and term.role is Role.PARAMETER else ""
