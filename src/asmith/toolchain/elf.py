"""ELF files read into facts: the one door to pyelftools.

Relocatable objects become `ObjectFacts` (gABI chapters 4 and 5, psABI 4). Linked shared objects
are asked two things only: which names they define, and which source line an address comes from.
The import costs 40 ms, so it happens inside the functions.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, overload

from asmith.dataclass import dataclass, replace
from asmith.errors import UsageError
from asmith.model.names import digest_bytes, digest_of
from asmith.model.objects import (
    Binding,
    LineEntry,
    ObjectDigests,
    ObjectFacts,
    Section,
    Symbol,
)
from asmith.model.stamp import SECTION as STAMP_SECTION
from asmith.model.stamp import parse_stamp
from asmith.toolchain import stub
from asmith.toolchain.dwarf import as_loaded, line_entries, line_rows
from asmith.toolchain.elf_tables import USUAL, Names, Tables

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from asmith.model.record import Stamp

_HEADER = 64  # bytes of an Elf64_Ehdr, and of an Elf64_Shdr
_ELF64_LSB = b"\x7fELF\x02\x01\x01"
_RELOCATABLE_X86_64 = b"\x01\x00\x3e\x00"  # e_type ET_REL, e_machine EM_X86_64
_SECTION_TYPES, _SYMBOL_TYPES, _RELOCATION_TYPES = (frozenset(n.values()) for n in USUAL)
_HIDDEN_VERSION = 0x8000  # VERSYM_HIDDEN: the version is not the default one
_FUNCTIONS = {"STT_FUNC": 2, "STT_GNU_IFUNC": 10, "STT_LOOS": 10}  # st_info, the type
_LINKED = {"STB_GLOBAL": 1 << 4, "STB_WEAK": 2 << 4}  # st_info, the binding
_STACK_NOTE = ".note.GNU-stack"


def read_object(data: bytes, path: str) -> ObjectFacts:
    """Return the facts of one x86-64 relocatable object; `path` names it in messages.

    Raises `UsageError` for anything else, and for an object that is truncated or corrupt. The line
    table is read when it is asked for, and empty if it cannot be read: it only serves the places of
    findings.
    """
    facts, starts = _quickly(data) or _read_slowly(data, path)

    def lines() -> tuple[LineEntry, ...]:
        loaded = as_loaded(data, starts, facts.sections, facts.symbols, facts.relocations)
        return _lines(loaded, facts.sections)

    return replace(facts, path=path, lines=Later(lines))


def _read_slowly(data: bytes, path: str) -> tuple[ObjectFacts, list[int]]:
    """Return an object's facts and its sections' file offsets; raises `UsageError`."""
    with _reading(path):
        elf = _open(data, path)
        if elf["e_type"] != "ET_REL":
            why = "it is linked already: a program or a shared library"
            raise _unusable(path, why, "name the objects, or the archive, that it was linked from")
        return _tables(data, _names())


def _quickly(data: bytes) -> tuple[ObjectFacts, list[int]] | None:
    """Return what `_read_slowly` does where that needs no question to pyelftools, or None."""
    if not data.startswith(_ELF64_LSB) or data[16:20] != _RELOCATABLE_X86_64:
        return None
    try:
        facts, starts = _tables(data, USUAL)
    except Exception:  # noqa: BLE001 -- whatever it is, the slow way says it better
        return None
    usual = {s.type for s in facts.sections} <= _SECTION_TYPES
    usual = usual and {s.type for s in facts.symbols} <= _SYMBOL_TYPES
    usual = usual and {r.type for r in facts.relocations} <= _RELOCATION_TYPES
    return (facts, starts) if usual else None


def _tables(data: bytes, names: Names) -> tuple[ObjectFacts, list[int]]:
    """Return the facts of an object without path and lines, and its sections' file offsets."""
    tables = Tables(data, names)
    sections = tuple(tables.sections())
    symbols = tables.symbols()
    relocations = tuple(tables.relocations(symbols))
    starts = [header.offset for header in tables.headers]
    return ObjectFacts("", sections, symbols, relocations, ()), starts


