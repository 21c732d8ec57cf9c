"""What each distinct instruction does: binds a description to one of the functions that run it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asmith.check.flow import arithmetic, modes, moves, outline
from asmith.check.flow.machine import RSP
from asmith.check.flow.values import constant

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.toolchain.decode import Insn

_R, _M, _I = "r", "m", "i"
_MODES = {
    "std": modes.std, "cld": modes.cld, "emms": modes.emms, "femms": modes.emms,
    "popf": modes.popf, "popfq": modes.popf, "pushf": modes.pushf, "pushfq": modes.pushf,
    "vzeroupper": modes.vzeroupper, "vzeroall": modes.vzeroupper,
    "stmxcsr": modes.save_control, "vstmxcsr": modes.save_control, "fnstcw": modes.save_control,
    "fstcw": modes.save_control, "ldmxcsr": modes.load_control, "vldmxcsr": modes.load_control,
    "fldcw": modes.load_control, "fninit": modes.initialise, "finit": modes.initialise,
    **dict.fromkeys(("fnstenv", "fstenv", "fnsave", "fsave", "fxsave", "fxsave64", "xsave",
                     "xsave64", "xsavec", "xsavec64", "xsaveopt", "xsaveopt64"), modes.save_all),
    **dict.fromkeys(("fldenv", "frstor", "fxrstor", "fxrstor64", "xrstor", "xrstor64"),
                    modes.load_all),
    "leave": moves.leave,
}  # fmt: skip
_STRINGS = ("movs", "stos", "lods", "scas", "cmps")
_ALU = frozenset({
    "add", "sub", "and", "or", "xor", "adc", "sbb", "inc", "dec", "neg", "not", "shl", "shr", "sar",
    "sal", "rol", "ror", "rcl", "rcr", "imul", "bts", "btr", "btc", "shld", "shrd",
})  # fmt: skip
_NOTHING = frozenset({
    "nop", "endbr64", "endbr32", "pause", "lfence", "mfence", "sfence", "prefetcht0", "prefetcht1",
    "prefetcht2", "prefetchnta", "prefetchw", "fnop", "wait", "cldemote", "prefetchwt1", "call",
    "jmp",
})  # fmt: skip


def bind(e: Insn) -> None:
    """Set what runs an instruction."""
    e.act = _chosen(e)
    narrow = e.operands and e.operands[0][:2] == (_R, RSP) and e.operands[0][2] < 8
    if narrow and e.name not in ("cmp", "test", "push", "call", "jmp"):
        e.act = moves.cut_rsp


def _chosen(e: Insn) -> Callable[..., None]:
    name = e.name
    if name in _NOTHING or not name:
        return moves.nothing
    if name in _MODES:
        return _MODES[name]
    shapes = tuple([o[0] for o in e.operands])
    chosen = None
    if name == "mov":
        chosen = _mov(e, shapes)
    elif name in ("push", "pop"):
        chosen = _stack(e, shapes)
    elif name == "lea":
        e.a = e.operands[0][1]
        return moves.lea if e.operands[0][2] == 8 else moves.lea32
    elif name in ("cmp", "test"):
        chosen = _compare(e, shapes)
    elif name in _ALU:
        chosen = _alu(e, shapes)
    elif name in ("movzx", "movsx", "movsxd"):
        chosen = _extend(e, shapes)
    elif name in ("cdqe", "cwde", "cbw"):
        e.a = e.b = 0
        e.c = {"cdqe": 32, "cwde": 16, "cbw": 8}[name]
        return moves.extend
    elif name.startswith("cmov"):
        chosen = _cmov(e, shapes)
    elif name.startswith("set") and len(shapes) == 1 and name != "setssbsy":
        e.a = e.operands[0][1] if shapes[0] != _M else -1
        e.c = _width(e)
        return arithmetic.setcc
    elif name == "xchg" and shapes == (_R, _R) and e.operands[0][2] >= 4:
        e.a, e.b = e.operands[0][1], e.operands[1][1]
        return moves.xchg_rr if e.operands[0][2] == 8 else moves.xchg_rr32
    if chosen is not None:
        return chosen
    return _outline(e)


def _outline(e: Insn) -> Callable[..., None]:
    """Bind what is followed in outline only: by what it writes."""
    if not e.masked:
        e.changed = tuple(o[1] for o in e.operands if o[0] in "rh")[:1]
        e.stores = bool(e.operands) and e.operands[0][0] == _M
        e.writes = sum(1 << n for n in e.changed)
    else:
        e.changed = tuple(n for n in range(17) if e.writes >> n & 1)
    if e.memory and e.name.startswith(_STRINGS) and any(o[0] == "s" for o in e.operands):
        e.size = {"b": 1, "w": 2, "d": 4, "q": 8}.get(e.name[-1], 8)
        return outline.string
    flows = _vector_sources(e)
    e.a, e.vsources = int(flows is not None), flows or 0
    e.sources = _sources(e)
    e.b = _alignment(e)
    e.c = _needed(e)
    if e.name == "syscall":
        return modes.system_call
    if e.mmx:
        return modes.mmx
    if e.name[0] == "f":
        e.b, e.c = 0, _x87_needed(e)
        return modes.x87
    return outline.generic


def _x87_needed(e: Insn) -> int:
    """Return how many registers must be on the x87 stack before an instruction."""
    if e.name in _X87_FREE or (e.x87 > 0 and not any(o[0] == "x" for o in e.operands)):
        return 0
    places = [int(o[1][2:] or 0) for o in e.operands if o[0] == "x" and o[1].startswith("st")]
    return 1 + max(places, default=0)


_X87_FREE = frozenset({
    "ffree", "ffreep", "fincstp", "fdecstp", "fnclex", "fclex", "fnstsw", "fstsw", "fxam",
    "fxtract", "fnsetpm", "fndisi", "fneni", "femms",
})  # fmt: skip


def _alignment(e: Insn) -> int:
    """Return what the memory operand must be a multiple of, lest the instruction faults, or 0.

    Moves that say so need all of it; of the others those without a VEX prefix, on 16 bytes (Intel
    SDM volume 1, 4.1.1 and 14.9).
    """
    if not e.memory or not e.vector or not any(o[0] == "v" for o in e.operands):
        return 0
    if _ALIGNED.match(e.name):
        return e.size
    legacy = e.size == 16 and e.name[0] not in "vx" and not _UNALIGNED.match(e.name)
    return 16 if legacy else 0


_ALIGNED = re.compile(r"v?mov(?:ap[sd]|dqa(?:32|64)?|nt(?:p[sd]|dqa?))$")
_UNALIGNED = re.compile(r"movup[sd]$|movdqu$|lddqu$|pcmp[ei]str[im]$|aes|sha|fx")


def _needed(e: Insn) -> int:
    """Return how many bits of each source count."""
    sizes = [o[2] for o in e.operands if o[0] == "r"]
    if e.name in ("shlx", "shrx", "sarx"):
        return 8  # of the count
    return {"cwd": 16, "cdq": 32}.get(e.name, 8 * min(sizes, default=e.size or 8))


def _sources(e: Insn) -> tuple[int, ...]:
    """Return the general registers that all results come from, where that is known."""
    registers = [o[1] for o in e.operands if o[0] == "r"]
    if e.name in ("mul", "imul", "cdq", "cqo", "cwd") and len(e.operands) < 2:
        return (0, *registers)
    if e.name in ("div", "idiv"):
        narrow = e.size == 1 or ("r", 1) in [(o[0], o[-1]) for o in e.operands]
        return (0, *registers) if narrow else (0, 2, *registers)
    if e.name == "mulx":
        return (2, *registers[2:])
    if e.name in _FROM_OTHERS:
        return tuple(registers[1:])
    if e.name in _FROM_ONE:
        return tuple(registers)
    if e.name in _TO_VECTOR and e.operands[0][0] == "v":
        return tuple(registers)
    return ()


_FROM_ONE = frozenset({"bswap"})
_FROM_OTHERS = frozenset({
    "bsf", "bsr", "popcnt", "lzcnt", "tzcnt", "rorx", "sarx", "shlx", "shrx", "andn", "blsr",
    "blsi", "blsmsk", "bextr", "bzhi", "pdep", "pext",
})  # fmt: skip
_TO_VECTOR = frozenset({
    "movd", "movq", "vmovd", "vmovq", "cvtsi2sd", "cvtsi2ss", "vcvtsi2sd", "vcvtsi2ss",
})  # fmt: skip


def _vector_sources(e: Insn) -> int | None:
    """Return the vector registers of which each makes the result undefined; None if it is not so.

    An instruction that writes a part of a register and keeps the rest depends on the rest for
    nothing but that; `x - x` and the like depend on nothing.
    """
    vectors = [o for o in e.operands if o[0] == "v"]
    if _SUM.match(e.name):
        sources = vectors[-2:]
        same = len(sources) > 1 and sources[0] == sources[1]
        return None if same and not e.name.endswith(("d", "s", "sd")) else e.vreads
    if _BITS.match(e.name):
        return None if len(vectors) > 1 and vectors[-1] == vectors[-2] else e.vreads
    if _MOVE.match(e.name):
        return None if _SCALAR.match(e.name) and len(vectors) > 1 else e.vreads
    if _UNARY.match(e.name) and vectors:
        given = [o for o in e.operands if o[0] != "i"][-1]
        return 1 << given[1] if given[0] == "v" else 0 if given[0] == _M else None
    return e.vreads if _TO_INTEGER.match(e.name) else None


_UNARY = re.compile(
    r"v?(?:cvt(?!si2|usi2)|pshuf(?:d|[lh]w)$|movs?[dhl]dup$|broadcast|pmov[sz]x|pabs|r?sqrt|rcp|round"
    r"|extract|pextr|movmskp|pmovmskb)|vperm(?:q|pd)$|vpermil|vpbroadcast"
)
_BITS = re.compile(r"v?p?(?:and|or|cmp(?:eq|gt))(?:n?p[sd]|n?[dq]?|[bwdq])$|v?cmps?[a-z]*[ps][sd]$")
_SUM = re.compile(
    r"v?(?:add|sub|mul|div|min|max|fn?m(?:add|sub)(?:132|213|231))[sp][sd]$|v?p(?:add|sub|mul)[a-z]+$"
    r"|v?p?xor(?:p[sd]|[dq])?$"
)
_MOVE = re.compile(r"v?mov(?:[au]p[sd]|dq[au](?:8|16|32|64)?|[qd]|s[sd])$")
_SCALAR = re.compile(r"v?movs[sd]$")
_TO_INTEGER = re.compile(r"v?cvtt?s[sd]2si$|v?u?comis[sd]$")


def _registers(e: Insn) -> None:
    """Set `a` and `b` to the first two registers, or -1."""
    places = [o[1] if o[0] in "rh" else -1 for o in e.operands]
    e.a = places[0] if places else -1
    e.b = places[1] if len(places) > 1 else -1


def _width(e: Insn) -> int:
    """Return how many low bits of a register an instruction for narrow ones writes."""
    return 8 * int(e.operands[0][2]) if e.operands[0][0] == _R else moves.HIGH


def _mov(e: Insn, shapes: tuple[str, ...]) -> Callable[..., None] | None:
    _registers(e)
    e.c = _width(e)
    if shapes == (_R, _R):
        if e.a == 4 and e.operands[0][2] == 8:
            return moves.mov_rsp
        return {8: moves.mov_rr, 4: moves.mov_rr32}.get(e.operands[0][2], moves.mov_part)
    if shapes == (_R, _I):
        size, value = e.operands[0][2], e.operands[1][1]
        e.c = constant(value if size == 8 else value & 0xFFFFFFFF)
        return moves.mov_ri if size >= 4 else moves.mov_part_i
    if shapes == (_R, _M):
        size = e.operands[0][2]
        if size == 8:
            plain = e.base >= 0 and e.index == -1 and not e.segment
            return moves.load64_frame if plain else moves.load64
        e.c = 0 if size == 4 else e.c
        return moves.load32 if size == 4 else moves.load_part
    if shapes == (_M, _R):
        return moves.store64 if e.operands[1][2] == 8 else moves.store_narrow
    if shapes == (_M, _I):
        e.c = constant(e.operands[1][1])
        e.b = -1
        return moves.store64_i if e.size == 8 else moves.store_narrow
    if shapes[:1] == (_M,):
        e.b = -1
        return moves.store_narrow
    if shapes[:1] == ("h",) or shapes == (_R, "h"):
        return moves.mov_part_i
    return None


def _stack(e: Insn, shapes: tuple[str, ...]) -> Callable[..., None] | None:
    _registers(e)
    push = e.name == "push"
    if shapes == (_R,) and e.operands[0][2] == 8:
        return moves.push_r if push else moves.pop_r
    if shapes == (_I,):
        e.c = constant(e.operands[0][1])
        return moves.push_i
    if shapes == (_M,) and e.size == 8:
        return moves.push_m if push else moves.pop_m
    return None


def _compare(e: Insn, shapes: tuple[str, ...]) -> Callable[..., None] | None:
    _registers(e)
    if shapes in ((_R, _R), ("h", _R), (_R, "h"), ("h", "h")):
        e.size = e.operands[0][2] if e.operands[0][0] == _R else 1
        return arithmetic.cmp_rr
    if shapes in ((_R, _I), ("h", _I)):
        e.size = e.operands[0][2] if e.operands[0][0] == _R else 1
        e.c = e.operands[1][1]
        return arithmetic.cmp_ri
    if _M in shapes:
        e.a = max(e.a, e.b)
        return arithmetic.cmp_m
    return None


def _extend(e: Insn, shapes: tuple[str, ...]) -> Callable[..., None] | None:
    _registers(e)
    if e.operands[0][2] < 4:
        e.c = _width(e)
        return moves.load_part if shapes == (_R, _M) else moves.mov_part_i
    if shapes == (_R, _M):
        e.c = e.operands[0][2] == 8
        return moves.load32 if e.size == 4 else moves.load_narrow
    e.c = 8 * int(e.operands[1][2]) if shapes[1] == _R else 16
    return moves.extend


def _cmov(e: Insn, shapes: tuple[str, ...]) -> Callable[..., None] | None:
    _registers(e)
    size = e.operands[0][2]
    e.c = size == 8
    if size < 4:
        e.c = _width(e)
        return moves.load_part if shapes[1] == _M else moves.mov_part
    return arithmetic.cmov if shapes == (_R, _R) else arithmetic.cmov_m


def _alu(e: Insn, shapes: tuple[str, ...]) -> Callable[..., None] | None:
    _registers(e)
    name = e.name
    if shapes and shapes[0] == _M:
        last = e.operands[-1]
        e.c = last[1] if last[0] == _I else 1
        return arithmetic.alu_store
    if not shapes or shapes[0] not in "rh":
        return None
    if name == "imul" and len(shapes) == 1:
        return None  # rdx:rax
    size = e.operands[0][2] if shapes[0] == _R else 1
    e.size = e.size if _M in shapes else size
    if size < 4:
        e.c = _width(e)
        if (name in ("xor", "sub") and e.a == e.b) or shapes[1:2] == ("h",):
            e.b = -1
            return arithmetic.zero_part
        return arithmetic.alu_load if _M in shapes else arithmetic.alu_part
    if shapes == (_R, _R):
        return _alu_registers(e, size)
    if _M in shapes:
        if size == 8 and name in ("add", "sub"):
            return arithmetic.add_rm
        e.c = 8 * size
        return arithmetic.imul_m if len(shapes) > 2 else arithmetic.alu_load
    return _alu_constant(e, shapes, size)


def _alu_registers(e: Insn, size: int) -> Callable[..., None]:
    if e.name in ("xor", "sub") and e.a == e.b:
        return arithmetic.zero
    if e.name == "sbb" and e.a == e.b:
        return arithmetic.spread_carry
    if size == 8 and e.name in ("add", "sub"):
        return arithmetic.add_rr if e.name == "add" else arithmetic.sub_rr
    e.size = size
    return arithmetic.alu


def _alu_constant(e: Insn, shapes: tuple[str, ...], size: int) -> Callable[..., None] | None:
    name = e.name
    e.c = e.operands[-1][1] if shapes[-1] == _I else 1
    if name in ("shld", "shrd"):
        e.c = 1
    if len(shapes) == 3 and name == "imul":
        return arithmetic.imul3
    if name == "or" and e.c == -1:
        e.c = constant(-1 if size == 8 else 0xFFFFFFFF)
        return arithmetic.minus_one
    if name in ("inc", "dec"):
        e.c = 1 if name == "inc" else -1
    if size == 8:
        if name in ("add", "inc", "dec", "sub"):
            if name == "sub":
                e.c = -e.c
            return arithmetic.add_rspi if e.a == 4 and not e.imm_at else arithmetic.add_ri
        if name == "and":
            return arithmetic.and_ri
    return arithmetic.alu
