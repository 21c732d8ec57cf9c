"""The tables of the reference page, made from those that the parser itself reads by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.contract.basic import HEADERS, SCALARS, VECTORS
from asmith.contract.grammar import CLAUSES, LEVELS, REGISTERS
from asmith.contract.render import PRECEDENCE, RIGHT
from asmith.contract.words import QUANTIFIERS, WORDS
from asmith.model.contract import Audience, Class

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_CONCERNS = {
    Audience.CALLER: "callers and the implementer",
    Audience.IMPLEMENTER: "the implementer",
    Audience.NOBODY: "nobody",
}
_KINDS = {
    Class.VOID: "-",
    Class.INTEGER: "INTEGER",
    Class.SSE: "SSE",
    Class.X87: "X87",
    Class.VECTOR: "SSE, SSEUP",
}


def tables() -> dict[str, str]:
    """Return every table of the page as Markdown, by the name that marks its place there."""
    return {
        "clauses": _clauses(),
        "words": _words(),
        "operators": _operators(),
        "types": _types(),
        "headers": _headers(),
        "levels": "\n".join(f"- `{level}`" for level in LEVELS),
        "registers": ", ".join(f"`{name}`" for name in REGISTERS if not name[-1:].isdigit())
        + ", `r8` to `r15`, `xmm0` to `xmm31`, `k0` to `k7`",
    }


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in lines
    )


def _clauses() -> str:
    return _table(
        ("clause", "says", "concerns", "example"),
        (
            (f"`{k.spelled}`", k.meaning, _CONCERNS[k.audience], f"`{k.example}`")
            for k in CLAUSES.values()
        ),
    )


def _words() -> str:
    rows = [
        (f"`{w.name}`", w.takes.value, w.meaning + "; after the call" * w.after, f"`{w.example}`")
        for w in WORDS.values()
    ]
    rows += [
        (f"`{word}`", "integers and a predicate", meaning, f"`{_QUANTIFIED[word]}`")
        for word, meaning in QUANTIFIERS.items()
    ]
    return _table(("word", "takes", "says", "example"), rows)


_QUANTIFIED = {
    "\\forall": "requires \\forall integer i; 0 <= i < n ==> s[i] != 0;",
    "\\exists": "requires \\exists integer i; 0 <= i < n && s[i] == 0;",
}


def _operators() -> str:
    levels: dict[int, list[str]] = {}
    for operator, level in PRECEDENCE.items():
        levels.setdefault(level, []).append(operator)
    rows = [
        (" ".join(f"`{o}`" for o in operators), "right" if operators[0] in RIGHT else "left")
        for _, operators in sorted(levels.items())
    ]
    return _table(("loosest first", "groups from the"), rows)


def _types() -> str:
    scalars = [*SCALARS.values(), *VECTORS.values()]
    return _table(
        ("type", "bytes", "aligned to", "class"),
        (
            (f"`{s.name}`", str(s.size), str(s.align), _KINDS[s.kind])
            for s in scalars
            if s.kind is not Class.VOID
        ),
    )


def _headers() -> str:
    return _table(
        ("header", "types"),
        (
            (f"`<{header}>`", ", ".join(f"`{name}`" for name in sorted(names)))
            for header, names in HEADERS.items()
        ),
    )
