"""What holds at one place of one path through a function: a sum for each register and slot."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from asmith.check.flow.sums import Ranges, Sum, plus

if TYPE_CHECKING:
    from collections.abc import Container

    from asmith.check.flow.comparisons import Condition, Flags
    from asmith.check.flow.sums import Symbols
    from asmith.toolchain.decode import Insn


LONGEST = 40
"""Terms of the longest sum that is kept."""


class Part(NamedTuple):
    """A part of the frame whose size is computed: from `low` up to `high`.

    Whatever address is counted from its start has `mark` among its terms, which stands for 0.
    """

    low: Sum
    high: Sum
    mark: tuple[int, int]


class Path:
    """What holds at one place of one path. `holds` are the comparisons on it, as they came out."""

    def __init__(self, symbols: Symbols, relocated: Container[int]) -> None:
        self.symbols = symbols
        self.relocated = relocated
        self.ranges = Ranges(symbols, {})
        self.registers: list[Sum | None] = [None] * 16
        self.changed = 0  # registers that were ever written
        self.narrow = 0  # registers whose low half a sum stands for, with its sign
        self.slots: dict[Sum, Sum] = {}
        self.parts: list[Part] = []
        self.holds: list[Condition] = []
        self.flags: Flags | None = None
        self.escaped = False
        self.touched: set[int] = set()  # marks of parts in which something may be stored
        self.again = 0  # so often undecided loops were run once more
        self.written = 0  # a bit for each byte of the frame, from `DEEPEST` below its end on
        self.doubts: set[int] = set()  # what the flags depend on, where they are not followed
        self.tainted: set[int] = set()  # what a branch depended on that was not followed
        self.general = False  # what a loop changes is any number

    def copy(self) -> Path:
        """Return the same for another way on."""
        made = Path(self.symbols, self.relocated)
        made.ranges = Ranges(self.symbols, dict(self.ranges.known))
        made.registers = self.registers[:]
        made.narrow, made.flags, made.escaped = self.narrow, self.flags, self.escaped
        made.slots, made.parts, made.holds = dict(self.slots), self.parts[:], self.holds[:]
        made.touched, made.again, made.general = set(self.touched), self.again, self.general
        made.written, made.changed = self.written, self.changed
        made.doubts, made.tainted = self.doubts, set(self.tainted)
        return made

    def half(self, register: int) -> Sum:
        """Return the low half of a register as a number with a sign."""
        found = self.registers[register]
        if found is None:
            found = self.registers[register] = self.symbols.fresh()
            self.narrow &= ~(1 << register)
        return found

    def whole(self, register: int) -> Sum:
        """Return a register: a half without its sign has zeros above it."""
        found = self.half(register)
        if self.narrow >> register & 1 and self.ranges.of(found)[0] < 0:
            found = self.symbols.of("low", found, 0)
        return found

    def set(self, register: int, value: Sum | None, size: int = 8) -> None:
        """Set a register, to nothing known if the value is None."""
        self.registers[register] = value if value is None or len(value.terms) <= LONGEST else None
        self.changed |= 1 << register
        self.narrow &= ~(1 << register)
        if size < 8:
            self.narrow |= 1 << register

    def doubt(self, e: Insn) -> None:
        """Take it that an instruction sets the flags in a way that is not followed."""
        self.flags, self.doubts = None, set()
        for operand in e.operands:
            value = self.registers[operand[1]] if operand[0] in "rh" else None
            if value is not None:
                self.doubts |= self.symbols.bases(value)

    def taint(self) -> None:
        """Take it that a branch asks for flags that are not followed."""
        if self.flags is not None:
            self.doubts = self.symbols.bases(self.flags.one) | self.symbols.bases(self.flags.other)
        self.tainted |= self.doubts

    def restored(self, register: int, value: Sum) -> bool:
        """Tell whether a register was changed and holds again what it held at the entry."""
        return bool(self.changed >> register & 1) and self.registers[register] == value

    def address(self, e: Insn, at: int) -> Sum | None:
        """Return the address of a memory operand."""
        if e.base == -2 or e.segment or e.index == -3 or at + e.disp_at in self.relocated:
            return None
        found = Sum(e.disp)
        if e.base >= 0:
            found = plus(found, self.whole(e.base))
        if e.index >= 0:
            found = plus(found, self.whole(e.index), e.scale)
        return found
