"""The machine that instructions are run on: registers, stack slots, and what is noted meanwhile.

One machine runs all blocks of a function. Its registers are a list, copied from the state before a
block; its slots are those of its frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import (
    Access,
    AfterRelease,
    Junk,
    Narrow,
    Unchecked,
)
from asmith.check.flow.frame import (
    ALL_PATHS,
    DEEPEST,
    DF,
    EIGHT,
    FCW,
    FEW_PATHS,
    FIRST_VECTOR,
    FLAGS,
    FRAME,
    MMX,
    MXCSR,
    NOBODY_KNOWS,
    RETURN_SIZE,
    RSP,
    SOME_VECTORS,
    SUSPECT,
    UPPER,
    VECTORS,
    WHOLE,
    X87,
    X87_JUNK,
    Frame,
)
from asmith.check.flow.owned import UNCHECKED
from asmith.check.flow.values import (
    AREA,
    AT_ENTRY,
    CHOICE,
    CONST,
    EIGHTS,
    ENTRY,
    GIVEN_ALWAYS,
    JUNK,
    KIND,
    LOCAL,
    LOCAL_ADDRESS,
    MAYBE,
    MULTIPLE_OF_8,
    OFFSET,
    RESULT,
    RETURN_ADDRESS,
    ROUND,
    RSP_AT_ENTRY,
    SHIFT,
    STACK,
    STALE,
    SYM,
    TABLE,
    TARGET,
    TOP,
    UNDEF,
    UNKNOWN,
    UNSIGNED,
    base,
    constant,
    defined_below,
    entry,
    is_part,
    is_round,
    local,
    number,
    parameter_place,
    residue,
)

if TYPE_CHECKING:
    from asmith.check.flow.symbols import Symbols
    from asmith.toolchain.decode import Insn

_ADDRESSES = frozenset({SYM, CHOICE})
SPECULATED = frozenset({"comparison"})
"""Uses that compilers move to before the branch that decides whether they count."""

__all__ = [
    "ALL_PATHS",
    "DEEPEST",
    "DF",
    "EIGHT",
    "FCW",
    "FEW_PATHS",
    "FIRST_VECTOR",
    "FLAGS",
    "FRAME",
    "MMX",
    "MXCSR",
    "NOBODY_KNOWS",
    "RETURN_SIZE",
    "RSP",
    "SOME_VECTORS",
    "SUSPECT",
    "UPPER",
    "VECTORS",
    "WHOLE",
    "X87",
    "X87_JUNK",
    "Machine",
    "State",
]

State = tuple[tuple[int, ...], dict[int, int]]


class Machine(Frame):
    """Registers, slots and events; `symbols` resolves what relocations and rip refer to.

    `given` has a bit for each register that holds something for the function at its entry, `narrow`
    for each of which only the low half does, `vectors` for each vector register. `block` is the
    start of the block that is run. `used` has a bit for each register whose value at the entry goes
    into something, not counting copies, `followed` for each whose value is used as an address.
    `borrowed` maps a call to the one whose result owns its own. `accesses` says that what is found
    through parameters is noted.
    """

    __slots__ = (
        "accesses", "bases", "block", "borrowed", "branches", "followed", "given", "lowest",
        "narrow", "relocations", "seen", "symbols", "used", "vectors",
    )  # fmt: skip

    def __init__(
        self, symbols: Symbols, given: int, *, narrow: int = 0, vectors: int = 0xFF
    ) -> None:
        super().__init__(symbols.marks)
        self.symbols = symbols
        self.branches, self.relocations = symbols.branches, symbols.relocations
        self.given = given | GIVEN_ALWAYS
        self.narrow = narrow
        self.vectors = vectors
        self.accesses = False
        self.block = 0
        self.lowest = 0
        self.used = 0
        self.followed = 0
        self.seen: dict[int, Insn] = {}
        self.bases: dict[int, int] = {}
        self.borrowed: dict[int, int] = {}

    def entry_state(self) -> State:
        """Return the state at the entry of a function."""
        registers = [*AT_ENTRY, entry(FLAGS), 0, 0, 0, 0, 0, 0xFFFFFFFF & ~self.vectors, 0, 0]
        registers += [0 if 0xFFFFFFFF & ~self.vectors else NOBODY_KNOWS, 0, 0]
        return tuple(registers), {RSP_AT_ENTRY: RETURN_ADDRESS}

    # ---- addresses ------------------------------------------------------------------------------

    def address(self, e: Insn, at: int) -> int:
        """Return the address of a memory operand; the junk that goes into it is noted."""
        first = e.base
        if first == -2:
            return self.symbols.operand(e, at)
        if e.segment:
            return TOP
        value = TOP
        r = self.r
        if first >= 0:
            value = r[first]
            kind = value & KIND
            if kind == STACK:
                value += e.disp << SHIFT
                if e.index == -1:
                    return value
            elif kind == TOP and not e.disp_at:
                value = TOP if e.disp else value
            elif kind in SUSPECT:
                if self.is_bad(value, at, "address", first):
                    return TOP
                place = parameter_place(value) if e.index == -1 and not e.disp_at else None
                if place is not None and self.accesses:
                    offset = place[1] + e.disp
                    self.events.append(Access(at, place[0], offset, e.size))
                if e.disp or e.disp_at:
                    value = self.plus(value, self.displacement(e, at))
            elif e.disp or e.disp_at:
                value = self.plus(value, self.displacement(e, at))
        elif e.disp or e.disp_at:
            value = self.displacement(e, at)
        else:
            value = constant(0)
        if e.index == -1:
            return value
        return self._indexed(e, at, value)

    def _indexed(self, e: Insn, at: int, value: int) -> int:
        """Return base plus displacement plus scaled index."""
        if e.index == -3:
            return LOCAL_ADDRESS if value & KIND == STACK else TOP
        index = self.r[e.index]
        kind = index & KIND
        if kind == CONST:
            return self.plus(value, constant(number(index) * e.scale))
        if kind in SUSPECT and self.is_bad(index, at, "address", e.index):
            return TOP
        if value & KIND == STACK or (kind == STACK and e.scale == 1):
            return LOCAL_ADDRESS
        if e.scale == 1:
            return self.sum(value, index, at)
        if value & KIND == SYM:
            return value >> 4 << 4 | AREA
        return TOP

    def displacement(self, e: Insn, at: int) -> int:
        """Return the displacement of a memory operand, a symbol's address where relocated."""
        if e.disp_at:
            symbol = self.symbols.absolute(at + e.disp_at)
            if symbol is not None:
                return symbol
        return constant(e.disp)

    # ---- sums -----------------------------------------------------------------------------------

    def plus(self, value: int, more: int) -> int:
        """Return a value plus a CONST (or a SYM, in which case it is an index)."""
        kind = value & KIND
        if more & KIND == SYM:
            if kind == CONST:
                return self.symbols.shifted(more, number(value))
            return more >> 4 << 4 | AREA
        n = number(more)
        if n == 0:
            return value
        if kind == STACK:
            return value + (n << SHIFT)
        if kind == CONST:
            return constant((value >> 4) + n)
        if kind == SYM:
            return self.symbols.shifted(value, n)
        if kind == ENTRY:
            self.used |= 1 << (value >> 4)
            if not self.given >> (value >> 4) & 1:
                return value >> 4 << 4 | UNDEF
            return n << 12 | (value >> 4) << 4 | OFFSET if value >> 4 < FLAGS else TOP
        if kind == OFFSET:
            return value + (n << 12)
        if kind == ROUND and not n & 15:
            return value
        if kind == LOCAL:
            return local((residue(value) + n) & 15) if residue(value) < UNKNOWN else value
        if kind in (STALE, UNDEF, MAYBE):
            return value
        return 32 << 4 | MAYBE if kind == RESULT and value >> 4 & 1 else TOP

    def sum(self, one: int, other: int, at: int) -> int:
        """Return the sum of two 64-bit values."""
        a, b = one & KIND, other & KIND
        if b == CONST:
            return self.plus(one, other)
        if a == CONST:
            return self.plus(other, one)
        if a == STALE or b == STALE:
            return one if a == STALE else other
        if self.is_junk(one) or self.is_junk(other):
            return at << 4 | UNDEF
        self.used |= (a == ENTRY) << (one >> 4 & 31) | (b == ENTRY) << (other >> 4 & 31)
        if a == STACK or b == STACK:
            pointer, index = (one, other) if a == STACK else (other, one)
            return self.moved(pointer, index, at)
        if a == TABLE and b == SYM and not one & UNSIGNED:
            return other >> 4 << 4 | TARGET
        if b == TABLE and a == SYM and not other & UNSIGNED:
            return one >> 4 << 4 | TARGET
        if a == b == SYM:
            return self.symbols.added(one, other)
        if a in _ADDRESSES or b in _ADDRESSES:
            return self.symbols.indexed(one if a in _ADDRESSES else other)
        if LOCAL in (a, b):
            return LOCAL_ADDRESS
        if MAYBE in (a, b) or a in SUSPECT or b in SUSPECT:
            bits = min(self.bits(one), self.bits(other))
            if bits < WHOLE:
                return defined_below(bits, WHOLE, at)
            if MAYBE in (a, b):
                return one if a == MAYBE else other
        return ROUND if is_round(one) and is_round(other) else TOP

    def moved(self, pointer: int, index: int, at: int) -> int:
        """Return a new base: a STACK address plus or minus something unknown."""
        known = residue(pointer) if is_round(index) else UNKNOWN
        if index == MULTIPLE_OF_8:
            known = EIGHTS
        return self.fresh(at, known)

    def fresh(self, at: int, known: int) -> int:
        """Return the base that the instruction at `at` makes; an earlier one of it is no more."""
        ordinal = self.bases.setdefault(at, len(self.bases) + 1)
        made = base(ordinal, known)
        if any(k >> 9 & 0x7FFFF == ordinal for k in self.slots):
            self.slots = {k: v for k, v in self.slots.items() if k >> 9 & 0x7FFFF != ordinal}
            self.own = True
        for n, value in enumerate(self.r[:16]):
            if value & KIND == STACK and value >> 9 & 0x7FFFF == ordinal:
                self.r[n] = LOCAL_ADDRESS
        return made

    def is_bad(self, value: int, at: int, use: str, register: int) -> bool:
        """Note that a value comes where it counts, if it is undefined; tell whether it is.

        One that is undefined on some path only counts in the block where the paths meet: there the
        path leads to the place whatever else holds.
        """
        kind = value & KIND
        if kind == ENTRY:
            number = value >> 4
            if self.given >> number & 1:
                self.used |= 1 << number
                if use == "address":
                    self.followed |= 1 << number
                if self.narrow >> number & 1:
                    self.events.append(Narrow(at, use, register, value))
                return False
        elif kind == RESULT:
            if value >> 4 & 1:
                self.events.append(Narrow(at, use, register, value))
            if value & UNCHECKED and use in ("address", "argument", "needed"):
                self.events.append(Unchecked(at, use, register, value))
            if self.r[self.OWNED]:
                released = self.marks.of(self.r[self.OWNED])
                owner = value >> 7
                while owner << 1 | 1 not in released and owner in self.borrowed:
                    owner = self.borrowed[owner]
                if owner << 1 | 1 in released:
                    self.events.append(AfterRelease(at, owner, register))
            return False
        elif is_part(value):
            if self.paths and use != "store":
                self.events.append(Narrow(at, use, register, value))
            return False
        elif kind == MAYBE and (
            value >> 4 != self.block
            or not self.paths
            or (self.paths == FEW_PATHS and use in SPECULATED)
        ):
            return False
        elif kind == OFFSET:
            self.followed |= 1 << (value >> 4 & 15)
            if self.narrow >> (value >> 4 & 15) & 1:
                self.events.append(Narrow(at, use, register, value))
            return False
        self.events.append(Junk(at, use, register, value))
        return True

    def use(self, value: int) -> None:
        """Note that a value goes into something."""
        if value & KIND == ENTRY:
            self.used |= 1 << (value >> 4)

    def lacking(self) -> int:
        """Return the mask of vector registers that hold nothing, here on some path at least."""
        r = self.r
        return r[VECTORS] | r[SOME_VECTORS] if self.paths else r[VECTORS]

    def bits(self, value: int) -> int:
        """Return how many low bits of a value are defined, for all that is known."""
        kind = value & KIND
        if kind in JUNK:
            return 0
        if kind == ENTRY:
            n = value >> 4
            return (32 if self.narrow >> n & 1 else 64) if self.given >> n & 1 else 0
        if kind == MAYBE:
            return value >> 4 if is_part(value) else 64
        if kind == RESULT:
            return 32 if value >> 4 & 1 else 64
        if kind == OFFSET:
            return 32 if self.narrow >> (value >> 4 & 15) & 1 else 64
        return 64

    def is_junk(self, value: int) -> bool:
        """Tell whether a value is certainly not what anybody meant."""
        kind = value & KIND
        return kind in JUNK or (kind == ENTRY and not self.given >> (value >> 4) & 1)
