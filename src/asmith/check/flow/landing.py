"""Landing pads: where a function goes on when a call in it throws.

Each function that has any names a table of its call sites in its unwinding entry (.eh_frame): which
pad belongs to which calls (LSB Core, 10.6; Itanium C++ ABI, Exception Handling, level II). At a pad
rsp is what it was before the call, plus what that entry says lies pushed there as arguments
(DW_CFA_GNU_args_size). Entries that contradict themselves count as absent.
"""

from __future__ import annotations

from bisect import bisect_left
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from asmith.check.flow.symbols import SECTION, WITHIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.flow.symbols import Symbols
    from asmith.model.objects import ObjectFacts, Section

_OMITTED = 0xFF
_ULEB, _SLEB = 1, 9
_SIZES = {0: 8, 2: 2, 3: 4, 4: 8, 10: 2, 11: 4, 12: 8}
"""Bytes of a pointer by the low bits of its encoding (LSB Core, 10.5)."""
_OPERANDS = {
    0x02: "1", 0x03: "2", 0x04: "4", 0x05: "uu", 0x06: "u", 0x07: "u", 0x08: "u", 0x09: "uu",
    0x0C: "uu", 0x0D: "u", 0x0E: "u", 0x0F: "b", 0x10: "ub", 0x11: "us", 0x12: "us", 0x13: "s",
    0x14: "uu", 0x15: "us", 0x16: "ub", 0x2E: "u", 0x2F: "uu",
}  # fmt: skip
"""Operands of call frame instructions (DWARF 5, 6.4.2): a size, LEB128 with or without a sign, a
block."""
_SET, _PUSHED, _ADVANCES = 0x01, 0x2E, (0x02, 0x03, 0x04)
MOST_PUSHED = 1 << 20
"""Bytes of pushed arguments: an entry with more is wrong."""


class Site(NamedTuple):
    """Calls that return to above `start`, up to `end`, go on at `pad` if they throw."""

    start: int
    end: int
    pad: int


class Landing:
    """The landing pads of one object, by the addresses of calls."""

    def __init__(self, facts: ObjectFacts, symbols: Symbols) -> None:
        self._facts, self._symbols = facts, symbols
        self._sites: list[Site] = []
        self._pushed: list[tuple[int, int]] = []
        if any(s.name.startswith(".gcc_except_table") for s in facts.sections):
            for section in facts.sections:
                if section.name == ".eh_frame":
                    self._read(section)
        self._sites.sort()
        self._pushed.sort()

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._sites)

    def pads(self, start: int, end: int) -> tuple[int, ...]:
        """Return the pads of the calls in a range of addresses."""
        low, high = bisect_left(self._sites, (start,)), bisect_left(self._sites, (end,))
        return tuple(dict.fromkeys(site.pad for site in self._sites[low:high]))

    def pad(self, after: int) -> tuple[int, int] | None:
        """Return the pad of the call that returns to an address, and how many bytes it pushed."""
        place = bisect_left(self._sites, (after,)) - 1
        if place < 0 or self._sites[place].end < after:
            return None
        row = bisect_left(self._pushed, (after,)) - 1
        return self._sites[place].pad, self._pushed[row][1] if row >= 0 else 0

    # ---- tables ---------------------------------------------------------------------------------

    def _read(self, section: Section) -> None:
        """Read an .eh_frame: the entries of functions, and what they have in common."""
        data, at = section.data, 0
        while at + 8 <= len(data):
            size, back = (int.from_bytes(data[n : n + 4], "little") for n in (at, at + 4))
            end = at + 4 + size
            if not 4 <= size < 0xFFFFFFFF or end > len(data):
                return
            if back:
                with suppress(LookupError, ValueError):
                    self._entry(section, _Reader(data, at + 8, end), at + 4 - back)
            at = end

    def _entry(self, section: Section, entry: _Reader, common: int) -> None:
        """Read the entry of one function."""
        pointer, table, unit = _common(section.data, common)
        start = self._pointer(section, entry, pointer)
        size = entry.number(pointer)
        program = entry.number(_ULEB) + entry.at
        place = self._pointer(section, entry, table) if table != _OMITTED else None
        if start is None or place is None:
            return
        home = self._facts.section(place >> SECTION)
        if home is None or size <= 0:
            return
        self._sites += self._table(home, place & WITHIN, start, size)
        entry.at = program
        rows = [*_pushes(entry, start, unit)]
        if rows:
            self._pushed += [(start, 0), *rows, (start + size, 0)]

    def _table(self, home: Section, at: int, start: int, size: int) -> list[Site]:
        """Return the call sites in the table of a function that have a pad."""
        table = _Reader(home.data, at, len(home.data))
        base: int | None = start
        encoding = table.number(2, 1)
        if encoding != _OMITTED:
            base = self._pointer(home, table, encoding)
        if table.number(2, 1) != _OMITTED:
            table.number(_ULEB)
        encoding = table.number(2, 1)
        table.end = min(table.number(_ULEB) + table.at, table.end)
        found = []
        while table.at < table.end and base is not None:
            first, length, pad = (table.number(encoding) for _ in range(3))
            table.number(_ULEB)
            if pad and 0 <= first < first + length <= size:
                found.append(Site(start + first, start + first + length, base + pad))
        return found

    def _pointer(self, section: Section, reader: _Reader, encoding: int) -> int | None:
        """Return the address in this object that a relocated pointer means."""
        relocation = self._symbols.relocations.get(section.index << SECTION | reader.at)
        reader.number(encoding)
        if relocation is None:
            return None
        return self._symbols.resolved(relocation, relocation.addend).address


