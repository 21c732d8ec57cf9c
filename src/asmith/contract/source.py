"""The text of a header, made ready for the C parser: comments, directives and clause blocks.

The C parser knows neither comments nor the preprocessor. This scan blanks the comments, obeys the
few directives that an interface may hold, and replaces each clause block by `_Pragma("N")`, so that
the parser itself hands the blocks over in order, each before the declaration it belongs to. Every
replacement keeps its newlines, so lines stay right; columns stay right wherever they can.
"""

from __future__ import annotations

import re

from asmith.contract.directives import Define, Directives, Include
from asmith.contract.tokens import Origin
from asmith.dataclass import dataclass
from asmith.errors import Place, UsageError

MAX_BYTES = 64 * 1024
"""No interface is larger: what one page of contracts cannot say belongs into two interfaces."""
MAX_NESTING = 32
"""Brackets may nest this deep; the C parser recurses on each."""


MAX_OPERATORS = 128
"""Operators, stars and brackets of one declarator or constant expression."""


@dataclass(frozen=True, slots=True)
class Block:
    """The inner text of a clause block: `origin.text[start..end)`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Source:
    """A header in parts: C code for the parser, clause blocks, constants and includes."""

    origin: Origin
    code: str
    blocks: tuple[Block, ...]
    defines: tuple[Define, ...]
    includes: tuple[Include, ...]


_PART = re.compile(
    r"""
    (?P<line>//[^\n]*)
  | (?P<comment>/\*.*?\*/)
  | (?P<unended>/\*)
  | (?P<hash>\#)
  | (?P<text>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])+')
  | (?P<word>[A-Za-z_]\w*)
  | (?P<open>[\[({])
  | (?P<close>[\])}])
  | (?P<blank>\s+)
  | (?P<splice>\\)
  | (?P<other>[^\s\w/#"'()\[\]{}\\]+|\w+|.)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_PACKED = re.compile(r"__attribute__\s*\(\(\s*(?:packed|__packed__)\s*\)\)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_NEXT_LINE_BLOCK = re.compile(r"\n[ \t]*//@[^\n]*")
_PAIRS = {")": "(", "]": "[", "}": "{"}
_ENDS = frozenset(",;{}")
_PACKED_MARK = '_Pragma("packed")'


def prepare(path: str, data: bytes) -> Source:
    """Return a header in parts.

    Raises UsageError for text that is no UTF-8, too large, unbalanced, or holds a directive or an
    attribute outside the subset.
    """
    origin = Origin(path, _decode(path, data))
    return _Scan(origin).run()


def _decode(path: str, data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise UsageError(
            f"the interface has {len(data)} bytes, expected at most {MAX_BYTES}",
            where=Place(path),
            help="divide it into several interfaces",
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            "the interface is not UTF-8",
            where=Place(path, line),
            why=f"byte {error.start} is {data[error.start]:#04x}",
            help="save the file as UTF-8",
        ) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if bad := _CONTROL.search(text):
        raise UsageError(
            f"the interface holds the control character {ord(bad.group()):#04x}",
            where=Origin(path, text).place(bad.start()),
            help="remove it",
        )
    return text


class _Scan:
    """One pass over the text. `pieces` become the code; `last` is the last word or bracket."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.text = origin.text
        self.pieces: list[str] = []
        self.blocks: list[Block] = []
        self.nesting: list[tuple[str, int]] = []
        self.directives = Directives(origin)
        self.last = ""
        self.closed = -1  # index in `pieces` of the brace that has just closed
        self.operators = 0  # since the last comma, semicolon or brace
        self.packed = -1  # offset of a `packed` that waits for its opening brace

    def run(self) -> Source:
        at = 0
        while at < len(self.text):
            match = _PART.match(self.text, at)
            assert match is not None  # the last alternative takes any character
            at = self.take(match.lastgroup or "", match.group(), at)
        if self.nesting:
            bracket, opened = self.nesting[-1]
            raise self.error(f"'{bracket}' is never closed", opened)
        self.directives.finish()
        d = self.directives
        return Source(
            self.origin,
            "".join(self.pieces),
            tuple(self.blocks),
            tuple(d.defines),
            tuple(d.includes),
        )

    def take(self, kind: str, text: str, at: int) -> int:
        """Handle one part and return the offset where the next one starts."""
        if kind == "blank":
            self.pieces.append(text)
        elif kind in ("line", "comment"):
            return self.comment(kind, text, at)
        elif kind == "hash":
            return self.directive(at)
        elif kind == "unended":
            raise self.error("the comment is never closed", at, help_="end it with '*/'")
        elif kind == "splice":
            raise self.error(
                "a backslash outside a string", at, help_="write the line in one piece"
            )
        elif self.directives.skipping:
            self.directives.skip(text, at)
        else:
            return self.code(kind, text, at)
        return at + len(text)

    def code(self, kind: str, text: str, at: int) -> int:
        if text == "__attribute__":
            return self.attribute(at)
        if text == "_Pragma":
            raise self.error("'_Pragma' is not part of the interface language", at)
        if self.last == "extern" and text == '"C"':
            raise self.error(
                "'extern \"C\"' outside '#ifdef __cplusplus'", at, help_="C does not know it"
            )
        self.directives.saw_code()
        self.pieces.append(text)
        if kind != "word":
            self.count(kind, text, at)
        if kind == "open":
            self.open(text, at)
        elif kind == "close":
            self.close(text, at)
        else:
            if self.packed >= 0 and kind != "word":
                raise self.error("'packed' belongs to no struct or union here", self.packed)
            self.closed = -1
        self.last = text
        return at + len(text)

    def count(self, kind: str, text: str, at: int) -> None:
        """Count operators, so that the C parser meets no declarator it would take long for."""
        if kind in ("other", "open"):
            self.operators += len(text)
        if set(text) & _ENDS:
            self.operators = 0
        if self.operators > MAX_OPERATORS:
            raise self.error(
                f"more than {MAX_OPERATORS} operators, stars and brackets in one declarator", at
            )

    def open(self, text: str, at: int) -> None:
        self.nesting.append((text, at))
        self.closed = -1
        if len(self.nesting) > MAX_NESTING:
            raise self.error(f"brackets nest deeper than {MAX_NESTING}", at)
        if self.packed >= 0:
            if text != "{":
                raise self.error("'packed' belongs to no struct or union here", self.packed)
            self.pieces.append(_PACKED_MARK)
            self.packed = -1

    def close(self, text: str, at: int) -> None:
        if not self.nesting or self.nesting.pop()[0] != _PAIRS[text]:
            raise self.error(f"'{text}' closes nothing", at)
        self.closed = len(self.pieces) - 1 if text == "}" else -1

    def attribute(self, at: int) -> int:
        match = _PACKED.match(self.text, at)
        if match is None:
            raise self.error(
                "an attribute other than 'packed'",
                at,
                help_="'__attribute__((packed))' after struct or union, or after its '}', is the "
                "only attribute of an interface",
            )
        if self.closed >= 0:
            self.pieces[self.closed] = f"{_PACKED_MARK}}}"
        elif self.last in ("struct", "union"):
            self.packed = at
        else:
            raise self.error("'packed' belongs to no struct or union here", at)
        self.pieces.append(_blank(match.group()))
        return match.end()

    def directive(self, at: int) -> int:
        if self.line_so_far().strip():
            raise self.error(
                "'#' inside a line", at, help_="a directive stands on a line of its own"
            )
        if self.nesting:
            raise self.error(
                "a directive inside brackets", at, help_="move it before the declaration"
            )
        return self.directives.take(at)

    def line_so_far(self) -> str:
        """Return the code of the current line, in which comments are blanks."""
        found = ""
        for piece in reversed(self.pieces):
            _, newline, rest = piece.rpartition("\n")
            found = rest + found
            if newline or found.strip():
                break
        return found

    def comment(self, kind: str, text: str, at: int) -> int:
        """Blank a comment, or turn a clause block into its `_Pragma`."""
        end = at + len(text)
        if text[2:3] != "@" or self.directives.skipping:
            self.pieces.append(_blank(text))
            return end
        if kind == "line":
            while following := _NEXT_LINE_BLOCK.match(self.text, end):
                end = following.end()
        inside = any(bracket != "{" for bracket, _ in self.nesting)
        if not inside and self.last and self.last[-1] not in ";{":
            raise self.error(
                "a clause block inside a declaration",
                at,
                help_="put clauses before the declaration that they belong to",
            )
        if inside:
            raise self.error(
                "a clause block inside parentheses",
                at,
                help_="put clauses before the declaration that they belong to",
            )
        self.directives.saw_code()
        self.closed = -1
        mark = f'_Pragma("{len(self.blocks)}")'
        self.blocks.append(Block(at + 3, end - (2 if kind == "comment" else 0)))
        self.pieces.append(_pad(mark, self.text[at:end]))
        return end

    def error(self, what: str, at: int, *, help_: str = "") -> UsageError:
        return UsageError(what, where=self.origin.place(at), help=help_ or None)


def _blank(text: str) -> str:
    """Return blanks in place of a comment, its newlines kept."""
    return re.sub(r"[^\n]", " ", text) or " "


def _pad(mark: str, text: str) -> str:
    """Return `mark` with the newlines of `text`, padded so that what follows keeps its column."""
    lines = text.count("\n")
    width = len(text) - text.rfind("\n") - 1
    if lines:
        return mark + "\n" * lines + " " * width
    return mark + " " * (width - len(mark))