class Later(Sequence[LineEntry]):
    """A tuple that is made when it is first asked for something."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], tuple[LineEntry, ...]]) -> None:
        self._make = make
        self._made: tuple[LineEntry, ...] | None = None

    def _all(self) -> tuple[LineEntry, ...]:
        if self._made is None:
            self._made = self._make()
        return self._made

    @overload
    def __getitem__(self, index: int) -> LineEntry: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[LineEntry, ...]: ...
    def __getitem__(self, index: int | slice) -> LineEntry | tuple[LineEntry, ...]:
        """Return an entry, or some."""
        return self._all()[index]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._all())

    def __eq__(self, other: object) -> bool:
        """Compare as the tuple would."""
        return self._all() == (other._all() if isinstance(other, Later) else other)

    def __hash__(self) -> int:
        """Hash as the tuple would."""
        return hash(self._all())


def object_digests(data: bytes, facts: ObjectFacts) -> ObjectDigests:
    """Return the digests of an object, given its bytes and what `read_object` made of them.

    `code` covers the allocated sections in order (name, type, flags, alignment, bytes, and their
    relocations by name, not by index), the global and undefined symbols, the local functions, and
    the stack note, which decides on an executable stack. Debug lines, the contract stamp, the file
    name and names from `equ` or `struc` change only `full`.
    """
    kept = [s for s in facts.sections if s.has(Section.ALLOC) or s.name == _STACK_NOTE]
    symbols = [
        [s.name, s.type, s.binding, s.visibility, _home(facts, s), s.value, s.size]
        for s in facts.symbols
        if s.name and (s.binding != Binding.LOCAL or s.type == "STT_FUNC")
    ]
    content = {
        "sections": [_section_content(facts, section) for section in kept],
        "symbols": sorted(symbols),
    }
    return ObjectDigests(code=digest_of("code", content), full=digest_bytes(data))


def read_stamp(facts: ObjectFacts) -> Stamp | None:
    """Return the contract stamp of an object, or None; raises `UsageError` if it is damaged."""
    for section in facts.sections:
        if section.name == STAMP_SECTION and not section.has(Section.ALLOC):
            return parse_stamp(section.data, facts.path)
    return None


def dynamic_symbols(data: bytes, path: str) -> frozenset[str]:
    """Return the names that a shared library offers to a link, without their versions.

    Names that exist only under an old, hidden version are left out: the link editor does not bind
    to them. Raises `UsageError` for anything but an x86-64 shared object.
    """
    with _reading(path):
        return frozenset(symbol.name for symbol, _ in _offered(_shared(data, path)))


def make_stub(data: bytes, path: str, names: Collection[str]) -> bytes:
    """Return a stub of a shared library (toolchain/stub.py) with those of its functions.

    Names that it does not offer, or that are no functions, are left out. Raises as
    `dynamic_symbols` does.
    """
    with _reading(path):
        elf = _shared(data, path)
        defined = elf.get_section_by_name(".gnu.version_d")
        versions = (
            {v["vd_ndx"]: next(a).name for v, a in defined.iter_versions()} if defined else {}
        )
        tags = elf.get_section_by_name(".dynamic").iter_tags("DT_SONAME")
        functions = (
            stub.Function(symbol.name, versions.get(version, ""), kind | binding)
            for symbol, version in _offered(elf)
            if symbol.name in names
            and (kind := _FUNCTIONS.get(symbol["st_info"]["type"]))
            and (binding := _LINKED[symbol["st_info"]["bind"]])
        )
        return stub.make_stub(next(tag.soname for tag in tags), functions)


def _shared(data: bytes, path: str) -> Any:
    """Return the opened `ELFFile` of a whole shared object."""
    elf = _open(data, path)
    if elf["e_type"] != "ET_DYN":
        raise _unusable(path, "it is no shared object", "name the lib*.so file itself")
    list(_sections(elf, data, path))
    return elf


def _offered(elf: Any) -> Iterator[tuple[Any, int]]:
    """Yield the symbols that a shared object offers to a link, with the number of their version."""
    table = elf.get_section_by_name(".dynsym")
    if table is None:
        return
    versions = _versions(elf, table.num_symbols())
    for symbol, version in zip(table.iter_symbols(), versions, strict=True):
        if (
            symbol.name
            and not version & _HIDDEN_VERSION
            and symbol["st_shndx"] not in ("SHN_UNDEF", "SHN_ABS")  # SHN_ABS: names of versions
            and symbol["st_info"]["bind"] != "STB_LOCAL"
        ):
            yield symbol, version


def address_to_line(data: bytes, address: int) -> tuple[str, int, str, int] | None:
    """Return (file, line, function, offset in it) of a virtual address in a linked object.

    The file is empty and the line 0 without a line table; the function is empty without a symbol.
    None if neither is known. Raises `UsageError` for anything but an x86-64 ELF file.
    """
    with _reading("the linked object"):
        elf = _open(data, "the linked object")
        function, offset = _function_at(elf, address)
        rows = line_rows(elf)
    best = ("", 0)
    for row, after in pairwise(rows):
        if not row.end and row.address <= address < after.address:
            best = (row.file, row.line)
    return (*best, function, offset) if function or best[1] else None


# ---- reading -------------------------------------------------------------------------------------


def _unusable(path: str, why: str, remedy: str) -> UsageError:
    return UsageError(f"{path} cannot be read as an object", where=path, why=why, help=remedy)


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """Turn whatever reading corrupt bytes raises into one message.

    pyelftools has errors of its own, but most corruption surfaces as the failure of some lookup,
    decoding or arithmetic further down, so every exception counts here.
    """
    try:
        yield
    except UsageError:
        raise
    except Exception as error:
        why = str(error) if isinstance(error, ValueError) and str(error)[:4] == "its " else ""
        why = why or "its headers contradict each other"
        raise _unusable(path, why, "make it again; it is truncated or corrupt") from error


def _open(data: bytes, path: str) -> Any:
    """Return the opened `ELFFile`; raises `UsageError` unless it is 64-bit x86-64."""
    from elftools.elf.elffile import ELFFile

    if not data.startswith(b"\x7fELF"):
        remedy = "name an ELF object (.o), or an archive of them (.a)"
        raise _unusable(path, _other_format(data), remedy)
    if len(data) < _HEADER or not data.startswith(_ELF64_LSB):
        raise _unusable(path, "it is no 64-bit little-endian ELF file", "build it for x86-64")
    elf = ELFFile(io.BytesIO(data))
    if elf["e_machine"] != "EM_X86_64":
        raise _unusable(path, f"it is for {elf['e_machine']}, not x86-64", "build it for x86-64")
    if elf["e_shoff"] + elf.num_sections() * _HEADER > len(data):
        raise _truncated(path, "its section table lies beyond its end")
    return elf


def _other_format(data: bytes) -> str:
    """Return in words what bytes are that are no ELF file."""
    known = {
        b"\xcf\xfa\xed\xfe": "it is a Mach-O file (macOS), not ELF",
        b"\x64\x86": "it is a COFF object (Windows), not ELF",
        b"!<arch>": "it is an archive",
        b"": "it is no ELF file",
    }
    if not data:
        return "it is empty"
    return next(words for magic, words in known.items() if data.startswith(magic))


def _truncated(path: str, why: str) -> UsageError:
    return _unusable(path, why, "make it again; it is truncated or corrupt")


def _sections(elf: Any, data: bytes, path: str) -> Iterator[Section]:
    """Yield the sections but the null one; raises `UsageError` if one lies outside the file."""
    for index, section in enumerate(elf.iter_sections()):
        offset, size = section["sh_offset"], section["sh_size"]
        empty = section["sh_type"] in ("SHT_NOBITS", "SHT_NULL")
        if not empty and offset + size > len(data):
            raise _truncated(path, f"its section {section.name!r} lies beyond its end")
        if index:
            yield Section(
                index=index,
                name=section.name,
                type=str(section["sh_type"]),
                flags=section["sh_flags"],
                size=size,
                align=section["sh_addralign"],
                data=b"" if empty else data[offset : offset + size],
            )


@cache
def _names() -> Names:
    """Return what pyelftools calls the numbers in the tables of an object."""
    from elftools.elf import enums

    found = (enums.ENUM_SH_TYPE_AMD64, enums.ENUM_ST_INFO_TYPE, enums.ENUM_RELOC_TYPE_x64)
    sections, symbols, known = ({v: k for k, v in e.items() if isinstance(v, int)} for e in found)
    return Names(sections, symbols, {41: "R_X86_64_GOTPCRELX", **known})  # 0.33 leaves it out


def _lines(loaded: bytes | None, sections: tuple[Section, ...]) -> tuple[LineEntry, ...]:
    """Return the line table of an object whose debug sections are relocated, or nothing."""
    from elftools.elf.elffile import ELFFile

    if loaded is None:
        return ()
    try:
        return line_entries(line_rows(ELFFile(io.BytesIO(loaded))), sections)
    except Exception:  # noqa: BLE001 -- corrupt DWARF fails anywhere; places are a courtesy
        return ()


def _versions(elf: Any, count: int) -> list[int]:
    """Return the number of each dynamic symbol's version (gABI symbol versioning)."""
    table = elf.get_section_by_name(".gnu.version")
    if table is None:
        return [1] * count
    return [version for (version,) in struct.iter_unpack("<H", table.data())]


