"""What vector instructions do, lane by lane."""

from __future__ import annotations

import math
import re
import struct
from typing import TYPE_CHECKING

from asmith.check.trial.processor import MASK, signed
from asmith.check.trial.program import Unable

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.check.trial.processor import Processor
    from asmith.toolchain.decode import Insn

    Act = Callable[[Processor, Insn, int], None]

XMM, WIDEST = 16, 32
"""Bytes of vector registers."""
REGISTERS = 16


def real(value: int, size: int) -> float:
    """Return the number that 4 or 8 bytes stand for."""
    made: float = struct.unpack("<f" if size == 4 else "<d", value.to_bytes(size, "little"))[0]
    return made


def coded(number: float, size: int) -> int:
    """Return the bytes of a number."""
    try:
        data = struct.pack("<f" if size == 4 else "<d", number)
    except OverflowError:
        data = struct.pack("<f", math.copysign(math.inf, number))
    return int.from_bytes(data, "little")


def source(m: Processor, e: Insn, n: int, at: int, size: int) -> int:
    """Return the low `size` bytes of an operand."""
    operand = e.operands[n]
    if operand[0] == "v":
        number: int = operand[1]
        return m.v[number] & MASK[size]
    return m.get(e, n, at, size)


def put(m: Processor, e: Insn, value: int, size: int) -> None:
    """Set the destination register: the bytes above are zeroed by the names with `v`, else kept."""
    number = e.operands[0][1]
    if e.name[0] == "v":
        m.v[number] = value & MASK[size]
    else:
        m.v[number] = m.v[number] & ~MASK[size] | value & MASK[size]


def shape(e: Insn) -> tuple[int, int, int]:
    """Return the width of the destination, and the places of two sources."""
    first = e.operands[0]
    if first[0] != "v" or first[2] > WIDEST or first[1] >= REGISTERS:
        raise Unable
    if e.name[0] == "v" and len(e.operands) >= 3:
        return first[2], 1, 2
    return first[2], 0, 1


