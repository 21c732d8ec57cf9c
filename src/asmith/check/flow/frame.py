"""The stack frame of the function that is run: what its slots hold, and what was stored at all.

A slot is 8 bytes whose offset from their base is a multiple of 8, under the STACK value of its
address; of anything narrower or elsewhere only is known whether something was stored there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Below, Blank, Overwrite
from asmith.check.flow.owned import let_go
from asmith.check.flow.values import (
    BASE,
    ENTRY,
    JUNK,
    KIND,
    LOADED,
    LOCAL,
    MAYBE,
    OFFSET,
    RESULT,
    RETURN_ADDRESS,
    RSP_AT_ENTRY,
    SHIFT,
    STACK,
    STALE,
    TOP,
    UNDEF,
    entry,
)

if TYPE_CHECKING:
    from asmith.check.flow.events import Event
    from asmith.check.flow.owned import Marks

RSP, FLAGS, DF, MMX, UPPER, MXCSR, FCW, VECTORS = 4, 16, 17, 18, 19, 20, 21, 22
FRAME, X87, X87_JUNK, SOME_VECTORS = 24, 25, 26, 27
"""Places in the list of registers after the sixteen general ones: `UPPER` says whether bits 128 and
above are in use, `X87` how many registers of the x87 stack are, or `NOBODY_KNOWS`; `X87_JUNK` that
something undefined is on it. `VECTORS` has the vector registers that hold nothing, `SOME_VECTORS`
those that hold nothing on a path that meets another one at the start of this block.