def _function_at(elf: Any, address: int) -> tuple[str, int]:
    """Return (name, offset) of the function that holds a virtual address, or ("", 0)."""
    for name in (".symtab", ".dynsym"):
        table = elf.get_section_by_name(name)
        for symbol in table.iter_symbols() if table is not None else ():
            start = symbol["st_value"]
            if (
                symbol["st_info"]["type"] == "STT_FUNC"
                and symbol["st_shndx"] != "SHN_UNDEF"
                and start <= address < start + max(symbol["st_size"], 1)
            ):
                return symbol.name, address - start
    return "", 0


# ---- the code digest -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Target:
    """What a relocation refers to: a global by its name, anything local by where it is."""

    name: str
    value: int


def _section_content(facts: ObjectFacts, section: Section) -> list[Any]:
    """Return what counts of a section: header, bytes, and the relocations in their order."""
    relocations = []
    for relocation in facts.relocations:
        if relocation.section == section.index:
            target = _target(facts, facts.symbols[relocation.index])
            relocations.append(
                [relocation.offset, relocation.type, target.name, target.value, relocation.addend]
            )
    return [
        section.name,
        section.type,
        section.flags,
        section.align,
        section.size,
        section.data.hex(),
        relocations,
    ]


def _target(facts: ObjectFacts, symbol: Symbol) -> _Target:
    if symbol.binding != Binding.LOCAL or symbol.undefined:
        return _Target(symbol.name, 0)
    return _Target(f"[{_home(facts, symbol)}]", symbol.value)


def _home(facts: ObjectFacts, symbol: Symbol) -> str:
    """Return the name of the section that a symbol is in, or what it is instead."""
    section = facts.section(symbol.section)
    if section is not None:
        return section.name
    return "*UND*" if symbol.undefined else "*ABS*"
