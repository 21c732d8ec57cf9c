"""Types of terms: what each operator and built-in word of a clause accepts and gives.

Clauses compute in mathematical integers: arithmetic never overflows and has no width. A term has
a C type where it denotes an object, `MATH` where it is computed, `PREDICATE` where it is true or
false.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from asmith.contract.basic import VOID
from asmith.contract.render import declare
from asmith.model.contract import (
    Array,
    Class,
    FunctionType,
    Named,
    Pointer,
    Scalar,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.model.contract import Aggregate, CType, Term

MATH = Scalar("integer", 0, 1, Class.INTEGER, signed=True)
PREDICATE = Scalar("predicate", 0, 1, Class.INTEGER)
NULL = Pointer(VOID)


class Typed(NamedTuple):
    """A term with its type, where it starts, and whether it denotes an object (`*p`, `n`).

    `many` says that it holds a range, and so denotes a set of values or objects.
    """

    term: Term
    type: CType
    offset: int
    lvalue: bool = False
    many: bool = False


def spell(ctype: CType) -> str:
    """Return a type as messages name it."""
    return (
        "an integer"
        if ctype is MATH
        else "a predicate"
        if ctype is PREDICATE
        else (f"'{declare(ctype)}'")
    )


def is_integer(ctype: CType) -> bool:
    """Tell whether a type takes part in integer arithmetic."""
    if isinstance(ctype, Named):
        return ctype.keyword == "enum"
    return isinstance(ctype, Scalar) and ctype.kind is Class.INTEGER and ctype is not PREDICATE


def is_truth(ctype: CType) -> bool:
    """Tell whether a type can be asked for its truth: predicates, and integers as in C."""
    return ctype is PREDICATE or is_integer(ctype)


def decayed(ctype: CType) -> CType:
    """Return the pointer that an array or a function stands for in a term."""
    match ctype:
        case Array(element, _):
            return Pointer(element)
        case FunctionType():
            return Pointer(ctype)
        case _:
            return ctype


def is_complete(ctype: CType, types: Mapping[str, Aggregate]) -> bool:
    """Tell whether objects of the type have a known size."""
    match ctype:
        case Named(_, tag):
            return tag in types
        case Scalar(kind=kind):
            return kind is not Class.VOID
        case Array(_, count):
            return count is not None
        case FunctionType():
            return False
        case _:
            return True


def comparable(left: CType, right: CType) -> bool:
    """Tell whether two types can be compared: both integers, or pointers to one type or to void."""
    left, right = decayed(left), decayed(right)
    if is_integer(left) and is_integer(right):
        return True
    if isinstance(left, Pointer) and isinstance(right, Pointer):
        return left.target == right.target or VOID in (left.target, right.target)
    return False


def arithmetic(operator: str, left: CType, right: CType) -> CType | None:
    """Return the type of an arithmetic operation, None where there is none.

    Integers give an integer; pointers move by integers, and their distance is an integer.
    """
    left, right = decayed(left), decayed(right)
    match operator, left, right:
        case _ if is_integer(left) and is_integer(right):
            return MATH
        case ("+" | "-", Pointer(), _) if is_integer(right):
            return left
        case ("+", _, Pointer()) if is_integer(left):
            return right
        case ("-", Pointer(), Pointer()) if comparable(left, right):
            return MATH
        case _:
            return None


def either(one: CType, other: CType) -> CType | None:
    """Return the type of a choice between two terms, None where they have none in common."""
    if is_integer(one) and is_integer(other):
        return MATH
    if is_truth(one) and is_truth(other):
        return PREDICATE
    one = decayed(one)
    return one if comparable(one, other) else None
