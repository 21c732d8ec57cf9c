"""The innermost parts of terms: literals, names, built-in words and `sizeof`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asmith.contract import literals, typed
from asmith.contract.basic import INT
from asmith.contract.render import function_type
from asmith.contract.tokens import Kind, Token
from asmith.contract.typed import MATH, NULL, PREDICATE, Typed
from asmith.contract.typenames import TypeNames
from asmith.contract.words import NOT_SUPPORTED, QUANTIFIERS, WORDS, Takes, Word
from asmith.model.contract import Applied, Name, OfType, Pointer, Role, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asmith.model.contract import CType


@dataclass(frozen=True, slots=True)
class Signature:
    """What the terms of a function's clauses may name besides what is visible everywhere."""

    name: str
    parameters: Mapping[str, CType]
    result: CType | None  # None where there is none: `void`


@dataclass(slots=True)
class Atoms(TypeNames):
    r"""The part of the term parser that does not depend on operators.

    `after` says that the clause speaks of the state after the call: `\result` and `\old` have a
    meaning. `constant` says that a constant expression is read, where only constants are known.
    """

    signature: Signature
    after: bool = False
    constant: bool = False
    bound: dict[str, CType] = field(default_factory=dict)

    def range(self) -> Typed:
        """Return the term or range at the cursor; operators are the business of `Terms`."""
        raise NotImplementedError

    def quantified(self, token: Token) -> Typed:
        """Return the quantified predicate whose word is `token`; see `Terms`."""
        raise NotImplementedError

    def primary(self) -> Typed:
        """Return a literal, a name, a word with its arguments, or a term in parentheses."""
        token = self.cursor.token
        place = self.cursor.origin.place
        match token.kind:
            case Kind.NUMBER:
                self.cursor.take()
                value = literals.integer(token.text, place(token.offset))
                return Typed(value, MATH, token.offset)
            case Kind.CHARACTER:
                self.cursor.take()
                value = literals.character(token.text, place(token.offset))
                return Typed(value, MATH, token.offset)
            case Kind.WORD:
                return self._word(self.cursor.take())
            case Kind.NAME:
                return self._named(self.cursor.take())
        if self.cursor.accept("("):
            inner = self.range()
            self.cursor.expect(")")
            return inner
        raise self.cursor.error(f"expected a term, got {self.cursor.shown()}")

    # ---- words -----------------------------------------------------------------------------------

    def _word(self, token: Token) -> Typed:
        if self.constant:
            raise self.cursor.error(f"'{token.text}' in a constant", at=token.offset)
        if token.text in QUANTIFIERS:
            return self.quantified(token)
        word = WORDS.get(token.text)
        if word is not None:
            return self._applied(word, token)
        if token.text in NOT_SUPPORTED:
            raise self.cursor.error(
                f"'{token.text}' is not part of the clause language", at=token.offset
            )
        raise self.unknown(f"'{token.text}' is no word of a clause", token, [*WORDS, *QUANTIFIERS])

    def _applied(self, word: Word, token: Token) -> Typed:
        if word.after and not self.after:
            raise self.cursor.error(
                f"'{word.name}' has no meaning before the call",
                at=token.offset,
                help_="it belongs into ensures and outcome",
            )
        if word.takes is Takes.NOTHING:
            return self._plain(word, token)
        self.cursor.expect("(")
        arguments = [self.range()]
        while self.cursor.accept(","):
            arguments.append(self.range())
        self.cursor.expect(")")
        if not word.least <= len(arguments) <= word.most:
            raise self.cursor.error(
                f"'{word.name}' takes {word.takes.value}, got {len(arguments)} arguments",
                at=token.offset,
            )
        whole = Applied(word.name, tuple(a.term for a in arguments))
        if word.takes is Takes.TERM:
            (one,) = arguments
            return Typed(whole, one.type, token.offset, one.lvalue, one.many)
        for one in arguments:
            self._check_pointer(word, one)
        return Typed(whole, PREDICATE, token.offset)

    def _check_pointer(self, word: Word, one: Typed) -> None:
        ctype = typed.decayed(one.type)
        if not isinstance(ctype, Pointer):
            raise self.cursor.error(
                f"'{word.name}' takes {word.takes.value}, got {typed.spell(one.type)}",
                at=one.offset,
            )
        target = ctype.target
        if word.takes is Takes.STRING:
            if not (isinstance(target, Scalar) and target.name.endswith("char")):
                raise self.cursor.error(
                    f"'{word.name}' takes {word.takes.value}, got {typed.spell(one.type)}",
                    at=one.offset,
                )
            return
        bytes_of_void = one.many and isinstance(target, Scalar)
        if not bytes_of_void and not typed.is_complete(target, self.scope.types):
            raise self.cursor.error(
                f"'{word.name}' of {typed.spell(one.type)}, whose extent is unknown",
                at=one.offset,
                help_="give a range in bytes for 'void *'; of an incomplete type say '!= \\null'",
            )

    def _plain(self, word: Word, token: Token) -> Typed:
        if word.name == "\\null":
            return self.null_at(token.offset)
        if word.name != "\\result":
            return Typed(Applied(word.name), PREDICATE, token.offset)
        if self.signature.result is None:
            raise self.cursor.error(f"'{self.signature.name}' returns nothing", at=token.offset)
        return Typed(Applied(word.name), self.signature.result, token.offset)

    def null_at(self, offset: int) -> Typed:
        r"""Return `\null`."""
        return Typed(Applied("\\null"), NULL, offset)

    # ---- names -----------------------------------------------------------------------------------

    def _named(self, token: Token) -> Typed:
        name, at = token.text, token.offset
        if name == "sizeof":
            return self._size(at)
        if not self.constant:
            if name in WORDS:
                return self._applied(WORDS[name], token)
            if name == "NULL":
                return self.null_at(at)
        for role, names in self._spaces():
            if name in names:
                return Typed(Name(name, role), names[name], at, lvalue=role in _OBJECTS)
        constant = self.scope.constants.get(name)
        if isinstance(constant, str):
            raise self.cursor.error(f"'{name}' is a string, expected an integer", at=at)
        if constant is not None:
            return Typed(Name(name, Role.CONSTANT), MATH, at)
        raise self.unknown(f"no name '{name}' is visible here", token, self._known())

    def _spaces(self) -> Iterator[tuple[Role, Mapping[str, CType]]]:
        """Yield the names that are no constants, the innermost first."""
        if self.constant:
            return
        scope = self.scope
        yield Role.BOUND, self.bound
        yield Role.PARAMETER, self.signature.parameters
        yield Role.DATA, {n: d.type for n, d in scope.data.items()}
        yield Role.FUNCTION, {n: function_type(f) for n, f in scope.functions.items()}
        yield Role.GHOST, {"errno": INT}

    def _known(self) -> list[str]:
        """Return the names that a term may use, for did-you-mean."""
        names = [name for _, space in self._spaces() for name in space]
        words = [] if self.constant else [w for w in WORDS if not w.startswith("\\")]
        return [*names, *self.scope.constants, *words]

    def _size(self, at: int) -> Typed:
        self.cursor.expect("(")
        start = self.cursor.token
        if not self.starts_type(start):
            raise self.cursor.error(f"expected a type, got {self.cursor.shown()}")
        ctype = self.type_name()
        self.cursor.expect(")")
        if not typed.is_complete(ctype, self.scope.types):
            raise self.cursor.error(f"{typed.spell(ctype)} has no size", at=start.offset)
        return Typed(OfType(ctype), MATH, at)


_OBJECTS = (Role.PARAMETER, Role.DATA, Role.GHOST)
