"""The processor of a run: general registers, flags, and what instructions do to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.trial.memory import ALL64, Memory, junk, row
from asmith.check.trial.program import Unable
from asmith.toolchain.decode import RSP

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from asmith.check.trial.program import Program
    from asmith.toolchain.decode import Insn

MASK = {
    1: 0xFF,
    2: 0xFFFF,
    4: 0xFFFFFFFF,
    8: ALL64,
    16: (1 << 128) - 1,
    32: (1 << 256) - 1,
    10: (1 << 80) - 1,
}
RDX, RDI = 2, 7


class Divided(Exception):  # noqa: N818
    """A division that the processor refuses."""


class Processor:
    """The state of one run; `r` are the general registers, `v` the vector registers."""

    __slots__ = (
        "af", "cf", "cut", "df", "memory", "of", "pf", "program", "r", "sf", "st", "v", "variant",
        "zf",
    )  # fmt: skip

    def __init__(self, program: Program, memory: Memory, variant: int) -> None:
        self.program = program
        self.memory = memory
        self.variant = variant
        self.r, self.v = map(list, row(variant, 0))
        self.st: list[float | Fraction] = []
        self.cut = False  # the x87 unit rounds toward zero
        self.df = 0
        self.spoil_flags()

    def spoil_flags(self) -> None:
        """Leave junk in the flags: each is another one in the other variant."""
        bits = junk(self.variant, 30)
        self.cf, self.zf, self.sf, self.of = bits & 1, bits >> 1 & 1, bits >> 2 & 1, bits >> 3 & 1
        self.pf = bits >> 4 & 1

    # ---- operands -------------------------------------------------------------------------------

    def address(self, e: Insn, at: int) -> int:
        """Return the address of the memory operand."""
        if e.segment or e.index == -3:
            raise Unable
        base = e.base
        if base == -2:
            return self.program.operand(e, at)
        found = e.disp
        if e.disp_at:
            fixed = self.program.field(at + e.disp_at)
            if fixed is not None:
                found = fixed
        if base >= 0:
            found += self.r[base]
        if e.index >= 0:
            found += self.r[e.index] * e.scale
        return found & ALL64

    def get(self, e: Insn, n: int, at: int, size: int) -> int:
        """Return an operand, cut to `size` bytes."""
        operand: tuple[str, int] = e.operands[n]
        kind = operand[0]
        if kind == "r":
            return self.r[operand[1]] & MASK[size]
        if kind == "i":
            if e.imm_at:
                fixed = self.program.field(at + e.imm_at)
                if fixed is not None:
                    return fixed & MASK[size]
            return operand[1] & MASK[size]
        if kind == "m":
            return self.memory.read(self.address(e, at), size)
        if kind == "h":
            return self.r[operand[1]] >> 8 & 0xFF
        raise Unable

    def set(self, e: Insn, n: int, at: int, size: int, value: int) -> None:
        """Set an operand."""
        operand = e.operands[n]
        kind = operand[0]
        if kind == "r":
            number = operand[1]
            if size >= 4:
                self.r[number] = value & MASK[size]
            else:
                mask = MASK[size]
                self.r[number] = self.r[number] & ~mask | value & mask
        elif kind == "m":
            self.memory.write(self.address(e, at), size, value & MASK[size], at)
        elif kind == "h":
            self.r[operand[1]] = self.r[operand[1]] & ~0xFF00 | (value & 0xFF) << 8
        else:
            raise Unable

    def push(self, value: int, at: int) -> None:
        """Push 8 bytes."""
        self.r[RSP] = self.r[RSP] - 8 & ALL64
        self.memory.write(self.r[RSP], 8, value, at)

    def pop(self) -> int:
        """Pop 8 bytes."""
        value = self.memory.read(self.r[RSP], 8)
        self.r[RSP] = self.r[RSP] + 8 & ALL64
        return value

    # ---- flags ----------------------------------------------------------------------------------

    def logic(self, value: int, size: int) -> None:
        """Set the flags as bitwise instructions do."""
        self.cf = self.of = 0
        self.result(value, size)

    def result(self, value: int, size: int) -> None:
        """Set zero, sign and parity."""
        self.zf = int(value == 0)
        self.sf = value >> 8 * size - 1 & 1
        self.pf = ~(value & 0xFF).bit_count() & 1

    def added(self, a: int, b: int, carry: int, size: int) -> int:
        """Return a sum and set the flags."""
        total = a + b + carry
        value = total & MASK[size]
        self.cf = total >> 8 * size & 1
        self.of = ((a ^ value) & (b ^ value)) >> 8 * size - 1 & 1
        self.result(value, size)
        return value

    def subtracted(self, a: int, b: int, carry: int, size: int) -> int:
        """Return a difference and set the flags."""
        value = a - b - carry & MASK[size]
        self.cf = int(a < b + carry)
        self.of = ((a ^ b) & (a ^ value)) >> 8 * size - 1 & 1
        self.result(value, size)
        return value

    def holds(self, condition: str) -> bool:
        """Tell whether a condition holds, by the letters behind `j`, `set` or `cmov`."""
        return bool(CONDITIONS[condition](self))


CONDITIONS: dict[str, Callable[[Processor], int | bool]] = {
    "o": lambda m: m.of, "no": lambda m: not m.of,
    "b": lambda m: m.cf, "ae": lambda m: not m.cf,
    "e": lambda m: m.zf, "ne": lambda m: not m.zf,
    "be": lambda m: m.cf | m.zf, "a": lambda m: not (m.cf | m.zf),
    "s": lambda m: m.sf, "ns": lambda m: not m.sf,
    "p": lambda m: m.pf, "np": lambda m: not m.pf,
    "l": lambda m: m.sf ^ m.of, "ge": lambda m: not m.sf ^ m.of,
    "le": lambda m: m.zf | m.sf ^ m.of, "g": lambda m: not (m.zf | m.sf ^ m.of),
}  # fmt: skip


def signed(value: int, size: int) -> int:
    """Return a number of `size` bytes as a signed one."""
    half = 1 << 8 * size - 1
    return (value & MASK[size] ^ half) - half


def width(e: Insn) -> int:
    """Return how many bytes the first operand has."""
    first = e.operands[0]
    return first[2] if first[0] == "r" else 1 if first[0] == "h" else e.size
