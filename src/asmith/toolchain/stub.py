"""Stubs of shared libraries: all that a link reads of one, for the functions that it may bind to.

A linker takes of a shared library its name, and its symbols with their versions. Of the C library's
three thousand a product uses a few, and reading the rest takes longer than the link. A stub says
the same of those few, so what is linked is the same (gABI chapters 4 and 5; for versions the Linux
Standard Base, "Symbol Versioning").
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_HEADER = struct.Struct("<4s5B7xHHIQQQIHHHHHH")  # Elf64_Ehdr
_SECTION = struct.Struct("<IIQQQQIIQQ")  # Elf64_Shdr
_SYMBOL = struct.Struct("<IBBHQQ")  # Elf64_Sym
_VERSION = struct.Struct("<HHHHIIIII")  # Elf64_Verdef and its one Elf64_Verdaux
_DYNAMIC = struct.Struct("<QQ")  # Elf64_Dyn
_GNU, _SHARED, _X86_64 = 3, 3, 62  # ELFOSABI_GNU, ET_DYN, EM_X86_64
_ALLOCATED = 2  # SHF_ALLOC
_ALIGNMENT = 8  # bytes
_CODE = 1  # the section that the functions are in
_PROGBITS, _STRTAB, _DYNAMIC_TABLE, _DYNSYM = 1, 3, 6, 11  # SHT_...
_VERSIONS, _VERSION_OF_SYMBOLS = 0x6FFFFFFD, 0x6FFFFFFF  # SHT_GNU_verdef, SHT_GNU_versym
_SONAME, _END = 14, 0  # DT_SONAME, DT_NULL
_ITSELF, _FIRST, _PLAIN = 1, 2, 1  # versions: the file's own, the first other one, none


class Function(NamedTuple):
    """A function of a shared library as a link sees it."""

    name: str
    version: str  # the default one; empty in a library without versions
    info: int  # st_info: binding and type, such as that of an indirect function


def make_stub(soname: str, functions: Iterable[Function]) -> bytes:
    """Return a shared library that is called `soname` and offers those functions to a link.

    It has no code and no segments: it can be linked with, never loaded.
    """
    offered = sorted(functions)
    versions = sorted({f.version for f in offered} - {""})
    texts = _Texts()
    symbols = [_SYMBOL.pack(0, 0, 0, 0, 0, 0)]
    symbols += [_SYMBOL.pack(texts.at(f.name), f.info, 0, _CODE, 0, 0) for f in offered]
    numbers = [0, *(_FIRST + versions.index(f.version) if f.version else _PLAIN for f in offered)]
    own_name = texts.at(soname)
    defined = _versions([soname, *versions], texts)
    dynamic = _DYNAMIC.pack(_SONAME, own_name) + _DYNAMIC.pack(_END, 0)
    of_symbols = struct.pack(f"<{len(numbers)}H", *numbers)
    tables = [
        _Table(".text", _PROGBITS, b""),
        _Table(".dynsym", _DYNSYM, b"".join(symbols), ".dynstr", 1, _SYMBOL.size),
        _Table(".gnu.version", _VERSION_OF_SYMBOLS, of_symbols, ".dynsym", 0, 2),
        _Table(".gnu.version_d", _VERSIONS, defined, ".dynstr", 1 + len(versions)),
        _Table(".dynamic", _DYNAMIC_TABLE, dynamic, ".dynstr", 0, _DYNAMIC.size),
        _Table(".dynstr", _STRTAB, texts.bytes()),
    ]
    return _file([t for t in tables if versions or not t.name.startswith(".gnu")])


class _Table(NamedTuple):
    """One section."""

    name: str
    type: int
    data: bytes
    link: str = ""  # the name of another one
    info: int = 0
    entry_size: int = 0


class _Texts:
    """A string table that grows."""

    def __init__(self) -> None:
        self._data = bytearray(b"\0")

    def at(self, text: str) -> int:
        """Return the offset of a text that is added."""
        start = len(self._data)
        self._data += text.encode() + b"\0"
        return start

    def bytes(self) -> bytes:
        """Return the table."""
        return bytes(self._data)


def _versions(names: Sequence[str], texts: _Texts) -> bytes:
    """Return the table of versions; the first one is the file's own."""
    made = b""
    for number, name in enumerate(names, 1):
        last = number == len(names)
        made += _VERSION.pack(
            1, number == _ITSELF, number, 1, _hash(name), 20, 0 if last else _VERSION.size,
            texts.at(name), 0,
        )  # fmt: skip
    return made


def _hash(name: str) -> int:
    """Return the hash of a symbol's or version's name (gABI chapter 5, "Hash Table")."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        value = (value ^ (value & 0xF0000000) >> 24) & 0x0FFFFFFF
    return value


def _file(tables: Sequence[_Table]) -> bytes:
    """Return the file: its header, the tables, and the headers of all sections."""
    names = _Texts()
    numbers = {"": 0} | {table.name: number for number, table in enumerate(tables, 1)}
    headers = [_SECTION.pack(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)]
    body = bytearray(_HEADER.size)
    for name, kind, data, link, info, entry_size in tables:
        at = _align(body)
        numbered = (numbers[link], info, _ALIGNMENT, entry_size)
        headers.append(
            _SECTION.pack(names.at(name), kind, _ALLOCATED, at, at, len(data), *numbered)
        )
        body += data
    label, at = names.at(".shstrtab"), _align(body)
    headers.append(_SECTION.pack(label, _STRTAB, 0, 0, at, len(names.bytes()), 0, 0, 1, 0))
    body += names.bytes()
    _HEADER.pack_into(
        body, 0, b"\x7fELF", 2, 1, 1, _GNU, 0, _SHARED, _X86_64, 1, 0, 0, _align(body), 0,
        _HEADER.size, 0, 0, _SECTION.size, len(headers), len(headers) - 1,
    )  # fmt: skip
    return bytes(body) + b"".join(headers)


def _align(body: bytearray) -> int:
    """Let a file go on at a multiple of the alignment, and return where."""
    body += b"\0" * (-len(body) % _ALIGNMENT)
    return len(body)
