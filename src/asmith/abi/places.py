"""Where arguments and results are (System V psABI 3.2.3).

Passing, from left to right:

- INTEGER takes the next of rdi, rsi, rdx, rcx, r8, r9; SSE the next of xmm0 to xmm7, and SSEUP the
  next part of the same register.
- X87, X87UP and MEMORY go to the stack. So does an argument for which not enough registers are
  left, as a whole; registers that it leaves stay free for later arguments.
- Arguments on the stack lie in order, each at a multiple of 8 bytes, or of its own alignment where
  that is larger. At the function's entry the first one is at rsp + 8.
- A result of class MEMORY is written where rdi points, before all other arguments, and rdi comes
  back in rax. Otherwise INTEGER is returned in rax, then rdx; SSE in xmm0, then xmm1; X87 in st0.
- A call of a function without all its types in the prototype tells in al how many vector registers
  it uses at most; __m256 and __m512 among the unnamed arguments go to the stack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.abi.classes import EIGHTBYTE, Part, classify
from asmith.contract.layout import align_of, size_of
from asmith.dataclass import dataclass, replace
from asmith.model.contract import Class, Scalar, Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asmith.model.contract import Aggregate, CType, Function

INTEGER_REGISTERS = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")
VECTOR_REGISTERS = tuple(f"xmm{n}" for n in range(8))
INTEGER_RESULTS = ("rax", "rdx")
VECTOR_RESULTS = ("xmm0", "xmm1")
FIRST_ON_STACK = 8
"""Offset from rsp of the first argument on the stack, at the function's entry."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a value in a register: bytes `[offset..offset+size)` of the value.

    Registers are named in full: rdi for an int too; ymm and zmm for wide vectors.
    """

    register: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Location:
    """Where one value of `size` bytes is: in registers, or from `rsp + stack` at the entry.

    A result in memory has neither: `Places.hidden` tells.
    """

    name: str  # the parameter's; empty for a result
    size: int
    pieces: tuple[Piece, ...] = ()
    stack: int | None = None

    @property
    def registers(self) -> tuple[str, ...]:
        """Return the registers that hold the value, lowest bytes first."""
        return tuple(piece.register for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything of one call is.

    `hidden` says that rdi holds the address of the result, which is returned in rax. `vectors` is
    what al must be at least, for a variadic function; None for others. `stack_bytes` is the
    extent of the arguments on the stack, `stack_align` what their start must be aligned to.
    """

    arguments: tuple[Location, ...]
    result: Location | None
    hidden: bool = False
    vectors: int | None = None
    stack_bytes: int = 0
    stack_align: int = 16


def places(
    function: Function, types: Mapping[str, Aggregate], extra: Sequence[CType] = ()
) -> Places:
    """Return where arguments and result of a call are.

    `types` are those of the interface. `extra` are the types of the arguments of a variadic call
    beyond the named ones, after the default promotions (C17 6.5.2.2). `in` and `out` clauses move
    single values; the others stay where the ABI puts them. Raises IncompleteError for a value
    whose type has no size.
    """
    result, hidden = _result(function.result, types)
    passing = _Passing(types)
    if hidden:
        passing.integers += 1
    named = [passing.take(p.name, p.type) for p in function.parameters]
    unnamed = [passing.take("...", t, named=False) for t in extra]
    whole = Places(
        (*named, *unnamed),
        result,
        hidden,
        passing.vectors if function.variadic else None,
        passing.stack,
        passing.align,
    )
    return _private(whole, function)


class _Passing:
    """The state of passing: registers used so far, and the bytes on the stack."""

    def __init__(self, types: Mapping[str, Aggregate]) -> None:
        self.types = types
        self.integers = 0
        self.vectors = 0
        self.stack = 0
        self.align = 16

    def take(self, name: str, ctype: CType, *, named: bool = True) -> Location:
        """Return the place of the next argument."""
        size = size_of(ctype, self.types)
        parts = classify(ctype, self.types)
        integers, vectors = parts.count(Part.INTEGER), parts.count(Part.SSE)
        in_memory = parts[0] in (Part.MEMORY, Part.X87) or (not named and _is_wide(parts))
        room = self.integers + integers <= len(INTEGER_REGISTERS) and self.vectors + vectors <= len(
            VECTOR_REGISTERS
        )
        if in_memory or not room:
            return Location(name, size, stack=self.push(size, align_of(ctype, self.types)))
        free = INTEGER_REGISTERS[self.integers :], VECTOR_REGISTERS[self.vectors :]
        self.integers += integers
        self.vectors += vectors
        return Location(name, size, _pieces(parts, size, *free))

    def push(self, size: int, align: int) -> int:
        """Return the offset from rsp at the entry of the next argument on the stack."""
        step = max(EIGHTBYTE, align)
        at = -(-self.stack // step) * step
        self.stack = at + -(-size // EIGHTBYTE) * EIGHTBYTE
        self.align = max(self.align, step)
        return at + FIRST_ON_STACK


def _is_wide(parts: tuple[Part, ...]) -> bool:
    return parts.count(Part.SSEUP) > 1


def _pieces(
    parts: tuple[Part, ...], size: int, integers: Sequence[str], vectors: Sequence[str]
) -> tuple[Piece, ...]:
    """Return the registers of a value; SSEUP widens the vector register before it."""
    integer, vector = iter(integers), iter(vectors)
    pieces: list[Piece] = []
    for number, part in enumerate(parts):
        offset = number * EIGHTBYTE
        extent = min(EIGHTBYTE, size - offset)
        if part is Part.SSEUP:
            last = pieces[-1]
            wider = last.size + extent
            pieces[-1] = Piece(_vector(last.register, wider), last.offset, wider)
        else:
            register = next(integer if part is Part.INTEGER else vector)
            pieces.append(Piece(register, offset, extent))
    return tuple(pieces)


def _vector(register: str, size: int) -> str:
    kind = "xmm" if size <= 16 else "ymm" if size <= 32 else "zmm"  # noqa: PLR2004 -- their widths
    return kind + register[3:]


def _result(ctype: CType, types: Mapping[str, Aggregate]) -> tuple[Location | None, bool]:
    """Return where the result is, and whether its address is a hidden first argument."""
    if isinstance(ctype, Scalar) and ctype.kind is Class.VOID:
        return None, False
    size = size_of(ctype, types)
    parts = classify(ctype, types)
    if parts[0] is Part.MEMORY:
        return Location("", size), True
    if parts[0] is Part.X87:
        return Location("", size, (Piece("st0", 0, size),)), False
    return Location("", size, _pieces(parts, size, INTEGER_RESULTS, VECTOR_RESULTS)), False


def _private(whole: Places, function: Function) -> Places:
    """Return the places with the values moved that `in` and `out` clauses name."""
    moved: dict[str, str] = {}
    for clause in function.clauses:
        if clause.keyword in ("in", "out") and isinstance(clause.body, Words):
            moved |= {name: register for register, name in clause.body.pairs}
    if not moved:
        return whole
    arguments = tuple(_moved(a, moved.get(a.name)) for a in whole.arguments)
    result = whole.result
    if result is not None:
        result = _moved(result, moved.get("\\result"))
    return replace(whole, arguments=arguments, result=result)


def _moved(location: Location, register: str | None) -> Location:
    if register is None:
        return location
    piece = Piece(register, 0, location.size)
    return replace(location, pieces=(piece,), stack=None)
