"""Tokens of clauses and of `#define` values, and places in a header's text.

One regular expression without nested repetition does the work, so lexing is linear in the text.
Tokens know their offset; line and column are computed only when a message needs them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from asmith.errors import Place, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Kind(Enum):
    """What a token is."""

    NAME = "name"
    WORD = "word"  # \valid
    NUMBER = "number"
    CHARACTER = "character"
    STRING = "string"
    SYMBOL = "symbol"
    END = "end"  # of a block, or of a `#define`


@dataclass(frozen=True, slots=True)
class Token:
    """One token and where it starts, as an offset into the header's text."""

    kind: Kind
    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Origin:
    """A header's text under its path, which turns offsets into places."""

    path: str
    text: str
    starts: list[int] = field(default_factory=list)

    def place(self, offset: int) -> Place:
        """Return line and column, both from 1, of an offset."""
        if not self.starts:
            self.starts.append(0)
            self.starts.extend(m.end() for m in re.finditer("\n", self.text))
        line = bisect_right(self.starts, offset)
        return Place(self.path, line, offset - self.starts[line - 1] + 1)

    def line(self, offset: int) -> int:
        """Return the line of an offset, from 1."""
        return self.place(offset).line or 1


_TOKEN = re.compile(
    r"""
    (?P<blank>[ \t\r\f\v\n]+|//@|//[^\n]*)
  | (?P<word>\\[A-Za-z_]\w*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<number>[0-9]\w*(?:\.[0-9]\w*)?)
  | (?P<character>'(?:[^'\\\n]|\\[^\n])+')
  | (?P<string>"(?:[^"\\\n]|\\[^\n])*")
  | (?P<symbol><==>|==>|\.\.\.|\.\.|->|<<|>>|<=|>=|==|!=|&&|\|\||\^\^|[-+*/%&|^~!<>=?:;,.(){}\[\]])
    """,
    re.VERBOSE | re.ASCII,
)
_AT = re.compile(r"^[ \t]*@+|@+\s*\Z", re.MULTILINE)


def tokens(origin: Origin, start: int, end: int) -> Iterator[Token]:
    """Yield the tokens of `origin.text[start..end)`, then one END.

    An `@` that is first on its line, or last before the end, is decoration and is skipped.
    Raises UsageError for a character that no clause uses.
    """
    text = origin.text
    decoration = {m.end() - 1 for m in _AT.finditer(text[start:end])}
    at = start
    while at < end:
        match = _TOKEN.match(text, at, end)
        if match is None:
            if text[at] == "@" and _decorates(at - start, decoration, text[start:end]):
                at += 1
                continue
            raise UsageError(
                f"{text[at]!r} has no meaning here",
                where=origin.place(at),
                help="clauses are written in ASCII: names, integers and operators of C and ACSL",
            )
        if match.lastgroup != "blank":
            yield Token(Kind(match.lastgroup), match.group(), at)
        at = match.end()
    yield Token(Kind.END, "", end)


def _decorates(at: int, ends: set[int], text: str) -> bool:
    """Tell whether the `@` at that offset belongs to a run that decorates its line."""
    while at < len(text) and text[at] == "@":
        if at in ends:
            return True
        at += 1
    return not text[at:].strip()
