"""Integer, character and string literals of C, as values.

Places are passed as functions: they are needed only to report an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asmith.errors import UsageError
from asmith.model.contract import Number

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.errors import Place

    Where = Callable[[], Place]

_INTEGER = re.compile(
    r"(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<binary>[01]+)|(?P<octal>0[0-7]*)|(?P<decimal>[1-9][0-9]*))"
    r"(?P<suffix>[uU](?:ll|LL|[lL])?|(?:ll|LL|[lL])[uU]?)?"
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})(?![0-9a-fA-F])|([0-7]{1,3})|(.))")
_SIMPLE = {
    "a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11,
    "\\": 92, "'": 39, '"': 34, "?": 63,
}  # fmt: skip
LIMIT = 1 << 64
_PLAIN = 10
"""A decimal literal of fewer digits is an int, whatever the digits are."""


def integer(text: str, where: Where) -> Number:
    """Return the value of an integer literal, with the suffix that types it.

    Raises UsageError for anything that is no integer, and for one that 64 bits cannot hold.
    """
    if len(text) < _PLAIN and text.isdigit() and text[0] != "0":
        return Number(int(text))
    match = _INTEGER.fullmatch(text)
    if match is None:
        raise UsageError(
            f"'{text[:40]}' is no integer",
            where=where(),
            help="interfaces know decimal, hexadecimal, octal and binary integers, no others",
        )
    if len(text) > 70:  # noqa: PLR2004 -- 0b, 64 digits and a suffix
        value = LIMIT
    elif match["hex"]:
        value = int(match["hex"], 16)
    elif match["binary"]:
        value = int(match["binary"], 2)
    else:
        value = int(match["octal"], 8) if match["octal"] else int(match["decimal"])
    if value >= LIMIT:
        raise UsageError(f"'{text[:40]}' does not fit into 64 bits", where=where())
    return Number(value, type=_type(value, match))


def _type(value: int, match: re.Match[str]) -> str:
    """Return the first type that can hold the value (C17 6.4.4.1, with 32-bit int, 64-bit long)."""
    suffix = (match["suffix"] or "").lower()
    unsigned, wide = "u" in suffix, "l" in suffix
    either = unsigned or match["decimal"] is None  # decimal literals become unsigned by `u` only
    if value < 1 << 31 and not unsigned and not wide:
        return "int"
    if value < 1 << 32 and either and not wide:
        return "unsigned int"
    return "long" if value < 1 << 63 and not unsigned else "unsigned long"


def character(text: str, where: Where) -> Number:
    """Return the value of a character literal: one byte, as a signed char (x86-64)."""
    data = _bytes(text[1:-1], where)
    if len(data) != 1:
        raise UsageError(f"{text} is not one byte", where=where(), help="write one character")
    value = data[0]
    return Number(value - 256 if value > 127 else value, character=True)  # noqa: PLR2004


def string(text: str, where: Where) -> str:
    """Return the text of a string literal.

    Raises UsageError for bytes that are no UTF-8 and for a zero byte, which would end it.
    """
    data = _bytes(text[1:-1], where)
    if 0 in data:
        raise UsageError(
            "a zero byte inside a string", where=where(), help="end the string before it"
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError("the string is not UTF-8", where=where()) from None


def _bytes(body: str, where: Where) -> bytes:
    """Return the bytes of a literal's inside, escapes replaced."""
    parts: list[bytes] = []
    at = 0
    while (back := body.find("\\", at)) >= 0:
        parts.append(body[at:back].encode())
        match = _ESCAPE.match(body, back)
        if match is None:
            raise UsageError("an escape sequence too long for one byte", where=where())
        parts.append(bytes([_escaped(match, where)]))
        at = match.end()
    parts.append(body[at:].encode())
    return b"".join(parts)


def _escaped(match: re.Match[str], where: Where) -> int:
    hexadecimal, octal, simple = match.groups()
    if hexadecimal:
        return int(hexadecimal, 16)
    value = int(octal, 8) if octal else _SIMPLE.get(simple, -1)
    if not 0 <= value < 256:  # noqa: PLR2004 -- one byte
        raise UsageError(f"'{match.group()}' is no escape sequence of C", where=where())
    return value
