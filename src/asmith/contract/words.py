r"""The built-in words of terms: `\valid`, `\old`, ... with what they take and what they say.

This table is the parser's and the reference page's only source.
"""

from __future__ import annotations

from enum import Enum

from asmith.dataclass import dataclass

MAX = 64
"""No word takes more arguments."""


class Takes(Enum):
    """What a word is applied to."""

    NOTHING = "nothing"
    POINTERS = "pointers or sets of pointers"
    SEVERAL = "two or more pointers or sets of pointers"
    STRING = "one pointer to char"
    TERM = "one term"


@dataclass(frozen=True, slots=True)
class Word:
    """A built-in word: what it takes, what it says, a clause that uses it.

    `after` says that it has a meaning only after the call.
    """

    name: str
    takes: Takes
    meaning: str
    example: str
    after: bool = False

    @property
    def least(self) -> int:
        """Return the least number of arguments."""
        return {Takes.NOTHING: 0, Takes.SEVERAL: 2}.get(self.takes, 1)

    @property
    def most(self) -> int:
        """Return the greatest number of arguments."""
        return {Takes.NOTHING: 0, Takes.POINTERS: MAX, Takes.SEVERAL: MAX}.get(self.takes, 1)


WORDS = {
    word.name: word
    for word in (
        Word(
            "\\result",
            Takes.NOTHING,
            "what the function returns",
            "ensures \\result >= 0;",
            after=True,
        ),
        Word("\\null", Takes.NOTHING, "the null pointer", "requires p != \\null;"),
        Word("\\true", Takes.NOTHING, "the predicate that always holds", "requires \\true;"),
        Word("\\false", Takes.NOTHING, "the predicate that never holds", "ensures \\false;"),
        Word(
            "\\valid",
            Takes.POINTERS,
            "what the pointers point to may be read and written",
            "requires \\valid(p + (0 .. n-1));",
        ),
        Word(
            "\\valid_read",
            Takes.POINTERS,
            "what the pointers point to may be read",
            "requires \\valid_read(s + (0 .. n-1));",
        ),
        Word(
            "valid_string",
            Takes.STRING,
            "bytes up to and with a zero byte may be read and written",
            "requires valid_string(name);",
        ),
        Word(
            "valid_read_string",
            Takes.STRING,
            "bytes up to and with a zero byte may be read",
            "requires valid_read_string(name);",
        ),
        Word(
            "\\separated",
            Takes.SEVERAL,
            "what the pointers point to does not overlap",
            "requires \\separated(p + (0 .. n-1), s + (0 .. n-1));",
        ),
        Word(
            "\\initialized",
            Takes.POINTERS,
            "what the pointers point to has been written",
            "requires \\initialized(p);",
        ),
        Word(
            "\\old",
            Takes.TERM,
            "the value before the call",
            "ensures *p == \\old(*p) + 1;",
            after=True,
        ),
    )
}

QUANTIFIERS = {
    "\\forall": "holds for every value within the bounds",
    "\\exists": "holds for some value within the bounds",
}

NOT_SUPPORTED = frozenset((
    "\\at", "\\base_addr", "\\block_length", "\\offset", "\\allocable", "\\freeable", "\\fresh",
    "\\let", "\\lambda", "\\from", "\\sum", "\\product", "\\min", "\\max", "\\numof",
    "\\dangling", "\\valid_function", "\\object_pointer", "\\union", "\\inter", "\\subset",
    "\\in", "\\empty", "\\exit_status", "\\is_finite", "\\is_NaN", "\\nothing",
))  # fmt: skip
"""Words of ACSL that mean something there, but nothing here."""
