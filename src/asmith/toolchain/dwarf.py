"""Line tables (DWARF 3, section 6.2) as section offsets; `elf` opens the files for it.

In a relocatable object every section begins at address 0, so a plain reading of the line table
cannot tell two code sections apart. Here the relocations of the debug sections are applied to a
copy of the file as if section `i` had been loaded at `i << 40`; an address then names both the
section and the offset in it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass
from asmith.model.objects import LineEntry, Section

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asmith.model.objects import Relocation, Symbol

_SHIFT = 40
_OFFSET = (1 << _SHIFT) - 1
_COMPRESSED = 0x800  # SHF_COMPRESSED
_WIDTH = {"R_X86_64_64": 8, "R_X86_64_32": 4}
_FIVE = 5  # from DWARF 5 on, files and directories count from 0


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a line table; the last one of a sequence has `end` set and is no instruction."""

    address: int
    file: str
    line: int
    end: bool


def as_loaded(
    data: bytes,
    starts: Sequence[int],
    sections: Sequence[Section],
    symbols: Sequence[Symbol],
    relocations: Sequence[Relocation],
) -> bytes | None:
    """Return the file with its debug sections relocated to the imaginary addresses.

    `starts[i]` is the file offset of section `i`. None if there is no debug section, or if one is
    compressed.
    """
    debug = {s.index: s for s in sections if s.name.startswith(".debug_")}
    if not debug or any(s.flags & _COMPRESSED for s in debug.values()):
        return None
    allocated = {s.index for s in sections if s.has(Section.ALLOC)}
    loaded = bytearray(data)
    for relocation in relocations:
        if relocation.section in debug:
            symbol = symbols[relocation.index]
            home = symbol.section if symbol.section in allocated else None
            base = home << _SHIFT if home is not None else 0
            spot = starts[relocation.section] + relocation.offset
            _apply(loaded, spot, relocation, base + symbol.value)
    return bytes(loaded)


def line_entries(rows: Sequence[Row], sections: Sequence[Section]) -> tuple[LineEntry, ...]:
    """Return the rows at imaginary addresses as entries, in order of section and offset."""
    allocated = {s.index for s in sections if s.has(Section.ALLOC)}
    entries = {
        LineEntry(row.address >> _SHIFT, row.address & _OFFSET, row.file, row.line)
        for row in rows
        if not row.end and row.address >> _SHIFT in allocated
    }
    return tuple(sorted(entries, key=lambda e: (e.section, e.offset, e.file, e.line)))


def line_rows(elf: Any) -> list[Row]:
    """Return the rows of all line programs of an opened `ELFFile`, in table order."""
    if not elf.has_dwarf_info():
        return []
    dwarf = elf.get_dwarf_info(relocate_dwarf_sections=False, follow_links=False)
    rows = []
    for unit in dwarf.iter_CUs():
        program = dwarf.line_program_for_CU(unit)
        if program is None:
            continue
        files = _file_names(program.header)
        for entry in program.get_entries():
            state = entry.state
            if state is not None:
                file = files.get(state.file, "")
                rows.append(Row(state.address, file, state.line, state.end_sequence))
    return rows


def _file_names(header: Mapping[str, Any]) -> dict[int, str]:
    """Return file number -> path as the assembler was given it, not joined to its directory."""
    first = 0 if header["version"] >= _FIVE else 1
    directories = dict(enumerate(header["include_directory"], first))
    names = {}
    for number, entry in enumerate(header["file_entry"], first):
        name = bytes(entry["name"]).decode(errors="replace")
        directory = directories.get(entry["dir_index"]) if entry["dir_index"] else None
        if directory and not name.startswith("/"):
            name = f"{bytes(directory).decode(errors='replace').rstrip('/')}/{name}"
        names[number] = name
    return names


def _apply(loaded: bytearray, spot: int, relocation: Relocation, value: int) -> None:
    """Write the value of an absolute relocation, S + A, at file offset `spot`."""
    width = _WIDTH.get(relocation.type)
    if width is not None and spot + width <= len(loaded):
        masked = (value + relocation.addend) & ((1 << 8 * width) - 1)
        struct.pack_into("<Q" if width == 8 else "<I", loaded, spot, masked)  # noqa: PLR2004
