"""Words for registers and values, which several rules share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.machine import FIRST_VECTOR
from asmith.check.flow.values import ENTRY, KIND, STALE, UNDEF
from asmith.toolchain.decode import NAMES

if TYPE_CHECKING:
    from asmith.check.followed import Followed

LOW_HALVES = (
    *("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"),
    *(f"r{n}d" for n in range(8, 16)),
)


def register_name(number: int) -> str:
    """Return the name of a register as events number them."""
    if number >= FIRST_VECTOR:
        return f"xmm{number - FIRST_VECTOR}"
    if number < 0:
        return "a value"
    return "the flags" if number >= len(LOW_HALVES) else NAMES[number]


def origin(subject: Followed, value: int) -> str:
    """Return in words why a value is undefined."""
    kind, payload = value & KIND, value >> 4
    if kind == STALE and not payload:
        return "a call since has left it undefined"
    if kind == STALE:
        return f"the call at {subject.place(payload)} left it undefined"
    if kind == ENTRY and payload < len(NAMES):
        return f"what {NAMES[payload]} holds at the entry is the caller's"
    if kind == UNDEF:
        return "it comes from what nothing has set"
    return "nothing set it on a path to here"
