"""What a function owns: results of calls that it must release, and those that it has released.

A set of marks goes along with the registers, as the number of an interned frozenset. `call << 1` is
a result that is owned on some path; `call << 1 | 1` one that is released on every path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.values import KIND, RESULT

if TYPE_CHECKING:
    from asmith.check.flow.frame import Frame
    from asmith.check.flow.machine import Machine

NOTHING = 0
UNCHECKED = 1 << 6
"""In a RESULT value: its call may have failed, and nothing has looked at it yet."""


class Marks:
    """All sets of marks of an object, by number; number 0 is the empty one."""

    def __init__(self) -> None:
        self._sets: list[frozenset[int]] = [frozenset()]
        self._numbers: dict[frozenset[int], int] = {frozenset(): NOTHING}

    def number(self, marks: frozenset[int]) -> int:
        """Return the number of a set."""
        found = self._numbers.get(marks)
        if found is None:
            found = self._numbers[marks] = len(self._sets)
            self._sets.append(marks)
        return found

    def of(self, number: int) -> frozenset[int]:
        """Return the set of a number."""
        return self._sets[number]

    def joined(self, one: int, other: int) -> int:
        """Return what holds after either of two paths: owned on any, released on both."""
        a, b = self._sets[one], self._sets[other]
        owned = {mark for mark in a | b if not mark & 1}
        return self.number(frozenset(owned | {mark for mark in a & b if mark & 1}))


def call_of(value: int) -> int:
    """Return the call that a RESULT value comes from."""
    return value >> 7


def acquire(m: Machine, call: int) -> None:
    """Own the result of a call."""
    marks = m.marks.of(m.r[m.OWNED]) - {call << 1 | 1} | {call << 1}
    m.r[m.OWNED] = m.marks.number(marks)


def borrow(m: Machine, call: int, owner: int) -> None:
    """Note that the result of a call lives as long as another call's result."""
    if owner & KIND == RESULT and call_of(owner) != call:
        m.borrowed[call] = call_of(owner)


def let_go(m: Frame, value: int) -> None:
    """No longer be the one to release a RESULT value: it is stored, returned or null."""
    if m.r[m.OWNED] and value & KIND == RESULT:
        m.r[m.OWNED] = m.marks.number(m.marks.of(m.r[m.OWNED]) - {call_of(value) << 1})


def release(m: Machine, value: int) -> None:
    """Release a RESULT value; of another value nobody knows which one it is, so all are let go."""
    marks = m.marks.of(m.r[m.OWNED])
    if value & KIND == RESULT:
        call = call_of(value)
        marks = marks - {call << 1} | {call << 1 | 1}
    else:
        marks = frozenset(mark for mark in marks if mark & 1)
    m.r[m.OWNED] = m.marks.number(marks)


def checked(m: Machine, value: int) -> None:
    """Note that a result was looked at: wherever it is, it counts as checked from here on."""
    seen = value & ~UNCHECKED
    for n in range(16):
        if m.r[n] == value:
            m.r[n] = seen
    for key in [k for k, v in m.slots.items() if v == value]:
        m.mine()[key] = seen
