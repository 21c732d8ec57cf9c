"""Classification of values for the calling convention (System V psABI 3.2.3).

Scalars:

- _Bool, char, short, int, long, long long, enums and pointers are INTEGER; __int128 is two
  INTEGER eightbytes, aligned to 16 bytes in memory.
- float and double are SSE. The lowest eightbyte of __m128, __m256 and __m512 is SSE, the others
  are SSEUP.
- long double is X87, followed by X87UP.

Structs, unions and arrays in them:

1. An object larger than eight eightbytes, or one with unaligned fields, is MEMORY.
2. Each eightbyte starts without a class; every field is classified where it lies, and the classes
   that meet in one eightbyte are merged: equal ones stay; no class gives way; MEMORY wins, then
   INTEGER; X87 or X87UP meeting another class gives MEMORY; everything else is SSE.
3. Afterwards: if one is MEMORY, all are; X87UP without X87 before it is MEMORY; an object larger
   than two eightbytes is MEMORY, unless the first is SSE and all others are SSEUP; SSEUP without
   SSE or SSEUP before it is SSE.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, assert_never

from asmith.contract.layout import definition, size_of
from asmith.model.contract import Array, Class, FunctionType, Named, Pointer, Scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.model.contract import Aggregate, CType

EIGHTBYTE = 8
_LARGEST = 8  # eightbytes


class Part(Enum):
    """The class of one eightbyte."""

    NONE = "no class"
    INTEGER = "INTEGER"
    SSE = "SSE"
    SSEUP = "SSEUP"
    X87 = "X87"
    X87UP = "X87UP"
    MEMORY = "MEMORY"


def classify(ctype: CType, types: Mapping[str, Aggregate]) -> tuple[Part, ...]:
    """Return the class of each eightbyte of a value, lowest address first.

    A value in memory is `(Part.MEMORY,)`; void has no classes. Raises IncompleteError for a type
    without a size.
    """
    match ctype:
        case Scalar():
            return _scalar(ctype)
        case Pointer() | FunctionType() | Named(keyword="enum"):
            return (Part.INTEGER,)  # of a function only ever a pointer to it
        case Named() | Array():
            return _aggregate(ctype, types)
        case _:  # pragma: no cover
            assert_never(ctype)


def _scalar(scalar: Scalar) -> tuple[Part, ...]:
    count = -(-scalar.size // EIGHTBYTE)
    match scalar.kind:
        case Class.INTEGER:
            return (Part.INTEGER,) * count
        case Class.SSE:
            return (Part.SSE,)
        case Class.X87:
            return (Part.X87, Part.X87UP)
        case Class.VECTOR:
            return (Part.SSE, *(Part.SSEUP,) * (count - 1))
        case Class.VOID:
            return ()
        case _:  # pragma: no cover
            assert_never(scalar.kind)


def _aggregate(ctype: CType, types: Mapping[str, Aggregate]) -> tuple[Part, ...]:
    size = size_of(ctype, types)
    count = -(-size // EIGHTBYTE)
    if count > _LARGEST:
        return (Part.MEMORY,)
    parts = [Part.NONE] * count
    if not _fill(ctype, 0, parts, types):
        return (Part.MEMORY,)
    return _settled(parts)


def _fill(ctype: CType, offset: int, parts: list[Part], types: Mapping[str, Aggregate]) -> bool:
    """Merge the classes of a value at `offset` into `parts`; tell whether all of it is aligned."""
    match ctype:
        case Array(element, count):
            step = size_of(element, types)
            return all(_fill(element, offset + n * step, parts, types) for n in range(count or 0))
        case Named(keyword=keyword) if keyword != "enum":
            fields = definition(ctype, types).fields
            return all(_fill(f.type, offset + f.offset, parts, types) for f in fields)
        case Scalar(align=align):
            pass
        case _:
            align = size_of(ctype, types)
    if offset % align:
        return False
    first = offset // EIGHTBYTE
    for number, part in enumerate(classify(ctype, types), first):
        parts[number] = _merged(parts[number], part)
    return True


def _merged(one: Part, other: Part) -> Part:
    both = {one, other}
    if one is other or one is Part.NONE:
        return other
    if other is Part.NONE:
        return one
    for winner in (Part.MEMORY, Part.INTEGER):
        if winner in both:
            return winner
    return Part.MEMORY if both & {Part.X87, Part.X87UP} else Part.SSE


def _settled(parts: list[Part]) -> tuple[Part, ...]:
    """Return the classes after the third rule."""
    memory = (Part.MEMORY,)
    if Part.MEMORY in parts:
        return memory
    before = Part.NONE
    settled: list[Part] = []
    for part in parts:
        if part is Part.X87UP and before is not Part.X87:
            return memory
        kept = part
        if part is Part.SSEUP and before not in (Part.SSE, Part.SSEUP):
            kept = Part.SSE
        settled.append(kept)
        before = kept
    wide = parts[0] is Part.SSE and all(p is Part.SSEUP for p in parts[1:])
    if len(parts) > 2 and not wide:  # noqa: PLR2004 -- two eightbytes fit into registers
        return memory
    return tuple(settled)
