"""What the signal handler found, in a page that the test's process and its parent share."""

from __future__ import annotations

import ctypes
import mmap
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

_GREGS = (
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx",
    "rax", "rcx", "rsp", "rip", "rflags", "segments", "error", "trap", "old_mask", "cr2",
)  # fmt: skip
STACK_COPY = 4096


class Record(ctypes.Structure):
    """`struc record` of trampoline.asm, then what Python adds for whoever reads it."""

    _fields_ = [
        ("signal", ctypes.c_uint64),
        ("code", ctypes.c_int64),
        ("address", ctypes.c_uint64),
        ("count", ctypes.c_uint64),
        ("in_call", ctypes.c_uint64),
        ("stack_size", ctypes.c_uint64),
        ("registers", ctypes.c_uint64 * len(_GREGS)),
        ("stack", ctypes.c_ubyte * STACK_COPY),
        ("text_start", ctypes.c_uint64),
        ("text_end", ctypes.c_uint64),
        ("text_offset", ctypes.c_uint64),
        ("load_address", ctypes.c_uint64),
        ("image_end", ctypes.c_uint64),
        ("stack_end", ctypes.c_uint64),
        ("function", ctypes.c_char * 128),
    ]


@dataclass(frozen=True, slots=True)
class Fault:
    """One signal, as values: addresses are of the process that received it.

    `stack` is what lay from rsp up. `text_start` up to `text_end` is where the code of the test
    library is, mapped from `text_offset` of its file. Of all that is mapped of it, `load_address`
    is the start, to be subtracted for addresses in the file, and `image_end` the end. `stack_end`
    is the lowest address that the stack may grow to, `function` the one that the test called last.
    """

    signal: int
    code: int
    address: int
    in_call: bool
    registers: Mapping[str, int]
    stack: bytes
    text_start: int
    text_end: int
    text_offset: int
    load_address: int
    image_end: int
    stack_end: int
    function: str

    def in_text(self, address: int) -> bool:
        """Tell whether an address is in the code of the test library."""
        return self.text_start <= address < self.text_end


class SharedRecord:
    """The shared page; made before the fork, so that both sides have it."""

    def __init__(self) -> None:
        self._pages = mmap.mmap(-1, ctypes.sizeof(Record))
        self.record = Record.from_buffer(self._pages)
        self.failure: BaseException | None = None  # the last one that a call raised in this process

    @property
    def address(self) -> int:
        """Return where it is, which is the same in parent and child."""
        return ctypes.addressof(self.record)

    def clear(self) -> None:
        """Forget everything, for the next test."""
        ctypes.memset(self.address, 0, ctypes.sizeof(Record))

    def take(self) -> Fault | None:
        """Return the last signal and forget it, but not that there was one (`record.count`)."""
        record = self.record
        if not record.signal:
            return None
        fault = Fault(
            signal=record.signal,
            code=record.code,
            address=record.address,
            in_call=bool(record.in_call),
            registers=dict(zip(_GREGS, record.registers, strict=True)),
            stack=bytes(record.stack)[: record.stack_size],
            text_start=record.text_start,
            text_end=record.text_end,
            text_offset=record.text_offset,
            load_address=record.load_address,
            image_end=record.image_end,
            stack_end=record.stack_end,
            function=record.function.decode("utf-8", "replace"),
        )
        record.signal = 0
        return fault
