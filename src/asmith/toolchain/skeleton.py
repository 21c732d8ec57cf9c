"""The skeleton of a contract: what to think of for each pointer and result, in comments.

Each line is a clause that would be accepted as it stands, behind `//`: a person takes the slashes
away, corrects it or deletes it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asmith.model.contract import Class, FunctionType, Named, Pointer, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asmith.model.contract import CType
    from asmith.toolchain.dwarf_types import Types

_LENGTHS = ("size_t", "unsigned long")
_COUNT = re.compile(r"(len|length|size|count|bytes)$|^n$", re.IGNORECASE)
_OWNER = "whose is it? asm acquires \\result by f; asm borrows \\result from x;"


def skeleton(ctype: FunctionType, names: Sequence[str], types: Types) -> str:
    """Return a clause block of comments, with a final newline, for a function.

    `types` tells what typedefs stand for and which structs are complete.
    """
    lines: list[str] = []
    for number, given in enumerate(ctype.parameters):
        pointer = types.resolved(given)
        if isinstance(pointer, Pointer):
            length = _length(ctype.parameters[number + 1 :], names[number + 1 :], types)
            lines += _parameter(pointer, names[number], length, types)
    lines += ["assigns errno;", *_result(types.resolved(ctype.result))]
    first, *others = (f"// {line}" for line in lines)
    return "\n".join([f"/*@ {first}", *(f"  @ {line}" for line in others), "  @*/\n"])


def _length(following: Sequence[CType], names: Sequence[str], types: Types) -> str:
    """Return the name of the parameter after a pointer if it may count its elements, or nothing."""
    if not following:
        return ""
    plain = types.resolved(following[0])
    counts = isinstance(plain, Scalar) and plain.kind is Class.INTEGER
    sized = isinstance(following[0], Scalar) and following[0].name in _LENGTHS
    return names[0] if counts and (sized or _COUNT.search(names[0])) else ""


def _parameter(pointer: Pointer, name: str, length: str, types: Types) -> Iterator[str]:
    """Yield what to require of a pointer; `length` is the parameter that may count its elements."""
    word = "valid_read" if pointer.const else "valid"
    target = types.resolved(pointer.target)
    if isinstance(target, Named) and not types.complete(target):
        yield f"requires {name} != \\null;"
        if not pointer.const:
            yield f"asm mutates {name};"
        return
    void = isinstance(target, Scalar) and target.kind is Class.VOID
    if isinstance(target, FunctionType) or (void and not length):
        yield f"requires {name} != \\null;"
    elif length:
        start = f"({'const ' * pointer.const}char *){name}" if void else name
        yield f"requires {length} == 0 || \\{word}({start} + (0 .. {length}-1));"
    elif isinstance(target, Scalar) and target.name == "char":
        yield f"requires {word}_string({name});"
    else:
        yield f"requires \\{word}({name});"


def _result(result: CType) -> Iterator[str]:
    match result:
        case Pointer(FunctionType()):
            yield "asm outcome failed: \\result == \\null;"
        case Pointer():
            yield "asm outcome failed: \\result == \\null;"
            yield _OWNER
        case Scalar(kind=Class.INTEGER, signed=True):
            yield "asm outcome failed: \\result == -1;"
