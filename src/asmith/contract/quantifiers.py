"""The bounds of quantifiers: a clause is also run, so each bound variable needs two ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.model.contract import Applied, Name, Operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.model.contract import Term


def is_bounded(word: str, name: str, body: Term) -> bool:
    r"""Tell whether a quantifier's body starts with both bounds of a variable.

    They stand before `==>` in a `\forall`, and among the conjuncts of an `\exists`.
    """
    guard = body
    if word == "\\forall":
        match body:
            case Operation("==>", (left, _)):
                guard = left
            case _:
                guard = Applied("\\true")
    return {end for one in conjuncts(guard) for end in _ends(one, name)} == {"low", "high"}


def conjuncts(term: Term) -> Iterator[Term]:
    """Yield the parts of a conjunction, from the left."""
    pending = [term]
    while pending:
        match pending.pop():
            case Operation("&&", (left, right)):
                pending += [right, left]
            case one:
                yield one


def _ends(term: Term, name: str) -> Iterator[str]:
    """Yield which ends of a variable a comparison bounds: "low", "high", both or none."""
    match term:
        case Operation("<" | "<=" | "==" as operator, (small, large)):
            pass
        case Operation(">" | ">=" as operator, (large, small)):
            pass
        case _:
            return
    both = operator == "=="
    if isinstance(small, Name) and small.name == name:
        yield from ("low", "high") if both else ("high",)
    if isinstance(large, Name) and large.name == name:
        yield from ("low", "high") if both else ("low",)
