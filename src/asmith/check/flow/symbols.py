"""What an object's code refers to: its relocations and symbols, as values of kind SYM.

An address in the object is one integer, section index << 32 | offset, so that code of several
sections (`.text.unlikely`) makes one graph.
"""

from __future__ import annotations

from functools import cached_property, reduce
from typing import TYPE_CHECKING, NamedTuple

from asmith.check.flow.owned import Marks
from asmith.check.flow.values import AREA, CHOICE, KIND, SYM, TOP, join
from asmith.model.objects import Section

if TYPE_CHECKING:
    from asmith.model.objects import ObjectFacts, Relocation, Symbol
    from asmith.toolchain.decode import Insn

SECTION = 32
MOST_CHOICES = 32
WITHIN = (1 << SECTION) - 1


class Target(NamedTuple):
    """What a reference means: an address of this object, or `name` + `offset` of another one.

    `via` says that it is reached through the global offset table; `delta` that it is a distance,
    to which the address of that table, or of the code, is still to be added.
    """

    address: int | None
    name: str = ""
    offset: int = 0
    via: bool = False
    delta: bool = False


_GOT = frozenset({
    "R_X86_64_GOTPCREL", "R_X86_64_GOTPCRELX", "R_X86_64_REX_GOTPCRELX",
})  # fmt: skip
_RELATIVE = frozenset({"R_X86_64_PC32", "R_X86_64_PLT32", "R_X86_64_PC64", *_GOT})
_DISTANCE = frozenset({"R_X86_64_PLTOFF64", "R_X86_64_GOTOFF64", "R_X86_64_GOTPC64"})
"""Distances of the large code model (psABI 3.5.3): from the table, or from the field itself."""
_ABSOLUTE = frozenset({"R_X86_64_32", "R_X86_64_32S", "R_X86_64_64"})


