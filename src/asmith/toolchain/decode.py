"""Machine code described, instruction by instruction: the one door to iced-x86.

Only every fifth to seventh instruction of a program differs in its bytes from all before it, so
each distinct one is described once, as an `Insn`, and found again by its bytes. Whatever depends on
the place (a branch's target, a relocated operand) is kept relative to it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping

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
    stack of the x87 unit. `rel` counts from the end of the
    instruction. `act`, `a`, `b`, `c`, `changed` and `sources`
    are for the reader: what an analysis does with it.
    """

    __slots__ = (
        "a",
        "act",
        "b",
        "base",
        "c",
        "changed",
        "disp",
        "disp_at",
        "flow",
        "imm_at",
        "index",
        "isa",
        "length",
        "locked",
        "masked",
        "memory",
        "mmx",
        "name",
        "operands",
        "privileged",
        "reads",
        "rel",
        "rep",
        "scale",
        "segment",
        "size",
        "sources",
        "stores",
        "vector",
        "vreads",
        "vwrites",
        "width",
        "writes",
        "x87",
    )  # fmt: skip

    def __init__(self) -> None:
        self.act: Callable[..., None] | None = None
        self.name = ""
        self.length = 1
        self.flow = Flow.INVALID
        self.rel = 0
        self.operands: tuple[tuple[Any, ...], ...] = ()
        self.memory = False
        self.base = self.index = -1
        self.scale = 1
        self.disp = self.disp_at = self.imm_at = self.size = 0
        self.segment = self.locked = self.rep = self.mmx = self.masked = self.privileged = False
        self.stores = False
        self.vector = False
        self.width = 0  # bytes of the widest vector register that is named
        self.reads = self.writes = self.vreads = self.vwrites = self.x87 = 0
        self.isa: tuple[str, ...] = ()
        self.a = self.b = self.c = 0
        self.changed: tuple[int, ...] = ()
        self.sources: tuple[int, ...] = ()


class Code:
    """The code of one section, decoded on demand: `at` maps an offset to its instruction."""

    def __init__(
        self, data: bytes, interned: MutableMapping[bytes, Insn], bind: Callable[[Insn], None]
    ) -> None:
        from iced_x86 import Decoder, Instruction

        self.data = data
        self.at: dict[int, Insn] = {}
        self._interned = interned
        self._bind = bind
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
                insn = describe(instruction, decoder, raw)
                self._bind(insn)
                interned[raw] = insn
            at[offset] = insn
            if insn.flow > 3:  # noqa: PLR2004 -- Flow.BRANCH: the last that continues
                return
            offset += len(raw)

    def sweep(self, offset: int, stop: int) -> list[int]:
        """Decode straight on to `stop`; return where direct calls and jumps are."""
        at, data, interned = self.at, self.data, self._interned
        decoder, instruction = self._decoder, self._instruction
        decoder.position = offset
        found = []
        while offset < stop:
            insn = at.get(offset)
            if insn is None:
                decoder.decode_out(instruction)
                raw = data[offset : offset + instruction.len]
                insn = interned.get(raw)
                if insn is None:
                    insn = describe(instruction, decoder, raw)
                    self._bind(insn)
                    interned[raw] = insn
                at[offset] = insn
                offset += insn.length
            else:
                offset += insn.length
                decoder.position = offset
            if insn.flow in _DIRECT:
                found.append(offset - insn.length)
        return found


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
"""Instructions whose effect follows from their operands alone."""

_WORD = 4  # bytes of the narrowest field that the linker fills in
_READS = frozenset({1, 2, 5, 6})
_WRITES = frozenset({3, 5})
_MAY_WRITE = frozenset({3, 4, 5, 6})


@cache
def _tables() -> Any:
    """Return iced's numbers as the tables that `describe` looks up; the import costs 23 ms."""
    import iced_x86 as iced

    registers: dict[int, tuple[Any, ...]] = {}
    info: Any = iced.RegisterInfo
    for number in vars(iced.Register).values():
        if not isinstance(number, int) or number == 0:
            continue
        register = info(number)
        if iced.Register.RAX <= register.full_register <= iced.Register.R15:
            high = iced.Register.AH <= number <= iced.Register.BH
            full = register.full_register - iced.Register.RAX
            registers[number] = ("h", full) if high else ("r", full, register.size)
        elif iced.Register.XMM0 <= number <= iced.Register.ZMM31:
            registers[number] = ("v", register.number, register.size)
    mnemonics = {v: k.lower() for k, v in vars(iced.Mnemonic).items() if isinstance(v, int)}
    flows = {getattr(iced.FlowControl, name): flow for name, flow in _FLOWS.items()}
    others = {v: k.lower() for k, v in vars(iced.Register).items() if isinstance(v, int)}
    return registers, mnemonics, flows, others, iced, iced.InstructionInfoFactory()


