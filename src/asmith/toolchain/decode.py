"""Machine code described, instruction by instruction: the one door to iced-x86.

Only every fifth to seventh instruction of a program differs in its bytes from all before it, so
each distinct one is described once, as an `Insn`, and found again by its bytes. Whatever depends on
the place (a branch's target, a relocated operand) is kept relative to it.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from asmith.toolchain.insn import Flow, Insn

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

__all__ = ["BASELINE", "FLAGS", "LEVELS", "NAMES", "RBP", "RSP", "Code", "Flow", "Insn"]

RSP, RBP = 4, 5
FLAGS = 16
"""General registers are numbered as the hardware does, 0 (rax) to 15; 16 stands for the flags."""

NAMES = (
    *("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"),
    *(f"r{n}" for n in range(8, 16)),
    "flags",
)


BASELINE = "x86-64"
LEVELS = (BASELINE, "x86-64-v2", "x86-64-v3", "x86-64-v4", "an extension of no level")
"""The micro-architecture levels of the psABI (3.1.1), and what is in none of them."""
_EXTENSIONS = {
    **dict.fromkeys(("CMPXCHG16B", "POPCNT", "SSE3", "SSE4_1", "SSE4_2", "SSSE3"), LEVELS[1]),
    **dict.fromkeys(
        ("AVX", "AVX2", "BMI1", "BMI2", "F16C", "FMA", "LZCNT", "MOVBE", "XSAVE"), LEVELS[2]
    ),
    **dict.fromkeys(("AVX512F", "AVX512BW", "AVX512CD", "AVX512DQ", "AVX512VL"), LEVELS[3]),
}
_OF_BASELINE = frozenset({
    "CMOV", "CPUID", "CX8", "FXSR", "MMX", "MULTIBYTENOP", "PAUSE", "SSE", "SSE2", "TSC", "X64",
    "CLFSH", "SYSCALL", "CET_IBT", "SEP", "FPU", "FPU287", "FPU387", "FCMOV", "RDPMC", "MSR",
    "CLFLUSH", "PREFETCHNTA", "PREFETCHW", "LAHF", "UNKNOWN", "HLE_OR_RTM",
})  # fmt: skip


_FORMAT = 1
"""Of the arguments of the accelerator."""
_WITHOUT = "ASMITH_PURE_PYTHON"
"""Set to 1: Python alone, to compare."""


@cache
def accelerator() -> Any:
    """Return the sweep over known instructions in C, if it was built, and of this source.

    It is a module with `sweep` and `copied`, which is `Insn.copy`.
    """
    if os.environ.get(_WITHOUT):
        return None
    try:
        from asmith.toolchain import _known  # type: ignore[attr-defined]  # where it can be built
    except ImportError:
        return None
    if getattr(_known, "FORMAT", 0) != _FORMAT or not _known.setup(Insn):
        return None
    return _known


class Code:
    """The code of one section, decoded on demand: `at` maps an offset to its instruction.

    `interned` holds the descriptions of a run by their bytes, `forms` some of them by their bytes
    without displacement or distance.
    """

    def __init__(
        self,
        data: bytes,
        interned: MutableMapping[bytes, Insn],
        forms: MutableMapping[bytes, Insn],
        bind: Callable[[Insn], None],
    ) -> None:
        from iced_x86 import Decoder, Instruction

        self.data = data
        self.at: dict[int, Insn] = {}
        self._interned = interned
        self._forms = forms
        self._bind = bind
        self._quick = accelerator()
        self._copied: Callable[[Insn], Insn] = Insn.copy
        if self._quick is not None:
            self._copied = self._quick.copied
        self._decoder = Decoder(64, data)
        self._instruction = Instruction()

    def decode(self, offset: int, stop: int) -> None:
        """Decode from an offset on: to what never continues, to what is known, or to `stop`."""
        at, data, interned = self.at, self.data, self._interned
        decoder, instruction = self._decoder, self._instruction
        decoder.position = offset
        while offset < stop and offset not in at:
            decoder.decode_out(instruction)
            raw = data[offset : offset + instruction.len]
            insn = interned.get(raw)
            if insn is None:
                insn = interned[raw] = self._described(raw)
            at[offset] = insn
            if insn.flow > 3:  # noqa: PLR2004 -- Flow.BRANCH: the last that continues
                return
            offset += len(raw)

    def sweep(self, offset: int, stop: int) -> list[int]:
        """Decode straight on to `stop`; return where direct calls and jumps are."""
        at, data, interned = self.at, self.data, self._interned
        decoder, instruction = self._decoder, self._instruction
        decode, known, quick = decoder.decode_out, interned.get, self._quick
        found: list[int] = []
        decoder.position = offset
        while offset < stop:
            if quick is not None:
                offset = quick.sweep(data, at, interned, self._forms, offset, stop, found)
                if offset >= stop:
                    break
                decoder.position = offset
            insn = at.get(offset)
            if insn is None:
                decode(instruction)
                raw = data[offset : offset + instruction.len]
                insn = known(raw)
                if insn is None:
                    insn = interned[raw] = self._described(raw)
                at[offset] = insn
            else:
                decoder.position = offset + insn.length
            if insn.flow and insn.flow in _DIRECT:
                found.append(offset)
            offset += insn.length
        return found

    def _described(self, raw: bytes) -> Insn:
        """Return what was decoded last: like one that differs in an offset only, or described.

        Most distinct instructions differ from another one only in their displacement, in how far
        they jump, or in an immediate, which is the last operand. Nothing else of an instruction
        depends on these, but what one that is `masked` reads and writes may, on an immediate.
        """
        if self._instruction.is_invalid:
            return self._anew(raw)
        first = raw[0]
        if first in _NEAR or (first == _TWO_BYTES and raw[1] & 0xF0 == _JCC):
            start = 1 if first in _NEAR else 2
            insn = self._forms.get(raw[:start])
            if insn is None:
                insn = self._forms[raw[:start]] = self._anew(raw)
            return insn
        constants = self._decoder.get_constant_offsets(self._instruction)
        size, width = constants.displacement_size, constants.immediate_size
        if not (size or width) or first in _ODD or raw[1] in _PREFIXES:
            return self._anew(raw)
        start = constants.displacement_offset if size else constants.immediate_offset
        form = raw[:start] + raw[start + size + width :]
        like = self._forms.get(form)
        if like is None or (width and (like.masked or not like.operands)):
            insn = self._forms[form] = self._anew(raw)
            return insn
        insn = self._copied(like)
        if size:
            insn.disp = int.from_bytes(raw[start : start + size], "little", signed=True)
        if width:
            value = _signed(self._instruction.immediate(len(like.operands) - 1))
            insn.operands = (*like.operands[:-1], ("i", value))
            self._bind(insn)
        return insn

    def _anew(self, raw: bytes) -> Insn:
        insn = describe(self._instruction, self._decoder, raw)
        self._bind(insn)
        return insn


_NEAR = frozenset((0xE8, 0xE9, 0xEB, *range(0x70, 0x80)))
_TWO_BYTES, _JCC = 0x0F, 0x80
"""First bytes of near calls and jumps: their distance is all that follows (Intel SDM, A.3)."""
_ODD = frozenset(b"\x62\x67\x8f\xc4\xc5")
"""First bytes of instructions whose displacement may be scaled, or may not be signed."""
_DIRECT = frozenset({Flow.CALL, Flow.BRANCH, Flow.JUMP})
_FLOWS = {
    "NEXT": Flow.NEXT,
    "UNCONDITIONAL_BRANCH": Flow.JUMP,
    "INDIRECT_BRANCH": Flow.INDIRECT_JUMP,
    "CONDITIONAL_BRANCH": Flow.BRANCH,
    "RETURN": Flow.RETURN,
    "CALL": Flow.CALL,
    "INDIRECT_CALL": Flow.INDIRECT_CALL,
    "INTERRUPT": Flow.NEXT,
    "XBEGIN_XABORT_XEND": Flow.NEXT,
    "EXCEPTION": Flow.STOP,
}
_PREFIXES = frozenset(b"\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3")
_STOPS = frozenset({"hlt", "int3", "ud2", "ud1", "ud0"})
_PLAIN = frozenset({
    "mov", "lea", "push", "pop", "add", "sub", "cmp", "test", "xor", "and", "or", "call", "jmp",
    "ret", "nop", "endbr64", "leave", "movzx", "movsx", "movsxd", "inc", "dec",
})  # fmt: skip
"""Instructions whose effect follows from their operands alone, if these are general ones."""
_GENERAL = frozenset("rhimb")

_WORD = 4  # bytes of the narrowest field that the linker fills in
_READS = frozenset({1, 2, 5, 6})
_WRITES = frozenset({3, 5})
_MAY_WRITE = frozenset({3, 4, 5, 6})


class _Tables(NamedTuple):
    """iced's numbers as what `describe` looks up: `kinds` by operand kind, the rest by name."""

    registers: dict[int, tuple[Any, ...]]
    others: dict[int, str]
    mnemonics: dict[int, str]
    flows: dict[int, int]
    kinds: str
    sizes: dict[int, int]
    segments: frozenset[int]
    factory: Any


