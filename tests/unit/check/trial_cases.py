"""Instruction forms for the test that holds the interpreter of ABI012 against the processor.

The forms come from the decoder's table of encodings: each one whose name the interpreter knows,
with registers, with memory, and with operands that are the same register.
"""

from __future__ import annotations

import random
import struct
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import iced_x86 as iced
from native_harness import BLOCK, CODE, FX, GENERAL, LONGEST, MEMORY, SIZE, UPPER

from asmith.check.trial import acts
from asmith.check.trial.x87 import Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator

KNOWN = frozenset(acts._VECTORS) | frozenset(acts._OTHERS)
BASE, INDEX = 13, 14
"""General registers that address memory."""
OFFSET = 128
"""Where in the block of memory operands are."""
STACK = 384
DISPLACEMENT = 16
COUNTS = (0, 1, 2, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 128, 255)
"""What counts and selectors are at the limits of widths."""
COUNTED = frozenset({
    "shl", "sal", "shr", "sar", "rol", "ror", "shld", "shrd", "shlx", "shrx", "sarx", "rorx",
    "bzhi", "bt", "bts", "btr", "btc",
})  # fmt: skip
"""Instructions that are tried with each count."""
EDGES = (
    *(0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF),
    *(0x80808080_80808080, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 1 << 32, 0xFFFFFFFF_00000000),
)
_NUMBERS = (
    *(0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.3, -0.3, 3.0, 7.0, 1e10, -1e10, 1e-3),
    *(2.0**31, -(2.0**31), 2.0**31 - 1, 2.0**63, -(2.0**63), 2.0**24 + 2, 100.25, float("inf")),
    *(float("-inf"), 1.17e-38, 3.4e38, -3.4e38, 1e-39, -1e-45),
)
SINGLES = (
    *(int.from_bytes(struct.pack("<f", x), "little") for x in _NUMBERS),
    *(0x7FC00000, 0xFFC00001, 0x7F800001, 0xFFA12345, 0x7F7FFFFF, 0x00000001, 0x807FFFFF),
)
DOUBLES = (
    *(int.from_bytes(struct.pack("<d", x), "little") for x in (*_NUMBERS, 1e308, 5e-324, -3e-310)),
    *(0x7FF8 << 48, 0xFFF8 << 48 | 7, 0x7FF0 << 48 | 1, 0xFFF4_1234_5678_9ABC, (0x7FF << 52) - 1),
)
PLAIN = (
    *(0.0, 1.0, -1.0, 2.0, 0.5, -0.75, 3.0, 12.0, 1024.0, 1e6, -0.0, 2.5, -3.5),
    Unsupported(0x4001 << 64 | 0x4567_89AB_CDEF_0123),
)
"""Numbers on the x87 stack."""


class Form(NamedTuple):
    """One encoding with the sort of its operands; `feature` is what the processor must have."""

    code: int
    label: str
    name: str
    variant: str
    feature: str


_OPERAND_KINDS = {v: k for k, v in vars(iced.OpCodeOperandKind).items() if isinstance(v, int)}
_MNEMONICS = {v: k.lower() for k, v in vars(iced.Mnemonic).items() if isinstance(v, int)}
_FEATURES = {v: k for k, v in vars(iced.CpuidFeature).items() if isinstance(v, int)}
FLAG_OF = {
    "AVX": "avx", "AVX2": "avx2", "BMI1": "bmi1", "BMI2": "bmi2", "FMA": "fma", "LZCNT": "abm",
    "MOVBE": "movbe", "POPCNT": "popcnt", "SSE3": "pni", "SSSE3": "ssse3", "SSE4_1": "sse4_1",
    "SSE4_2": "sse4_2", "PREFETCHW": "3dnowprefetch",
}  # fmt: skip
"""Feature of the decoder -> its word in /proc/cpuinfo."""
ALL = "any processor"
"""The feature of what needs none."""
MNEMONICS = frozenset(_MNEMONICS.values())
_ABSENT = ("MM_REG", "MM_OR_MEM", "MM_RM", "CR_REG", "DR_REG", "SEG_REG", "FS", "GS", "MEM_OFFS")
"""Kinds of operands that the interpreter knows for none of its instructions."""
_SIZED = {
    "AL": "AL", "CL": "CL", "AX": "AX", "EAX": "EAX", "RAX": "RAX", "ST0": "ST0", "DX": "DX",
}  # fmt: skip
_GENERAL = {
    size: [getattr(iced.Register, name) for name in names.split()]
    for size, names in {
        "R8": "DL BL R8L R9L", "R16": "DX BX R8W R9W", "R32": "EDX EBX R8D R9D",
        "R64": "RDX RBX R8 R9",
    }.items()
}  # fmt: skip
_HIGH = [iced.Register.BH, iced.Register.DL, iced.Register.CH, iced.Register.AH]
_AS_BASE = {"R8": "R13L", "R16": "R13W", "R32": "R13D", "R64": "R13"}


