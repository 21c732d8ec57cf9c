"""Sizes, alignments and offsets (System V psABI 3.1.2).

- A scalar is aligned to its size; long double and __int128 have 16 bytes, vectors 16, 32 or 64.
- An array is aligned like its elements. (The extra alignment of large array *variables* concerns
  definitions, not layouts.)
- A struct is aligned like its most aligned member. Each member goes to the lowest offset with
  proper alignment behind the one before; the size is padded to a multiple of the alignment.
- All members of a union start at offset 0.
- In a packed struct or union each member is aligned to one byte; a member that is itself a struct
  keeps its inner layout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from asmith.errors import UsageError
from asmith.model.contract import Array, CType, FunctionType, Named, Pointer, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asmith.model.contract import Aggregate

POINTER = 8
ENUM = 4
MAX_SIZE = (1 << 63) - 1


class IncompleteError(UsageError):
    """A type whose size nothing tells: an undefined struct, a function, void."""


def size_of(ctype: CType, types: Mapping[str, Aggregate]) -> int:
    """Return the size in bytes; 0 for a flexible array.

    Raises IncompleteError for a type without a size, UsageError for one beyond `MAX_SIZE`.
    """
    match ctype:
        case Scalar(name, size):
            if size == 0:
                raise IncompleteError(f"'{name}' has no size")
            return size
        case Pointer():
            return POINTER
        case Array(element, count):
            size = size_of(element, types) * (count or 0)
            if size > MAX_SIZE:
                raise UsageError(
                    f"an array of {size} bytes", help="no object exceeds 2**63-1 bytes"
                )
            return size
        case Named():
            return definition(ctype, types).size
        case FunctionType():
            raise IncompleteError("a function has no size")
        case _:  # pragma: no cover
            assert_never(ctype)


def align_of(ctype: CType, types: Mapping[str, Aggregate]) -> int:
    """Return the alignment in bytes; raises IncompleteError as `size_of` does."""
    match ctype:
        case Scalar():
            return ctype.align
        case Pointer():
            return POINTER
        case Array(element, _):
            return align_of(element, types)
        case Named():
            return definition(ctype, types).align
        case FunctionType():
            raise IncompleteError("a function has no alignment")
        case _:  # pragma: no cover
            assert_never(ctype)


def definition(named: Named, types: Mapping[str, Aggregate]) -> Aggregate:
    """Return the complete aggregate of a tag; raises IncompleteError where there is none."""
    found = types.get(named.tag)
    if found is None:
        raise IncompleteError(
            f"'{named.keyword} {named.tag}' is incomplete here",
            help="define it before this declaration, or use a pointer to it",
        )
    return found


def place(
    members: Iterable[tuple[int, int]], *, union: bool, packed: bool
) -> tuple[list[int], int, int]:
    """Return offsets, size and alignment of an aggregate from sizes and alignments of its members.

    Raises UsageError where it would exceed `MAX_SIZE`.
    """
    offsets: list[int] = []
    end, strictest = 0, 1
    for size, align in members:
        step = 1 if packed else align
        strictest = max(strictest, step)
        at = 0 if union else -(-end // step) * step
        offsets.append(at)
        end = max(end, at + size)
    total = -(-end // strictest) * strictest
    if total > MAX_SIZE:
        raise UsageError(f"an aggregate of {total} bytes", help="no object exceeds 2**63-1 bytes")
    return offsets, total, strictest