`FRAME` has a bit for each byte below the return address that some path has stored to, the highest
byte's first; it is -1 once the frame's address is known elsewhere.
"""
NOBODY_KNOWS = 99
DEEPEST = 4096
"""Bytes of a frame of which `FRAME` tells whether they were stored to."""

EIGHT = 8 << SHIFT
SUSPECT = frozenset({STALE, UNDEF, MAYBE, ENTRY, RESULT, OFFSET})
"""Kinds of values that may be undefined, all or in part."""
CALLERS = frozenset({RETURN_ADDRESS, *(entry(n) for n in (3, 5, 12, 13, 14, 15))})
"""What a slot holds that saves it for the caller."""
RED_ZONE = 128 << SHIFT
"""The bytes below rsp that signal handlers leave alone (psABI 3.2.2)."""

FIRST_VECTOR = 32
"""Events number vector registers from here on."""
FEW_PATHS, ALL_PATHS = 1, 2
"""Of what is undefined on some path only: report where it is passed or returned, or anywhere."""
CONTROL = 1 << 62
"""Marks the slot of a control word in the mapping of slots: a name space of its own."""
CONTROL_SIZE = 2 << SHIFT
RETURN_SIZE = 8
"""Bytes of the return address."""
WHOLE = 64
"""Bits of a register."""


class Frame:
    """Slots by address, a mapping that is copied before the first write to it.

    `r` are the registers, `events` what is noted. `unwritten` has the instructions that an earlier
    run has found to read of the frame what no path has stored there. `spilled` has a bit for each
    register that is stored in the frame as it was at the entry, as all are that a variadic function
    may have got. `arguments_end` is the offset from the return address at which the arguments on
    the stack end, if it is known: what lies beyond is the caller's. `controls` are the places of
    saved control words. `settled` are slots in which a call changes nothing if rsp is `settled_at`.
    """

    __slots__ = (
        "arguments_end",
        "controls",
        "events",
        "marks",
        "own",
        "paths",
        "r",
        "settled",
        "settled_at",
        "slots",
        "spilled",
        "unwritten",
    )

    OWNED = 23

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.arguments_end = 0
        self.controls: set[int] = set()
        self.paths = 0
        self.r: list[int] = []
        self.slots: dict[int, int] = {}
        self.settled = self.slots
        self.settled_at = 0
        self.own = False
        self.events: list[Event] = []
        self.spilled = 0
        self.unwritten: frozenset[int] = frozenset()

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
        if self.controls:
            self._lose_controls(key, 8)
        if key & BASE == RSP_AT_ENTRY:
            depth = (RSP_AT_ENTRY - key) >> SHIFT
            if 8 <= depth <= DEEPEST:
                self.r[FRAME] |= 0xFF << (depth - 8)
        kind = value & KIND
        if kind in (STACK, LOCAL):
            self.r[FRAME] = -1
        elif kind == ENTRY:
            self.spilled |= 1 << (value >> 4)
        elif kind == RESULT and self.r[self.OWNED]:
            let_go(self, value)

    def spoil(self, key: int, size: int, at: int, *, defined: bool = True) -> None:
        """Store `size` bytes at a STACK address that are not followed, or are undefined."""
        if key + (size << SHIFT) > RSP_AT_ENTRY and key & BASE == RSP_AT_ENTRY:
            self.events.append(Overwrite(at, key, size, TOP))
        below = self.r[RSP] - key
        if below > RED_ZONE and not below & BASE:
            self.events.append(Below(at, below >> SHIFT))
        self._forget(key, size)
        if self.controls:
            self._lose_controls(key, size)
        depth = (RSP_AT_ENTRY - key) >> SHIFT
        if key & BASE == RSP_AT_ENTRY and size <= depth <= DEEPEST:
            mask = ((1 << size) - 1) << (depth - size)
            self.r[FRAME] = self.r[FRAME] | mask if defined else self.r[FRAME] & ~mask

    def _forget(self, key: int, size: int) -> None:
        slots = self.mine()
        first = key - ((key >> SHIFT & 7) << SHIFT)
        end = key + (size << SHIFT)
        while first < end:
            slots.pop(first, None)
            first += EIGHT

    def _lose_controls(self, key: int, size: int) -> None:
        """Forget the control words that a store overwrites; each has 2 bytes at least."""
        for place in self.controls:
            if key < place + CONTROL_SIZE and place < key + (size << SHIFT):
                self.mine().pop(place ^ CONTROL, None)

    def spread(self) -> None:
        """Store somewhere in the frame: what is no saved register or address is forgotten."""
        self.r[FRAME] = -1
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

    def loaded(self, key: int, size: int, at: int, *, partly: bool = False) -> int:
        """Return what `size` bytes at a STACK address are: a value that is stored there, or so."""
        value = self.slots.get(key)
        if value is not None and size > EIGHT >> SHIFT and value & KIND in JUNK:
            rest = range(key + EIGHT, key + (size << SHIFT), EIGHT)
            if any(map(self._is_set, rest)):
                value = None
        return self.blank(key, size, at, partly=partly) if value is None else value

    def _is_set(self, key: int) -> bool:
        """Tell whether something is in a slot that is not undefined."""
        value = self.slots.get(key)
        depth = (RSP_AT_ENTRY - key) >> SHIFT
        if value is not None or key & BASE != RSP_AT_ENTRY or not 8 <= depth <= DEEPEST:
            return value is None or value & KIND not in JUNK
        return bool(self.r[FRAME] >> depth - 8 & 0xFF)

    def blank(self, key: int, size: int, at: int, *, partly: bool = False) -> int:
        """Return what is loaded from a place in the frame of which no value is known.

        It is undefined if nothing was stored there, `partly` if a byte was not; in hand-written
        code also a number of 8 bytes whose lowest one is missing.
        """
        depth = (RSP_AT_ENTRY - key) >> SHIFT
        if key & BASE != RSP_AT_ENTRY or not size <= depth <= DEEPEST:
            beyond = self.arguments_end and size - depth > self.arguments_end
            return at << 4 | UNDEF if beyond and key & BASE == RSP_AT_ENTRY else LOADED
        every = (1 << size) - 1
        stored = self.r[FRAME] >> (depth - size) & every
        numeric = self.paths and size == 8 and not stored >> 7
        if self.paths and partly and key >> SHIFT & 7 and stored == every:
            after = key - ((key >> SHIFT & 7) << SHIFT) + EIGHT
            if size > 8 - (key >> SHIFT & 7) and self.slots.get(after, 0) in CALLERS:
                stored >>= 1  # what is there is the caller's
        if stored == every or (stored and not partly and not numeric):
            hole = every & ~stored
            low = 8 * (size - hole.bit_length())
            return (
                low << 4 | MAYBE if hole and low and not hole & hole + 1 and size == 8 else LOADED
            )
        self.events.append(Blank(at))
        return at << 4 | UNDEF if at in self.unwritten else LOADED
