"""What lies where in the structures of contracts: the objects that begin at an offset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.contract.layout import IncompleteError, size_of
from asmith.model.contract import Array, Named, Pointer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asmith.model.contract import Aggregate, CType


def pointed_aggregate(ctype: CType, types: Mapping[str, Aggregate]) -> Aggregate | None:
    """Return the struct or union of known layout that a pointer type points to, if it does."""
    target = ctype.target if isinstance(ctype, Pointer) else None
    return types.get(target.tag) if isinstance(target, Named) else None


def objects_at(ctype: CType, offset: int, types: Mapping[str, Aggregate]) -> Iterator[CType]:
    """Yield the types of all objects that begin at an offset of an object, the outermost first."""
    if offset == 0:
        yield ctype
    if isinstance(ctype, Named) and ctype.tag in types:
        for field in types[ctype.tag].fields:
            inside = field.offset <= offset < field.offset + max(field.size, 1)
            if inside or _is_open(field.type):
                yield from objects_at(field.type, offset - field.offset, types)
    elif isinstance(ctype, Array):
        size = _size(ctype.element, types)
        if size and offset >= 0:
            yield from objects_at(ctype.element, offset % size, types)


def has_width(ctype: CType, size: int, types: Mapping[str, Aggregate]) -> bool:
    """Tell whether an object is so many bytes wide; bytes may be accessed by any width."""
    if isinstance(ctype, Array):
        return _size(ctype.element, types) == 1
    return _size(ctype, types) == size


def _is_open(ctype: CType) -> bool:
    return isinstance(ctype, Array) and ctype.count is None


def _size(ctype: CType, types: Mapping[str, Aggregate]) -> int:
    try:
        return size_of(ctype, types)
    except IncompleteError:
        return 0
