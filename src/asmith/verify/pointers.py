"""What may stand for a pointer, and where its bytes are put."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass
from asmith.model.contract import Class, FunctionType, Named, Pointer, Scalar
from asmith.verify.memory import Memory, count
from asmith.verify.type_json import spell
from asmith.verify.values import integer

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.verify.layout import Layout
    from asmith.verify.memory import Arena

_ADDRESS = Scalar("address", 8, 8, Class.INTEGER)


@dataclass(frozen=True, slots=True)
class Placed:
    """An address, what must live as long as it is used, and where to copy written bytes to."""

    address: int
    keep: object = None
    memory: Memory | None = None  # made for this value alone
    source: bytearray | None = None  # takes the bytes of `memory` after the call


class Pointers:
    """Turns values into addresses; bytes are copied to guarded memory of their exact size."""

    def __init__(self, arena: Arena, callback: Callable[[Any, FunctionType], Any]) -> None:
        self.arena = arena
        self.layout: Layout | None = None  # set once, by the layout's maker: each needs the other
        self._callback = callback

    def place(self, value: object, ctype: Pointer, what: str, *, nul: bool = False) -> Placed:
        """Return where `value` is for a parameter or field of pointer type.

        None is the null pointer, an int an address, `Memory` and objects of ctypes themselves.
        `bytes`, `str` (UTF-8) and, for numbers, a list are copied read-only where the target is
        const; `bytearray` is copied writable, and back after the call. `nul` appends the byte 0.
        Raises TypeError or ValueError naming `what`.
        """
        match value:
            case None:
                return Placed(0)
            case bool():
                pass
            case int():
                return Placed(integer(value, _ADDRESS, what))
            case Memory():
                return Placed(value.address, value)
            case bytes() | str() | list() | tuple():
                data = self._bytes(value, ctype, what)
                return self._copy(data + b"\0" * nul, ctype, what)
            case bytearray():
                memory = self.arena.new(bytes(value), label=_label(what, value))
                return Placed(memory.address, memory, memory, value)
        return self._object(value, ctype, what)

    def _copy(self, data: bytes, ctype: Pointer, what: str) -> Placed:
        if not ctype.const:
            raise TypeError(
                f"{what} takes {spell(ctype)}, which the function may write to: "
                "pass module.memory(...) or a bytearray"
            )
        memory = self.arena.new(data, label=_label(what, data), readonly=True)
        return Placed(memory.address, memory, memory)

    def _bytes(
        self, values: bytes | str | list[Any] | tuple[Any, ...], ctype: Pointer, what: str
    ) -> bytes:
        """Return what C sees of text, bytes or a list of numbers."""
        if isinstance(values, bytes | str):
            return values.encode() if isinstance(values, str) else values
        element = ctype.target
        layout = self.layout
        if layout is None or not isinstance(element, Scalar) or not element.size:
            raise TypeError(f"{what} takes {spell(ctype)}, got {type(values).__name__}")
        made = (layout.of(element) * len(values))()
        for number, value in enumerate(values):
            place = f"element {number} of {what}"
            made[number] = layout.stored(value, element, place, spot=0)
        return bytes(made)

    def _object(self, value: object, ctype: Pointer, what: str) -> Placed:
        address = getattr(value, "__asmith_address__", None)
        if address is not None:
            return Placed(address, value)
        if isinstance(ctype.target, FunctionType) and callable(value):
            made = self._callback(value, ctype.target)
            return Placed(ctypes.cast(made, ctypes.c_void_p).value or 0, made)
        if isinstance(value, ctypes.c_void_p | ctypes.c_char_p | ctypes._Pointer):  # noqa: SLF001
            return Placed(ctypes.cast(value, ctypes.c_void_p).value or 0, value)
        aggregate = getattr(type(value), "aggregate", None)
        if aggregate is not None and isinstance(ctype.target, Named):
            found = Named(aggregate.keyword, aggregate.tag)
            if found != ctype.target:
                raise TypeError(f"{what} takes {spell(ctype)}, got a {spell(found)}")
        try:
            return Placed(ctypes.addressof(value), value)  # type: ignore[arg-type]
        except TypeError:
            got = type(value).__name__
            raise TypeError(f"{what} takes {spell(ctype)}, got {got}") from None


def _label(what: str, data: bytes | bytearray) -> str:
    """Return `parameter 's' (3 bytes)`: the function or struct is named elsewhere."""
    return f"{what.partition(' of ')[0]} ({count(len(data))})"


def address(value: object, what: str) -> int:
    """Return the address that an int, a `Memory` or an object of ctypes stands for."""
    if isinstance(value, int):
        return integer(value, _ADDRESS, what)
    if isinstance(value, Memory):
        return value.address
    return ctypes.addressof(value)  # type: ignore[arg-type]