class Symbols:
    """The references of one object."""

    def __init__(self, facts: ObjectFacts) -> None:
        self._facts = facts
        loaded = {s.index for s in facts.sections if s.has(Section.ALLOC)}
        self._bytes = {s.index: s.data for s in facts.sections if s.has(Section.EXEC)}
        self._code = self._bytes.keys()
        self.relocations: dict[int, Relocation] = {
            r.section << SECTION | r.offset: r for r in facts.relocations if r.section in loaded
        }
        self._protected = {s.index: s.name for s in facts.sections if not s.has(Section.WRITE)}
        self.branches: dict[int, Target] = {}  # by the address of the jump or call
        self._operands: dict[int, int] = {}
        self.targets: list[Target] = []
        self._numbers: dict[Target, int] = {}
        self._sets: dict[frozenset[Target], int] = {}
        self.marks = Marks()
        self._choices: list[frozenset[Target]] = []

    def value(self, target: Target) -> int:
        """Return the SYM value of a target."""
        number = self._numbers.get(target)
        if number is None:
            number = self._numbers[target] = len(self.targets)
            self.targets.append(target)
        return number << 4 | SYM

    def either(self, one: int, other: int) -> int:
        """Return what is known of one of two values, of which the first is a SYM or CHOICE."""
        if other & KIND not in (SYM, CHOICE):
            return join(one, other)
        both = frozenset(self.choices(one)) | frozenset(self.choices(other))
        if len(both) > MOST_CHOICES:
            return TOP
        number = self._sets.get(both)
        if number is None:
            number = self._sets[both] = len(self._choices)
            self._choices.append(both)
        return number << 4 | CHOICE

    def choices(self, value: int) -> frozenset[Target]:
        """Return the targets of a SYM or CHOICE value."""
        if value & KIND == SYM:
            return frozenset({self.targets[value >> 4]})
        return self._choices[value >> 4]

    def target(self, value: int) -> Target:
        """Return the target of a SYM, AREA, TABLE or TARGET value."""
        return self.targets[value >> 4]

    def shifted(self, value: int, by: int) -> int:
        """Return a SYM value plus a constant."""
        old = self.targets[value >> 4]
        if old.via or old.delta:
            return TOP
        if old.address is not None:
            return self.value(Target(old.address + by))
        return self.value(Target(None, old.name, old.offset + by))

    @cached_property
    def _named(self) -> dict[str, Symbol]:
        """Return the symbols by name; of several the first one."""
        return {s.name: s for s in reversed(self._facts.symbols)}

    @cached_property
    def taken(self) -> frozenset[int]:
        """Return the addresses in code that data holds."""
        found = set()
        for place, relocation in self.relocations.items():
            if relocation.type in _ABSOLUTE and place >> SECTION not in self._code:
                target = self.resolved(relocation, relocation.addend).address
                if target is not None and target >> SECTION in self._code:
                    found.add(target)
        return frozenset(found)

    def resolved(self, relocation: Relocation, addend: int) -> Target:
        """Return what a relocation's symbol plus an addend is."""
        symbol = self._facts.symbols[relocation.index]
        if symbol.section is not None:
            return Target(symbol.section << SECTION | (symbol.value + addend) & WITHIN)
        return Target(None, symbol.name, addend)

    def operand(self, e: Insn, at: int) -> int:
        """Return the address of a rip-relative operand."""
        known = self._operands.get(at)
        if known is None:
            known = self._operands[at] = self._operand(e, at)
        return known

    def _operand(self, e: Insn, at: int) -> int:
        relocation = self.relocations.get(at + e.disp_at)
        if relocation is None:
            return self.value(Target(at + e.length + e.disp))
        if relocation.type in _GOT:
            symbol = self._facts.symbols[relocation.index]
            return self.value(Target(None, symbol.name, 0, via=True))
        if relocation.type not in _RELATIVE:
            return TOP
        # the field counts from its own place; the operand from the instruction's end
        return self.value(self.resolved(relocation, relocation.addend + e.length - e.disp_at))

    def absolute(self, place: int) -> int | None:
        """Return the SYM value of an absolute field at an address, if it is relocated."""
        relocation = self.relocations.get(place)
        if relocation is None:
            return None
        if relocation.type in _ABSOLUTE:
            return self.value(self.resolved(relocation, relocation.addend))
        if relocation.type in _DISTANCE:
            return self.value(self.resolved(relocation, relocation.addend)._replace(delta=True))
        if relocation.type == "R_X86_64_GOT64":
            return self.value(Target(None, relocation.symbol, 0, via=True, delta=True))
        return TOP

    def added(self, one: int, other: int) -> int:
        """Return the sum of two SYM values, of which one may be a distance."""
        a, b = self.targets[one >> 4], self.targets[other >> 4]
        if a.delta == b.delta:
            return TOP
        return self.value((a if a.delta else b)._replace(delta=False))

    def indexed(self, value: int) -> int:
        """Return a SYM or CHOICE plus an index, or plus what a distance counts from."""
        places = [t._replace(delta=False) for t in self.choices(value) if t.delta]
        if places:
            return reduce(self.either, map(self.value, places))
        return value >> 4 << 4 | AREA if value & KIND == SYM else TOP

    def loaded(self, value: int) -> int:
        """Return what 8 bytes at a SYM address hold, where the linker puts an address there."""
        target = self.targets[value >> 4]
        if target.via:
            symbol = self._named.get(target.name)
            if symbol is not None and symbol.section is not None:
                return self.value(Target(symbol.section << SECTION | symbol.value))
            return self.value(Target(None, target.name))
        return TOP

    def read_only(self, value: int) -> str:
        """Return the name of the section that a SYM address is in, if it cannot be written."""
        target = self.targets[value >> 4]
        if target.address is None or target.via or target.delta:
            return ""
        return self._protected.get(target.address >> SECTION, "")

    def is_data(self, value: int) -> bool:
        """Tell whether a value is an address of this object where there is no code."""
        if value & KIND not in (SYM, AREA):
            return False
        target = self.targets[value >> 4]
        known = target.address is not None and not target.via and not target.delta
        return known and (target.address or 0) >> SECTION not in self._code

    def residue(self, value: int, needed: int) -> int:
        """Return what a SYM address of this object is modulo a power of two, as far as is known.

        Of a section that is aligned to less only that is known: then it is taken to be misaligned.
        """
        target = self.targets[value >> 4]
        if target.address is None or target.via or target.delta:
            return 0
        section = self._facts.section(target.address >> SECTION)
        if section is None:
            return 0
        return (target.address & WITHIN) % needed or (section.align % needed and section.align)

    def is_descriptor(self, at: int) -> bool:
        """Tell whether a call goes through a TLS descriptor."""
        relocation = self.relocations.get(at)
        return relocation is not None and relocation.type == "R_X86_64_TLSDESC_CALL"

    def branch(self, e: Insn, at: int) -> Target:
        """Return where a direct jump or call goes."""
        target = self.branches.get(at)
        if target is None:
            relocation = self.relocations.get(at + e.length - 4)
            if relocation is None:
                end = at + e.length
                target = Target(end + e.distance(self._bytes[at >> SECTION], end & WITHIN))
            else:
                target = self.resolved(relocation, relocation.addend + 4)
            self.branches[at] = target
        return target
