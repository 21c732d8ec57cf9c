"""An object laid out in an address space of its own, so that its code can be run.

Sections, external names and slots of the global offset table get addresses that no memory of the
process has; nothing of the object is ever executed by the processor.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from asmith.check.flow.symbols import SECTION, WITHIN, Target
from asmith.check.flow.values import KIND, SYM
from asmith.model.objects import Section
from asmith.toolchain.decode import Flow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asmith.check.flow.contracts import Convention
    from asmith.check.flow.symbols import Symbols
    from asmith.check.trial.processor import Processor
    from asmith.model.objects import ObjectFacts
    from asmith.toolchain.decode import Code, Insn

    Act = Callable[[Processor, Insn, int], None]

SECTIONS, SLOTS, OTHERS = 0x1000_0000, 0x3000_0000, 0x4000_0000
"""Where sections, slots of the global offset table and external names begin."""
HIGH = 0x2000_0000_0000
"""So much is added to that unless the object has fields of 32 bits for addresses."""
ROOM = 0x1_0000
"""Bytes between external names."""
ALIGN = 4096
_WIDE = frozenset({"R_X86_64_64"})
_ABSOLUTE = frozenset({"R_X86_64_32", "R_X86_64_32S"})
_HALF = frozenset({"R_X86_64_PC32", "R_X86_64_PLT32", *_ABSOLUTE})

_NARROW, _BEFORE = 0x67, frozenset(b"\x26\x2e\x36\x3e\x64\x65\x66\xf0\xf2\xf3")
"""The prefix of an address of 32 bits, and those that may stand before it."""
_COUNTED = frozenset({"loop", "loope", "loopne"})


class Unable(Exception):  # noqa: N818 -- no error: the answer "this run cannot be followed"
    """What a run cannot be followed beyond."""


class Program:
    """The address space of one object; `conventions` are those of the functions it may call."""

    def __init__(
        self,
        facts: ObjectFacts,
        codes: Mapping[int, Code],
        symbols: Symbols,
        conventions: Mapping[str, Convention],
    ) -> None:
        self.symbols = symbols
        self.codes = codes
        self.conventions = dict(conventions)
        self.decoded: dict[int, tuple[Act | None, Insn, int]] = {}
        self.names: dict[int, str] = {}
        self._facts = facts
        self._others: dict[str, int] = {}
        self._slots: dict[str, int] = {}
        self._operands: dict[int, int] = {}
        self._images: dict[int, bytes] = {}
        self._pages: dict[int, bytes] = {}
        self._starts: list[int] = []
        self._sections: list[Section] = []
        self._at: dict[int, int] = {}
        loaded = {s.index for s in facts.sections if s.has(Section.ALLOC)}
        is_low = any(r.type in _ABSOLUTE and r.section in loaded for r in facts.relocations)
        base = 0 if is_low else HIGH
        self.start, self.slots, self.others = SECTIONS + base, SLOTS + base, OTHERS + base
        start = self.start
        for section in facts.sections:
            if section.has(Section.ALLOC):
                self._at[section.index] = start
                self._starts.append(start)
                self._sections.append(section)
                step = max(ALIGN, section.align)
                start = -(-(start + section.size + 64) // step) * step
        self.end = start

    # ---- addresses ------------------------------------------------------------------------------

    def concrete(self, place: int) -> int:
        """Return the address of a place (section << 32 | offset)."""
        start = self._at.get(place >> SECTION)
        if start is None:
            raise Unable
        return start + (place & WITHIN)

    def section(self, address: int) -> Section | None:
        """Return the section that an address is in."""
        at = bisect_right(self._starts, address) - 1
        if at < 0 or address - self._starts[at] >= self._sections[at].size:
            return None
        return self._sections[at]

    def place(self, address: int) -> int | None:
        """Return the place in code of an address."""
        section = self.section(address)
        if section is None or not section.has(Section.EXEC):
            return None
        return section.index << SECTION | address - self._at[section.index]

    def is_half(self, address: int) -> bool:
        """Tell whether an address is the lower half of one of code."""
        whole = address + HIGH
        return self.start > HIGH and (whole in self.names or self.place(whole) is not None)

    def of(self, target: Target) -> int:
        """Return the address that a reference means."""
        if target.delta:
            raise Unable
        if target.via:
            return self._slots.setdefault(target.name, self.slots + 8 * len(self._slots))
        if target.address is not None:
            return self.concrete(target.address)
        return self.external(target.name) + target.offset

    def external(self, name: str) -> int:
        """Return the address of a name of another object."""
        known = self._others.get(name)
        if known is None:
            known = self._others[name] = self.others + ROOM * len(self._others)
            self.names[known] = name
        return known

    def slot(self, address: int) -> int | None:
        """Return what the linker puts into a slot of the global offset table."""
        for name, place in self._slots.items():
            if place == address:
                for symbol in self._facts.symbols:
                    if symbol.name == name and symbol.section is not None:
                        return self.concrete(symbol.section << SECTION | symbol.value)
                return self.external(name)
        return None

    def operand(self, e: Insn, at: int) -> int:
        """Return the address of an operand that counts from the instruction's end."""
        known = self._operands.get(at)
        if known is None:
            value = self.symbols.operand(e, at)
            if value & KIND != SYM:
                raise Unable
            known = self._operands[at] = self.of(self.symbols.target(value))
        return known

    def field(self, place: int) -> int | None:
        """Return what the linker puts into an absolute field of the code at a place."""
        if place not in self.symbols.relocations:
            return None
        value = self.symbols.absolute(place)
        if value is None or value & KIND != SYM:
            raise Unable
        return self.of(self.symbols.target(value))

    # ---- contents -------------------------------------------------------------------------------

    def insn(self, place: int) -> Insn | None:
        """Return the instruction at a place of code."""
        code = self.codes.get(place >> SECTION)
        offset = place & WITHIN
        if code is None or offset >= len(code.data):
            return None
        if offset not in code.at:
            code.decode(offset, len(code.data))
        return code.at.get(offset)

    def step(
        self, place: int, act_of: Callable[[Insn], Act]
    ) -> tuple[Act | None, Insn, int] | None:
        """Return what is to be done at a place of code: None for control flow; and what follows."""
        insn = self.insn(place)
        if insn is None or insn.flow == Flow.INVALID:
            return None
        if (insn.memory or insn.name in _COUNTED) and self._is_narrow(place):
            raise Unable
        made = self.decoded[place] = None if insn.flow else act_of(insn), insn, place + insn.length
        return made

    def _is_narrow(self, place: int) -> bool:
        """Tell whether addresses, and what loops count, are cut to 32 bits (Intel SDM 3.6.1)."""
        data, offset = self.codes[place >> SECTION].data, place & WITHIN
        while data[offset] in _BEFORE:
            offset += 1
        return data[offset] == _NARROW

    def page(self, address: int) -> bytes:
        """Return the 4096 bytes of a page of sections, as the linker would leave them."""
        known = self._pages.get(address)
        if known is not None:
            return known
        made = bytearray(ALIGN)
        for start, section in zip(self._starts, self._sections, strict=True):
            if section.data and start < address + ALIGN and address < start + section.size:
                image = self._image(section)
                low, high = max(start, address), min(start + section.size, address + ALIGN)
                made[low - address : high - address] = image[low - start : high - start]
        self._pages[address] = page = bytes(made)
        return page

    def _image(self, section: Section) -> bytes:
        known = self._images.get(section.index)
        if known is not None:
            return known
        made = bytearray(section.data.ljust(section.size, b"\0"))
        for relocation in self._facts.relocations:
            if relocation.section != section.index:
                continue
            wide = relocation.type in _WIDE
            if not wide and relocation.type not in _HALF:
                continue
            try:
                value = self.of(self.symbols.resolved(relocation, relocation.addend))
            except Unable:
                continue
            if relocation.type in ("R_X86_64_PC32", "R_X86_64_PLT32"):
                value -= self._at[section.index] + relocation.offset
            size = 8 if wide else 4
            value &= (1 << 8 * size) - 1
            made[relocation.offset : relocation.offset + size] = value.to_bytes(size, "little")
        self._images[section.index] = image = bytes(made)
        return image
