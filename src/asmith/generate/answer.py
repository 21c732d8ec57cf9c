"""The grammar of answers: one fenced block that holds a module, or some of its functions.

A module's text is a preamble, then units, then a tail. A unit is one function: it ends at the
line `.end:` and begins after the unit before it, so it takes with it the comments and the data
that stand above its label. The preamble ends where the first `section .text` begins. Units are
regenerated one by one, and a kept unit keeps its bytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass
from asmith.errors import AsmithError, Place

if TYPE_CHECKING:
    from collections.abc import Collection

_FENCE = re.compile(r"^(?P<mark>`{3,}|~{3,})(?P<language>[^`\n]*)$")
_LABEL = re.compile(r"^\$?(?P<name>[A-Za-z_?][\w?$#@~]*):")
_END = re.compile(r"^\.end:")
_TEXT = re.compile(r"^\s*(?:section|segment)\s+\.text\b", re.IGNORECASE)
_PREAMBLE = re.compile(r"^\s*(?:default\s+rel\b|bits\s+64\b|;@)", re.IGNORECASE | re.MULTILINE)
_MACRO = re.compile(r"^\s*%i?(?:macro|rmacro|imacro)\b", re.IGNORECASE)
_FORBIDDEN = re.compile(r"^\s*%(?:include|use|pathsearch|depend)\b", re.IGNORECASE)


class AnswerError(AsmithError):
    """An answer outside the grammar. It is fed back to whoever gave it."""

    def about(self, subject: str) -> AnswerError:
        """Return the error with the words that name whose answer it is."""
        return AnswerError(
            f"{subject}: {self.what}", where=self.where, why=self.why, help=self.help
        )


@dataclass(frozen=True, slots=True)
class Unit:
    """One function with the comments and data it owns, as text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A module's text, taken apart; `str()` of it gives the same bytes back."""

    preamble: str
    units: tuple[Unit, ...]
    tail: str

    def __str__(self) -> str:
        """Return the text."""
        return self.preamble + "".join(u.text for u in self.units) + self.tail


def extract(answer: str, path: str = "the answer") -> tuple[str, int]:
    """Return the code of the one fenced block in an answer, and the line that it starts at.

    The code ends in a newline and begins with no empty line.
    """
    blocks: list[list[str]] = []
    starts: list[int] = []
    mark = ""
    for number, line in enumerate(answer.replace("\r\n", "\n").split("\n"), 1):
        fence = _FENCE.match(line.strip()) if line.lstrip() == line else None
        if mark:
            if fence and fence["mark"].startswith(mark) and not fence["language"].strip():
                mark = ""
            else:
                blocks[-1].append(line)
        elif fence:
            mark = fence["mark"]
            blocks.append([])
            starts.append(number + 1)
    if mark:
        raise AnswerError(
            "the answer's code block is never closed",
            where=Place(path, starts[-1] - 1),
            help="end it with ```",
        )
    if len(blocks) != 1:
        found = "no fenced code block" if not blocks else f"{len(blocks)} fenced code blocks"
        raise AnswerError(
            f"the answer has {found}",
            where=Place(path, starts[1] - 1 if blocks else None),
            why="an answer is exactly one block",
            help="reply with one ```nasm block that holds the whole module, or whole functions",
        )
    code = [line.rstrip() for line in blocks[0]]
    empty = next((n for n, line in enumerate(code) if line), len(code))
    if empty == len(code):
        raise AnswerError("the answer's code block is empty", where=Place(path, starts[0] - 1))
    return "\n".join(code[empty:]).rstrip("\n") + "\n", starts[0] + empty


def split(code: str, path: str = "the answer", first: int = 1) -> Text:
    """Return a module's text taken apart into preamble, units and tail.

    Errors name a place in `path`, whose line `first` is the first of `code`.
    """
    lines = code.splitlines(keepends=True)
    for number, line in enumerate(lines, first):
        if _MACRO.match(line) or _FORBIDDEN.match(line):
            raise AnswerError(
                f"'{line.strip()}' is not part of a module's grammar",
                where=Place(path, number),
                why="a function is regenerated on its own, so nothing may reach across functions",
                help="write the instructions out; %define and equ are fine",
            )
    start = _first_text(lines)
    units: list[Unit] = []
    begin, label, at = start, "", 0
    for number, line in enumerate(lines[start:], start):
        if found := _LABEL.match(line):
            label, at = found["name"], first + number
        elif _END.match(line):
            if not label:
                raise AnswerError(
                    "'.end:' without a function's label above it",
                    where=Place(path, first + number),
                )
            units.append(Unit(label, "".join(lines[begin : number + 1])))
            begin, label = number + 1, ""
    if label:
        raise AnswerError(
            f"nothing ends '{label}'",
            where=Place(path, at),
            why="a function reaches from its label to '.end:'",
            help=f"put '.end:' after the last instruction of {label}",
        )
    names = [u.name for u in units]
    for name in names:
        if names.count(name) > 1:
            raise AnswerError(f"function '{name}' stands twice", where=path)
    return Text("".join(lines[:start]), tuple(units), "".join(lines[begin:]))


def _first_text(lines: list[str]) -> int:
    """Return the index of the first `section .text`, where the preamble ends; 0 without one."""
    return next((n for n, line in enumerate(lines) if _TEXT.match(line)), 0)


def assemble_answer(
    answer: str,
    required: Collection[str],
    previous: str | None,
    path: str = "the answer",
    *,
    asked: Collection[str] = (),
) -> str:
    """Return the module's whole text that an answer makes; errors name a place in `path`.

    `required` are the functions that the contract names. An answer that holds all of them below a
    preamble is the whole module; any other replaces the units that it holds of `previous` (and its
    preamble, if the answer has one) and keeps every other unit byte for byte. If only some
    functions were `asked` for, a part must hold them all.
    """
    code, first = extract(answer, path)
    given = split(code, path, first)
    names = {u.name for u in given.units}
    missing = sorted(set(required) - names)
    if not missing and (previous is None or _PREAMBLE.search(given.preamble)):
        return code
    before = None if previous is None else split(previous, "the module as it is")
    kept = {u.name for u in before.units} if before else set()
    if before is None or not names & {*required, *kept}:
        raise AnswerError(
            f"the answer lacks the function '{missing[0]}'",
            where=path,
            why="the contract declares " + ", ".join(sorted(required)),
            help="define every function of the contract, each from its label to '.end:'",
        )
    if unanswered := sorted(set(asked) - names):
        raise AnswerError(
            f"the answer lacks the function '{unanswered[0]}', which was asked for",
            where=path,
            why="it holds " + ", ".join(sorted(names)),
            help="answer with the functions that were asked for, or with the whole module",
        )
    lost = [m for m in missing if m not in kept]
    if lost:
        raise AnswerError(
            f"neither the answer nor the module as it is has the function '{lost[0]}'",
            where=path,
            help="define every function of the contract, each from its label to '.end:'",
        )
    return str(_merge(before, given))


def _merge(before: Text, given: Text) -> Text:
    """Return a text with the units and the preamble of an answer in place of its own.

    What stands before the answer's first function is a preamble if it has `default rel`; otherwise
    it is comments and data of that function.
    """
    preamble, changed = given.preamble, given.units
    if not _PREAMBLE.search(preamble):
        changed = (Unit(changed[0].name, preamble + changed[0].text), *changed[1:])
        preamble = before.preamble
    new = {u.name: u for u in changed}
    units = [new.pop(u.name, u) for u in before.units]
    units += [u for u in changed if u.name in new]
    return Text(preamble, tuple(units), before.tail)
