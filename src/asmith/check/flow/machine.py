"""The machine that instructions are run on: registers, stack slots, and what is noted meanwhile.

One machine runs all blocks of a function. Its registers are a list, copied from the state before a
block; its slots are a mapping that is copied before the first write to it. A slot is 8 bytes whose
offset from their base is a multiple of 8, under the STACK value of its address; anything narrower
or elsewhere is not followed, and what it overlaps is forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Access, AfterRelease, Below, Junk, Narrow, Overwrite, Unchecked
from asmith.check.flow.owned import UNCHECKED, let_go
from asmith.check.flow.values import (
    AREA,
    BASE,
    CONST,
    EIGHTS,
    ENTRY,
    GIVEN_ALWAYS,
    JUNK,
    KIND,
    LOADED,
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
    base,
    constant,
    entry,
    is_round,
    local,
    number,
    parameter_place,
    residue,
)

if TYPE_CHECKING:
    from asmith.check.flow.events import Event
    from asmith.check.flow.symbols import Symbols
    from asmith.toolchain.decode import Insn

RSP, FLAGS, DF, MMX, UPPER, MXCSR, FCW, VECTORS = 4, 16, 17, 18, 19, 20, 21, 22
"""Places in the list of registers after the sixteen general ones (`UPPER`: bits 128 and above)."""

EIGHT, HALF = 8 << SHIFT, 4 << SHIFT
SUSPECT = frozenset({STALE, UNDEF, MAYBE, ENTRY, RESULT, OFFSET})
"""Kinds of values that may be undefined, all or in part."""
RED_ZONE = 128 << SHIFT
"""The bytes below rsp that signal handlers leave alone (psABI 3.2.2)."""

FIRST_VECTOR = 32
"""Events number vector registers from here on."""
FEW_PATHS, ALL_PATHS = 1, 2
"""Of what is undefined on some path only: report where it is passed or returned, or anywhere."""
RETURN_SIZE = 8
"""Bytes of the return address."""

State = tuple[tuple[int, ...], dict[int, int]]


class Machine:
    """Registers, slots and events; `symbols` resolves what relocations and rip refer to.

    `given` has a bit for each register that holds something for the function at its entry, `narrow`
    for each of which only the low half does, `vectors` for each vector register. `block` is the
    start of the block that is run. `reads` and `written` collect the 4-byte units of the frame
    that were read while nothing was known of them, and those that were ever stored to; `escaped`
    says that the frame's address went elsewhere; `unwritten` are units that an earlier run has
    found to be read and never stored to. `used` has a bit for each register whose value at the
    entry goes into something, not counting copies; `spilled` one for each that is stored in the
    frame, as all are that a variadic function may have got.
    """

    __slots__ = (
        "bases", "block", "escaped", "events", "given", "lowest", "marks", "narrow", "own",
        "paths", "r", "reads", "slots", "spilled", "symbols", "unwritten", "used", "vectors",
        "written",
    )  # fmt: skip  # fmt: skip

    OWNED = 23

    def __init__(
        self, symbols: Symbols, given: int, *, narrow: int = 0, vectors: int = 0xFF
    ) -> None:
        self.symbols = symbols
        self.marks = symbols.marks
        self.given = given | GIVEN_ALWAYS
        self.narrow = narrow
        self.vectors = vectors
        self.block = 0
        self.lowest = 0
        self.paths = 0
        self.used = 0
        self.spilled = 0
        self.escaped = False
        self.reads: set[int] = set()
        self.written: set[int] = set()
        self.unwritten: frozenset[int] = frozenset()
        self.r: list[int] = []
        self.slots: dict[int, int] = {}
        self.own = False
        self.events: list[Event] = []
        self.bases: dict[int, int] = {}

    def entry_state(self) -> State:
        """Return the state at the entry of a function."""
        registers = [entry(n) for n in range(16)]
        registers[RSP] = RSP_AT_ENTRY
        registers += [entry(FLAGS), 0, 0, 0, 0, 0, 0xFFFFFFFF & ~self.vectors, 0]
        return tuple(registers), {RSP_AT_ENTRY: RETURN_ADDRESS}

    def load_state(self, state: State) -> None:
        """Go to a state."""
        self.r = list(state[0])
        self.slots = state[1]
        self.own = False

    # ---- slots ----------------------------------------------------------------------------------

    def mine(self) -> dict[int, int]:
        """Return the slots for writing."""
        if not self.own:
            self.slots = dict(self.slots)
            self.own = True
        return self.slots

    def put(self, key: int, value: int, at: int) -> None:
        """Store 8 bytes at a STACK address."""
        if key + EIGHT > RSP_AT_ENTRY and key & BASE == RSP_AT_ENTRY:
            self.events.append(Overwrite(at, key, 8, value))
        below = self.r[RSP] - key
        if below > RED_ZONE and not below & BASE:
            self.events.append(Below(at, below >> SHIFT))
        if not self.own:
            self.slots = dict(self.slots)
            self.own = True
        if key >> SHIFT & 7:
            self._forget(key, 8)
        else:
            self.slots[key] = value
            self.written.add(key)
            self.written.add(key + HALF)
        kind = value & KIND
        if kind in (STACK, LOCAL):
            self.escaped = True
        elif kind == ENTRY:
            self.spilled |= 1 << (value >> 4)
        elif kind == RESULT and self.r[self.OWNED]:
            let_go(self, value)

    def spoil(self, key: int, size: int, at: int) -> None:
        """Store `size` bytes at a STACK address that are not followed."""
        if key + (size << SHIFT) > RSP_AT_ENTRY and key & BASE == RSP_AT_ENTRY:
            self.events.append(Overwrite(at, key, size, TOP))
        below = self.r[RSP] - key
        if below > RED_ZONE and not below & BASE:
            self.events.append(Below(at, below >> SHIFT))
        self._forget(key, size)

    def _forget(self, key: int, size: int) -> None:
        slots, written = self.mine(), self.written
        first = key - ((key >> SHIFT & 7) << SHIFT)
        end = key + (size << SHIFT)
        while first < end:
            slots.pop(first, None)
            first += EIGHT
        first = key - ((key >> SHIFT & 3) << SHIFT)
        while first < end:
            written.add(first)
            first += HALF

    def spread(self) -> None:
        """Store somewhere in the frame: what is no saved register or address is forgotten."""
        self.escaped = True
        kept = {k: v for k, v in self.slots.items() if v & KIND in (ENTRY, STACK)}
        if len(kept) != len(self.slots):
            self.slots, self.own = kept, True

    def take(self, key: int, at: int) -> int:
        """Load 8 bytes from a STACK address."""
        below = self.r[RSP] - key
        if below > RED_ZONE and not below & BASE:
            self.events.append(Below(at, below >> SHIFT))
        value = self.slots.get(key)
        return self.blank(key, 8, at) if value is None else value

    def blank(self, key: int, size: int, at: int) -> int:
        """Return what is loaded from a place in the frame of which nothing is known."""
        if key >= RSP_AT_ENTRY:
            return LOADED
        first = key - ((key >> SHIFT & 3) << SHIFT)
        end = key + (size << SHIFT)
        unwritten = self.unwritten
        junk = True
        while first < end:
            self.reads.add(first)
            junk = junk and first in unwritten
            first += HALF
        return at << 4 | UNDEF if junk else LOADED

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
            elif kind in SUSPECT:
                if self.is_bad(value, at, "address", first):
                    return TOP
                place = parameter_place(value) if e.index == -1 and not e.disp_at else None
                if place is not None:
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
            return TOP
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
        return TOP

    def sum(self, one: int, other: int, at: int) -> int:
        """Return the sum of two 64-bit values."""
        a, b = one & KIND, other & KIND
        if b == CONST:
            return self.plus(one, other)
        if a == CONST:
            return self.plus(other, one)
        if a in JUNK or b in JUNK:
            return one if a in JUNK else other
        if self.is_junk(one) or self.is_junk(other):
            return at << 4 | UNDEF
        self.used |= (a == ENTRY) << (one >> 4 & 31) | (b == ENTRY) << (other >> 4 & 31)
        if a == STACK or b == STACK:
            pointer, index = (one, other) if a == STACK else (other, one)
            return self.moved(pointer, index, at)
        if a == TABLE and b == SYM:
            return other >> 4 << 4 | TARGET
        if b == TABLE and a == SYM:
            return one >> 4 << 4 | TARGET
        if a == b == SYM:
            return self.symbols.added(one, other)
        if SYM in (a, b):
            return (one if a == SYM else other) >> 4 << 4 | AREA
        if LOCAL in (a, b):
            return LOCAL_ADDRESS
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
                if self.narrow >> number & 1:
                    self.events.append(Narrow(at, use, register, value))
                return False
        elif kind == RESULT:
            if value >> 4 & 1:
                self.events.append(Narrow(at, use, register, value))
            elif value & UNCHECKED and use in ("address", "needed"):
                self.events.append(Unchecked(at, use, register, value))
            if self.r[self.OWNED] and value >> 7 << 1 | 1 in self.marks.of(self.r[self.OWNED]):
                self.events.append(AfterRelease(at, value >> 7, register))
            return False
        elif kind == MAYBE and (
            value >> 4 != self.block
            or not self.paths
            or (self.paths == FEW_PATHS and use not in ("result", "argument", "needed"))
        ):
            return False
        elif kind == OFFSET:
            if self.narrow >> (value >> 4 & 15) & 1:
                self.events.append(Narrow(at, use, register, value))
            return False
        self.events.append(Junk(at, use, register, value))
        return True

    def is_junk(self, value: int) -> bool:
        """Tell whether a value is certainly not what anybody meant."""
        kind = value & KIND
        return kind in JUNK or (kind == ENTRY and not self.given >> (value >> 4) & 1)
