"""The text of functions: where each begins and ends, and what of it cannot be read as written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asmith.model.nasm import Statement

_EXPANDING = (
    *("%rep", "%endrep", "%while", "%endwhile", "%include", "%use", "%macro", "%imacro"),
    *("%if", "%elif", "%else", "%endif"),
)
_DATA = re.compile(r".*\s(?:d[bwdqtoyz]|res[bwdqtoyz]|nop)\b", re.IGNORECASE)


def function_bodies(statements: Iterable[Statement]) -> dict[str, tuple[Statement, ...]]:
    """Return label -> statements for each stretch of text that a global label opens.

    The first statement is the one that carries the label; the stretch ends before the next
    global label. What other sections hold in between is part of it, as its local labels are.
    """
    bodies: dict[str, list[Statement]] = {}
    current: list[Statement] | None = None
    for statement in statements:
        if statement.label and not statement.label.startswith((".", "%")):
            current = bodies[statement.label] = []
        if current is not None:
            current.append(statement)
    return {label: tuple(body) for label, body in bodies.items()}


def is_opaque(statement: Statement) -> bool:
    """Tell whether a statement may stand for other instructions than those that it shows."""
    word = statement.mnemonic
    if word == "times":
        return _DATA.match(statement.text) is None
    if word.startswith("%"):
        return word.startswith(_EXPANDING)
    return bool(word) and not is_reserved(word)


def is_reserved(word: str) -> bool:
    """Tell whether NASM keeps a word for itself: a mnemonic, a register or a directive."""
    from asmith.abi.nasm_words import RESERVED  # a large table, wanted only here

    return word.lower() in RESERVED
