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

NOWHERE, ODD = -1, -2
"""Of where a block goes on: there is no block; that needs a closer look."""


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

    A jump through a table may go to each of `tables`; the table has so many `entries`.
    `insn` is the one at `last`, if it is a jump; `leaves` says that it goes into the middle of
    another function. `state`, `events`, `place` and `runs` are for the fixpoint: what holds before
    the block and what was noted in it, its place in the order of runs, how often it was run.
    `jump` and `follow` are the places of the blocks that it goes on in, or `NOWHERE`; `jump` is
    `ODD` if how it ends needs a closer look.
    """

    __slots__ = (
        "end", "entries", "events", "follow", "insn", "jump", "last", "leaves", "next", "ops",
        "place", "runs", "start", "state", "tables", "target",
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
        self.tables: tuple[int, ...] = ()
        self.entries = 0
        self.state: State | None = None
        self.events: list[Event] = []
        self.place = 0
        self.follow = NOWHERE
        self.jump = ODD
        self.runs = 0

    def successors(self) -> tuple[int, ...]:
        """Return the addresses at which control may go on in the function."""
        end = self.end
        if end is End.NEXT or end is End.BRANCH_TAIL:
            return (self.next,)
        if end is End.BRANCH or end is End.JUMP:
            assert self.target is not None
            assert self.target.address is not None
            jump = self.target.address
            return (self.next, jump) if end is End.BRANCH else (jump,)
        return self.tables
