"""One block of a function: a run of instructions, and how control leaves it."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.check.flow.events import Event
    from asmith.check.flow.machine import State
    from asmith.check.flow.symbols import Target
    from asmith.toolchain.insn import Insn


ON_RCX = frozenset({"jrcxz", "jecxz", "loop", "loope", "loopne"})
"""Branches whose condition is not in the flags."""


class End(Enum):
    """How a block ends."""

    NEXT = auto()  # in the block behind it
    JUMP = auto()
    BRANCH = auto()
    RETURN = auto()
    TAIL = auto()  # a jump to another function
    BRANCH_TAIL = auto()  # on a condition
    INDIRECT = auto()
    STOP = auto()
    INVALID = auto()  # bytes that are no instruction
    OUT = auto()  # behind the end of the function
    NO_RETURN = auto()  # a call that does not come back


class Block:
    """A run of instructions; `next` is the address behind it, `target` what its jump goes to.

    `goals` are the addresses at which control may go on in the function: first what a branch falls
    through to, or all that a jump through a table may go to; the table has so many `entries`.
    `insn` is the one at `last`, if it is a jump; `leaves` says that it goes into the middle of
    another function. `state`, `events`, `place` and `runs` are for the fixpoint: what holds before
    the block and what was noted in it, its place in the order of runs, how often it was run.
    `places` are those of the goals, or None if how the block ends needs a closer look; it does not
    if it is `plain` and there is a block at each goal.
    """

    __slots__ = (
        "end", "entries", "events", "goals", "insn", "last", "leaves", "next", "ops", "place",
        "places", "plain", "runs", "start", "state", "target",
    )  # fmt: skip

    def __init__(self, start: int) -> None:
        self.start = start
        self.ops: list[tuple[Callable[..., None], Insn, int]] = []
        self.end = End.NEXT
        self.last = start
        self.insn: Insn | None = None
        self.leaves = False
        self.next = start
        self.target: Target | None = None
        self.goals: tuple[int, ...] = ()
        self.entries = 0
        self.state: State | None = None
        self.events: list[Event] = []
        self.place = 0
        self.places: tuple[int | None, ...] | None = None
        self.plain = False
        self.runs = 0
