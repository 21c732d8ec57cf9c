"""Memory whose ends are exact: it touches pages that nobody may touch.

A block is whole pages between two guard pages. The memory of a test lies flush with one of them,
so the first byte beyond it faults at the very instruction. At the other end up to a page of slack
remains; it holds a pattern that is compared after each call, so that a write there is found too,
though not its line.
"""

from __future__ import annotations

import ctypes
import weakref
from typing import Literal, overload

from asmith.dataclass import dataclass
from asmith.verify import pages

UNWRITTEN = 0xA5
"""What memory holds that was neither filled nor written: easy to see, and no likely right value."""

_SLACK = 0x5C
_GUARDS = 2 * pages.PAGE
Guard = Literal["end", "begin"]


@dataclass(slots=True)
class Block:
    """Pages between two guards, used by one memory after the other."""

    base: int  # address of the first guard
    room: int  # bytes between the guards
    start: int = 0  # address of the memory it holds or held last
    size: int = 0  # bytes of it
    label: str = ""  # how messages name the memory, with its size
    state: Literal["free", "writable", "read-only"] = "free"

    @property
    def first(self) -> int:
        """Return the address of the first byte between the guards."""
        return self.base + pages.PAGE

    def holds(self, address: int) -> bool:
        """Tell whether an address lies in the block, guards included."""
        return self.base <= address < self.base + self.room + _GUARDS

    def describe(self, address: int) -> str:
        """Return where an address lies: `1 byte past the end of parameter 's' (3 bytes)`."""
        name, offset = self.label, address - self.start
        if self.state == "free":
            return f"{name}, which no longer exists"
        if offset < 0:
            return f"{count(-offset)} before the beginning of {name}"
        if offset >= self.size:
            return f"{count(offset - self.size + 1)} past the end of {name}"
        if self.state == "read-only":
            return f"at offset {offset} of {name}, which is read-only"
        return f"at offset {offset} of {name}"

    def slack(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return start and end of the slack before and after the memory."""
        end = self.start + self.size
        return (self.first, self.start), (end, self.first + self.room)

    def repair(self) -> None:
        """Write the pattern to the slack, so that a write there is reported once."""
        for start, stop in self.slack():
            ctypes.memset(start, _SLACK, stop - start)

    def spoiled(self) -> int | None:
        """Return the address of the first slack byte that something wrote to, or None."""
        for start, stop in self.slack():
            content = ctypes.string_at(start, stop - start)
            if content.count(_SLACK) != len(content):
                return start + next(i for i, b in enumerate(content) if b != _SLACK)
        return None


class Memory:
    """Some bytes at an address that tests read and write by index, slice and `bytes(memory)`."""

    def __init__(self, arena: Arena, block: Block) -> None:
        self._block = block
        self._view = memoryview((ctypes.c_ubyte * block.size).from_address(block.start)).cast("B")
        self._release = weakref.finalize(self, arena.take_back, block)
        self._release.atexit = False

    @property
    def address(self) -> int:
        """Return the address of the first byte."""
        return self._block.start

    @property
    def label(self) -> str:
        """Return how messages name it."""
        return self._block.label

    def release(self) -> None:
        """Give the memory up: whoever touches it from now on faults."""
        self._view = memoryview(b"")
        self._release()

    def __len__(self) -> int:
        return len(self._view)

    def __bytes__(self) -> bytes:
        return bytes(self._view)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> bytes: ...
    def __getitem__(self, index: int | slice) -> int | bytes:
        return bytes(self._view[index]) if isinstance(index, slice) else self._view[index]

    def __setitem__(self, index: int | slice, value: int | bytes) -> None:
        if self._block.state == "read-only":
            raise TypeError(f"{self.label} is read-only")
        self._view[index] = value  # type: ignore[index, assignment]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, bytes | bytearray | Memory):
            return bytes(self) == bytes(other)
        return NotImplemented

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<{self.label}: {bytes(self)!r}>"


class Arena:
    """All guarded memory of one test; blocks are used again, with no access in between."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._free: dict[int, list[Block]] = {}
        self._writable: dict[int, Block] = {}

    def new(
        self,
        content: bytes | int,
        *,
        label: str,
        guard: Guard = "end",
        readonly: bool = False,
        align: int = 1,
    ) -> Memory:
        """Return memory that holds `content`, or that many unwritten bytes.

        It ends at a guard page, or begins at one. Its address is a multiple of `align`, a power
        of two up to a page; with `guard="end"` that may leave up to `align - 1` bytes of slack
        between the memory and the guard.
        """
        data = bytes([UNWRITTEN]) * content if isinstance(content, int) else content
        if align < 1 or align > pages.PAGE or align & (align - 1):
            raise ValueError(f"align takes a power of two up to {pages.PAGE}, got {align}")
        block = self._block(max(1, -(-len(data) // pages.PAGE)) * pages.PAGE)
        highest = block.first + block.room - len(data)
        block.start = highest & -align if guard == "end" else block.first
        block.size, block.label = len(data), label
        pages.protect(block.first, block.room, pages.READ | pages.WRITE)
        block.repair()
        ctypes.memmove(block.start, data, len(data))
        if readonly:
            pages.protect(block.first, block.room, pages.READ)
            block.state = "read-only"
        else:
            block.state = "writable"
            self._writable[block.base] = block
        return Memory(self, block)

    def find(self, address: int) -> Block | None:
        """Return the block that an address lies in, guards included."""
        return next((b for b in self._blocks if b.holds(address)), None)

    def spoiled(self) -> tuple[Block, int] | None:
        """Return a writable block with an address in its slack that was written to, or None."""
        for block in self._writable.values():
            address = block.spoiled()
            if address is not None:
                return block, address
        return None

    def take_back(self, block: Block) -> None:
        """Keep a block for later use; until then every access to it faults."""
        pages.protect(block.first, block.room, pages.NONE)
        block.state = "free"
        self._writable.pop(block.base, None)
        self._free.setdefault(block.room, []).append(block)

    def _block(self, room: int) -> Block:
        free = self._free.get(room)
        if free:
            return free.pop(0)
        block = Block(pages.reserve(room + _GUARDS), room)
        self._blocks.append(block)
        return block


def count(size: int) -> str:
    """Return a size in words."""
    return f"{size} byte" if size == 1 else f"{size} bytes"