def split(value: int, size: int, total: int) -> list[int]:
    """Return the lanes of a number."""
    mask, bits = MASK[size], 8 * size
    return [value >> bits * n & mask for n in range(total // size)]


def joined(lanes: list[int], size: int) -> int:
    """Return the number that lanes make."""
    mask, made = MASK[size], 0
    for lane in reversed(lanes):
        made = made << 8 * size | lane & mask
    return made


# ---- lanes of numbers ----------------------------------------------------------------------------


def clamped(value: int, low: int, high: int) -> int:
    """Return a number, or the bound that it passes."""
    return min(max(value, low), high)


_S = signed
_LANES: dict[str, Callable[[int, int, int], int]] = {
    "padd": lambda a, b, n: a + b,
    "psub": lambda a, b, n: a - b,
    "pmull": lambda a, b, n: a * b,
    "pmulh": lambda a, b, n: _S(a, n) * _S(b, n) >> 8 * n,
    "pmulhu": lambda a, b, n: a * b >> 8 * n,
    "pcmpeq": lambda a, b, n: -(a == b),
    "pcmpgt": lambda a, b, n: -(_S(a, n) > _S(b, n)),
    "pmaxs": lambda a, b, n: a if _S(a, n) > _S(b, n) else b,
    "pmins": lambda a, b, n: a if _S(a, n) < _S(b, n) else b,
    "pmaxu": lambda a, b, n: max(a, b),
    "pminu": lambda a, b, n: min(a, b),
    "pavg": lambda a, b, n: a + b + 1 >> 1,
    "paddus": lambda a, b, n: min(a + b, MASK[n]),
    "psubus": lambda a, b, n: max(a - b, 0),
    "padds": lambda a, b, n: clamped(_S(a, n) + _S(b, n), -1 << 8 * n - 1, MASK[n] >> 1),
    "psubs": lambda a, b, n: clamped(_S(a, n) - _S(b, n), -1 << 8 * n - 1, MASK[n] >> 1),
}
SIZES = {"b": 1, "w": 2, "d": 4, "q": 8}
_NUMBERS = re.compile(
    r"v?(padds|paddus|padd|psubs|psubus|psub|pmull|pmulhu|pmulh|pcmpeq|pcmpgt|pmaxs|pmins|pmaxu|pminu|pavg)([bwdq])$"
)


def _numbers(m: Processor, e: Insn, at: int) -> None:
    found = _NUMBERS.match(e.name)
    assert found is not None
    act, size = _LANES[found[1]], SIZES[found[2]]
    total, one, other = shape(e)
    a, b = source(m, e, one, at, total), source(m, e, other, at, total)
    lanes = zip(split(a, size, total), split(b, size, total), strict=True)
    put(m, e, joined([act(x, y, size) for x, y in lanes], size), total)


def _bits(m: Processor, e: Insn, at: int) -> None:
    total, one, other = shape(e)
    a, b = source(m, e, one, at, total), source(m, e, other, at, total)
    name = e.name.removeprefix("v").removeprefix("p")
    if name.startswith("andn"):
        value = ~a & b
    elif name.startswith("and"):
        value = a & b
    else:
        value = a ^ b if name.startswith("x") else a | b
    put(m, e, value, total)


def _pairs(m: Processor, e: Insn, at: int) -> None:
    """Multiply parts of lanes: pmuludq, pmuldq, pmaddwd, psadbw, pmaddubsw."""
    total, one, other = shape(e)
    a, b = source(m, e, one, at, total), source(m, e, other, at, total)
    name = e.name.removeprefix("v")
    if name in ("pmuludq", "pmuldq"):
        pairs = zip(split(a, 8, total), split(b, 8, total), strict=True)
        if name == "pmuludq":
            made = [(x & MASK[4]) * (y & MASK[4]) for x, y in pairs]
        else:
            made = [signed(x, 4) * signed(y, 4) for x, y in pairs]
        put(m, e, joined(made, 8), total)
    elif name == "pmaddwd":
        pairs = zip(split(a, 2, total), split(b, 2, total), strict=True)
        products = [signed(p, 2) * signed(q, 2) for p, q in pairs]
        sums = [products[n] + products[n + 1] for n in range(0, len(products), 2)]
        put(m, e, joined(sums, 4), total)
    elif name == "psadbw":
        gaps = [abs(p - q) for p, q in zip(split(a, 1, total), split(b, 1, total), strict=True)]
        put(m, e, joined([sum(gaps[n : n + 8]) for n in range(0, total, 8)], 8), total)
    else:
        raise Unable


def _shifted(m: Processor, e: Insn, at: int) -> None:
    name = e.name.removeprefix("v")
    size = SIZES[name[4]]
    total = e.operands[0][2]
    three = len(e.operands) == 3
    a = source(m, e, 1 if three else 0, at, total)
    last = e.operands[-1]
    count = (
        last[1] & 0xFF if last[0] == "i" else source(m, e, len(e.operands) - 1, at, 16) & MASK[8]
    )
    made = []
    for lane in split(a, size, total):
        if name.startswith("psra"):
            made.append(signed(lane, size) >> min(count, 8 * size - 1))
        elif count >= 8 * size:
            made.append(0)
        else:
            made.append(lane << count if name.startswith("psll") else lane >> count)
    put(m, e, joined(made, size), total)


def _each(m: Processor, e: Insn, at: int) -> None:
    """Shift each lane by its own count: vpsllvd and the like."""
    name, total = e.name, e.operands[0][2]
    size = SIZES[name[-1]]
    a, b = source(m, e, 1, at, total), source(m, e, 2, at, total)
    made = []
    for lane, count in zip(split(a, size, total), split(b, size, total), strict=True):
        if "sra" in name:
            made.append(signed(lane, size) >> min(count, 8 * size - 1))
        elif count >= 8 * size:
            made.append(0)
        else:
            made.append(lane << count if "sll" in name else lane >> count)
    put(m, e, joined(made, size), total)


def _bytes(m: Processor, e: Insn, at: int) -> None:
    """Shift whole halves by bytes."""
    total = e.operands[0][2]
    three = len(e.operands) == 3
    a = source(m, e, 1 if three else 0, at, total)
    count = min(e.operands[-1][1] & 0xFF, 16)
    left = "psll" in e.name
    made = [half << 8 * count if left else half >> 8 * count for half in split(a, 16, total)]
    put(m, e, joined(made, 16), total)


def both(names: str, act: Act) -> dict[str, Act]:
    """Return names -> what they do, without and with a `v` before them."""
    return {prefix + name: act for prefix in ("", "v") for name in names.split()}


def _families(letters: str) -> str:
    return " ".join(f"{family}{letter}" for family in _LANES for letter in letters)


LANES: dict[str, Act] = {
    **both(_families("bwdq"), _numbers),
    **both("pand pandn por pxor andps andpd andnps andnpd orps orpd xorps xorpd", _bits),
    **both("pmuludq pmuldq pmaddwd psadbw", _pairs),
    **both("psllw pslld psllq psrlw psrld psrlq psraw psrad", _shifted),
    **both("pslldq psrldq", _bytes),
    **dict.fromkeys(["vpsllvd", "vpsllvq", "vpsrlvd", "vpsrlvq", "vpsravd"], _each),
}
