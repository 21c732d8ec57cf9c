"""The ctypes side of a contract's types, and what may be stored in an object of each."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from asmith.errors import AsmithError, did_you_mean
from asmith.model.contract import Array, Class, FunctionType, Named, Pointer, Scalar
from asmith.verify.aggregates import define, overlaps
from asmith.verify.type_json import spell
from asmith.verify.values import BOOLEANS, enumerator, integer, real

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.model.contract import Aggregate, CType
    from asmith.verify.pointers import Pointers

_INTEGERS = {
    (1, True): ctypes.c_int8,
    (2, True): ctypes.c_int16,
    (4, True): ctypes.c_int32,
    (8, True): ctypes.c_int64,
    (1, False): ctypes.c_uint8,
    (2, False): ctypes.c_uint16,
    (4, False): ctypes.c_uint32,
    (8, False): ctypes.c_uint64,
}
_REALS = {
    (Class.SSE, 4): ctypes.c_float,
    (Class.SSE, 8): ctypes.c_double,
    (Class.X87, 16): ctypes.c_longdouble,
}
ENUM_SIZE = 4  # bytes of an enum whose definition the contract does not show


class Layout:
    """The ctypes side of a contract's types; classes are made when first asked for."""

    def __init__(self, aggregates: Mapping[str, Aggregate], pointers: Pointers) -> None:
        self._aggregates = aggregates
        self._pointers = pointers
        self._classes: dict[str, Any] = {}
        self._kept: dict[int, object] = {}

    def of(self, ctype: CType) -> Any:
        """Return the ctypes type of a C type; None for void.

        Pointers are `c_void_p`, enums signed integers, arrays of char arrays of small integers.
        Raises `AsmithError` for what ctypes has no type for.
        """
        match ctype:
            case Scalar(kind=Class.VOID):
                return None
            case Scalar(name=name) if name in BOOLEANS:
                return ctypes.c_bool
            case Scalar(kind=Class.INTEGER):
                found: Any = _INTEGERS.get((ctype.size, ctype.signed))
            case Scalar():
                found = _REALS.get((ctype.kind, ctype.size))
            case Pointer() | FunctionType():
                return ctypes.c_void_p
            case Array():
                return self.of(ctype.element) * (ctype.count or 0)
            case Named(keyword="enum"):
                found = _INTEGERS[self.size(ctype), True]
            case Named():
                return self.class_of(ctype.keyword, ctype.tag)
        if found is None:
            raise AsmithError(
                f"a test cannot pass or return '{spell(ctype)}'",
                why="Python's ctypes has no such type",
                help="write the test in C, or pass a pointer to it",
            )
        return found

    def size(self, ctype: CType) -> int:
        """Return the size of a type in bytes."""
        if isinstance(ctype, Named) and ctype.keyword == "enum":
            known = self._aggregates.get(f"enum {ctype.tag}")
            return known.size if known else ENUM_SIZE
        return ctypes.sizeof(self.of(ctype))

    def class_of(self, keyword: str, tag: str) -> Any:
        """Return the class of a struct or union, laid out as the contract says."""
        key = f"{keyword} {tag}"
        if key not in self._classes:
            aggregate = self._aggregates.get(key)
            if aggregate is None:
                hint = did_you_mean(key, tuple(self._aggregates))
                raise AsmithError(
                    f"the contract does not show what is in '{key}'{hint}",
                    help="pass it by pointer: bytes, module.memory(n), or what a call returned",
                )
            self._classes[key] = define(self, aggregate)
        return self._classes[key]

    def has_union(self, ctype: CType) -> bool:
        """Tell whether a union is in a type, itself included."""
        match ctype:
            case Named(keyword="union"):
                return True
            case Named(keyword="struct"):
                aggregate = self.class_of("struct", ctype.tag).aggregate
                return overlaps(aggregate) or any(self.has_union(f.type) for f in aggregate.fields)
            case Array():
                return self.has_union(ctype.element)
            case _:
                return False

    def stored(self, value: object, ctype: CType, what: str, *, spot: int) -> Any:
        """Return what ctypes stores for `value` in an object of that type at address `spot`.

        Memory made for it on the way lives until something else is stored at the same address.
        """
        match ctype:
            case Scalar(kind=Class.INTEGER):
                return integer(value, ctype, what)
            case Scalar():
                return real(value, ctype, what)
            case Pointer():
                placed = self._pointers.place(value, ctype, what)
                self._kept[spot] = placed
                return placed.address
            case Named(keyword="enum"):
                return enumerator(value, self.size(ctype), what)
            case Named():
                return self._aggregate(value, ctype, what, spot=spot)
            case Array():
                return self._array(value, ctype, what, spot=spot)
            case FunctionType():
                raise TypeError(f"{what} is a function, which nothing can be stored in")

    def _aggregate(self, value: object, ctype: Named, what: str, *, spot: int) -> Any:
        cls = self.class_of(ctype.keyword, ctype.tag)
        made = cls(**value) if isinstance(value, dict) else value
        if not isinstance(made, cls):
            raise TypeError(f"{what} takes {spell(ctype)}, got {type(value).__name__}")
        for offset in range(ctypes.sizeof(cls)):  # what its pointers hold must outlive the copy
            if ctypes.addressof(made) + offset in self._kept:
                self._kept[spot + offset] = self._kept[ctypes.addressof(made) + offset]
        return made

    def _array(self, value: object, ctype: Array, what: str, *, spot: int) -> Any:
        cls = self.of(ctype)
        if isinstance(value, str):
            value = value.encode()
        if isinstance(value, cls):
            return value
        if not isinstance(value, bytes | bytearray | list | tuple):
            raise TypeError(f"{what} takes {spell(ctype)}, got {type(value).__name__}")
        count = ctype.count or 0
        if len(value) > count:
            raise ValueError(f"{what} takes up to {count} elements, got {len(value)}")
        if isinstance(value, bytes | bytearray) and self.size(ctype.element) == 1:
            return cls.from_buffer_copy(bytes(value).ljust(count, b"\0"))
        step = self.size(ctype.element)
        return cls(
            *(
                self.stored(item, ctype.element, f"element {i} of {what}", spot=spot + i * step)
                for i, item in enumerate(value)
            )
        )