@cache
def _tables() -> _Tables:
    """Return the tables; the import costs 23 ms."""
    import iced_x86 as iced

    registers: dict[int, tuple[Any, ...]] = {}
    info: Any = iced.RegisterInfo
    for number in _numbers(iced.Register).values():
        if number == 0:
            continue
        register = info(number)
        if iced.Register.RAX <= register.full_register <= iced.Register.R15:
            high = iced.Register.AH <= number <= iced.Register.BH
            full = register.full_register - iced.Register.RAX
            registers[number] = ("h", full) if high else ("r", full, register.size)
        elif iced.Register.XMM0 <= number <= iced.Register.ZMM31:
            registers[number] = ("v", register.number, register.size)
    sizes: Any = iced.MemorySizeInfo
    return _Tables(
        registers,
        others={v: k.lower() for k, v in _numbers(iced.Register).items()},
        mnemonics={v: k.lower() for k, v in _numbers(iced.Mnemonic).items()},
        flows={getattr(iced.FlowControl, name): flow for name, flow in _FLOWS.items()},
        kinds="".join(_kind(name) for name in _numbers(iced.OpKind)),
        sizes={n: sizes(n).size for n in _numbers(iced.MemorySize).values()},
        segments=frozenset({iced.Register.FS, iced.Register.GS}),
        factory=iced.InstructionInfoFactory(),
    )


