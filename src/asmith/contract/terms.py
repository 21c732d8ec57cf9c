r"""Terms and predicates of clauses: a Pratt parser that types what it reads.

The language is the executable subset of ACSL (E-ACSL): operators as in C plus `==>`, `<==>` and
`^^`, chains such as `0 <= i < n`, ranges, bounded quantifiers, and the words of `WORDS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.contract import typed
from asmith.contract.atoms import Atoms
from asmith.contract.quantifiers import is_bounded
from asmith.contract.render import PRECEDENCE, RIGHT
from asmith.contract.tokens import Kind
from asmith.contract.typed import MATH, PREDICATE, Typed
from asmith.dataclass import dataclass
from asmith.model.contract import (
    Index,
    Member,
    Named,
    Number,
    OfType,
    Operation,
    Pointer,
    Quantified,
    Range,
)

if TYPE_CHECKING:
    from asmith.contract.tokens import Token
    from asmith.model.contract import CType, Term

MAX_DEPTH = 40
"""Terms may nest this deep."""
MAX_OPERATORS = 200
"""One term may hold this many operators: deeper trees than anyone reads are refused."""

_RELATIONS = ("==", "!=", "<", "<=", ">", ">=")
_LOGIC = ("&&", "||", "==>", "<==>", "^^")
_PREFIXES = ("!", "-", "+", "~", "*", "&")
_UP, _DOWN = frozenset(("<", "<=", "==")), frozenset((">", ">=", "=="))
_LEVELS = {"?" if o == "?:" else o: level for o, level in PRECEDENCE.items()}


@dataclass(slots=True)
class Terms(Atoms):
    """Parser of one term after the other from a cursor."""

    depth: int = 0
    operators: int = 0

    def predicate(self) -> Term:
        """Return the predicate at the cursor. Raises UsageError for a term that has no truth."""
        self.operators = 0
        found = self.expression(0)
        self._truth(found)
        return found.term

    def location(self) -> Typed:
        """Return the term at the cursor, which names objects or a pointer."""
        self.operators = 0
        return self.expression(0)

    # ---- quantifiers -----------------------------------------------------------------------------

    def quantified(self, token: Token) -> Typed:
        """Return the quantified predicate whose word is `token`."""
        variables: list[tuple[str, CType | None]] = []
        ctype = self._integer_type()
        while True:
            name = self.cursor.name("the name of a bound variable")
            if name.text in self.bound or name.text in self.signature.parameters:
                raise self.cursor.error(f"'{name.text}' already has a meaning here", at=name.offset)
            variables.append((name.text, ctype))
            self.bound[name.text] = ctype or MATH
            if not self.cursor.accept(","):
                break
            if self.cursor.peek().text not in (",", ";"):
                ctype = self._integer_type()
        self.cursor.expect(";")
        body = self.expression(0)
        if body.type is not PREDICATE:
            raise self.cursor.error(
                f"expected a predicate, got {typed.spell(body.type)}", at=body.offset
            )
        for variable, _ in variables:
            del self.bound[variable]
            self._check_bounds(token, variable, body.term)
        return Typed(Quantified(token.text, tuple(variables), body.term), PREDICATE, token.offset)

    def _integer_type(self) -> CType | None:
        if self.cursor.is_name("integer"):
            self.cursor.take()
            return None
        start = self.cursor.token
        if not self.starts_type(start):
            raise self.cursor.error(
                f"expected 'integer' or an integer type, got {self.cursor.shown()}"
            )
        ctype = self.type_name()
        if not typed.is_integer(ctype):
            raise self.cursor.error(
                f"a bound variable of type {typed.spell(ctype)}", at=start.offset
            )
        return ctype

    def _check_bounds(self, token: Token, name: str, body: Term) -> None:
        if not is_bounded(token.text, name, body):
            joined = "==>" if token.text == "\\forall" else "&&"
            raise self.cursor.error(
                f"'{name}' is not bounded",
                at=token.offset,
                why="a clause is also run, so every quantifier must be finite",
                help_=f"write '{token.text} integer {name}; 0 <= {name} < n {joined} ...'",
            )

    # ---- operators -------------------------------------------------------------------------------

    def expression(self, least: int) -> Typed:
        """Return the longest term whose operators bind at least as tightly as `least`."""
        self._nest()
        left = self._unary()
        chained: Typed | None = None  # the right end of a comparison that may go on
        chain: tuple[str, ...] = ()  # its operators so far
        while True:
            token = self.cursor.token
            level = _LEVELS.get(token.text) if token.kind is Kind.SYMBOL else None
            if level is None or level < least:
                break
            self._count()
            self.cursor.take()
            operator = token.text
            if operator == "?":
                left, chained = self._conditional(left), None
                continue
            right = self.expression(level if operator in RIGHT else level + 1)
            if operator not in _RELATIONS:
                left, chained = self._binary(operator, left, right, token.offset), None
            elif chained is None:
                left = self._binary(operator, left, right, token.offset)
                chained, chain = right, (operator,)
            else:
                chain = (*chain, operator)
                left = self._linked(left, chain, chained, right, token.offset)
                chained = right
        self.depth -= 1
        return left

    def _linked(
        self, left: Typed, chain: tuple[str, ...], middle: Typed, right: Typed, at: int
    ) -> Typed:
        """Return a chain of comparisons with one more link: `a < b < c` is `a < b && b < c`."""
        if not (set(chain) <= _UP or set(chain) <= _DOWN):
            raise self.cursor.error("a chain of comparisons must keep one direction", at=at)
        link = self._relation(chain[-1], middle, right, at)
        return Typed(Operation("&&", (left.term, link.term)), PREDICATE, left.offset)

    def _count(self) -> None:
        self.operators += 1
        if self.operators > MAX_OPERATORS:
            raise self.cursor.error(
                f"the term has more than {MAX_OPERATORS} operators",
                help_="divide it into several clauses",
            )

    def _conditional(self, test: Typed) -> Typed:
        self._truth(test)
        then = self.expression(0)
        self.cursor.expect(":")
        otherwise = self.expression(PRECEDENCE["?:"])
        ctype = typed.either(then.type, otherwise.type)
        if ctype is None:
            raise self.cursor.error("the two sides of '?:' have different types", at=then.offset)
        whole = Operation("?:", (test.term, then.term, otherwise.term))
        return Typed(whole, ctype, test.offset)

    def _binary(self, operator: str, left: Typed, right: Typed, at: int) -> Typed:
        whole = Operation(operator, (left.term, right.term))
        if self.constant:
            return Typed(whole, MATH, left.offset)
        if operator in _RELATIONS:
            return self._relation(operator, left, right, at)
        if operator in _LOGIC:
            self._truth(left)
            self._truth(right)
            return Typed(whole, PREDICATE, left.offset)
        ctype = typed.arithmetic(operator, left.type, right.type)
        if ctype is None:
            raise self.cursor.error(
                f"'{operator}' between {typed.spell(left.type)} and {typed.spell(right.type)}",
                at=at,
            )
        return Typed(whole, ctype, left.offset, many=left.many or right.many)

    def _relation(self, operator: str, left: Typed, right: Typed, at: int) -> Typed:
        left, right = self._null(left, right), self._null(right, left)
        if left.many or right.many:
            raise self.cursor.error(f"'{operator}' compares a set of values", at=at)
        if not typed.comparable(left.type, right.type):
            raise self.cursor.error(
                f"'{operator}' compares {typed.spell(left.type)} with {typed.spell(right.type)}",
                at=at,
            )
        return Typed(Operation(operator, (left.term, right.term)), PREDICATE, left.offset)

    def _null(self, one: Typed, other: Typed) -> Typed:
        r"""Return `\null` in place of a 0 that is compared with a pointer."""
        pointer = isinstance(typed.decayed(other.type), Pointer)
        return self.null_at(one.offset) if pointer and one.term == Number(0) else one

    def _truth(self, value: Typed) -> None:
        if not typed.is_truth(value.type) or value.many:
            help_ = "compare it with \\null" if isinstance(value.type, Pointer) else ""
            raise self.cursor.error(
                f"expected a predicate, got {typed.spell(value.type)}",
                at=value.offset,
                help_=help_,
            )

    # ---- prefixes and suffixes -------------------------------------------------------------------

    def _unary(self) -> Typed:
        """Return an operand with its prefix operators and suffixes."""
        token = self.cursor.token
        if token.kind is not Kind.SYMBOL:
            return self._suffixed(self.primary())
        if token.text in _PREFIXES:
            self._count()
            self._nest()
            self.cursor.take()
            found = self._prefixed(token.text, self._unary(), token.offset)
            self.depth -= 1
            return found
        if token.text == "(" and self.starts_type(self.cursor.peek()):
            self._count()
            self._nest()
            self.cursor.take()
            kind = self.type_name()
            self.cursor.expect(")")
            operand = self._unary()
            self.depth -= 1
            return self._cast(kind, operand, token.offset)
        return self._suffixed(self.primary())

    def _nest(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.cursor.error(f"the term nests deeper than {MAX_DEPTH}")

    def _cast(self, kind: CType, operand: Typed, at: int) -> Typed:
        whole = OfType(kind, operand.term)
        both = typed.is_integer(kind) and typed.is_integer(operand.type)
        if both or (isinstance(kind, Pointer) and isinstance(typed.decayed(operand.type), Pointer)):
            return Typed(whole, kind, at, many=operand.many)
        raise self.cursor.error(
            f"a cast of {typed.spell(operand.type)} to {typed.spell(kind)}", at=at
        )

    def _prefixed(self, operator: str, operand: Typed, at: int) -> Typed:
        whole = Operation(operator, (operand.term,))
        if self.constant:
            if operator in "*&":
                raise self.cursor.error(f"'{operator}' has no place in a constant", at=at)
            return Typed(whole, MATH, at)
        if operator == "!":
            self._truth(operand)
            return Typed(whole, PREDICATE, at)
        if operator in "-~+" and typed.is_integer(operand.type):
            if operator == "+":
                return Typed(operand.term, MATH, at, many=operand.many)
            return Typed(whole, MATH, at, many=operand.many)
        if operator == "&" and operand.lvalue:
            return Typed(whole, Pointer(operand.type), at, many=operand.many)
        target = typed.decayed(operand.type)
        if operator == "*" and isinstance(target, Pointer):
            self._sized(target.target, at)
            return Typed(whole, target.target, at, lvalue=True, many=operand.many)
        raise self.cursor.error(f"'{operator}' before {typed.spell(operand.type)}", at=at)

    def _suffixed(self, value: Typed) -> Typed:
        while self.cursor.is_symbol("[", ".", "->"):
            self._count()
            token = self.cursor.take()
            if token.text == "[":
                value = self._indexed(value, token.offset)
            else:
                value = self._member(value, arrow=token.text == "->")
        return value

    def _indexed(self, value: Typed, at: int) -> Typed:
        index = self.range()
        self.cursor.expect("]")
        target = typed.decayed(value.type)
        if not isinstance(target, Pointer):
            raise self.cursor.error(
                f"'[' after {typed.spell(value.type)}, expected a pointer", at=at
            )
        if not typed.is_integer(index.type):
            raise self.cursor.error(f"an index that is {typed.spell(index.type)}", at=index.offset)
        self._sized(target.target, at)
        whole = Index(value.term, index.term)
        many = value.many or index.many
        return Typed(whole, target.target, value.offset, lvalue=True, many=many)

    def _member(self, value: Typed, *, arrow: bool) -> Typed:
        name = self.cursor.name("the name of a member")
        kind = typed.decayed(value.type) if arrow else value.type
        if arrow:
            if not isinstance(kind, Pointer):
                raise self.cursor.error(
                    f"'->' after {typed.spell(value.type)}, expected a pointer", at=value.offset
                )
            kind = kind.target
        if not isinstance(kind, Named) or kind.keyword == "enum":
            raise self.cursor.error(f"{typed.spell(kind)} has no members", at=name.offset)
        self._sized(kind, name.offset)
        aggregate = self.scope.types[kind.tag]
        for one in aggregate.fields:
            if one.name == name.text:
                whole = Member(value.term, name.text, arrow)
                return Typed(whole, one.type, value.offset, value.lvalue or arrow, value.many)
        raise self.unknown(
            f"'{aggregate.spelling}' has no member '{name.text}'",
            name,
            [f.name for f in aggregate.fields],
        )

    def range(self) -> Typed:
        """Return `low .. high`, or a plain term."""
        start = self.cursor.token.offset
        low = None if self.cursor.is_symbol("..") else self.expression(0)
        if not self.cursor.accept(".."):
            assert low is not None  # else the cursor stood on `..`
            return low
        high = None if self.cursor.is_symbol(")", "]", ",") else self.expression(0)
        for end in (low, high):
            if end is not None and (not typed.is_integer(end.type) or end.many):
                raise self.cursor.error(
                    f"a range ends at {typed.spell(end.type)}, expected an integer", at=end.offset
                )
        ends = [None if end is None else end.term for end in (low, high)]
        whole = Range(*ends)
        return Typed(whole, MATH, start, many=True)

    def _sized(self, kind: CType, at: int) -> None:
        """Check that objects of a type have a known size."""
        if not typed.is_complete(kind, self.scope.types):
            raise self.cursor.error(
                f"{typed.spell(kind)} is incomplete: nothing is known of its objects",
                at=at,
                help_="include the interface that defines it; for an object that only its own "
                "library knows, write 'asm mutates'",
            )