@cache
def forms() -> tuple[Form, ...]:
    """Return the forms of all instructions that the interpreter has a name of."""
    found = []
    for label, code in vars(iced.Code).items():
        if not isinstance(code, int) or "KNC" in label:
            continue
        info = iced.OpCodeInfo(code)
        name = _MNEMONICS[info.mnemonic]
        fitting = info.encoding in (iced.EncodingKind.LEGACY, iced.EncodingKind.VEX)
        if name not in KNOWN or not (fitting and info.mode64 and info.is_instruction):
            continue
        kinds = [_OPERAND_KINDS[kind] for kind in info.op_kinds()]
        if any(kind in _ABSENT for kind in kinds):
            continue
        known = [_FEATURES[f] for f in iced.Instruction.create(code).cpuid_features()]
        feature = next((FLAG_OF[f] for f in known if f in FLAG_OF), ALL)
        found += [Form(code, label, name, v, feature) for v in _variants(info, kinds)]
    return tuple(found)


def _variants(info: Any, kinds: list[str]) -> Iterator[str]:
    memory = any(kind == "MEM" or kind.endswith("OR_MEM") for kind in kinds)
    general = any(kind[0] == "R" and kind[1].isdigit() for kind in kinds)
    sets = [kind for kind in kinds if kind.endswith(("REG", "OR_MEM", "VVVV", "RM", "OPCODE"))]
    if "MEM" not in kinds:
        yield "plain"
        if len(sets) > 1:
            yield "same"
        if any(kind.startswith("R8") for kind in kinds):
            yield "high"
    if memory:
        yield "memory"
        yield "indexed"
        if general:
            yield "own base"
        if info.can_use_lock_prefix:
            yield "locked"
    if "ES_RDI" in kinds or "SEG_RSI" in kinds:
        yield "repeated"


def turns(form: Form, most: int) -> int:
    """Return how many cases a form gets."""
    counted = form.name in COUNTED and form.variant in ("plain", "memory")
    return max(most, len(COUNTS)) if counted else most


def encoded(form: Form, dice: random.Random, turn: int) -> bytes | None:
    """Return the bytes of an instruction of a form; None if there is none with these operands."""
    info = iced.OpCodeInfo(form.code)
    made = iced.Instruction.create(form.code)
    for n, number in enumerate(info.op_kinds()):
        _operand(made, n, _OPERAND_KINDS[number], form.variant, dice)
        if _OPERAND_KINDS[number] == "IMM8" and form.name in COUNTED:
            made.set_immediate_i64(n, COUNTS[turn % len(COUNTS)])
    made.has_lock_prefix = form.variant == "locked"
    made.has_rep_prefix = form.variant == "repeated"
    encoder = iced.Encoder(64)
    try:
        encoder.encode(made, 0x1000)
    except ValueError:
        return None
    return bytes(encoder.take_buffer())


