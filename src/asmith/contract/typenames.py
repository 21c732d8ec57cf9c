"""Names of types inside terms: in casts, in `sizeof`, and before bound variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.contract.basic import VECTORS, basic, is_word
from asmith.contract.tokens import Kind, Token
from asmith.dataclass import dataclass
from asmith.errors import did_you_mean
from asmith.model.contract import Named, Pointer

if TYPE_CHECKING:
    from asmith.contract.cursor import Cursor
    from asmith.contract.scope import Scope
    from asmith.errors import UsageError
    from asmith.model.contract import CType

_MAX_STARS = 8
_MAX_WORDS = 4  # unsigned long long int
_KEYWORDS = ("struct", "union", "enum")


@dataclass(slots=True)
class TypeNames:
    """Reads names of types from a cursor, as far as they are visible in a scope."""

    cursor: Cursor
    scope: Scope

    def starts_type(self, token: Token) -> bool:
        """Tell whether a token can start the name of a type."""
        if token.kind is not Kind.NAME:
            return False
        text = token.text
        if is_word(text) or text == "const" or text in _KEYWORDS:
            return True
        return text in self.scope.typedefs or text in VECTORS

    def type_name(self) -> CType:
        """Return the type spelled at the cursor: basic words, a tag or a typedef, then stars."""
        const = self._qualifier()
        ctype = self._base()
        const = self._qualifier() or const
        stars = 0
        while self.cursor.is_symbol("*"):
            stars += 1
            if stars > _MAX_STARS:
                raise self.cursor.error(f"a type with more than {_MAX_STARS} stars")
            self.cursor.take()
            ctype = Pointer(ctype, const)
            const = self._qualifier()
        return ctype

    def _qualifier(self) -> bool:
        if self.cursor.is_name("const"):
            self.cursor.take()
            return True
        return False

    def _base(self) -> CType:
        token = self.cursor.name("a type")
        if token.text in _KEYWORDS:
            tag = self.cursor.name("a tag")
            if self.scope.tags.get(tag.text) != token.text:
                known = [t for t, keyword in self.scope.tags.items() if keyword == token.text]
                raise self.unknown(f"no '{token.text} {tag.text}' is visible here", tag, known)
            return Named(token.text, tag.text)
        if token.text in VECTORS:
            return VECTORS[token.text]
        if not is_word(token.text):
            return self.scope.typedef(token.text, self.cursor.origin.place(token.offset)).type
        words = [token.text]
        while self.cursor.is_name() and is_word(self.cursor.token.text):
            if len(words) == _MAX_WORDS:
                break
            words.append(self.cursor.take().text)
        scalar = basic(tuple(words))
        if scalar is None:
            raise self.cursor.error(f"'{' '.join(words)}' is no type", at=token.offset)
        return scalar

    def unknown(self, what: str, token: Token, known: list[str]) -> UsageError:
        """Return the error for a name that is none, with the nearest one that is."""
        return self.cursor.error(f"{what}{did_you_mean(token.text, known)}", at=token.offset)
