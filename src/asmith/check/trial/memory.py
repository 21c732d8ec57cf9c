"""What a run reads and writes: the frame, what arguments point to, and the object's sections.

Whatever is no argument and was never stored holds junk in the stack; elsewhere it holds numbers
that are the same in both runs of a pair.
"""

from __future__ import annotations

import random
from functools import cache
from typing import TYPE_CHECKING

from asmith.check.trial.program import ROOM

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.check.trial.program import Program

PAGE = 4096
STACK = 0x7000_0000_0000
"""Where the stack ends; it grows down from there."""
DEPTH = 1 << 20
REGIONS = 0x5000_0000_0000
"""Where the first of what arguments point to is."""
REGION = 1 << 24
"""Bytes between one such and the next."""
EXTENT = 1 << 20
"""Bytes of each."""
ALL64 = (1 << 64) - 1


class Fault(Exception):  # noqa: N818
    """An access where there is no memory: its address."""

    def __init__(self, address: int) -> None:
        super().__init__(address)
        self.address = address


def mixed(*numbers: int) -> int:
    """Return 64 bits that depend on numbers, the same in every process."""
    made = 0x243F6A8885A308D3
    for number in numbers:
        made = (made ^ number & ALL64) * 0x9E3779B97F4A7C15 & ALL64
        made ^= made >> 29
    return made


def junk(variant: int, number: int) -> int:
    """Return 64 bits that nothing defines: each bit is another one in the other variant."""
    made = mixed(number, variant >> 1, 77)
    return made ^ ALL64 if variant & 1 else made


@cache
def pattern(variant: int) -> bytes:
    """Return a page of junk."""
    made = random.Random(variant >> 1).randbytes(PAGE)  # noqa: S311 -- the same each time, no secret
    return made.translate(_OPPOSITE) if variant & 1 else made


@cache
def filling(number: int) -> bytes:
    """Return a page of what callees fill in: any numbers, or small ones of 64 bits."""
    made = random.Random(1000 + number).randbytes(PAGE)  # noqa: S311 -- the same each time
    if number & 1:
        return bytes(0 if n & 7 else byte & 15 for n, byte in enumerate(made))
    return made


@cache
def row(variant: int, number: int) -> tuple[list[int], list[int]]:
    """Return junk for the general and the vector registers."""
    general = [junk(variant, 1000 * number + n) for n in range(16)]
    vectors = [
        sum(junk(variant, 1000 * number + 100 + 4 * n + k) << 64 * k for k in range(4))
        for n in range(16)
    ]
    return general, vectors


_OPPOSITE = bytes(255 - n for n in range(256))


class Memory:
    """The memory of one run. `fill` gives the first contents of a page that an argument points to.

    Stores outside of the stack are put into `log`: (place, "store", (address, bytes)).
    """

    def __init__(
        self,
        program: Program,
        variant: int,
        fill: Callable[[int], bytearray],
        log: list[tuple[int, str, object]],
    ) -> None:
        self.program = program
        self.variant = variant
        self.fill = fill
        self.pages: dict[int, bytearray] = {}
        self.defined: dict[int, bytearray] = {}  # of the stack: what was ever written
        self.log = log
        self.entry = STACK
        self.limit = STACK
        self.overwritten = 0
        self.place = 0  # of the instruction that runs
        self.blank: set[int] = set()  # places that read of the stack what was never written
        self.full: set[int] = set()  # places that read of it only what was
        self.reach: dict[int, int] = {}  # place -> the highest address in the stack it stores to

    def _page(self, number: int) -> bytearray:
        address = number * PAGE
        if STACK - DEPTH <= address < STACK + PAGE:
            made = bytearray(pattern(self.variant))
            self.defined[number] = bytearray(PAGE)
        elif self.program.start <= address < self.program.end:
            made = bytearray(self.program.page(address))
        elif self.program.slots <= address < self.program.others:
            made = bytearray()
            for word in range(PAGE // 8):
                made += (self.program.slot(address + 8 * word) or 0).to_bytes(8, "little")
            return made  # not kept: there may be more slots later
        elif 0 <= address - self.program.others < ROOM * len(self.program.names) or (
            address >= REGIONS and address % REGION < EXTENT and address < STACK - DEPTH - REGION
        ):
            made = self.fill(address)
        else:
            raise Fault(address)
        self.pages[number] = made
        return made

    def read(self, address: int, size: int) -> int:
        """Return a number in memory."""
        offset = address & PAGE - 1
        page = self.pages.get(address >> 12)
        if page is None:
            page = self._found(address)
        if offset + size <= PAGE:
            defined = self.defined.get(address >> 12)
            if defined is not None:
                whole = 0 not in defined[offset : offset + size]
                (self.full if whole else self.blank).add(self.place)
            return int.from_bytes(page[offset : offset + size], "little")
        first = PAGE - offset
        low = int.from_bytes(page[offset:], "little")
        return low | self.read(address + first, size - first) << 8 * first

    def _found(self, address: int) -> bytearray:
        try:
            return self._page(address >> 12)
        except Fault:
            raise Fault(address) from None

    def write(self, address: int, size: int, value: int, at: int) -> None:
        """Store a number."""
        offset = address & PAGE - 1
        if offset + size > PAGE:
            first = PAGE - offset
            self.write(address, first, value & (1 << 8 * first) - 1, at)
            self.write(address + first, size - first, value >> 8 * first, at)
            return
        page = self.pages.get(address >> 12)
        if page is None:
            page = self._found(address)
        data = value.to_bytes(size, "little")
        page[offset : offset + size] = data
        defined = self.defined.get(address >> 12)
        if defined is None:
            self.log.append((at, "store", (address, data)))
            return
        defined[offset : offset + size] = b"\1" * size
        if self.reach.get(at, 0) < address:
            self.reach[at] = address
        if address + size > self.limit and not self.overwritten:
            self.overwritten = at

    def holds(self, address: int) -> bool:
        """Tell whether an address is one of memory that holds no code."""
        try:
            self.read(address, 1)
        except Fault:
            return False
        return True

    def settle(self, address: int, size: int, salt: int) -> None:
        """Let somebody fill in what was never written of the stack from an address on."""
        end = min(address + size, self.entry)
        given = filling(salt % 64)
        while address < end:
            page = self.pages.get(address >> 12)
            if page is None:
                page = self._found(address)
            defined = self.defined[address >> 12]
            first = address & PAGE - 1
            last = min(PAGE, first + end - address)
            if 1 not in defined[first:last]:
                page[first:last] = given[first:last]
            else:
                for offset in range(first, last):
                    if not defined[offset]:
                        page[offset] = given[offset]
            defined[first:last] = b"\1" * (last - first)
            address = (address >> 12) + 1 << 12

    def drop(self, end: int) -> None:
        """Let a callee leave junk in the stack below an address."""
        for number, defined in self.defined.items():
            size = min(end - number * PAGE, PAGE)
            if size > 0:
                defined[:size] = bytes(size)
                self.pages[number][:size] = pattern(self.variant)[:size]

    def is_stack(self, address: int) -> bool:
        """Tell whether an address is one of the frame's."""
        return STACK - DEPTH <= address < self.entry
