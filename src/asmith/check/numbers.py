"""What a predicate of a contract says of arguments that are known to lie between two numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.model.contract import Applied, Name, Number, OfType, Operation, Pointer, Range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.model.contract import Term

Extent = tuple[int, int]
"""The least and the greatest number; a predicate is 0 or 1."""
FALSE, TRUE = (0, 0), (1, 1)
FIRST_PAGE = 4096
"""Bytes that are never mapped, from address 0 on."""
_VALID = ("\\valid", "\\valid_read", "valid_string", "valid_read_string")
_DECIDES = {"&&": FALSE, "||": TRUE, "==>": TRUE}
_NOT = {"!=": "==", ">=": "<", ">": "<="}


def extent(  # noqa: PLR0911 -- one case a kind of term
    term: Term, numbers: Mapping[str, Extent]
) -> Extent | None:
    """Return between what a term lies in mathematical integers (ACSL 2.2.3); None: not known."""
    match term:
        case Number(number, _, _):
            return number, number
        case Name(name):
            return numbers.get(name)
        case Applied(word, places):
            if word in _VALID and len(places) == 1 and _at_first_page(places[0], numbers):
                return FALSE
            return (0, 0) if word == "\\null" else None
        case OfType(Pointer(), operand) if operand is not None:
            return extent(operand, numbers)
        case Operation():
            return _operation(term, numbers)
    return None


def _operation(  # noqa: PLR0911 -- one case a kind of operator
    term: Operation, numbers: Mapping[str, Extent]
) -> Extent | None:
    """Return the extent of an operation.

    A conjunction is false if one side is, and a disjunction true, whatever the other one is.
    """
    word, sides = term.operator, [extent(operand, numbers) for operand in term.operands]
    if word in _DECIDES:
        decides = _DECIDES[word]
        truths = [_truth(side) for side in sides]
        if word == "==>":
            truths[0] = _opposite(truths[0])
        if decides in truths:
            return decides
        return None if None in truths else _opposite(decides)
    if None in sides:
        return None
    if len(sides) == 1:
        return _opposite(sides[0]) if word == "!" else _negated(sides[0]) if word == "-" else None
    a, b, *_ = sides
    if a is None or b is None:
        return None
    if word in _NOT:
        return _opposite(_compared(_NOT[word], a, b))
    return _compared(word, a, b) if word in ("==", "<", "<=") else _computed(word, a, b)


def _negated(value: Extent | None) -> Extent | None:
    return None if value is None else (-value[1], -value[0])


def _truth(value: Extent | None) -> Extent | None:
    """Return a number as a predicate."""
    if value is None or value == FALSE:
        return value
    return TRUE if value[0] > 0 or value[1] < 0 else None


def _opposite(value: Extent | None) -> Extent | None:
    truth = _truth(value)
    return None if truth is None else FALSE if truth == TRUE else TRUE


def _compared(word: str, a: Extent, b: Extent) -> Extent | None:
    if word == "==":
        if a == b and a[0] == a[1]:
            return TRUE
        return FALSE if a[1] < b[0] or b[1] < a[0] else None
    same = word == "<="
    if a[1] < b[0] + same:
        return TRUE
    return FALSE if a[0] >= b[1] + same else None


def _computed(word: str, a: Extent, b: Extent) -> Extent | None:
    if word == "+":
        return a[0] + b[0], a[1] + b[1]
    if word == "-":
        return a[0] - b[1], a[1] - b[0]
    if word == "*":
        corners = [x * y for x in a for y in b]
        return min(corners), max(corners)
    return None


def _named(term: Term) -> str:
    """Return the name of a pointer, casts aside, or nothing."""
    if isinstance(term, OfType) and term.operand is not None:
        return _named(term.operand)
    return term.name if isinstance(term, Name) else ""


def _at_first_page(place: Term, numbers: Mapping[str, Extent]) -> bool:
    """Tell whether a place is never mapped, or a row of some that begins where a pointer points.

    A row of none is valid wherever it begins.
    """
    if isinstance(place, Operation) and place.operator == "+":
        place, row = place.operands
        if not isinstance(row, Range) or row.low is None or row.high is None:
            return False
        ends = extent(row.low, numbers), extent(row.high, numbers)
        if ends[0] != (0, 0) or ends[1] is None or ends[1][0] < 0:
            return False
    found = numbers.get(_named(place))
    return found is not None and found[0] >= 0 and found[1] < FIRST_PAGE
