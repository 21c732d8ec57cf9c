"""The innermost parts of terms: literals, names, built-in words and `sizeof`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.contract import literals, typed
from asmith.contract.basic import INT
from asmith.contract.render import function_type
from asmith.contract.tokens import Kind, Token
from asmith.contract.typed import MATH, NULL, PREDICATE, Typed
from asmith.contract.typenames import TypeNames
from asmith.contract.words import NOT_SUPPORTED, QUANTIFIERS, WORDS, Takes, Word
from asmith.dataclass import dataclass, field
from asmith.model.contract import Applied, Name, OfType, Pointer, Role, Scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        match token.kind:
            case Kind.NUMBER | Kind.CHARACTER:
                self.cursor.take()
                number = token.kind is Kind.NUMBER
                read = literals.integer if number else literals.character
                value = read(token.text, lambda: self.cursor.origin.place(token.offset))
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
                f"'{word.name}' takes {word.takes.value}, got {len(arguments)}",
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
            found = self._object(name)
            if found is not None:
                role, ctype = found
                return Typed(Name(name, role), ctype, at, lvalue=role in _OBJECTS)
        constant = self.scope.constants.get(name)
        if isinstance(constant, str):
            raise self.cursor.error(f"'{name}' is a string, expected an integer", at=at)
        if constant is not None:
            return Typed(Name(name, Role.CONSTANT), MATH, at)
        raise self.unknown(f"no name '{name}' is visible here", token, self._known())

    def _object(self, name: str) -> tuple[Role, CType] | None:
        """Return what a name that is no constant stands for, the innermost meaning first."""
        if name in self.bound:
            return Role.BOUND, self.bound[name]
        if name in self.signature.parameters:
            return Role.PARAMETER, self.signature.parameters[name]
        if name in self.scope.data:
            return Role.DATA, self.scope.data[name].type
        if name in self.scope.functions:
            return Role.FUNCTION, function_type(self.scope.functions[name])
        return (Role.GHOST, INT) if name == "errno" else None

    def _known(self) -> list[str]:
        """Return the names that a term may use, for did-you-mean."""
        if self.constant:
            return list(self.scope.constants)
        scope = self.scope
        words = [w for w in WORDS if not w.startswith("\\")]
        own = [*self.bound, *self.signature.parameters, *words, "errno"]
        return [*own, *scope.data, *scope.functions, *scope.constants]

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
