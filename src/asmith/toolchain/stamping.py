"""Adding the contract stamp to an object: one section more, without a process of objcopy's.

The bytes of every section stay where they are. Behind them come the stamp, the section names with
one more, and the section headers with one more (gABI chapter 4: ELF Header, Sections).
"""

from __future__ import annotations

import struct

from asmith.errors import UnavailableError

_HEADERS_AT = 0x28  # e_shoff, 8 bytes
_COUNT_AT = 0x3C  # e_shnum and e_shstrndx, 2 bytes each
_SECTION = struct.Struct("<IIQQQQIIQQ")  # Elf64_Shdr
_PROGBITS = 1
_EXCLUDE = 0x80000000  # SHF_EXCLUDE: no linker copies it
_RESERVED = 0xFF00  # SHN_LORESERVE: from here on the count stands elsewhere
_ALIGNMENT = 8  # bytes, of the section headers


def with_section(data: bytes, name: str, content: bytes) -> bytes:
    """Return a 64-bit little-endian object with one section more that is excluded from links.

    Raises `UnavailableError` if there is no room for one more in the file's header.
    """
    (start,) = struct.unpack_from("<Q", data, _HEADERS_AT)
    count, strings = struct.unpack_from("<HH", data, _COUNT_AT)
    if not 0 < strings < count < _RESERVED - 1:
        raise UnavailableError(
            f"the object cannot be stamped: it has {count} sections",
            why="their number does not fit into the header of the file",
            help="let the module define fewer sections",
        )
    headers = [list(_SECTION.unpack_from(data, start + k * _SECTION.size)) for k in range(count)]
    _, _, _, _, offset, size, *_ = headers[strings]
    names = data[offset : offset + size] + name.encode() + b"\0"
    names_at = len(data) + len(content)
    headers[strings][4:6] = names_at, len(names)
    headers.append([size, _PROGBITS, _EXCLUDE, 0, len(data), len(content), 0, 0, 1, 0])
    end = names_at + len(names)
    padding = b"\0" * (-end % _ALIGNMENT)
    head = bytearray(data)
    struct.pack_into("<Q", head, _HEADERS_AT, end + len(padding))
    struct.pack_into("<H", head, _COUNT_AT, count + 1)
    table = b"".join(_SECTION.pack(*header) for header in headers)
    return b"".join((head, content, names, padding, table))
