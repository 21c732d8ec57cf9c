"""Arguments of one call: from Python values to ctypes values, placed by libffi.

Which register or stack slot an argument takes is libffi's decision, not ours: an implementation
of System V psABI 3.2.3 that knows nothing of asmith's own.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass, field
from asmith.errors import AsmithError
from asmith.model.contract import Array, Class, Named, Pointer, Scalar
from asmith.verify.call import JUNK
from asmith.verify.type_json import spell
from asmith.verify.values import BOOLEANS, enumerator, from_register, integer, real, to_register

if TYPE_CHECKING:
    from asmith.model.contract import CType
    from asmith.verify.layout import Layout
    from asmith.verify.pointers import Placed, Pointers

_REGISTER = 8  # bytes
_TEXT = Pointer(Scalar("char", 1, 1, Class.INTEGER, signed=True), const=True)
_ANYTHING = Pointer(Scalar("void", 0, 1, Class.VOID), const=True)
_LONG_LONG = Scalar("long long", 8, 8, Class.INTEGER, signed=True)
_UNSIGNED = Scalar("unsigned long long", 8, 8, Class.INTEGER)


@dataclass(slots=True)
class Arguments:
    """What a call is made with, and what has to happen to it afterwards."""

    layout: Layout
    pointers: Pointers
    values: list[Any] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)

    def add(self, value: object, ctype: CType, what: str, *, nul: bool = False) -> None:
        """Append a value for a parameter of that type; raises TypeError or ValueError."""
        match ctype:
            case Scalar(kind=Class.INTEGER) if ctype.size <= _REGISTER:
                whole = to_register(integer(value, ctype, what), JUNK, size=ctype.size)
                self.values.append(ctypes.c_uint64(whole))
            case Scalar(kind=Class.SSE | Class.X87):
                self.values.append(self.layout.of(ctype)(real(value, ctype, what)))
            case Named(keyword="enum"):
                size = self.layout.size(ctype)
                whole = to_register(enumerator(value, size, what), JUNK, size=size)
                self.values.append(ctypes.c_uint64(whole))
            case Pointer():
                self._point(value, ctype, what, nul=nul)
            case Array():
                self._point(value, Pointer(ctype.element), what, nul=nul)
            case Named():
                self._by_value(value, ctype, what)
            case _:
                raise _unsupported(ctype, what)

    def add_variadic(self, value: object, what: str) -> None:
        """Append a value for `...`, after the default argument promotions (C11 6.5.2.2p7).

        An int fills its whole slot, so that the callee may take it as `int` or as `long`. A str
        ends in the byte 0, as `%s` wants it; bytes are passed as they are.
        """
        match value:
            case float():
                self.values.append(ctypes.c_double(value))
            case int():
                kind = _LONG_LONG if value < 0 else _UNSIGNED
                self.values.append(ctypes.c_uint64(integer(value, kind, what) % (1 << 64)))
            case ctypes.c_longdouble():
                self.values.append(value)
            case _:
                target = _TEXT if isinstance(value, bytes | str) else _ANYTHING
                self._point(value, target, what, nul=isinstance(value, str))

    def finish(self) -> None:
        """Copy back what was written to `bytearray` arguments, and give up what was made here."""
        for placed in self.placed:
            if placed.memory is not None:
                if placed.source is not None:
                    placed.source[:] = bytes(placed.memory)
                placed.memory.release()

    def _point(self, value: object, ctype: Pointer, what: str, *, nul: bool) -> None:
        placed = self.pointers.place(value, ctype, what, nul=nul)
        self.placed.append(placed)
        self.values.append(ctypes.c_void_p(placed.address))

    def _by_value(self, value: object, ctype: Named, what: str) -> None:
        if self.layout.has_union(ctype):
            raise AsmithError(
                f"{what}: a test cannot pass '{spell(ctype)}' by value",
                why="Python's ctypes does not pass unions",
                help="write the test in C, or pass a pointer to it",
            )
        cls = self.layout.class_of(ctype.keyword, ctype.tag)
        if isinstance(value, dict):
            value = cls(**value)
        if not isinstance(value, cls):
            raise TypeError(f"{what} takes {spell(ctype)}, got {type(value).__name__}")
        self.values.append(value)


def result_type(layout: Layout, ctype: CType) -> Any:
    """Return the ctypes type that a result is fetched as; integers as whole registers."""
    match ctype:
        case Scalar(kind=Class.INTEGER) if ctype.size <= _REGISTER:
            return ctypes.c_uint64
        case Named(keyword="enum"):
            return ctypes.c_uint64
        case Named() if layout.has_union(ctype):
            raise AsmithError(
                f"a test cannot take '{spell(ctype)}' as a result",
                why="Python's ctypes does not return unions",
                help="write the test in C, or let the function write through a pointer",
            )
        case _:
            return layout.of(ctype)


def result_value(layout: Layout, ctype: CType, raw: Any) -> Any:
    """Return a result as tests see it: int, bool, float, struct, address, or None for NULL.

    Raises ValueError for a `_Bool` that is neither 0 nor 1 (System V psABI 3.1.2).
    """
    match ctype:
        case Scalar(kind=Class.INTEGER):
            value = from_register(raw, size=ctype.size, signed=ctype.signed)
            if ctype.name not in BOOLEANS:
                return value
            if value > 1:
                raise ValueError(f"returns {value:#04x} as _Bool")
            return bool(value)
        case Named(keyword="enum"):
            return from_register(raw, size=layout.size(ctype), signed=True)
        case _:
            return raw


def _unsupported(ctype: CType, what: str) -> AsmithError:
    return AsmithError(
        f"{what}: a test cannot pass '{spell(ctype)}'",
        why="Python's ctypes has no such type",
        help="write the test in C, or pass a pointer to it",
    )