class _Reader:
    """Numbers read one after another, up to an end."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def number(self, encoding: int, size: int = 0) -> int:
        """Return a number by its encoding (LSB Core, 10.5), or of a size."""
        form = encoding & 15
        if not size and form in (_ULEB, _SLEB):
            return self._leb(signed=form == _SLEB)
        size = size or _SIZES[form]
        if self.at + size > self.end:
            raise ValueError(self.at)
        self.at += size
        there = self.data[self.at - size : self.at]
        return int.from_bytes(there, "little", signed=form > _SLEB)

    def _leb(self, *, signed: bool) -> int:
        value = shift = 0
        while self.at < self.end and shift < 64:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value - (1 << shift) if signed and byte & 0x40 else value
        raise ValueError(self.at)

    def skip(self, operands: str) -> int:
        """Pass over operands; return the last number."""
        value = 0
        for kind in operands:
            value = self.number(2, int(kind)) if kind.isdigit() else self._leb(signed=kind == "s")
            if kind == "b":
                self.at += value
        return value


def _common(data: bytes, at: int) -> tuple[int, int, int]:
    """Return how functions' entries encode addresses and tables, and the unit of distances."""
    if not 0 <= at < len(data) - 9:
        raise ValueError(at)
    end = at + 4 + int.from_bytes(data[at : at + 4], "little")
    words = data.index(0, at + 9)
    augmentation = data[at + 9 : words]
    reader = _Reader(data, words + 1, min(end, len(data)))
    unit = reader.number(_ULEB)
    reader.number(_SLEB)
    reader.number(*((2, 1) if data[at + 8] == 1 else (_ULEB,)))
    pointer, table = 0, _OMITTED
    if not augmentation.startswith(b"z"):
        return pointer, table, unit
    reader.number(_ULEB)
    for letter in augmentation[1:].decode("latin-1"):
        if letter == "P":
            reader.number(reader.number(2, 1))
        elif letter == "L":
            table = reader.number(2, 1)
        elif letter == "R":
            pointer = reader.number(2, 1)
    return pointer, table, unit


def _pushes(entry: _Reader, start: int, unit: int) -> Iterator[tuple[int, int]]:
    """Yield from which address on so many bytes of arguments lie pushed."""
    at = start
    while entry.at < entry.end:
        code = entry.number(2, 1)
        if code >> 6 == 1:
            at += (code & 63) * unit
        elif code >> 6:
            entry.skip("u" if code >> 6 == 2 else "")
        elif code == _SET:
            raise ValueError(code)
        else:
            value = entry.skip(_OPERANDS.get(code, ""))
            if code in _ADVANCES:
                at += value * unit
            elif code == _PUSHED:
                yield at, min(value, MOST_PUSHED)