def _operand(made: Any, n: int, kind: str, variant: str, dice: random.Random) -> None:
    if kind in ("ES_RDI", "SEG_RSI"):
        made.set_op_kind(
            n, iced.OpKind.MEMORY_ESRDI if kind == "ES_RDI" else iced.OpKind.MEMORY_SEG_RSI
        )
    elif kind.startswith("IMM"):
        made.set_op_kind(n, _IMMEDIATES[kind])
        made.set_immediate_i64(n, _immediate(kind, dice))
    elif kind == "MEM" or (kind.endswith("OR_MEM") and variant not in ("plain", "same", "high")):
        made.set_op_kind(n, iced.OpKind.MEMORY)
        made.memory_base = iced.Register.R13
        made.memory_displacement = DISPLACEMENT
        made.memory_displ_size = 1
        if variant == "indexed":
            made.memory_index = iced.Register.R14
            made.memory_index_scale = dice.choice((1, 2, 4, 8))
    else:
        made.set_op_kind(n, iced.OpKind.REGISTER)
        made.set_op_register(n, _register(n, kind, variant, dice))


_IMMEDIATES = {
    "IMM8": iced.OpKind.IMMEDIATE8, "IMM8_CONST_1": iced.OpKind.IMMEDIATE8,
    "IMM16": iced.OpKind.IMMEDIATE16, "IMM32": iced.OpKind.IMMEDIATE32,
    "IMM64": iced.OpKind.IMMEDIATE64, "IMM32SEX64": iced.OpKind.IMMEDIATE32TO64,
    "IMM8SEX16": iced.OpKind.IMMEDIATE8TO16, "IMM8SEX32": iced.OpKind.IMMEDIATE8TO32,
    "IMM8SEX64": iced.OpKind.IMMEDIATE8TO64,
}  # fmt: skip


