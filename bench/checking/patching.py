"""An object with other bytes at a place: what the checker sees of a mutant."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checking.operators import Mutation

_SHT_RELA = 4
_RELA = struct.Struct("<QQq")


def patched(data: bytes, mutation: Mutation) -> bytes:
    """Return the object with the mutation's bytes in its section, and their relocations gone.

    A relocation that applies inside the new bytes becomes R_X86_64_NONE.
    """
    made = bytearray(data)
    table, size, count = _sections(data)
    start = _header(data, table, size, mutation.section)[4] + mutation.offset
    made[start : start + len(mutation.data)] = mutation.data
    for index in range(count):
        header = _header(data, table, size, index)
        if header[1] != _SHT_RELA or header[7] != mutation.section:
            continue
        for place in range(header[4], header[4] + header[5], _RELA.size):
            offset, _, _ = _RELA.unpack_from(data, place)
            if mutation.offset <= offset < mutation.offset + len(mutation.data):
                _RELA.pack_into(made, place, offset, 0, 0)
    return bytes(made)


def _sections(data: bytes) -> tuple[int, int, int]:
    """Return offset, entry size and count of the section headers (gABI, ELF header)."""
    (table,) = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    return table, size, count


def _header(data: bytes, table: int, size: int, index: int) -> tuple[int, ...]:
    """Return a section header: name, type, flags, address, offset, size, link, info, ..."""
    return struct.unpack_from("<IIQQQQIIQQ", data, table + index * size)
