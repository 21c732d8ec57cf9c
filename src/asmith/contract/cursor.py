"""A cursor over the tokens of one declaration's clause blocks."""

from __future__ import annotations

from asmith.contract.tokens import Kind, Origin, Token
from asmith.dataclass import dataclass, field
from asmith.errors import UsageError


@dataclass(slots=True)
class Cursor:
    """Tokens with a position. Every sequence of tokens ends with one of kind END."""

    origin: Origin
    tokens: list[Token]
    at: int = 0
    token: Token = field(init=False)  # the current one, tokens[at]

    def __post_init__(self) -> None:
        self.token = self.tokens[self.at]

    def peek(self, ahead: int = 1) -> Token:
        """Return a token further on."""
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def is_symbol(self, *texts: str) -> bool:
        """Tell whether the current token is one of those symbols."""
        return self.token.kind is Kind.SYMBOL and self.token.text in texts

    def is_name(self, *texts: str) -> bool:
        """Tell whether the current token is one of those names, or with none given any name."""
        return self.token.kind is Kind.NAME and (not texts or self.token.text in texts)

    def take(self) -> Token:
        """Return the current token and move on; END stays the current one for good."""
        token = self.token
        if token.kind is not Kind.END:
            self.at += 1
            self.token = self.tokens[self.at]
        return token

    def accept(self, text: str) -> bool:
        """Move past the current token if it is that symbol."""
        if self.is_symbol(text):
            self.take()
            return True
        return False

    def expect(self, text: str) -> Token:
        """Return the current token, which must be that symbol or name, and move on."""
        if self.token.text != text or self.token.kind not in (Kind.SYMBOL, Kind.NAME):
            raise self.error(f"expected '{text}', got {self.shown()}")
        return self.take()

    def name(self, what: str) -> Token:
        """Return the current token, which must be a name, and move on."""
        if self.token.kind is not Kind.NAME:
            raise self.error(f"expected {what}, got {self.shown()}")
        return self.take()

    def shown(self) -> str:
        """Return the current token as messages quote it."""
        return "the end" if self.token.kind is Kind.END else f"'{self.token.text}'"

    def error(
        self, what: str, *, at: int | None = None, why: str = "", help_: str = ""
    ) -> UsageError:
        """Return the error at an offset, by default that of the current token."""
        where = self.origin.place(self.token.offset if at is None else at)
        return UsageError(what, where=where, why=why or None, help=help_ or None)
