"""NASM source as text: which names it uses, what of it is code, and its statements.

No preprocessing takes place: what `%include` or a macro would bring in is not seen. Comments,
quotes and continuation lines are read as NASM 2.16 reads them (NASM manual, sections 3.1, 3.4.2):
a backslash before the newline joins lines, even in a comment; `'` and `"` know no escapes, a
backquote does; a quote that is not closed ends with its line.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
      (?P<string>  "[^"]*"? | '[^']*'? | `(?:\\.|[^`\\])*`? )
    | (?P<comment> ;.* )
    | (?P<number>  \$?[0-9][\w.]* )
    | (?P<name>    \$?[A-Za-z_.?@][\w.$\#@~?]* )
    | (?P<blank>   \s+ )
    | (?P<other>   . )
    """,
    re.VERBOSE,
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PREFIXES = _words("lock rep repe repz repne repnz xacquire xrelease bnd nobnd a32 o16 o32 o64")
_DATA = _words(
    "db dw dd dq dt do dy dz resb resw resd resq rest reso resy resz equ times istruc incbin"
)
_ALONE = _words(
    "ret nop leave syscall cld std cqo cdq cdqe cwde clc stc cmc ud2 int3 pause vzeroupper"
    " vzeroall mfence lfence sfence emms cpuid rdtsc xgetbv endbr64 hlt"
)
_DIRECTIVES = _words(
    "global extern section segment static common required cpu float default bits use64 org align"
    " alignb struc endstruc at iend times"
)
_OPERAND_WORDS = _words(
    "byte word dword qword tword oword yword zword ptr rel abs strict near far short nosplit"
    " seg wrt to"
)
_QUOTE = re.compile("['\"`]")
_LABEL = re.compile(r"\s*(\$?[A-Za-z_.?@][\w.$\#@~?]*|%%\w+)\s*:\s*")
_TWO_WORDS = re.compile(r"(\$?[A-Za-z_.?@][\w.$\#@~?]*) (%?[A-Za-z]\w*)(.*)")
_OPERAND = re.compile(r" (?!wrt\b|seg\b)[\w\[$'\"`(.]")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: its line (from 1), label, mnemonic or directive, and operands as written.

    Prefixes such as `rep` are no part of the mnemonic, which is in lower case; a preprocessor
    directive keeps its `%`. A local label keeps its dot. `text` is the code without comment.
    """

    line: int
    label: str
    mnemonic: str
    operands: tuple[str, ...]
    text: str


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, code) for each non-empty logical line.

    Comments are gone, runs of blanks outside quotes are one space, continuations are joined; the
    number is that of the first physical line.
    """
    start, parts = 0, []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.removesuffix("\r")
        start = start or number
        if line.endswith("\\"):
            parts.append(line[:-1])
            continue
        code = _tidy("".join([*parts, line]))
        if code:
            yield start, code
        start, parts = 0, []
    code = _tidy("".join(parts))
    if code:
        yield start, code


def without_comment(line: str) -> str:
    """Return a line up to its comment, without blanks at the end."""
    for token in _TOKEN.finditer(line):
        if token.lastgroup == "comment":
            return line[: token.start()].rstrip()
    return line.rstrip()


@lru_cache(maxsize=64)
def code_text(text: str) -> str:
    """Return the code alone, one logical line a line: equal code texts assemble to equal bytes.

    Comments, blank lines and redundant blanks change nothing in it, so it keys whatever depends
    on what the text says and not on where it says it. A backslash that ends no line stays apart
    from the newline, which it would escape.
    """
    lines = (code + " " * code.endswith("\\") for _, code in logical_lines(text))
    return "".join(f"{line}\n" for line in lines)


@lru_cache(maxsize=64)
def names_in(text: str) -> frozenset[str]:
    """Return every identifier of the code: a superset of the symbols that it refers to.

    Mnemonics and registers are among them. Comments and quoted strings are not read, the `$` that
    escapes a name is removed, dots are kept (`t_buffer.len`), and names that begin with a dot
    (local labels, `..plt`) are left out.
    """
    found = set()
    for _, code in logical_lines(text):
        for token in _TOKEN.finditer(code):
            if token.lastgroup == "name":
                found.add(token.group().removeprefix("$"))
    return frozenset(name for name in found if name and not name.startswith("."))


def statements(text: str) -> Iterator[Statement]:
    """Yield the statements of a text in order; a line with only a label is one as well."""
    for number, code in logical_lines(text):
        yield _statement(number, code)


def _tidy(line: str) -> str:
    """Return one logical line without its comment and redundant blanks."""
    if _QUOTE.search(line) is None:  # then a semicolon begins a comment, and blanks are blanks
        return " ".join(line.partition(";")[0].split())
    tokens = _TOKEN.finditer(without_comment(line))
    return "".join(" " if t.lastgroup == "blank" else t.group() for t in tokens).strip()


def _statement(number: int, code: str) -> Statement:
    """Return the parts of one logical line."""
    label, rest = _split_label(code)
    head, _, tail = rest.partition(" ")
    while head.lower() in _PREFIXES and tail:
        head, _, tail = tail.partition(" ")
    return Statement(number, label, head.lower(), _operands(tail), code)


def _split_label(code: str) -> tuple[str, str]:
    """Return (label, rest); the colon may be missing before an instruction or data."""
    colon = _LABEL.match(code)
    if colon:
        return colon.group(1).removeprefix("$"), code[colon.end() :]
    words = _TWO_WORDS.match(code)
    if words is None or words.group(1).lower() in _PREFIXES | _DIRECTIVES:
        return "", code
    second, after = words.group(2).lower(), words.group(3)
    alone = second in _ALONE and not after
    applied = second not in _OPERAND_WORDS and _OPERAND.match(after) is not None
    if second in _DATA or alone or applied:
        return words.group(1).removeprefix("$"), code[words.start(2) :]
    return "", code


def _operands(tail: str) -> tuple[str, ...]:
    """Return the operands of a statement: split at commas outside quotes and brackets."""
    parts, depth = [""], 0
    for token in _TOKEN.finditer(tail):
        piece = token.group()
        if piece in ("[", "(", "{"):
            depth += 1
        elif piece in ("]", ")", "}"):
            depth -= 1
        if piece == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += piece
    return tuple(part.strip() for part in parts if part.strip())