def warm() -> None:
    """Load what the first decoding would have to, for whoever has time before it."""
    _tables()
    _features()


@cache
def _features() -> Any:
    import iced_x86 as iced

    return {v: k for k, v in vars(iced.CpuidFeature).items() if isinstance(v, int)}


def isa_level(insn: Insn) -> str:
    """Return the lowest level that has all the extensions of an instruction."""
    names = [_features()[number] for number in insn.isa]
    levels = [_EXTENSIONS.get(name, BASELINE if _is_old(name) else LEVELS[-1]) for name in names]
    return max(levels, key=LEVELS.index, default=BASELINE)


def _is_old(name: str) -> bool:
    return name in _OF_BASELINE or name.startswith("INTEL")


def describe(instruction: Any, decoder: Any, raw: bytes) -> Insn:
    """Return the description of one decoded instruction."""
    _, mnemonics, flows, _, _, _ = _tables()
    insn = Insn()
    insn.length = len(raw) or 1
    if instruction.is_invalid:
        return insn
    insn.name = name = mnemonics[instruction.mnemonic]
    insn.flow = flows[instruction.flow_control]
    if name in ("syscall", "sysenter", "int", "int1", "into", "xend", "xabort", "xbegin"):
        insn.flow = Flow.BRANCH if name == "xbegin" else Flow.NEXT
    if name in _STOPS:
        insn.flow = Flow.STOP
    if raw[0] in _PREFIXES:
        insn.locked = instruction.has_lock_prefix
        insn.rep = instruction.has_rep_prefix or instruction.has_repne_prefix
    operands = insn.operands = tuple(_operands(insn, instruction))
    if insn.memory or any(o[0] == "i" for o in operands):
        constants = decoder.get_constant_offsets(instruction)
        if constants.has_displacement and constants.displacement_size >= _WORD:
            insn.disp_at = constants.displacement_offset
        if constants.has_immediate and constants.immediate_size >= _WORD:
            insn.imm_at = constants.immediate_offset
    if name not in _PLAIN or any(o[0] in "xvs" for o in operands):
        _masks(insn, instruction)
    return insn


def _operands(insn: Insn, instruction: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the operands but branch targets, and describe the memory operand on the way."""
    registers, _, _, others, iced, _ = _tables()
    for number in range(instruction.op_count):
        kind = instruction.op_kind(number)
        if kind == iced.OpKind.REGISTER:
            register = instruction.op_register(number)
            yield registers.get(register) or ("x", others[register])
        elif kind == iced.OpKind.MEMORY:
            _memory(insn, instruction, registers, iced)
            yield ("m",)
        elif iced.OpKind.NEAR_BRANCH16 <= kind <= iced.OpKind.FAR_BRANCH32:
            insn.rel = _signed(instruction.near_branch64 - instruction.next_ip, 64)
        elif kind in _string_kinds():
            insn.memory = True
            yield ("s",)
        else:
            yield ("i", _signed(instruction.immediate(number), 64))


@cache
def _string_kinds() -> frozenset[int]:
    import iced_x86 as iced

    kind = iced.OpKind
    return frozenset(range(kind.MEMORY_SEG_SI, kind.MEMORY_ESRDI + 1))


def _memory(insn: Insn, instruction: Any, registers: Any, iced: Any) -> None:
    """Describe the memory operand."""
    insn.memory = True
    insn.size = iced.MemorySizeInfo(instruction.memory_size).size
    insn.segment = instruction.segment_prefix in (iced.Register.FS, iced.Register.GS)
    displacement = _signed(instruction.memory_displacement, 64)
    if instruction.is_ip_rel_memory_operand:
        insn.base = -2
        insn.disp = _signed(displacement - instruction.next_ip, 64)
        return
    insn.disp = displacement
    base = registers.get(instruction.memory_base)
    index = registers.get(instruction.memory_index)
    insn.base = base[1] if base else -1
    insn.index = index[1] if index and index[0] == "r" else -1
    insn.scale = instruction.memory_index_scale
    if index and index[0] == "v":
        insn.index = -3  # a gather or scatter: every address that the lanes give


def _masks(insn: Insn, instruction: Any) -> None:
    """Describe what the instruction reads and writes, from iced's tables."""
    registers, _, _, others, _, factory = _tables()
    info = factory.info(instruction)
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
    insn.width = max((o[2] for o in insn.operands if o[0] == "v"), default=0)
    insn.stores = any(m.access in _MAY_WRITE for m in info.used_memory())
    insn.reads |= 1 << FLAGS if instruction.rflags_read else 0
    insn.writes |= 1 << FLAGS if instruction.rflags_modified else 0
    insn.privileged = instruction.is_privileged
    if insn.name[0] == "f":
        insn.x87 = -instruction.fpu_stack_increment_info().increment
    insn.isa = tuple(instruction.cpuid_features())
    insn.masked = True


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value
