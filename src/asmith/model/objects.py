"""What an ELF object holds, as facts: the values that checks and links reason about."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from asmith.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asmith.model.names import Digest


class Binding(StrEnum):
    """ELF symbol binding (gABI, symbol table)."""

    LOCAL = "local"
    GLOBAL = "global"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class Section:
    """One section; `data` is empty for NOBITS."""

    index: int
    name: str
    type: str  # "SHT_PROGBITS", ...
    flags: int  # SHF_*
    size: int
    align: int
    data: bytes

    ALLOC = 0x2
    WRITE = 0x1
    EXEC = 0x4

    def has(self, flag: int) -> bool:
        """Tell whether a SHF_* flag is set."""
        return bool(self.flags & flag)


class Symbol(NamedTuple):
    """One symbol; `section` is None for undefined, absolute and common ones.

    A named tuple, as relocations are: an archive has them by the ten thousand, and the constructor
    of a frozen dataclass takes five times as long.
    """

    name: str
    type: str  # "STT_FUNC", "STT_OBJECT", "STT_NOTYPE", ...
    binding: Binding
    visibility: str  # "STV_DEFAULT", "STV_HIDDEN", ...
    section: int | None
    value: int
    size: int
    undefined: bool = False
    absolute: bool = False


class Relocation(NamedTuple):
    """One relocation: where it applies (section index, offset), its type, symbol and addend.

    `symbol` is the section's name where the reference is to a section, and empty for symbol 0;
    `index` is the symbol's place in `ObjectFacts.symbols`, since local names may repeat.
    """

    section: int
    offset: int
    type: str  # "R_X86_64_PC32", ...
    symbol: str
    addend: int
    index: int = 0  # type: ignore[assignment] # hides a method of tuples that nobody misses


@dataclass(frozen=True, slots=True)
class LineEntry:
    """One row of the line table: a section offset and the source line that made it."""

    section: int
    offset: int
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """One relocatable object, read. `symbols` is the whole table, the null symbol included.

    `lines` are in order of section and offset.
    """

    path: str
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    relocations: tuple[Relocation, ...]
    lines: Sequence[LineEntry]
    machine: str = "EM_X86_64"

    def section(self, index: int | None) -> Section | None:
        """Return the section with that index, if there is one."""
        if index is not None and 0 < index <= len(self.sections):
            usual = self.sections[index - 1]  # only the null section is left out
            if usual.index == index:
                return usual
        return next((s for s in self.sections if s.index == index), None)

    def exports(self) -> tuple[Symbol, ...]:
        """Return the defined global and weak symbols, in table order."""
        return tuple(s for s in self.symbols if s.binding != Binding.LOCAL and not s.undefined)

    def undefined(self) -> tuple[str, ...]:
        """Return the names of undefined symbols, sorted."""
        return tuple(sorted({s.name for s in self.symbols if s.undefined and s.name}))

    def function_at(self, section: int, offset: int) -> Symbol | None:
        """Return the function whose extent holds that offset."""
        for s in self.symbols:
            inside = s.value <= offset < s.value + max(s.size, 1)
            if inside and s.type == "STT_FUNC" and s.section == section:
                return s
        return None

    def line_at(self, section: int, offset: int) -> LineEntry | None:
        """Return the last line-table row at or before that offset; of several there the first."""
        end = bisect_right(self.lines, (section, offset), key=_place_of)
        if not end or self.lines[end - 1].section != section:
            return None
        return self.lines[bisect_left(self.lines, _place_of(self.lines[end - 1]), key=_place_of)]


def _place_of(row: LineEntry) -> tuple[int, int]:
    return row.section, row.offset


@dataclass(frozen=True, slots=True)
class ObjectDigests:
    """The digests of an object: `code` decides checks, tests and links; `full` is the file's."""

    code: Digest
    full: Digest
