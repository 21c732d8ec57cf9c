"""What a call does, seen from the caller: by the platform's ABI, or as computed for a function.

System V psABI 3.2.1: rbx, rbp, rsp and r12 to r15 belong to the caller and come back as they were;
every other general register may have changed. A compiler that sees a callee of the same object may
rely on more: it keeps values in caller-saved registers that this callee does not touch.
"""

from __future__ import annotations

from functools import cache
from itertools import compress
from operator import ne
from typing import TYPE_CHECKING, NamedTuple

from asmith.check.flow.events import Call
from asmith.check.flow.machine import (
    DEEPEST,
    DF,
    FLAGS,
    FRAME,
    MMX,
    NOBODY_KNOWS,
    RSP,
    SOME_VECTORS,
    UPPER,
    VECTORS,
    X87,
    X87_JUNK,
)
from asmith.check.flow.values import (
    AT_ENTRY,
    BASE,
    ENTRY,
    KIND,
    LOCAL,
    RESULT,
    RSP_AT_ENTRY,
    SHIFT,
    STACK,
    STALE,
    TOP,
)

if TYPE_CHECKING:
    from asmith.check.flow.machine import Machine
    from asmith.toolchain.insn import Insn

CALLEE_SAVED = (3, 5, 12, 13, 14, 15)
CALLER_SAVED = (0, 1, 2, 6, 7, 8, 9, 10, 11)


class Summary(NamedTuple):
    """What a call changes: `clobbers` lists registers, `results` says which may return values."""

    clobbers: tuple[int, ...] = CALLER_SAVED
    returns: bool = True
    aligned: bool = True  # it needs rsp + 8 to be a multiple of 16 at its entry
    private: bool = False  # any register that it changes may be a result
    vectors: int = 0xFFFFFFFF  # vector registers that it may change
    modes: tuple[int, int, int] = (0, 0, 0)  # DF, MMX (-1: it empties the unit), upper halves
    results: tuple[int, ...] = (0, 2)  # of those that it changes, which hold a result
    narrow: bool = False  # the upper half of its result is undefined
    vector_results: int = 3
    lost: int = 0  # registers that hold nothing after it, whichever way it returns
    vector_reads: int = 0
    follows: int = 0  # of these registers, whose value is an address
    reaches: bool = True  # a private one may store into its caller's frame
    reads: int = 0  # registers whose value at the entry goes into something on every path
    x87: int = NOBODY_KNOWS  # registers of the x87 stack in use after it
    may_fail: bool = False  # its result is to be checked before it is used


@cache
def mask_of(registers: tuple[int, ...]) -> int:
    """Return registers as a mask, a bit for each."""
    return sum(1 << n for n in registers)


PLATFORM = Summary()
_AFTER_PLATFORM = PLATFORM.vectors & ~PLATFORM.vector_results
_BITS = tuple(1 << n for n in range(16))
_BUT_RSP = tuple(n for n in range(16) if n != RSP)
_IN_FRAME = frozenset({STACK, LOCAL})
_KEPT = frozenset({ENTRY, STACK})
NO_RETURN = Summary(returns=False)
SOMEWHERE = Summary(aligned=False, private=True)
"""A place in this object that is not known exactly, with a convention of its own."""


def apply(m: Machine, summary: Summary, at: int) -> None:
    """Change the machine as a call does."""
    r = m.r
    stale = at << 4 | STALE
    if summary is PLATFORM:
        r[:3] = (at << 7 | RESULT, stale, at << 7 | 1 << 5 | RESULT)
        r[6:12] = (stale,) * 6
        r[DF : UPPER + 1] = (0, 0, 0)
        r[FLAGS] = stale
        r[SOME_VECTORS] = r[X87_JUNK] = 0
        r[VECTORS] = _AFTER_PLATFORM
        r[X87] = NOBODY_KNOWS
        _slots(m)
        return
    for register in summary.clobbers:
        r[register] = stale
    if summary.private:
        if summary.reaches:
            r[FRAME] = -1
        for register in summary.clobbers:
            if not summary.lost >> register & 1:
                r[register] = TOP
        r[FLAGS] = TOP
        r[VECTORS] &= ~summary.vectors
    else:
        for part, register in enumerate(summary.results):
            if register in summary.clobbers and not summary.lost >> register & 1:
                unchecked = summary.may_fail and part == 0
                r[register] = at << 7 | unchecked << 6 | part << 5 | summary.narrow << 4 | RESULT
        r[FLAGS] = stale
        r[SOME_VECTORS] &= ~summary.vectors
        r[VECTORS] = (r[VECTORS] | summary.vectors) & ~summary.vector_results
    r[DF] = summary.modes[0]
    if not summary.private or summary.modes[1] < 0:
        r[MMX] = 0
    else:
        r[MMX] = max(r[MMX], summary.modes[1])
    r[UPPER], r[X87] = summary.modes[2], summary.x87
    r[X87_JUNK] = 0
    _slots(m)


def call_outside(m: Machine, e: Insn, at: int) -> None:
    """Run a call of another object's function of which nothing is known, and which returns."""
    look_at_frame(m)
    m.events.append(Call(at, tuple(m.r), m.branches[at], PLATFORM))
    apply(m, PLATFORM, at)


def unwind(m: Machine, at: int, pushed: int) -> None:
    """Change the machine as a call does that throws, with so many bytes of arguments pushed.

    The unwinder restores what callees save, and passes two values (Itanium C++ ABI, Exception
    Handling, 1.6.2). Whether what is owned has been released is not known then.
    """
    look_at_frame(m)
    apply(m, PLATFORM, at)
    r = m.r
    r[0] = r[2] = TOP
    r[VECTORS], r[m.OWNED] = PLATFORM.vectors, 0
    if r[RSP] & KIND == STACK:
        r[RSP] += pushed << SHIFT


def look_at_frame(m: Machine) -> None:
    """Note that a callee of which nothing is known learns where the frame is, if it does."""
    r = m.r
    if r[FRAME] != -1 and not _IN_FRAME.isdisjoint([r[n] & KIND for n in _BUT_RSP]):
        r[FRAME] = -1


def _slots(m: Machine) -> None:
    """Forget what the callee may have stored: all below rsp, and locals whose address it has.

    Saved registers and addresses stay: who overwrites those is found when they are used.
    """
    if not m.slots:
        return
    rsp = m.r[RSP]
    if m.slots is not m.settled or rsp != m.settled_at:
        kept = {}
        for key, value in m.slots.items():
            below = rsp - key
            if below > 0 and not below & BASE:
                kept[key] = STALE
            elif value & KIND in _KEPT or key > 1 << 60:
                kept[key] = value
        if kept != m.slots:
            m.slots = kept
        m.settled, m.settled_at, m.own = m.slots, rsp, False
    depth = (RSP_AT_ENTRY - rsp) >> SHIFT
    if rsp & BASE == RSP_AT_ENTRY and 0 <= depth <= DEEPEST:
        m.r[FRAME] &= (1 << depth) - 1


def clobbered(registers: tuple[int, ...]) -> int:
    """Return the mask of general registers that an exit leaves other than they were."""
    changed = compress(_BITS, map(ne, registers, AT_ENTRY))
    return sum(changed) & ~(1 << RSP)
