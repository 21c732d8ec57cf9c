"""How far the index of a jump table may go: read backwards from the jump, along the only way to it.

An index is bounded by a comparison with a constant and the branch on it, or by a mask. What is
found is certain for the path; whatever else happens to the index ends the search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from asmith.check.flow.block import End
from asmith.check.flow.events import Beyond

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.flow.block import Block
    from asmith.check.flow.graph import Graph
    from asmith.toolchain.decode import Insn

MOST_BLOCKS = 6
"""So many blocks the search goes back."""

Place = tuple[int, ...]
"""A general register (its number), or memory: base, displacement, size."""


class Bound(NamedTuple):
    """The index is `low` or more, and `high` or less (None: nothing is known)."""

    low: int
    high: int | None


def beyond(graph: Graph) -> Iterator[Beyond]:
    """Yield the jumps through tables whose index may lie beyond the end, or that nothing bounds."""
    for block in list(graph.blocks.values()):
        if block.entries and block.state is not None:
            found = bound_of(graph, block) or Bound(0, None)
            if found.high is None or found.high >= block.entries or found.low < 0:
                yield Beyond(block.last, block.entries, *found)


def bound_of(graph: Graph, block: Block) -> Bound | None:
    """Return what bounds the index of the table that a block jumps through; None: no idea."""
    ops = [(insn, at) for _, insn, at in block.ops]
    place: Place | None = None
    shift = 0
    last = graph.seen[block.last]
    if last.memory:
        place = _index(last)
    elif last.operands and last.operands[0][0] == "r":
        wanted = last.operands[0][1]
        while ops and place is None:
            insn, _ = ops.pop()
            if _written(insn) != wanted:
                if insn.flow:
                    return None
                continue
            if insn.name in ("mov", "movsxd", "movzx", "movsx") and insn.memory:
                place = _index(insn)
                if place is None:
                    return None
            elif insn.name == "add" and not insn.memory:
                ops, place, shift = _of_sum(ops, insn)
                if place is None:
                    return None
            else:
                return None
    if place is None:
        return None
    found = _search(graph, block, [i for i, _ in ops], place)
    if found is None:
        return None
    return Bound(found.low + shift, None if found.high is None else found.high + shift)


def _of_sum(
    ops: list[tuple[Insn, int]], insn: Insn
) -> tuple[list[tuple[Insn, int]], Place | None, int]:
    """Return the index of an entry to which its table's address is added, and what is before.

    The last one is how many entries behind the table's start the index counts from.
    """
    both = {o[1] for o in insn.operands if o[0] == "r"}
    rest = list(ops)
    while rest:
        one, _ = rest.pop()
        if one.flow:
            return rest, None, 0
        if _written(one) in both and one.memory and one.index >= 0 and one.name[:3] == "mov":
            return rest, _index(one), one.disp // one.scale if one.base >= 0 else 0
        if _written(one) in both and one.name != "lea":
            return rest, None, 0
    return rest, None, 0


def _index(insn: Insn) -> Place | None:
    return (insn.index,) if insn.index >= 0 and insn.scale in (4, 8) else None


def _written(insn: Insn) -> int:
    """Return the register that an instruction names as its destination, or -1."""
    first = insn.operands[:1]
    if insn.name in ("cmp", "test", "push") or not first or first[0][0] not in "rh":
        return -1
    return int(first[0][1])


def _search(graph: Graph, block: Block, ops: list[Insn], place: Place) -> Bound | None:
    """Follow the index back to what bounds it."""
    compared: dict[Place, int] = {}
    condition = ""
    for _ in range(MOST_BLOCKS):
        while ops:
            insn = ops.pop()
            found = _compared(insn)
            if found is not None and condition:
                compared.setdefault(*found)
                if found[0] != place:
                    continue
            if condition and place in compared:
                return _bound(condition, compared[place])
            if insn.flow or (insn.masked and _touches(insn, place)):
                return None
            if insn.name == "and" and _written(insn) == place[0] and len(place) == 1:
                mask = insn.operands[1][1] if insn.operands[1][0] == "i" else -1
                return Bound(0, mask) if mask >= 0 else None
            if len(place) == 1 and _written(insn) == place[0]:
                moved = _source(insn)
                if moved is None:
                    return None
                place = moved
            elif len(place) > 1 and _stores(insn):
                return None
            compared = {p: n for p, n in compared.items() if p[0] != _written(insn) or len(p) > 1}
            if condition and place in compared:
                return _bound(condition, compared[place])
        before = [b for b in graph.blocks.values() if b.state is not None and _leads(b, block)]
        if len(before) != 1:
            return None
        (one,) = before
        if one.end is End.BRANCH:
            assert one.target is not None
            name = graph.seen[one.last].name
            taken = one.target.address == block.start
            condition = name if taken else _INVERSE.get(name, "")
            compared = {}
        block, ops = one, [i for _, i, _ in one.ops]
    return None


def _leads(one: Block, other: Block) -> bool:
    """Tell whether control may go from one block straight to another."""
    return other.start in one.goals


def _stores(insn: Insn) -> bool:
    return insn.stores or (
        insn.operands[:1] == (("m",),) and insn.name not in ("cmp", "test", "push")
    )


def _touches(insn: Insn, place: Place) -> bool:
    return len(place) == 1 and bool(insn.writes >> place[0] & 1) and _written(insn) != place[0]


def _compared(insn: Insn) -> tuple[Place, int] | None:
    """Return what is compared with which constant."""
    if insn.name != "cmp" or insn.operands[-1][0] != "i":
        return None
    number = insn.operands[-1][1]
    if insn.operands[0][0] == "r":
        size = insn.operands[0][2]
        return (insn.operands[0][1],), number & ((1 << 8 * size) - 1)
    if insn.operands[0][0] == "m" and insn.index == -1:
        return (insn.base, insn.disp, insn.size), number & ((1 << 8 * insn.size) - 1)
    return None


def _source(insn: Insn) -> Place | None:
    """Return where a moved index came from."""
    if insn.name not in ("mov", "movzx", "movsxd", "movsx") or len(insn.operands) != 2:
        return None
    if insn.operands[1][0] == "r":
        return (insn.operands[1][1],)
    if insn.operands[1][0] == "m" and insn.index == -1:
        return (insn.base, insn.disp, insn.size)
    return None


def _bound(condition: str, number: int) -> Bound | None:
    """Return what holds of an index where a branch on its comparison with a number is taken."""
    match condition:
        case "jbe":
            return Bound(0, number)
        case "jb":
            return Bound(0, number - 1)
        case "ja":
            return Bound(number + 1, None)
        case "jae":
            return Bound(number, None)
        case "je":
            return Bound(number, number)
    return None


_INVERSE = {"ja": "jbe", "jbe": "ja", "jae": "jb", "jb": "jae", "jne": "je"}
