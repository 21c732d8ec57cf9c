"""Names of parameters, from a header's preprocessed text: debug information does not keep them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_POINTED = re.compile(r"\(\s*\*\s*(?:const\s+|__restrict\s+)*(\w+)\s*\)", re.ASCII)
_LAST = re.compile(r"(\w+)\s*(?:\[[^\]]*\]\s*)*$", re.ASCII)
_ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)")
NOT_NAMES = frozenset((
    "char", "short", "int", "long", "float", "double", "void", "signed", "unsigned", "const",
    "volatile", "restrict", "__restrict", "__restrict__", "struct", "union", "enum", "_Bool",
    "auto", "break", "case", "continue", "default", "do", "else", "extern", "for", "goto", "if",
    "inline", "register", "return", "sizeof", "static", "switch", "typedef", "while", "errno",
    # words of C++, which includes interfaces too
    "bool", "catch", "class", "delete", "explicit", "export", "false", "friend", "mutable",
    "namespace", "new", "operator", "private", "protected", "public", "template", "this", "throw",
    "true", "try", "typename", "using", "virtual", "and", "or", "not", "xor",
))  # fmt: skip
"""Words of C and C++ that cannot name a parameter."""


def parameter_names(text: str, function: str, count: int, taken: Collection[str]) -> list[str]:
    """Return `count` names for the parameters of a function: the header's, else p1, p2, ...

    `text` is the preprocessed header. Underscores before a name, which the C library puts there,
    are dropped. Names in `taken` are not used: typedefs and constants of the draft.
    """
    given = _declared(text, function, count)
    found: list[str] = []
    for number, part in enumerate(given, 1):
        name = _name(part).lstrip("_")
        usable = name and not name[0].isdigit() and name not in (*NOT_NAMES, *taken, *found)
        found.append(name if usable else f"p{number}")
    return found


def _declared(text: str, function: str, count: int) -> list[str]:
    """Return the parameters of the first declaration that has so many, else empty texts."""
    for match in re.finditer(rf"\b{function}\s*\)?\s*\(", text, re.ASCII):
        parts = _parts(text, match.end())
        if parts and parts[-1].strip() == "...":
            parts.pop()
        if len(parts) == count and not text[: match.start()].rstrip().endswith(("=", "return")):
            return parts
    return [""] * count


def _parts(text: str, at: int) -> list[str]:
    """Return what stands between commas up to the bracket that closes the one before `at`."""
    parts = [""]
    depth = 1
    for char in text[at : at + 8192]:
        depth += (char in "([{") - (char in ")]}")
        if depth == 0:
            return [_ATTRIBUTE.sub("", part).strip() for part in parts]
        if char == "," and depth == 1:
            parts.append("")
        else:
            parts[-1] += char
    return []


def _name(part: str) -> str:
    """Return the name in one parameter's declaration, or nothing."""
    pointed = _POINTED.search(part)
    if pointed is not None:
        return pointed.group(1)
    last = _LAST.search(part)
    if last is None:
        return ""
    before = re.findall(r"\w+", part[: last.start()])
    types = [word for word in before if word not in ("const", "volatile", "__restrict")]
    alone = not types or (len(types) == 1 and types[0] in ("struct", "union", "enum"))
    return "" if alone else last.group(1)
