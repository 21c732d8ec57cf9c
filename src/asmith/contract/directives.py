"""The preprocessor directives that an interface may hold, and no others.

#ifndef GUARD / #define GUARD / #endif      the include guard, or #pragma once
#ifdef __cplusplus / extern "C" { / #endif  and the same around the closing brace
#include "other.h"                          another interface
#include <stdint.h>                         one of the standard headers listed below
#define NAME value                          an integer or string constant
"""

from __future__ import annotations

import re

from asmith.contract.tokens import Origin, Token, tokens
from asmith.dataclass import dataclass, field
from asmith.errors import UsageError, did_you_mean


@dataclass(frozen=True, slots=True)
class Define:
    """An object-like macro with its value, still in tokens (END is the last)."""

    name: str
    value: tuple[Token, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Include:
    """`#include "file"`, or `<file>` where `system`."""

    file: str
    system: bool
    offset: int


_DIRECTIVE = re.compile(r"#[ \t]*(?P<word>\w*)[ \t]*(?P<rest>[^\n]*)", re.ASCII)
_CODE = re.compile(r"""(?:[^"'/\n]|"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'|/(?![/*]))*""")
_INCLUDE = re.compile(r'(?:"(?P<quoted>[^"\n]+)"|<(?P<angled>[^>\n]+)>)[ \t]*')
_CPLUSPLUS = re.compile(r"(?:defined[ \t]*)?(?:\([ \t]*__cplusplus[ \t]*\)|__cplusplus)[ \t]*")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_LINKAGE = ("extern", '"C"', "{", "}")

WORDS = ("define", "endif", "ifdef", "ifndef", "include", "pragma")


@dataclass(slots=True)
class Directives:
    """What the directives of one header said so far."""

    origin: Origin
    defines: list[Define] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    open: list[tuple[str, int]] = field(default_factory=list)  # "guard" or "c++", and its offset
    guard: str = ""  # the name that the next directive must define
    guarded: bool = False
    coded: bool = False

    @property
    def skipping(self) -> bool:
        """Tell whether the text stands between `#ifdef __cplusplus` and its `#endif`."""
        return bool(self.open) and self.open[-1][0] == "c++"

    def saw_code(self) -> None:
        """Note that code came: from here on no include guard can start."""
        self.coded = True
        if self.guard:
            at = self.open[-1][1]
            raise self._error(f"expected '#define {self.guard}' after '#ifndef {self.guard}'", at)

    def skip(self, text: str, at: int) -> None:
        """Accept the text of a C++ part: `extern "C" {` and `}` and nothing else."""
        if text not in _LINKAGE:
            raise self._error(
                f"'{text}' between '#ifdef __cplusplus' and '#endif'",
                at,
                help_="only 'extern \"C\" {' and '}' may stand there: C and C++ see one interface",
            )

    def take(self, at: int) -> int:
        """Obey the directive whose `#` is at that offset; return where the scan goes on."""
        match = _DIRECTIVE.match(self.origin.text, at)
        assert match is not None  # it starts with a number sign
        code = _CODE.match(self.origin.text, match.start("rest"))
        assert code is not None  # it may be empty
        rest, word, start = code.group().rstrip(), match["word"], match.start("rest")
        if self.guard and not (word == "define" and rest == self.guard):
            raise self._error(f"expected '#define {self.guard}' after '#ifndef {self.guard}'", at)
        if self.skipping and word != "endif":
            raise self._error(f"'#{word}' between '#ifdef __cplusplus' and '#endif'", at)
        self._obey(word, rest, start, at)
        return code.end()

    def _obey(self, word: str, rest: str, start: int, at: int) -> None:
        match word:
            case "ifndef":
                self._begin_guard(rest, at)
            case "ifdef" | "if" if _CPLUSPLUS.fullmatch(rest):
                self.open.append(("c++", at))
            case "endif":
                if not self.open:
                    raise self._error("'#endif' ends nothing", at)
                self.open.pop()
            case "include":
                self._include(rest, at)
            case "define":
                self._define(rest, start, at)
            case "pragma" if rest == "once":
                pass
            case _:
                shown = word or rest
                if shown:
                    raise self._unknown(f"#{shown.split()[0]}", at)

    def _begin_guard(self, rest: str, at: int) -> None:
        if self.guarded or self.coded or self.open or not _NAME.fullmatch(rest):
            raise self._unknown(
                "#ifndef", at, why="it is no include guard: that comes first in the file"
            )
        self.guard = rest
        self.guarded = True
        self.open.append(("guard", at))

    def _include(self, rest: str, at: int) -> None:
        match = _INCLUDE.fullmatch(rest)
        if match is None:
            raise self._error(
                f"'#include {rest}' names no file", at, help_='write #include "name.h"'
            )
        quoted = match["quoted"]
        self.includes.append(Include(quoted or match["angled"], system=not quoted, offset=at))

    def _define(self, rest: str, start: int, at: int) -> None:
        match = _NAME.match(rest)
        if match is None:
            raise self._error("'#define' without a name", at)
        name, value = match.group(), rest[match.end() :]
        if name == self.guard:
            self.guard = ""
            return
        if value.startswith("("):
            raise self._error(
                f"'{name}' is a macro with parameters",
                at,
                why="assembly cannot call a macro",
                help_="declare a function, or a constant: '#define NAME value'",
            )
        if not value.strip():
            raise self._error(f"'{name}' is defined without a value", at, help_="give it a value")
        self.coded = True
        begin = start + match.end()
        found = tuple(tokens(self.origin, begin, start + len(rest)))
        self.defines.append(Define(name, found, begin - len(name)))

    def finish(self) -> None:
        """Check that every conditional has ended."""
        if self.open:
            raise self._error("this conditional has no '#endif'", self.open[-1][1])

    def _unknown(self, word: str, at: int, *, why: str = "") -> UsageError:
        bare = word.removeprefix("#")
        near = "" if bare in WORDS else did_you_mean(bare, WORDS)
        return self._error(
            f"'{word}' is not part of the interface language{near}",
            at,
            why=why,
            help_="an interface may hold an include guard, '#pragma once', extern \"C\" guards, "
            "includes and object-like constants",
        )

    def _error(self, what: str, at: int, *, why: str = "", help_: str = "") -> UsageError:
        return UsageError(what, where=self.origin.place(at), why=why or None, help=help_ or None)
