"""What was found out about one function."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from asmith.check.flow.events import Call, Exit
from asmith.check.flow.machine import DF, FLAGS, MMX, NOBODY_KNOWS, RSP, UPPER, X87
from asmith.check.flow.summary import CALLER_SAVED
from asmith.check.flow.values import JUNK, KIND, STACK
from asmith.dataclass import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asmith.check.flow.contracts import Convention
    from asmith.check.flow.events import Event
    from asmith.check.flow.functions import Function
    from asmith.toolchain.decode import Insn

E = TypeVar("E")


@dataclass(slots=True)
class Outcome:
    """What was noted of one function, by sort of event; `reason` says why it was not followed.

    `astray` is the jump that could not be followed then, if it was one.
    `arguments_end` is the offset from the return address at which its stack arguments end, if its
    prototype is known; `address_taken` says that others may call it through a pointer;
    `lowest` is the lowest rsp as a STACK value, if `bounded` says that all of them are known.
    """

    function: Function
    events: dict[type, list[Event]] = field(default_factory=dict)
    reason: str = ""
    astray: int = 0
    counted: bool = True
    arguments_end: int | None = None
    address_taken: bool = False
    convention: Convention | None = None
    lowest: int = 0
    used: int = 0
    followed: int = 0
    vectors_used: int = 0
    code: dict[int, Insn] = field(default_factory=dict)

    @property
    def is_private(self) -> bool:
        """Tell whether only code of this object can call it, which may agree on anything."""
        return not self.function.exported and not self.address_taken

    @property
    def bounded(self) -> bool:
        """Tell whether the distance of rsp from the entry is known at every call."""
        return all(map(counts_from_entry, self.of(Call)))

    def of(self, sort: type[E]) -> Sequence[E]:
        """Return the events of one sort, in order of the blocks that they are in."""
        return cast("Sequence[E]", self.events.get(sort, ()))

    def add(self, events: list[Event]) -> None:
        """Take the events of a block."""
        for event in events:
            self.events.setdefault(type(event), []).append(event)

    def writer(self, register: int) -> int | None:
        """Return the first instruction that changes a register otherwise than by restoring it."""
        for address in sorted(self.code):
            insn = self.code[address]
            if insn.name not in ("pop", "leave", "push", "cmp", "test"):
                first = insn.operands[:1]
                named = bool(first) and first[0][0] in "rh" and first[0][1] == register
                if named or (insn.masked and insn.writes >> register & 1):
                    return address
        return None


def counts_from_entry(call: Call) -> bool:
    """Tell whether the alignment at a call follows from that at the entry."""
    rsp = call.registers[RSP]
    return rsp & KIND == STACK and not rsp >> 9 & 0x7FFFF


def lost_by(outcome: Outcome) -> int:
    """Return the mask of registers that hold nothing at any exit."""
    mask = (1 << FLAGS) - 1
    for leave in outcome.of(Exit):
        if leave.kind == "jump" or not mask:
            return 0
        mask &= sum(1 << n for n in CALLER_SAVED if leave.registers[n] & KIND in JUNK)
    return mask


def x87_after(outcome: Outcome) -> int:
    """Return how many registers of the x87 stack every exit leaves in use."""
    found = {
        event.registers[X87] if event.kind == "ret" else NOBODY_KNOWS for event in outcome.of(Exit)
    }
    return found.pop() if len(found) == 1 else NOBODY_KNOWS


def modes_after(outcome: Outcome, *, empties: bool) -> tuple[int, int, int]:
    """Return DF, MMX and the upper halves after a function, each as it is at any exit.

    If `empties` asks for it, MMX is -1 where the function empties the unit, whatever was in it.
    """
    leaves = [event.registers for event in outcome.of(Exit)]
    direction, mmx, upper = (max((r[n] for r in leaves), default=0) for n in (DF, MMX, UPPER))
    if empties and not mmx and any(insn.name in _EMPTY for insn in outcome.code.values()):
        mmx = -1
    return direction, mmx, upper


_EMPTY = frozenset({"emms", "femms", "fninit", "finit", "frstor", "fxrstor", "xrstor"})
