"""One distinct machine instruction, as values: what `decode` makes and the analysis reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Flow:
    """Where control goes after an instruction. Plain numbers: they are compared by the million."""

    NEXT = 0
    CALL = 1
    INDIRECT_CALL = 2
    BRANCH = 3
    JUMP = 4
    INDIRECT_JUMP = 5
    RETURN = 6
    STOP = 7  # ud2, hlt, int3: nothing after it runs
    INVALID = 8


class Insn:
    """One distinct instruction.

    `operands` are ("r", number, bytes), ("h", number) for ah to bh, ("v", number, bytes) for a
    vector register, ("x", name) for any other, ("i", value) and ("m",). `base`, `index`: general
    registers, or -1; `base` is -2 where the address counts from the instruction's end.
    `disp_at`, `imm_at`: where in the instruction a relocation may stand, 0 for nowhere. `reads` and
    `writes` have a bit for each general register and the flags, `vreads` and `vwrites` one for each
    vector register; the four are known only if `masked`. `x87` is by how much it fills the register
    stack of the x87 unit. The last `near` bytes of a direct call or jump say how far it goes, from
    its end on. `act`, `a`, `b`, `c`, `changed`, `sources` and `vsources`
    are for the reader: what an analysis does with it.
    """

    __slots__ = (
        "a", "act", "b", "base", "c", "changed", "disp", "disp_at", "flow", "imm_at", "index",
        "isa", "length", "locked", "masked", "memory", "mmx", "name", "near", "operands",
        "privileged", "reads", "rep", "scale", "segment", "size", "sources", "stores", "vector",
        "vreads", "vsources", "vwrites", "width", "writes", "x87",
    )  # fmt: skip

    def __init__(self) -> None:
        self.act: Callable[..., None] = _unbound
        self.name = ""
        self.length = 1
        self.flow = Flow.INVALID
        self.near = 0
        self.operands: tuple[tuple[Any, ...], ...] = ()
        self.memory = False
        self.base = self.index = -1
        self.scale = 1
        self.disp = self.disp_at = self.imm_at = self.size = 0
        self.segment = self.locked = self.rep = self.mmx = self.masked = self.privileged = False
        self.stores = False
        self.vector = False
        self.width = 0  # bytes of the vector register that is written
        self.reads = self.writes = self.vreads = self.vwrites = self.x87 = 0
        self.vsources = 0
        self.isa: tuple[str, ...] = ()
        self.a = self.b = self.c = 0
        self.changed: tuple[int, ...] = ()
        self.sources: tuple[int, ...] = ()

    def distance(self, data: bytes, end: int) -> int:
        """Return how far a direct call or jump goes that ends at an offset of some code."""
        return int.from_bytes(data[end - self.near : end], "little", signed=True)

    def copy(self) -> Insn:
        """Return a description that is the same so far. Written out, it takes a third of a loop."""
        made = Insn.__new__(Insn)
        made.a = self.a
        made.act = self.act
        made.b = self.b
        made.base = self.base
        made.c = self.c
        made.changed = self.changed
        made.disp = self.disp
        made.disp_at = self.disp_at
        made.flow = self.flow
        made.imm_at = self.imm_at
        made.index = self.index
        made.isa = self.isa
        made.length = self.length
        made.locked = self.locked
        made.masked = self.masked
        made.memory = self.memory
        made.mmx = self.mmx
        made.name = self.name
        made.operands = self.operands
        made.privileged = self.privileged
        made.reads = self.reads
        made.near = self.near
        made.rep = self.rep
        made.scale = self.scale
        made.segment = self.segment
        made.size = self.size
        made.sources = self.sources
        made.stores = self.stores
        made.vector = self.vector
        made.vreads = self.vreads
        made.vwrites = self.vwrites
        made.width = self.width
        made.writes = self.writes
        made.x87 = self.x87
        made.vsources = self.vsources
        return made


def _unbound(*_: object) -> None:
    """Do nothing: what runs an instruction that nobody has bound yet."""
