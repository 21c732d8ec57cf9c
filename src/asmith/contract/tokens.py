"""Tokens of clauses and of `#define` values, and places in a header's text.

One regular expression without nested repetition does the work, so lexing is linear in the text.
Tokens know their offset; line and column are computed only when a message needs them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from asmith.dataclass import dataclass, field
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


class Token(NamedTuple):
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
        line = self.line(offset)
        return Place(self.path, line, offset - self.starts[line - 1] + 1)

    def line(self, offset: int) -> int:
        """Return the line of an offset, from 1."""
        if not self.starts:
            self.starts.append(0)
            self.starts.extend(m.end() for m in re.finditer("\n", self.text))
        return bisect_right(self.starts, offset)


_BLANK = r"(?:[ \t\r\f\v\n]++|//[^\n@][^\n]*+|//@?+)*+"
_SKIP = re.compile(_BLANK)
_TOKEN = re.compile(
    _BLANK
    + r"""
    (?:
        (?P<name>[A-Za-z_]\w*)
      | (?P<symbol><==>|==>|\.\.\.|\.\.|->|<<|>>|<=|>=|==|!=|&&|\|\||\^\^
            |[-+*/%&|^~!<>=?:;,.(){}\[\]])
      | (?P<word>\\[A-Za-z_]\w*)
      | (?P<number>[0-9]\w*(?:\.[0-9]\w*)?)
      | (?P<character>'(?:[^'\\\n]|\\[^\n])+')
      | (?P<string>"(?:[^"\\\n]|\\[^\n])*")
      | (?P<at>@)
      | (?P<end>\Z)
    )
    """,
    re.VERBOSE | re.ASCII,
)
_GROUPS = [None, *(None if g == "at" else Kind(g) for g in _TOKEN.groupindex)]
"""What each group of the expression stands for; None for a decoration."""
_DECORATION = re.compile(r"^[ \t]*@+|@+\s*\Z", re.MULTILINE)


def tokens(origin: Origin, start: int, end: int) -> Iterator[Token]:
    """Yield the tokens of `origin.text[start..end)`, then one END.

    A run of `@` that is first on its line, or last of all, is decoration and is skipped. Raises
    UsageError for a character that no clause uses.
    """
    text = origin.text
    decoration: set[int] | None = None
    at = start
    while True:
        match = _TOKEN.match(text, at, end)
        if match is None:
            skipped = _SKIP.match(text, at, end)
            raise _meaningless(origin, skipped.end() if skipped else at)
        group = match.lastindex or 0
        begin, at = match.span(group)
        kind = _GROUPS[group]
        if kind is not None:
            yield Token(kind, match[group], begin)
            if kind is Kind.END:
                return
            continue
        if decoration is None:
            found = _DECORATION.finditer(text[start:end])
            decoration = {start + n for m in found for n in range(m.start(), m.end())}
        if begin not in decoration:
            raise _meaningless(origin, begin)


def _meaningless(origin: Origin, at: int) -> UsageError:
    """Return the error for a character that starts no token."""
    return UsageError(
        f"{origin.text[at]!r} has no meaning here",
        where=origin.place(at),
        help="clauses are written in ASCII: names, integers and operators of C and ACSL",
    )
