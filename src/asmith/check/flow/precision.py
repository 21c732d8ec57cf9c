"""What precision the numbers in vector registers have, along straight code.

The code is read once in order of addresses; where control cannot come from the instruction before,
nothing is known. Of a float the upper half of the low 64 bits is undefined, as an argument (System
V psABI 3.2.3) and as what an instruction for single precision leaves there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asmith.model.contract import Class, Scalar
from asmith.toolchain.decode import Flow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asmith.check.flow.contracts import Convention
    from asmith.model.contract import CType
    from asmith.toolchain.decode import Insn

SINGLE, DOUBLE = 4, 8
"""Bytes of a float and of a double."""
_MAKES = re.compile(r"v?(?:add|sub|mul|div|sqrt|min|max|round|mov|cvt[a-z]+2)s([sd])$")
_TAKES = re.compile(r"v?(?:(?:add|sub|mul|div|min|max|u?comi)sd|(sqrtsd|cvtt?sd2s[is]))$")
_COPY = re.compile(r"v?mov(?:ap[sd]|dqa)$")
_ENDS = (Flow.JUMP, Flow.INDIRECT_JUMP, Flow.RETURN, Flow.STOP, Flow.INVALID)


def is_real(ctype: CType) -> bool:
    """Tell whether a type is float or double."""
    return isinstance(ctype, Scalar) and ctype.kind is Class.SSE


def precisions(
    code: Mapping[int, Insn], start: int, convention: Convention | None
) -> Iterator[tuple[int, Insn, dict[int, int]]]:
    """Yield each instruction with its address and what is known before it: register -> bytes."""
    held: dict[int, int] = {}
    after = -1
    for at in sorted(code):
        insn = code[at]
        if at != after:
            held = {}
        if at == start and convention is not None:
            held = {
                a.vectors[0]: a.size for a in convention.arguments if a.vectors and is_real(a.type)
            }
        yield at, insn, held
        after = -1 if insn.flow in _ENDS else at + insn.length
        if insn.flow in (Flow.CALL, Flow.INDIRECT_CALL):
            held = {}
        if insn.vwrites:
            held = _written(insn, held)


def _written(insn: Insn, held: dict[int, int]) -> dict[int, int]:
    """Return what is known after an instruction that writes vector registers."""
    kept = {register: size for register, size in held.items() if not insn.vwrites >> register & 1}
    vectors = [o[1] for o in insn.operands if o[0] == "v"]
    makes = _MAKES.match(insn.name)
    if makes is not None and vectors and not ("mov" in insn.name and len(vectors) > 1):
        kept[vectors[0]] = SINGLE if makes[1] == "s" else DOUBLE
    elif _COPY.match(insn.name) and len(vectors) == 2 and vectors[1] in held:
        kept[vectors[0]] = held[vectors[1]]
    return kept


def floats_as_doubles(
    code: Mapping[int, Insn], start: int, convention: Convention | None
) -> Iterator[tuple[int, int]]:
    """Yield (address, register) where an instruction takes a float for a double."""
    for at, insn, held in precisions(code, start, convention):
        takes = _TAKES.match(insn.name) if held else None
        if takes is not None:
            vectors = [o for o in insn.operands if o[0] == "v"]
            last = insn.operands[-1:] if takes[1] else insn.operands[-2:]
            for operand in vectors:
                if operand in last and held.get(operand[1]) == SINGLE:
                    yield at, operand[1]
                    break
