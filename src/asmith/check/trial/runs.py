"""One run of a function, instruction by instruction, and what others can see of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from asmith.check.flow.block import ON_RCX
from asmith.check.trial.acts import act_of
from asmith.check.trial.lanes import coded
from asmith.check.trial.memory import ALL64, STACK, Fault, Memory, junk, mixed, row
from asmith.check.trial.processor import MASK, RDI, Divided, Processor
from asmith.check.trial.program import Unable
from asmith.check.trial.terms import keeps
from asmith.check.trial.x87 import EXTENDED, StackFault, load
from asmith.model.contract import Class, Pointer, Scalar
from asmith.toolchain.decode import RSP, Flow

if TYPE_CHECKING:
    from collections.abc import Container

    from asmith.check.flow.contracts import Argument, Convention
    from asmith.check.trial.program import Program
    from asmith.check.trial.scene import Scene
    from asmith.toolchain.decode import Insn

MAGIC = 0x4FFF_0000_0000
"""The return address of the function that is run."""
SAVED = (3, 5, 12, 13, 14, 15)
CHANGED = tuple(n for n in range(16) if n not in (*SAVED, RSP))
FRAME = 2048
"""Bytes of the stack above the return address."""
COPIES = frozenset({"memset", "memcpy", "memmove"})
LONGEST = 1 << 14
NEAR = 4096
"""Bytes below rsp that a callee may use as its frame."""


class Extent(NamedTuple):
    """The function that is run: from where to where it goes, and where its instructions are.

    If it could not be followed that is None, and `astray` is the jump that nobody could follow.
    """

    start: int
    end: int
    code: Container[int] | None
    astray: int = 0

    def is_stray(self, place: int) -> bool:
        """Tell whether a place is in the function, and nothing that was followed leads there."""
        return self.code is not None and self.start <= place < self.end and place not in self.code


class Run:
    """One run; `log` has what can be seen, in order: (place, what, value).

    `end` is how it ended: "returned", "ends" in a callee, "fault", "division", "trap", "nowhere"
    (control goes where there is no code), "stopped" after so many instructions, "unable".
    """

    def __init__(self, program: Program, scene: Scene, variant: int, extent: Extent) -> None:
        self.program = program
        self.extent = extent
        self.lost = 0  # an indirect jump that went nowhere
        self.scene = scene
        self.variant = variant
        self.log: list[tuple[int, str, object]] = []
        self.memory = Memory(program, variant, scene.page, self.log)
        self.m = Processor(program, self.memory, variant)
        self.end = ""
        self.detail = 0
        self.count = 0  # instructions
        self._calls = 0
        self._start()

    def _start(self) -> None:
        """Put the arguments where the convention says."""
        scene, m = self.scene, self.m
        convention = scene.convention
        self.rsp = rsp = STACK - FRAME - 8 - 16 * (scene.salt % 4)
        m.r[RSP] = rsp
        self.memory.limit = rsp + 8 + FRAME
        if scene.hidden:
            m.r[RDI] = scene.hidden
        for argument in convention.arguments:
            self._pass(argument, scene.values[argument.name])
        self.memory.write(rsp, 8, MAGIC, 0)
        self.memory.entry = rsp
        self.memory.limit = rsp + max(8, convention.stack_end)
        self.memory.overwritten = 0
        self.log.clear()
        self.kept = m.r[:]

    def _pass(self, argument: Argument, value: int) -> None:
        m, size = self.m, argument.size
        if argument.stack is not None:
            place = self.rsp + 8 + argument.stack
            kind = argument.type
            if size < 8 and not isinstance(kind, Scalar):
                self.memory.write(place, size, value, 0)
            elif isinstance(kind, Scalar) and kind.kind == Class.X87:
                self.memory.write(place, EXTENDED, value, 0)
            elif size < 8:
                value |= junk(self.variant, 7) & ~MASK[max(4, size)]
                self.memory.write(place, 8, value & ALL64, 0)
            else:
                for n in range(0, size, 8):
                    part = min(8, size - n)
                    self.memory.write(place + n, part, value >> 8 * n & MASK.get(part, ALL64), 0)
            return
        signed = isinstance(argument.type, Scalar) and argument.type.signed
        for n, register in enumerate(argument.registers):
            word = value >> 64 * n & ALL64
            if size < 4 and signed and word >> 8 * size - 1 & 1:
                word |= MASK[4] & ~MASK[size]
            if size - 8 * n <= 4:
                word |= junk(self.variant, 40 + register) & ~MASK[4]
            m.r[register] = word
        for n, register in enumerate(argument.vectors):
            part = min(16, size - 8 * n) if len(argument.vectors) > 1 else size
            if part not in MASK:
                raise Unable
            m.v[register] = m.v[register] & ~MASK[part] | value >> 64 * n & MASK[part]

    @property
    def place(self) -> int:
        """Return the place where it is."""
        return self.memory.place

    # ---- running --------------------------------------------------------------------------------

    def go(self, place: int, most: int) -> None:
        """Run from a place, at most so many instructions."""
        try:
            self._go(place, most)
        except Fault as fault:
            self.end, self.detail = "fault", fault.address
        except Divided:
            self.end = "division"
        except StackFault:
            self.end = "x87"
        except (Unable, KeyError, OverflowError):
            self.end = "unable"

    def _go(self, place: int, most: int) -> None:
        m, program = self.m, self.program
        known, memory = program.decoded, self.memory
        for self.count in range(most):
            found = known.get(place)
            if found is None:
                found = program.step(place, act_of)
                if found is None:
                    self.end = "nowhere"
                    return
            act, e, after = found
            memory.place = place
            if act is not None:
                act(m, e, place)
                place = after
                continue
            goal = self._flow(e, place, e.flow)
            if goal < 0:
                return
            place = goal
        self.end = "stopped"

    def _flow(self, e: Insn, at: int, flow: int) -> int:
        """Return the place where control goes on, or -1 if the run ends."""
        m = self.m
        after = at + e.length
        if flow == Flow.BRANCH:
            taken = self._taken(e)
            self.log.append((at, "branch", taken))
            if not taken:
                return after
            return self._goal(self.program.symbols.branch(e, at), at)
        if flow == Flow.JUMP:
            return self._goal(self.program.symbols.branch(e, at), at)
        if flow == Flow.CALL:
            target = self.program.symbols.branch(e, at)
            if target.address is not None:
                m.push(self.program.concrete(after), at)
                return target.address
            self._outside(target.name, at, 0)
            return -1 if self.end else after
        if flow == Flow.RETURN:
            return self._return(m.pop(), at, e)
        if flow in (Flow.INDIRECT_CALL, Flow.INDIRECT_JUMP):
            return self._through(e, at, after if flow == Flow.INDIRECT_CALL else 0)
        self.end = "trap"
        return -1

    def _through(self, e: Insn, at: int, after: int) -> int:
        """Follow an indirect call that comes back to `after`, or (0) an indirect jump."""
        m, program = self.m, self.program
        address = m.get(e, 0, at, 8)
        place = program.place(address)
        stray = place is not None and not after and self.extent.is_stray(place)
        if place is not None and not stray:
            self.log.append((at, "jump", place))
            if after:
                m.push(program.concrete(after), at)
            return place
        is_data = stray or at == self.extent.astray or address in self.scene.numbers
        is_data = is_data or self.memory.holds(address) or program.is_half(address)
        if is_data and address not in program.names:
            self.lost = at
            self.end, self.detail = "nowhere", address
            return -1
        self._outside(program.names.get(address, ""), at, address, jumps=not after)
        if self.end:
            return -1
        return after or self._return(m.pop(), at, None)

    def _goal(self, target: object, at: int) -> int:
        """Return the place that a direct jump goes to; one to another object is a tail call."""
        address = target.address  # type: ignore[attr-defined]
        if address is not None:
            return int(address)
        self._outside(target.name, at, 0, jumps=True)  # type: ignore[attr-defined]
        return -1 if self.end else self._return(self.m.pop(), at, None)

    def _taken(self, e: Insn) -> bool:
        m, name = self.m, e.name
        if name not in ON_RCX:
            return m.holds(name[1:])
        if name in ("jrcxz", "jecxz"):
            return not m.r[1] & MASK[8 if name == "jrcxz" else 4]
        m.r[1] = m.r[1] - 1 & ALL64
        return bool(m.r[1]) and (name == "loop" or bool(m.zf) == (name == "loope"))

    def _return(self, address: int, at: int, e: Insn | None) -> int:
        if e is not None and e.operands:
            self.m.r[RSP] += e.operands[0][1]
        if address == MAGIC:
            self.end = "returned"
            self.memory.place = at
            return -1
        place = self.program.place(address)
        if place is None:
            self.end, self.detail = "nowhere", address
            return -1
        return place

    # ---- callees --------------------------------------------------------------------------------

    def _outside(self, name: str, at: int, address: int, *, jumps: bool = False) -> None:
        """Take it that a function of another object is called, or jumped to."""
        m = self.m
        convention = self.program.conventions.get(name)
        self._calls += 1
        below = 8 if jumps else 0
        if m.r[RSP] + below & 15:
            self.log.append((at, "misaligned", m.r[RSP] + below & 15))
            self.end = "misaligned"
            return
        passed: list[int] = []
        if convention is not None:
            passed = [self._passed(a, below) for a in convention.arguments]
        if convention is not None and self._is_below(convention, passed):
            self.end = "below"
            return
        self.log.append((at, "call", (name or address, tuple(passed))))
        if convention is not None and not convention.returns:
            self.end = "ends"
            return
        salt = mixed(self.scene.salt, self._calls, len(self.log))
        if name in COPIES:
            self._copy(name, at)
        elif convention is None:
            self.memory.settle(m.r[RSP], STACK - m.r[RSP], salt)
        else:
            for argument, value in zip(convention.arguments, passed, strict=True):
                kind = argument.type
                if isinstance(kind, Pointer) and not kind.const and self.memory.is_stack(value):
                    self.memory.settle(value, STACK - value, salt)
        self.memory.drop(m.r[RSP])
        general, vectors = row(self.variant, 1 + self._calls % 8)
        for register in CHANGED:
            m.r[register] = general[register]
        m.v = vectors[:]
        m.spoil_flags()
        self._result(name, convention, salt, passed)

    def _is_below(self, convention: Convention, passed: list[int]) -> bool:
        """Tell whether something is passed that lies where the callee's own frame will be."""
        rsp = self.m.r[RSP]
        return any(
            isinstance(argument.type, Pointer) and rsp - NEAR <= value < rsp
            for argument, value in zip(convention.arguments, passed, strict=True)
        )

    def _passed(self, argument: Argument, below: int) -> int:
        m, size = self.m, argument.size
        if argument.stack is not None:
            place = m.r[RSP] + below + argument.stack
            kind = argument.type
            extended = isinstance(kind, Scalar) and kind.kind == Class.X87
            return self.memory.read(place, EXTENDED if extended else size)
        value = 0
        for n, register in enumerate(argument.registers):
            value |= m.r[register] << 64 * n
        for n, register in enumerate(argument.vectors):
            value |= m.v[register] << 64 * n
        if isinstance(argument.type, Scalar) and argument.type.name == "_Bool":
            return value & 0xFF
        return value & (1 << 8 * size) - 1

    def _copy(self, name: str, at: int) -> None:
        r, memory = self.m.r, self.memory
        count = r[2]
        if count > LONGEST:
            raise Unable
        if name == "memset":
            data = bytes([r[6] & 0xFF]) * count
        else:
            data = bytes(memory.read(r[6] + n, 1) for n in range(count))
        for n in range(0, count - count % 8, 8):
            memory.write(r[7] + n & ALL64, 8, int.from_bytes(data[n : n + 8], "little"), at)
        for n in range(count - count % 8, count):
            memory.write(r[7] + n & ALL64, 1, data[n], at)

    def _result(
        self, name: str, convention: Convention | None, salt: int, passed: list[int]
    ) -> None:
        m = self.m
        value = mixed(salt, 8) >> 8
        if convention is None:
            m.r[0], m.r[2] = value, mixed(salt, 9)
            m.v[0] = coded(value % 1000 / 8, 8)
            return
        function = convention.function
        kind = function.result if function is not None else None
        if name in COPIES:
            m.r[0] = passed[0] if passed else 0
            return
        if isinstance(kind, Pointer):
            value = self.scene.later(kind.target, self._calls)
        elif convention.results:
            value = _made_up(convention, salt, tuple(passed))
        for n, register in enumerate(convention.results):
            size = convention.result_size - 8 * n
            word = value & ALL64 if n == 0 else mixed(salt, n)
            if isinstance(kind, Scalar) and kind.name == "_Bool":
                word &= 1
            elif size < 4 and size in MASK:
                word &= MASK[size]
            if size <= 4:
                word = word & MASK[4] | m.r[register] & ~MASK[4]
            m.r[register] = word
        if convention.vector_results:
            size = convention.result_size
            if not isinstance(kind, Scalar) or kind.kind != Class.SSE:
                raise Unable
            real = coded(value % 1000 / 8 - 3, size)
            m.v[0] = m.v[0] & ~MASK[size] | real
        for _ in range(convention.x87_results):
            load(m, value % 1000 / 8 - 3)


def _made_up(convention: Convention, salt: int, passed: tuple[int, ...]) -> int:
    """Return a result that the contract allows: one that says little, or a wild one.

    What lies between may be more than a callee would ever say: how much it has put into a buffer.
    """
    wild = mixed(salt, 8) if convention.result_size > 4 else (1 << 20) + mixed(salt, 8) % (1 << 26)
    choices = (0, 1, wild, -1) if salt & 1 else (wild, 1, 0, -1)
    turn = mixed(salt, 9) % 2
    for value in (*choices[turn:], *choices[:turn]):
        if keeps(convention, value, passed):
            return value
    raise Unable
