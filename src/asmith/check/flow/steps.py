"""What single instructions do to the sums of a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.comparisons import Flags
from asmith.check.flow.sums import ZERO, Sum, moved, plus, times
from asmith.toolchain.decode import RBP, RSP

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.check.flow.path import Path
    from asmith.check.flow.walk import Walk
    from asmith.toolchain.decode import Insn

FLAGS_BIT = 1 << 16


def step(walk: Walk, path: Path, e: Insn, at: int) -> None:
    """Run one instruction."""
    act = _ACTS.get(e.name)
    if act is not None and act(walk, path, e, at):
        return
    _outline(walk, path, e, at)


def _outline(walk: Walk, path: Path, e: Insn, at: int) -> None:
    """Follow an instruction by what it writes alone."""
    if e.memory and e.name != "lea":
        address = path.address(e, at)
        stores = e.stores or (e.operands[:1] == (("m",),) and e.name not in ("cmp", "test", "push"))
        if e.rep and e.stores:
            address = path.whole(7)
            walk.access(path, address, times(path.whole(1), e.size or 1), at, stores=True)
        elif address is not None:
            walk.access(path, address, Sum(e.size), at, stores=stores, e=e)
        if stores:
            forget(path, walk, address, e.size or 8)
    for operand in e.operands:
        value = path.registers[operand[1]] if operand[0] == "r" else None
        if value is not None:
            walk.leaves(path, value)
    if e.masked:
        if e.writes & FLAGS_BIT:
            path.doubt(e)
        for n in range(16):
            if e.writes >> n & 1 and n != RSP:
                path.set(n, None)
        return
    if not e.vector or "comis" in e.name or "test" in e.name:
        path.doubt(e)
    first = e.operands[:1]
    if first and first[0][0] in "rh" and e.name not in ("cmp", "test", "push"):
        path.set(first[0][1], None)


def forget(path: Path, walk: Walk, address: Sum | None, size: int) -> None:
    """Forget the slots that a store may change; what is saved only where that is certain."""
    if address is None:
        return
    for key, value in list(path.slots.items()):
        if key.terms == address.terms:
            if -8 < key.constant - address.constant < size:
                del path.slots[key]
        elif key.terms[:1] == address.terms[:1] and not walk.is_saved(value):
            del path.slots[key]


def _source(path: Path, e: Insn, place: int, size: int) -> Sum | None:
    """Return an operand that is a register or a constant."""
    kind = e.operands[place]
    if kind[0] == "i":
        half = 1 << 8 * size - 1
        return Sum((kind[1] + half) % (2 * half) - half)
    if kind[0] == "r" and kind[2] == size:
        return path.whole(kind[1]) if size == 8 else path.half(kind[1])
    return None


def _mov(walk: Walk, path: Path, e: Insn, at: int) -> bool:
    to, source = e.operands[0], e.operands[1]
    if to[0] == "r" and to[2] >= 4:
        if source[0] == "m":
            address = path.address(e, at)
            if address is None:
                path.set(to[1], None)
                return True
            walk.access(path, address, Sum(e.size), at, stores=False, e=e)
            value = path.slots.get(address)
            if value is None and e.size == to[2]:
                value = path.slots[address] = walk.symbols.fresh()
            path.set(to[1], value, to[2])
            return True
        value = _source(path, e, 1, to[2])
        if value is None:
            return False
        if to[1] == RSP:
            if source[0] == "r" and path.narrow >> source[1] & 1:
                walk.cut(at)
            walk.moves(path, value, at, computed=True)
        else:
            path.set(to[1], value, to[2])
        return True
    if to[0] == "m":
        address = path.address(e, at)
        if address is None:
            address = walk.symbols.fresh()
        walk.access(path, address, Sum(e.size), at, stores=True, e=e)
        forget(path, walk, address, e.size)
        if e.size >= 4 and source[0] in "ri":
            value = _source(path, e, 1, e.size)
            if value is not None:
                walk.leaves(path, value)
                path.slots[address] = value
        return True
    return False


def _lea(walk: Walk, path: Path, e: Insn, at: int) -> bool:
    to = e.operands[0]
    value = path.address(e, at)
    if to[2] < 4:
        return False
    if to[2] == 4 and value is not None:
        parts = [(e.base, 1)] * (e.base >= 0) + [(e.index, e.scale)] * (e.index >= 0)
        value = Sum(e.disp)
        for register, factor in parts:
            value = plus(value, path.half(register), factor)
    if to[1] == RSP:
        if value is None:
            return False
        if e.base >= 0 and path.narrow >> e.base & 1:
            walk.cut(at)
        walk.moves(path, value, at, computed=False)
    else:
        path.set(to[1], value, to[2])
    return True


def _extend(walk: Walk, path: Path, e: Insn, at: int) -> bool:
    to, source = e.operands[0], e.operands[1]
    if e.name == "movsxd" and source[0] == "r" and to[2] == 8:
        path.set(to[1], path.half(source[1]))
        return True
    if e.name == "movzx" and source[0] == "r":
        mask = (1 << 8 * source[2]) - 1
        path.set(to[1], walk.symbols.of("and", path.half(source[1]), mask), to[2])
        return True
    return False


def _cdqe(walk: Walk, path: Path, e: Insn, at: int) -> bool:
    path.set(0, path.half(0))
    return True


def _sum(walk: Walk, path: Path, e: Insn, at: int) -> bool:
    to = e.operands[0]
    if to[0] != "r" or to[2] < 4:
        return False
    size = to[2]
    one = path.whole(to[1]) if size == 8 else path.half(to[1])
    other = Sum(1) if e.name in ("inc", "dec") else _source(path, e, 1, size)
    if other is None:
        return False
    subtracts = e.name in ("sub", "dec")
    value = plus(one, other, -1 if subtracts else 1)
    if e.name in ("xor", "sub") and e.operands[1:2] == (to,):
        value = ZERO
    if to[1] == RSP:
        walk.moves(path, value, at, computed=e.operands[1][0] != "i")
    else:
        path.set(to[1], value, size)
    path.flags = Flags(one, other, size) if subtracts else Flags(value, ZERO, size, whole=False)
    return True


def _xor(walk: Walk, path: Path, e: Insn, at: int) -> bool:
    if e.operands[0][0] != "r" or e.operands[0] != e.operands[1] or e.operands[0][2] < 4:
        return False
    path.set(e.operands[0][1], ZERO)
    path.flags = Flags(ZERO, ZERO, 4)
    return True


def _and(walk: Walk, path: Path, e: Insn, at: int) -> bool:
    to = e.operands[0]
    if to[0] != "r" or to[2] < 4:
        return False
    one = path.whole(to[1]) if to[2] == 8 else path.half(to[1])
    mask = _source(path, e, 1, to[2])
    if mask is None:
        return False
    if one.terms and mask.terms:
        return False
    if not one.terms:
        one, mask = mask, one
    number = mask.constant
    unit = number & -number
    low, high = path.ranges.of(one)
    whole = number > 0 and low >= 0 and high < number + unit and not number + unit & number
    if not one.terms:
        value = Sum(one.constant & number)
    elif whole or (number < 0 and -number == unit):
        value = walk.symbols.rounded(one, unit)
    elif number >= 0:
        value = walk.symbols.of("and", one, number)
    else:
        return False
    if to[1] == RSP:
        path.registers[RSP] = value
    else:
        path.set(to[1], value, to[2])
    path.flags = Flags(value, ZERO, to[2], whole=False)
    return True


def _shift(walk: Walk, path: Path, e: Insn, at: int) -> bool:
    to = e.operands[0]
    if to[0] != "r" or to[2] < 4:
        return False
    count = e.operands[1][1] if len(e.operands) > 1 and e.operands[1][0] == "i" else None
    if count is None:
        return False
    count &= 63 if to[2] == 8 else 31
    one = path.whole(to[1]) if to[2] == 8 else path.half(to[1])
    if e.name in ("shl", "sal"):
        value = times(one, 1 << count)
    elif e.name == "shr" and to[2] == 4 and count and path.ranges.of(one)[0] < 0:
        value = walk.symbols.of("sar", walk.symbols.of("low", one, 0), count)
    else:
        value = walk.symbols.of(e.name, one, count) if count else one
    path.set(to[1], value, to[2])
    path.flags = Flags(value, ZERO, to[2], whole=False)
    return True


def _imul(walk: Walk, path: Path, e: Insn, at: int) -> bool:
    if len(e.operands) != 3 or e.operands[1][0] != "r" or e.operands[0][2] < 4:
        return False
    size = e.operands[0][2]
    source = e.operands[1][1]
    one = path.whole(source) if size == 8 else path.half(source)
    path.doubt(e)
    path.set(e.operands[0][1], times(one, e.operands[2][1]), size)
    return True


def _compare(walk: Walk, path: Path, e: Insn, at: int) -> bool:
    path.doubt(e)
    if len(e.operands) < 2:
        return False
    sides: list[Sum | None] = []
    size = next((o[2] for o in e.operands if o[0] == "r"), e.size)
    if e.name == "test" and e.operands[0][0] == "r" and e.operands[1][0] == "i":
        mask = e.operands[1][1] & (1 << 8 * size) - 1
        path.flags = Flags(walk.symbols.of("and", path.half(e.operands[0][1]), mask), ZERO, size)
        return True
    for place, operand in enumerate(e.operands):
        if operand[0] == "m":
            address = path.address(e, at)
            if address is not None:
                walk.access(path, address, Sum(e.size), at, stores=False, e=e)
            if address is not None and size >= 4 and address not in path.slots:
                path.slots[address] = walk.symbols.fresh()
            sides.append(path.slots.get(address) if address is not None and size >= 4 else None)
        elif size >= 4:
            sides.append(_source(path, e, place, size))
    if len(sides) != 2 or sides[0] is None or sides[1] is None:
        return True
    if e.name == "cmp":
        path.flags = Flags(sides[0], sides[1], size)
    elif e.operands[0] == e.operands[1]:
        path.flags = Flags(sides[0], ZERO, size)
    return True


def _push(walk: Walk, path: Path, e: Insn, at: int) -> bool:
    rsp = path.registers[RSP]
    if rsp is None:
        return True
    value = path.whole(e.operands[0][1]) if e.operands[0][0] == "r" else None
    path.registers[RSP] = rsp = moved(rsp, -8)
    walk.access(path, rsp, Sum(8), at, stores=True, e=e)
    forget(path, walk, rsp, 8)
    if value is not None:
        walk.leaves(path, value)
        path.slots[rsp] = value
    return True


def _pop(walk: Walk, path: Path, e: Insn, at: int) -> bool:
    rsp = path.registers[RSP]
    if rsp is None or e.operands[0][0] != "r":
        return False
    path.set(e.operands[0][1], path.slots.get(rsp))
    path.registers[RSP] = moved(rsp, 8)
    return True


def _leave(walk: Walk, path: Path, e: Insn, at: int) -> bool:
    walk.moves(path, path.whole(RBP), at, computed=False)
    rsp = path.whole(RSP)
    path.set(RBP, path.slots.get(rsp))
    path.registers[RSP] = moved(rsp, 8)
    return True


_ACTS: dict[str, Callable[[Walk, Path, Insn, int], bool]] = {
    "mov": _mov, "lea": _lea, "movsxd": _extend, "movzx": _extend, "cdqe": _cdqe,
    "add": _sum, "sub": _sum, "inc": _sum, "dec": _sum, "xor": _xor, "and": _and,
    "shl": _shift, "sal": _shift, "sar": _shift, "shr": _shift, "imul": _imul,
    "cmp": _compare, "test": _compare, "push": _push, "pop": _pop, "leave": _leave,
}  # fmt: skip
