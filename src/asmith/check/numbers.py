"""What a predicate of a contract says of arguments that are known numbers."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from asmith.model.contract import Name, Number, Operation, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asmith.model.contract import CType, Term

_BINARY: dict[str, Callable[[int, int], int]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}


def as_type(bits: int, ctype: CType) -> int | None:
    """Return what a parameter of an integer type is, of whose register all bits are known."""
    if not isinstance(ctype, Scalar) or not 0 < ctype.size <= 8:  # noqa: PLR2004 -- a register
        return None
    width = 8 * ctype.size
    number = bits & ((1 << width) - 1)
    return number - (1 << width) if ctype.signed and number >> (width - 1) else number


def known(  # noqa: PLR0911 -- one case a kind of term
    term: Term, numbers: Mapping[str, int]
) -> int | None:
    """Return the value of a term in mathematical integers (ACSL 2.2.3); None if it is not known.

    A conjunction is false if one side is, and a disjunction true, whatever the other one is.
    """
    match term:
        case Number(number, _, _):
            return number
        case Name(name):
            return numbers.get(name)
        case Operation("!", (one,)):
            value = known(one, numbers)
            return None if value is None else int(not value)
        case Operation("-", (one,)):
            value = known(one, numbers)
            return None if value is None else -value
        case Operation("==>", (left, right)):
            return known(Operation("||", (Operation("!", (left,)), right)), numbers)
        case Operation("&&" | "||" as word, (left, right)):
            values = (known(left, numbers), known(right, numbers))
            decides = word == "||"
            if any(v is not None and bool(v) == decides for v in values):
                return int(decides)
            return None if None in values else int(not decides)
        case Operation(word, (left, right)) if word in _BINARY:
            a, b = known(left, numbers), known(right, numbers)
            return None if a is None or b is None else int(_BINARY[word](a, b))
    return None