def _numbers(module: Any) -> dict[str, int]:
    """Return name -> number of one of iced's enumerations, by number."""
    return {k: v for k, v in vars(module).items() if isinstance(v, int)}


def _kind(name: str) -> str:
    """Return a letter for a kind of operand: register, memory, branch, string or immediate."""
    if name.startswith("MEMORY_"):
        return "s"
    return "b" if "BRANCH" in name else name[0].lower()


def warm() -> None:
    """Load what the first decoding would have to, for whoever has time before it."""
    _tables()
    _features()


@cache
def _features() -> Any:
    import iced_x86 as iced

    return {v: k for k, v in _numbers(iced.CpuidFeature).items()}


def isa_level(insn: Insn) -> str:
    """Return the lowest level that has all the extensions of an instruction."""
    names = [_features()[number] for number in insn.isa]
    levels = [_EXTENSIONS.get(name, BASELINE if _is_old(name) else LEVELS[-1]) for name in names]
    return max(levels, key=LEVELS.index, default=BASELINE)


def _is_old(name: str) -> bool:
    return name in _OF_BASELINE or name.startswith("INTEL")


def describe(instruction: Any, decoder: Any, raw: bytes) -> Insn:
    """Return the description of one decoded instruction."""
    tables = _tables()
    insn = Insn()
    insn.length = len(raw) or 1
    if instruction.is_invalid:
        return insn
    insn.name = name = tables.mnemonics[instruction.mnemonic]
    insn.flow = tables.flows[instruction.flow_control]
    if name in ("syscall", "sysenter", "int", "int1", "into", "xend", "xabort", "xbegin"):
        insn.flow = Flow.BRANCH if name == "xbegin" else Flow.NEXT
    if name in _STOPS:
        insn.flow = Flow.STOP
    if raw[0] in _PREFIXES:
        insn.locked = instruction.has_lock_prefix
        insn.rep = instruction.has_rep_prefix or instruction.has_repne_prefix
    letters = _operands(insn, instruction, tables)
    if "b" in letters:
        insn.near = decoder.get_constant_offsets(instruction).immediate_size
    elif insn.memory or "i" in letters:
        constants = decoder.get_constant_offsets(instruction)
        if constants.displacement_size >= _WORD:
            insn.disp_at = constants.displacement_offset
        if constants.immediate_size >= _WORD:
            insn.imm_at = constants.immediate_offset
    if name not in _PLAIN or not _GENERAL.issuperset(letters):
        _masks(insn, instruction, tables)
    return insn


