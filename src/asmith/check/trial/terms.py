"""Clauses of contracts, worked out with numbers, as far as that can be done."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from asmith.model.contract import Applied, Name, Number, Operation, Predicate, Range, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.check.flow.contracts import Convention
    from asmith.model.contract import Term

    Leaf = Callable[[Term], int | None]

MOST = 4096
"""Bytes that an array of an argument may have."""


def number(term: Term, leaf: Leaf) -> int | None:
    """Return the value of a term, a truth as 0 or 1; None if it cannot be worked out.

    `leaf` gives the values of names, fields and results.
    """
    match term:
        case Number(value):
            return value
        case Applied("\\null", ()):
            return 0
        case Applied("\\valid" | "\\valid_read", (Operation("+", (_, Range(_, high))),)):
            most = number(high, leaf) if high is not None else None
            return None if most is None else int(most < MOST)
        case Operation("-", (one,)):
            found = number(one, leaf)
            return None if found is None else -found
        case Operation(name, (one, other)):
            return _applied(name, number(one, leaf), number(other, leaf))
        case _:
            return leaf(term)


def keeps(convention: Convention, result: int, passed: tuple[int, ...]) -> bool:
    """Tell whether a result is one that the contract allows, given what was passed."""
    names = {a.name: v for a, v in zip(convention.arguments, passed, strict=True)}

    def leaf(term: Term) -> int | None:
        if isinstance(term, Applied) and term.word == "\\result":
            return result
        return names.get(term.name) if isinstance(term, Name) else None

    function = convention.function
    return not any(
        clause.keyword == "ensures"
        and isinstance(clause.body, Predicate)
        and number(clause.body.term, leaf) == 0
        for clause in (function.clauses if function is not None else ())
    )


def _applied(name: str, one: int | None, other: int | None) -> int | None:
    if name == "||":
        return 1 if one or other else 0 if one == other == 0 else None
    if name == "&&":
        return 0 if one == 0 or other == 0 else 1 if one and other else None
    if one is None or other is None:
        return None
    act = _OPERATORS.get(name)
    return int(act(one, other)) if act is not None else None


_OPERATORS: dict[str, Callable[[int, int], int]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge, "+": operator.add, "-": operator.sub, "*": operator.mul,
}  # fmt: skip


def ranges(convention: Convention) -> dict[str, tuple[int | None, int | None]]:
    """Return the bounds that requirements give parameters: name -> least and greatest."""
    found: dict[str, tuple[int | None, int | None]] = {}
    function = convention.function
    for clause in function.clauses if function is not None else ():
        if clause.keyword == "requires" and isinstance(clause.body, Predicate):
            _bound(clause.body.term, found)
    return found


def _bound(term: Term, found: dict[str, tuple[int | None, int | None]]) -> None:
    if not isinstance(term, Operation) or len(term.operands) != 2:
        return
    one, other = term.operands
    if term.operator == "&&":
        _bound(one, found)
        _bound(other, found)
        return
    word = term.operator
    if isinstance(one, Number) and isinstance(other, Name):
        one, other = other, one
        word = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(word, word)
    if not (isinstance(one, Name) and isinstance(other, Number) and one.role is Role.PARAMETER):
        return
    low, high = found.get(one.name, (None, None))
    number = other.value
    if word in (">", ">="):
        low = number + (word == ">")
    elif word in ("<", "<="):
        high = number - (word == "<")
    found[one.name] = low, high
