"""Pages of memory and their protection: mmap(2), mprotect(2) and process_vm_readv(2) by libc.

Python's own `mmap` offers neither protection changes nor a readable address.
"""

from __future__ import annotations

import ctypes
import os
from functools import lru_cache
from typing import Any

PAGE = 4096  # bytes; the only base page size of x86-64

NONE, READ, WRITE = 0, 1, 2  # PROT_*
_PRIVATE_ANONYMOUS = 0x22  # MAP_PRIVATE | MAP_ANONYMOUS
_FAILED = ctypes.c_void_p(-1).value


class _Vector(ctypes.Structure):
    """`struct iovec`."""

    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


@lru_cache(maxsize=1)
def libc() -> Any:
    """Return the C library of this process, with the prototypes of what is called here."""
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    library.mmap.argtypes = [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_long,
    ]
    library.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    library.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    library.process_vm_readv.restype = ctypes.c_ssize_t
    vector = ctypes.POINTER(_Vector)
    library.process_vm_readv.argtypes = [
        ctypes.c_int,
        vector,
        ctypes.c_ulong,
        vector,
        ctypes.c_ulong,
        ctypes.c_ulong,
    ]
    return library


def reserve(size: int) -> int:
    """Return the address of `size` bytes of new address space that nobody may touch yet."""
    address = libc().mmap(None, size, NONE, _PRIVATE_ANONYMOUS, -1, 0)
    if address is None or address == _FAILED:
        raise MemoryError(f"no {size} bytes of address space: {os.strerror(ctypes.get_errno())}")
    return int(address)


def protect(address: int, size: int, access: int) -> None:
    """Set who may touch whole pages: any sum of READ and WRITE, or NONE."""
    if size and libc().mprotect(address, size, access) != 0:
        raise MemoryError(f"mprotect: {os.strerror(ctypes.get_errno())}")


def peek(address: int, size: int) -> bytes:
    """Return the readable prefix of `size` bytes at any address: the kernel reads, not we.

    Shorter than `size`, down to empty, where the memory is not mapped or not readable.
    """
    buffer = ctypes.create_string_buffer(size) if size else ctypes.create_string_buffer(1)
    ours = _Vector(ctypes.addressof(buffer), size)
    theirs = _Vector(address & (2**64 - 1), size)
    copied = libc().process_vm_readv(os.getpid(), ours, 1, theirs, 1, 0)
    return buffer.raw[:copied] if copied > 0 else b""