def _immediate(kind: str, dice: random.Random) -> int:
    if kind == "IMM8_CONST_1":
        return 1
    if kind == "IMM8":
        return dice.choice((*COUNTS, dice.randrange(256)))
    bits = int(kind.removeprefix("IMM").partition("SEX")[0])
    value = dice.choice((*EDGES, dice.getrandbits(64))) & (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def _register(n: int, kind: str, variant: str, dice: random.Random) -> int:
    if kind in _SIZED:
        return int(getattr(iced.Register, _SIZED[kind]))
    if kind.startswith("STI"):
        return int(iced.Register.ST0) + dice.randrange(3)
    size = kind.partition("_")[0]
    if size in ("XMM", "YMM"):
        number = (2 if variant == "same" else (2, 5, 9, 12)[n]) if dice.randrange(8) else 0
        return int(getattr(iced.Register, f"{size}{number}"))
    if variant == "own base":
        return int(getattr(iced.Register, _AS_BASE[size]))
    if variant == "high" and size == "R8":
        return int(_HIGH[dice.randrange(4)])
    return int(_GENERAL[size][0 if variant in ("same", "high") else n])


# ---- states --------------------------------------------------------------------------------------


class State(NamedTuple):
    """What the registers and the memory hold before an instruction; `st` ends with the top."""

    general: tuple[int, ...]
    vectors: tuple[int, ...]
    flags: int
    st: tuple[float, ...]
    memory: bytes

    def record(self, code: bytes) -> bytes:
        """Return the record of a case."""
        made = bytearray(SIZE)
        depth = len(self.st)
        valid = ((1 << depth) - 1) << (8 - depth)
        struct.pack_into(
            "<HHBxHQQII", made, FX, 0x37F, (8 - depth) % 8 << 11, valid, 0, 0, 0, 0x1F80, 0xFFFF
        )
        for n, number in enumerate(reversed(self.st)):
            made[FX + 32 + 16 * n : FX + 42 + 16 * n] = ten(number)
        for n, value in enumerate(self.vectors):
            made[FX + 160 + 16 * n : FX + 176 + 16 * n] = (value & (1 << 128) - 1).to_bytes(
                16, "little"
            )
            made[UPPER + 16 * n : UPPER + 16 * n + 16] = (value >> 128).to_bytes(16, "little")
        struct.pack_into("<16QQQ", made, GENERAL, *self.general, self.flags, 0)
        made[CODE : CODE + LONGEST] = code.ljust(LONGEST, b"\x90")
        made[MEMORY:] = self.memory
        return bytes(made)


def ten(number: float) -> bytes:
    """Return the ten bytes of a number."""
    if isinstance(number, Unsupported):
        return number.bits.to_bytes(10, "little")
    sign = 0x8000 if struct.pack("<d", number)[7] & 0x80 else 0
    if not number:
        return struct.pack("<QH", 0, sign)
    bits = int.from_bytes(struct.pack("<d", number), "little")
    return struct.pack(
        "<QH", (bits & (1 << 52) - 1 | 1 << 52) << 11, sign | (bits >> 52 & 0x7FF) + 15360
    )


def state(form: Form, dice: random.Random, turn: int) -> State:
    """Return a state that an instruction of a form can be run in."""
    wild = [dice.getrandbits(bits) for bits in (64, 64, 64, 64, 8, 8)]
    general = dice.choices((*EDGES, *wild), k=16)
    if dice.randrange(2):
        general[1] = dice.choice(COUNTS) | dice.getrandbits(56) << 8
        general[9] = dice.choice(COUNTS)
    if form.name in COUNTED:
        count = COUNTS[turn % len(COUNTS)]
        general[1] = count | dice.getrandbits(56) << 8
        general[8] = general[8] & ~0xFF | count
    if form.name in ("div", "idiv") and dice.randrange(3):
        general[2] = dice.choice((0, 0, 1, 2, -1 & (1 << 64) - 1))
    if form.variant == "repeated":
        general[1] = dice.randrange(6)
    general[4] = BLOCK + STACK
    general[5] = BLOCK + STACK + 16 if form.name in ("leave", "enter") else general[5]
    general[6], general[7] = BLOCK + 160, BLOCK + 160 + dice.choice((0, 4, -3, 64))
    general[BASE] = BLOCK + OFFSET - DISPLACEMENT
    general[INDEX] = dice.choice((0, 8 * 4)) if form.variant == "indexed" else general[INDEX]
    if form.name[:2] == "bt" and form.variant in ("memory", "indexed", "locked"):
        for n in (2, 3, 8, 9):
            general[n] = dice.randrange(-900, 900) & (1 << 64) - 1
    flags = 2 | dice.getrandbits(12) & 0x8D5 | dice.randrange(2) << 10
    depth = dice.choice((3, 4, 7, 8)) if form.name[0] == "f" else 0
    st = tuple(dice.choice(PLAIN) for _ in range(depth))
    lanes = dice.choices(_pool(), k=32)
    memory = bytearray(b"".join(value.to_bytes(32, "little") for value in lanes[16:]))
    if form.name[0] == "f" and dice.randrange(2):
        width = dice.choice((4, 8, 10))
        number = dice.choice(PLAIN)
        data = ten(number) if width == 10 else struct.pack("<f" if width == 4 else "<d", number)
        memory[OFFSET : OFFSET + width] = data
    if form.name == "fldcw" and dice.randrange(2):
        memory[OFFSET : OFFSET + 2] = b"\x7f\x03"
    return State(tuple(general), tuple(lanes[:16]), flags, st, bytes(memory))


@cache
def _pool() -> list[int]:
    dice = random.Random(1)  # noqa: S311 -- the same each time, no secret
    return [_lanes(dice) for _ in range(2000)]


def _lanes(dice: random.Random) -> int:
    """Return 32 bytes: numbers of one kind, or anything."""
    kind = dice.randrange(5)
    if kind == 0:
        words = [dice.choice(SINGLES) for _ in range(8)]
    elif kind == 1:
        whole = [dice.choice(DOUBLES) for _ in range(4)]
        words = [w >> 32 * k & 0xFFFFFFFF for w in whole for k in (0, 1)]
    elif kind == 2:
        words = [dice.choice(EDGES) & 0xFFFFFFFF for _ in range(8)]
    elif kind == 3:
        size = dice.choice((1, 2, 4, 8))
        data = b"".join(dice.choice(COUNTS).to_bytes(8, "little")[:size] for _ in range(32 // size))
        return int.from_bytes(data, "little")
    else:
        return dice.getrandbits(256)
    return sum(word << 32 * n for n, word in enumerate(words))
