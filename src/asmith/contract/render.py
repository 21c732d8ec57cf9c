"""Canonical text of types, prototypes and terms.

Equal meaning gives equal text: blanks, redundant parentheses, the base of integer literals and the
names of scalar typedefs leave no trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from asmith.contract.grammar import CALLEE_SAVED, CALLER_SAVED, CLAUSES, LEVELS, MASKS, VECTORS
from asmith.model.contract import (
    Applied,
    Array,
    Audience,
    Function,
    FunctionType,
    Index,
    Locations,
    Member,
    Name,
    Named,
    Number,
    OfType,
    Operation,
    Pointer,
    Predicate,
    Quantified,
    Range,
    Scalar,
    Words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asmith.model.contract import Clause, CType, Term

PRECEDENCE = {
    "?:": 1,
    "<==>": 2,
    "==>": 3,
    "||": 4,
    "^^": 5,
    "&&": 6,
    "|": 7,
    "^": 8,
    "&": 9,
    "==": 10, "!=": 10,
    "<": 11, "<=": 11, ">": 11, ">=": 11,
    "<<": 12, ">>": 12,
    "+": 13, "-": 13,
    "*": 14, "/": 14, "%": 14,
}  # fmt: skip
"""Operators of two operands (and `?:`) by how tightly they bind (ACSL 1.20, figure 2.4)."""
UNARY, POSTFIX, PRIMARY = 15, 16, 17
RIGHT = frozenset(("==>", "?:"))
"""Operators that group from the right."""

# ---- types ---------------------------------------------------------------------------------------


def declare(ctype: CType, name: str = "", *, const: bool = False) -> str:
    """Return `ctype` as C declares `name` with it; without a name, as a cast spells it."""
    return _declare(ctype, name, const=const).rstrip()


def _declare(ctype: CType, inner: str, *, const: bool) -> str:
    match ctype:
        case Pointer(target, target_const):
            star = f"*{'const ' if const and inner else 'const' if const else ''}{inner}"
            if isinstance(target, (Array, FunctionType)):
                star = f"({star})"
            return _declare(target, star, const=target_const)
        case Array(element, count, spelled):
            extent = spelled or ("" if count is None else str(count))
            return _declare(element, f"{inner}[{extent}]", const=const)
        case FunctionType():
            kept = lines(ctype.clauses, Audience.CALLER)
            own = f" {{{'; '.join(kept)}}}" if kept else ""
            return _declare(ctype.result, f"{inner}({_parameters(ctype)})", const=False) + own
        case Scalar(name):
            base = name
        case Named(keyword, tag):
            base = f"{keyword} {tag}"
        case _:  # pragma: no cover
            assert_never(ctype)
    gap = " " if inner and not inner.startswith("[") else ""
    return f"{'const ' if const else ''}{base}{gap}{inner}"


def _parameters(ctype: FunctionType) -> str:
    names = ctype.names or ("",) * len(ctype.parameters)
    parts = [declare(t, n) for t, n in zip(ctype.parameters, names, strict=True)]
    if ctype.variadic:
        parts.append("...")
    return ", ".join(parts) or "void"


def function_type(function: Function) -> FunctionType:
    """Return the type of a declared function."""
    return FunctionType(
        function.result,
        tuple(p.type for p in function.parameters),
        function.variadic,
        tuple(p.name for p in function.parameters),
    )


def prototype(function: Function) -> str:
    """Return the canonical prototype: scalar typedefs resolved, parameter names kept."""
    whole = function_type(function)
    return f"{'_Noreturn ' if function.noreturn else ''}{declare(whole, function.name)}"


# ---- terms ---------------------------------------------------------------------------------------


def term(value: Term) -> str:
    """Return the canonical text of a term."""
    return _term(value, 0)


def _term(value: Term, outer: int) -> str:
    """Return the text of `value` where a binding of at least `outer` is needed."""
    text, binding = _bound(value)
    return f"({text})" if binding < outer else text


def _bound(value: Term) -> tuple[str, int]:  # noqa: C901, PLR0911 -- one case a kind of term
    """Return the text of a term and how tightly its outermost operator binds."""
    match value:
        case Number(number, character):
            text = _character(number) if character else str(number)
            return text, UNARY if text.startswith("-") else PRIMARY
        case Name(name):
            return name, PRIMARY
        case Operation():
            return _operation(value)
        case Member(inner, name, arrow):
            return f"{_term(inner, POSTFIX)}{'->' if arrow else '.'}{name}", POSTFIX
        case Index(array, index):
            return f"{_term(array, POSTFIX)}[{term(index)}]", POSTFIX
        case Range(low, high):
            ends = ["" if end is None else _term(end, PRECEDENCE["+"]) for end in (low, high)]
            return " .. ".join(ends).strip(), 0
        case OfType(kind, operand):
            if operand is None:
                return f"sizeof({declare(kind)})", PRIMARY
            return f"({declare(kind)}){_term(operand, UNARY)}", UNARY
        case Applied(word, arguments):
            inside = ", ".join(term(a) for a in arguments)
            return f"{word}({inside})" if arguments else word, PRIMARY
        case Quantified(word, variables, body):
            return f"{word} {_variables(variables)}; {term(body)}", 0
        case _:  # pragma: no cover
            assert_never(value)


def _operation(value: Operation) -> tuple[str, int]:
    operator = value.operator
    match value.operands:
        case (operand,):
            inside = _term(operand, UNARY)
            gap = " " if inside.startswith(operator) and operator in "-+&" else ""
            return f"{operator}{gap}{inside}", UNARY
        case (left, right):
            level = PRECEDENCE[operator]
            right_first = operator in RIGHT
            first = _term(left, level + right_first)
            return f"{first} {operator} {_term(right, level + (not right_first))}", level
        case (test, then, otherwise):
            return f"{_term(test, 2)} ? {_term(then, 1)} : {_term(otherwise, 1)}", 1
        case _:  # pragma: no cover
            raise AssertionError(value)


def _variables(variables: tuple[tuple[str, CType | None], ...]) -> str:
    return ", ".join(f"{'integer' if t is None else declare(t)} {n}" for n, t in variables)


def _character(number: int) -> str:
    code = number % 256
    if code in b"\\'":
        return f"'\\{chr(code)}'"
    if 32 <= code < 127:  # noqa: PLR2004 -- printable ASCII
        return f"'{chr(code)}'"
    return f"'\\x{code:02x}'"


# ---- clauses -------------------------------------------------------------------------------------

_DEFAULTS = {
    "clobbers": frozenset((*CALLER_SAVED, *VECTORS, *MASKS)),
    "preserves": frozenset(CALLEE_SAVED),
}


def lines(clauses: Iterable[Clause], audience: Audience) -> list[str]:
    """Return the clauses of an audience as lines, in canonical order.

    That is the order of `CLAUSES`, then of the texts; each line stands once, all `assigns` are one,
    and what holds without being said is left out.
    """
    order = list(CLAUSES)
    found: set[tuple[int, str]] = set()
    places: set[str] | None = None
    for clause in clauses:
        if clause.audience is not audience or is_default(clause):
            continue
        if clause.keyword == "assigns" and isinstance(clause.body, Locations):
            places = (places or set()) | {term(t) for t in clause.body.terms}
        elif text := _without_defaults(clause):
            found.add((order.index(clause.keyword), text))
    if places is not None:
        text = ", ".join(sorted(places)) or "\\nothing"
        found.add((order.index("assigns"), f"assigns {text}"))
    return [text for _, text in sorted(found)]


def _without_defaults(clause: Clause) -> str:
    """Return a clause as a line, less the registers whose fate is the ABI's anyway."""
    usual = _DEFAULTS.get(clause.keyword)
    if usual is None or not isinstance(clause.body, Words):
        return f"{clause.keyword} {clause.text}".rstrip()
    rest = [word for word in clause.body.words if word not in usual]
    return f"{clause.keyword} {', '.join(rest)}" if rest else ""


def is_default(clause: Clause) -> bool:
    r"""Tell whether a clause says what holds without it: `requires \true`, `isa x86-64`."""
    match clause.body:
        case Predicate(Applied("\\true"), ""):
            return True
        case Words(words, ()) if clause.keyword == "isa":
            return words == (LEVELS[0],)
        case _:
            return False
