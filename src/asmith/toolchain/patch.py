"""What a link would give after an edit that moves nothing, made from what it gave before.

Where each section of an object has the size that it had, with the same symbols and relocations, the
link editor puts everything where it was, and copies the bytes between the fields that it computes.
So only these bytes differ. They are written into a copy of the old program, which takes no linker.
Whatever is less simple is a link.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from asmith.dataclass import replace
from asmith.model.objects import Section
from asmith.model.stamp import SECTION as STAMP_SECTION
from asmith.toolchain import elf
from asmith.toolchain.elf_tables import USUAL, Tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asmith.model.objects import ObjectFacts, Relocation, Symbol

_SYMBOL = struct.Struct("<IBBHQQ")
_PROGBITS, _SYMTAB = 1, 2
_COPIED = Section.ALLOC | Section.WRITE | Section.EXEC  # no merged, thread-local or odd section
_NAMELESS = ("STT_SECTION", "STT_FILE")
# Bytes before and from its offset that a relocation may bear on (psABI 4.4.1). A load from the
# global offset table may become another instruction (psABI B.2).
_FIELDS = {
    "R_X86_64_64": (0, 8),
    "R_X86_64_PC64": (0, 8),
    "R_X86_64_PC32": (0, 4),
    "R_X86_64_PLT32": (0, 4),
    "R_X86_64_32": (0, 4),
    "R_X86_64_32S": (0, 4),
    "R_X86_64_GOTPCREL": (4, 4),
    "R_X86_64_GOTPCRELX": (4, 4),
    "R_X86_64_REX_GOTPCRELX": (4, 4),
}


def patched(program: bytes, objects: Iterable[tuple[bytes, bytes]]) -> bytearray | None:
    """Return what `program` would be if it were linked from other objects, or None: link it.

    `objects` are pairs of an object that the program was linked from and the one in its place. All
    others, the command and what it reads besides are the same.
    """
    made = bytearray(program)
    try:
        linked = _Linked(program)
        for before, after in objects:
            old, new = elf.read_object(before, ""), elf.read_object(after, "")
            if _but_for_content(old) != _but_for_content(new):
                return None
            for there, here in zip(old.sections, new.sections, strict=True):
                if there.data == here.data or there.name == STAMP_SECTION:
                    continue
                at = _place(linked, old, there, here)
                if at is None:
                    return None
                for start, end in _between(old, there):
                    made[at + start : at + end] = here.data[start:end]
    except (ValueError, IndexError, struct.error):
        return None  # no usual program: whoever links it will see
    return made


def _but_for_content(facts: ObjectFacts) -> ObjectFacts:
    """Return all of an object that bears on where something is."""
    sections = tuple(
        replace(s, data=b"", size=0 if s.name == STAMP_SECTION else s.size) for s in facts.sections
    )
    return replace(facts, sections=sections, lines=())


def _place(linked: _Linked, old: ObjectFacts, there: Section, here: Section) -> int | None:
    """Return where in a program's file a section of an object lies, if it may be written there."""
    if there.type != "SHT_PROGBITS" or not there.has(Section.ALLOC) or there.flags & ~_COPIED:
        return None
    if not {r.type for r in _relocations(old, there)} <= _FIELDS.keys():
        return None
    inside = (s for s in old.symbols if s.section == there.index and s.type not in _NAMELESS)
    at = next((a for s in inside if (a := linked.start(s, there.size)) is not None), None)
    if at is None:
        return None
    kept = bytearray(there.data)
    for start, end in _between(old, there):
        if linked.data[at + start : at + end] != there.data[start:end]:
            return None
        kept[start:end] = here.data[start:end]
    return at if kept == here.data else None


def _relocations(facts: ObjectFacts, section: Section) -> list[Relocation]:
    return [r for r in facts.relocations if r.section == section.index]


def _between(facts: ObjectFacts, section: Section) -> Iterator[tuple[int, int]]:
    """Yield the extents of a section's bytes that the link editor copies, in order."""
    start = 0
    for relocation in sorted(_relocations(facts, section), key=lambda r: r.offset):
        before, size = _FIELDS[relocation.type]
        if start < relocation.offset - before:
            yield start, relocation.offset - before
        start = max(start, relocation.offset + size)
    if start < section.size:
        yield start, section.size


class _Linked:
    """A linked program or library: where in its file symbols are."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._tables = Tables(data, USUAL)
        headers = self._tables.headers
        at = next((k for k, h in enumerate(headers) if h.type == _SYMTAB), None)
        if at is None:
            raise ValueError("it has no symbols")
        self._symbols = self._tables.content(at)
        self._strings = self._tables.content(headers[at].link)

    def start(self, symbol: Symbol, size: int) -> int | None:
        """Return where in the file the section of an object starts that a symbol of it is in.

        `size` is that of the section. None if no symbol of the program is that one for sure.
        """
        found = {
            (where, value)
            for name in _occurrences(self._strings, symbol.name.encode() + b"\0", 1)
            for at in _occurrences(self._symbols, struct.pack("<I", name), _SYMBOL.size)
            for _, _, _, where, value, length in [_SYMBOL.unpack_from(self._symbols, at)]
            if where and length == symbol.size
        }
        if len(found) != 1:
            return None
        ((where, value),) = found
        home, address = self._tables.headers[where], value - symbol.value
        inside = home.address <= address and address + size <= home.address + home.size
        return home.offset + address - home.address if inside and home.type == _PROGBITS else None


def _occurrences(data: bytes, what: bytes, step: int) -> Iterator[int]:
    """Yield the offsets, multiples of `step`, at which bytes occur in others."""
    at = data.find(what)
    while at >= 0:
        if at % step == 0:
            yield at
        at = data.find(what, at + 1)
