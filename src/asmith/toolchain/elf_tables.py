"""The tables of a relocatable ELF file: headers, sections, symbols and relocations, by struct.

An archive has thousands of symbols and relocations; pyelftools takes tens of microseconds for each,
this module about one. It reads 64-bit little-endian files only (gABI chapter 4, "Symbol Table",
"Relocation"; psABI 4.4), and trusts no number in them: whatever points outside of the file or of a
table raises `ValueError`, `IndexError` or `struct.error`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from asmith.model.objects import Binding, Relocation, Section, Symbol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELA = struct.Struct("<QQq")
_BINDINGS = {0: Binding.LOCAL, 2: Binding.WEAK}
_UNDEFINED, _ABSOLUTE, _EXTENDED, _RESERVED = 0, 0xFFF1, 0xFFFF, 0xFF00
_SYMTAB, _RELA_TYPE, _NOBITS, _NULL = 2, 4, 8, 0
_VISIBILITIES = ("STV_DEFAULT", "STV_INTERNAL", "STV_HIDDEN", "STV_PROTECTED")


class Names(NamedTuple):
    """What numbers in the tables are called; `elf` takes it from pyelftools."""

    sections: Mapping[int, str]
    symbols: Mapping[int, str]
    relocations: Mapping[int, str]


USUAL = Names(
    sections={
        0: "SHT_NULL", 1: "SHT_PROGBITS", 2: "SHT_SYMTAB", 3: "SHT_STRTAB", 4: "SHT_RELA",
        7: "SHT_NOTE", 8: "SHT_NOBITS", 14: "SHT_INIT_ARRAY", 15: "SHT_FINI_ARRAY",
    },
    symbols={
        0: "STT_NOTYPE", 1: "STT_OBJECT", 2: "STT_FUNC", 3: "STT_SECTION", 4: "STT_FILE",
        6: "STT_TLS",
    },
    relocations={
        1: "R_X86_64_64", 2: "R_X86_64_PC32", 3: "R_X86_64_GOT32", 4: "R_X86_64_PLT32",
        9: "R_X86_64_GOTPCREL", 10: "R_X86_64_32", 11: "R_X86_64_32S", 12: "R_X86_64_16",
        13: "R_X86_64_PC16", 14: "R_X86_64_8", 15: "R_X86_64_PC8", 19: "R_X86_64_TLSGD",
        22: "R_X86_64_GOTTPOFF", 23: "R_X86_64_TPOFF32", 24: "R_X86_64_PC64",
        42: "R_X86_64_REX_GOTPCRELX",
    },
)  # fmt: skip
"""What nasm writes: an object with nothing else is read without importing pyelftools (50 ms)."""


class Header(NamedTuple):
    """One section header: name offset, type, flags, address, place, size, link, info, align."""

    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry_size: int


class Tables:
    """The tables of one file. Reading is lazy; each method may raise as the module says."""

    def __init__(self, data: bytes, names: Names) -> None:
        self.data = data
        self._types = names
        (start,) = struct.unpack_from("<Q", data, 0x28)
        size, count, strings = struct.unpack_from("<HHH", data, 0x3A)
        if count and size != _SECTION.size:
            raise ValueError("section headers have an odd size")
        self.headers = [
            Header(*_SECTION.unpack_from(data, start + n * _SECTION.size)) for n in range(count)
        ]
        self._names = self.content(strings) if 0 < strings < count else b""

    def content(self, index: int) -> bytes:
        """Return the bytes of a section."""
        header = self.headers[index]
        if header.type in (_NOBITS, _NULL):
            return b""
        if header.offset + header.size > len(self.data):
            raise ValueError(f"its section {self.name(header)!r} lies beyond its end")
        return self.data[header.offset : header.offset + header.size]

    def name(self, header: Header) -> str:
        """Return the name of a section."""
        return _text(self._names, header.name)

    def sections(self) -> Iterator[Section]:
        """Yield the sections but the null one."""
        types = self._types.sections
        for index, header in enumerate(self.headers):
            if index:
                yield Section(
                    index=index,
                    name=self.name(header),
                    type=types.get(header.type, hex(header.type)),
                    flags=header.flags,
                    size=header.size,
                    align=header.align,
                    data=self.content(index),
                )

    def symbols(self) -> tuple[Symbol, ...]:
        """Return the symbol table, the null symbol first; section symbols get their name."""
        for index, header in enumerate(self.headers):
            if header.type == _SYMTAB:
                return tuple(self._symbols(self.content(index), self.content(header.link)))
        return ()

    def _symbols(self, table: bytes, strings: bytes) -> Iterator[Symbol]:
        kinds, visibilities = self._types.symbols, _VISIBILITIES
        headers = self.headers
        whole = table[: len(table) - len(table) % _SYMBOL.size]
        for name, info, other, where, value, size in _SYMBOL.iter_unpack(whole):
            if where == _EXTENDED:
                raise ValueError("extended section indices are not read")
            kind = kinds.get(info & 15, f"STT_{info & 15}")
            home = where if 0 < where < _RESERVED else None
            named = kind == "STT_SECTION" and home is not None
            yield Symbol(
                self.name(headers[where]) if named else _text(strings, name),
                kind,
                _BINDINGS.get(info >> 4, Binding.GLOBAL),
                visibilities[other & 3],
                home,
                value,
                size,
                where == _UNDEFINED,
                where == _ABSOLUTE,
            )

    def relocations(self, symbols: tuple[Symbol, ...]) -> Iterator[Relocation]:
        """Yield all relocations, section by section; x86-64 uses SHT_RELA only (psABI 4.4)."""
        types = self._types.relocations
        for index, header in enumerate(self.headers):
            if header.type != _RELA_TYPE:
                continue
            target = header.info
            if not 0 < target < len(self.headers):
                raise ValueError("relocations apply to no section")
            table = self.content(index)
            whole = table[: len(table) - len(table) % _RELA.size]
            for offset, info, addend in _RELA.iter_unpack(whole):
                number = info >> 32
                kind = info & 0xFFFFFFFF
                name = types.get(kind) or f"R_X86_64_{kind}"
                yield Relocation(target, offset, name, symbols[number].name, addend, number)


def _text(table: bytes, start: int) -> str:
    """Return the zero-terminated string at an offset of a string table."""
    end = table.find(b"\0", start)
    if start > len(table):
        raise ValueError("a name lies outside of its table")
    return table[start : end if end >= 0 else len(table)].decode("utf-8", "replace")
