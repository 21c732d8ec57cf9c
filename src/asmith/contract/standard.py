"""Registers of scalar parameters and results, to know clauses that say what holds anyway.

The rules are those of the System V psABI 3.2.3, as far as they concern scalars:

- Integers of up to eight bytes and pointers take rdi, rsi, rdx, rcx, r8, r9 in turn, float and
  double xmm0 to xmm7; what finds no register left goes to the stack.
- An integer result is in rax, a floating one in xmm0.

Structs, unions, `__int128`, `long double` and vectors follow rules of their own, which `asmith.abi`
knows; for functions that pass those, this module has no answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.dataclass import replace
from asmith.model.contract import Class, Named, Pointer, Scalar, Words

if TYPE_CHECKING:
    from asmith.model.contract import Clause, CType, Function

_INTEGER = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")
_FLOATING = tuple(f"xmm{n}" for n in range(8))
_EIGHTBYTE = 8


def standard_registers(function: Function) -> dict[str, str]:
    r"""Return the register of each parameter by name, and of `\result`; empty without an answer.

    Parameters on the stack have no entry.
    """
    kinds = [_kind(p.type) for p in function.parameters]
    result = _kind(function.result)
    void = isinstance(function.result, Scalar) and function.result.kind is Class.VOID
    if None in kinds or (result is None and not void):
        return {}
    free = {Class.INTEGER: list(_INTEGER), Class.SSE: list(_FLOATING)}
    found: dict[str, str] = {}
    for parameter, kind in zip(function.parameters, kinds, strict=True):
        if kind is not None and free[kind]:
            found[parameter.name] = free[kind].pop(0)
    if result is not None:
        found["\\result"] = "rax" if result is Class.INTEGER else "xmm0"
    return found


def clash(function: Function) -> tuple[str, str, str] | None:
    """Return a register and two parameters that would both be in it, None where there are none."""
    registers = standard_registers(function)
    registers.pop("\\result", None)
    for clause in function.clauses:
        if clause.keyword == "in" and isinstance(clause.body, Words):
            registers |= {name: register for register, name in clause.body.pairs}
    owners: dict[str, str] = {}
    for name, register in registers.items():
        other = owners.setdefault(register, name)
        if other != name:
            return register, other, name
    return None


def stated(function: Function) -> tuple[Clause, ...]:
    """Return the function's clauses, less what `in` and `out` say of the ABI's own registers."""
    if not any(clause.keyword in ("in", "out") for clause in function.clauses):
        return function.clauses
    standard = standard_registers(function)
    found: list[Clause] = []
    for clause in function.clauses:
        if clause.keyword in ("in", "out") and isinstance(clause.body, Words):
            pairs = [(r, name) for r, name in clause.body.pairs if standard.get(name) != r]
            if not pairs:
                continue
            text = ", ".join(f"{register} = {name}" for register, name in pairs)
            found.append(replace(clause, text=text, body=Words(pairs=tuple(pairs))))
        else:
            found.append(clause)
    return tuple(found)


def _kind(ctype: CType) -> Class | None:
    """Return whether a value is passed as one integer or one floating number; None for others."""
    match ctype:
        case Pointer() | Named(keyword="enum"):
            return Class.INTEGER
        case Scalar(size=size, kind=Class.INTEGER) if size <= _EIGHTBYTE:
            return Class.INTEGER
        case Scalar(kind=Class.SSE):
            return Class.SSE
        case _:
            return None