def _operands(insn: Insn, instruction: Any, tables: _Tables) -> list[str]:
    """Describe the operands but branch targets; return the letters of all of them."""
    letters, operands = [], []
    for number in range(instruction.op_count):
        letter = tables.kinds[instruction.op_kind(number)]
        operand: tuple[Any, ...] = (letter,)
        if letter == "r":
            register = instruction.op_register(number)
            operand = tables.registers.get(register) or ("x", tables.others[register])
            letter = operand[0]
        elif letter == "m":
            _memory(insn, instruction, tables)
        elif letter == "s":
            insn.memory = True
        elif letter != "b":
            letter = "i"
            operand = ("i", _signed(instruction.immediate(number)))
        letters.append(letter)
        if letter != "b":
            operands.append(operand)
    insn.operands = tuple(operands)
    return letters


def _memory(insn: Insn, instruction: Any, tables: _Tables) -> None:
    """Describe the memory operand."""
    insn.memory = True
    insn.size = tables.sizes[instruction.memory_size]
    insn.segment = instruction.segment_prefix in tables.segments
    displacement = _signed(instruction.memory_displacement)
    if instruction.is_ip_rel_memory_operand:
        insn.base = -2
        insn.disp = _signed(displacement - instruction.next_ip)
        return
    insn.disp = displacement
    base = tables.registers.get(instruction.memory_base)
    index = tables.registers.get(instruction.memory_index)
    insn.base = base[1] if base else -1
    insn.index = index[1] if index and index[0] == "r" else -1
    insn.scale = instruction.memory_index_scale
    if index and index[0] == "v":
        insn.index = -3  # a gather or scatter: every address that the lanes give


def _masks(insn: Insn, instruction: Any, tables: _Tables) -> None:
    """Describe what the instruction reads and writes, from iced's tables."""
    registers, others = tables.registers, tables.others
    info = tables.factory.info(instruction)
    for used in info.used_registers():
        register, access = used.register, used.access
        place = registers.get(register)
        if place is None:
            if others[register].startswith(("mm", "st")):
                insn.mmx = insn.mmx or others[register].startswith("mm")
            continue
        bit = 1 << place[1]
        if place[0] == "v":
            insn.vector = True
            insn.vreads |= bit if access in _READS else 0
            insn.vwrites |= bit if access in _MAY_WRITE else 0
        else:
            insn.reads |= bit if access in _READS else 0
            insn.writes |= bit if access in _MAY_WRITE else 0
    insn.width = insn.operands[0][2] if insn.operands and insn.operands[0][0] == "v" else 0
    insn.stores = any(m.access in _MAY_WRITE for m in info.used_memory())
    insn.reads |= 1 << FLAGS if instruction.rflags_read else 0
    insn.writes |= 1 << FLAGS if instruction.rflags_modified else 0
    insn.privileged = instruction.is_privileged
    if insn.name[0] == "f":
        insn.x87 = -instruction.fpu_stack_increment_info().increment
    insn.isa = tuple(instruction.cpuid_features())
    insn.masked = True


def _signed(value: int) -> int:
    """Return 64 bits as a signed number."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value
