"""Jump tables: where an indirect jump may go, read from the relocations of the table.

A table of addresses is 8 bytes an entry (R_X86_64_64); a position-independent one holds 4-byte
distances from its own start (R_X86_64_PC32 whose addend counts the entry's place). It ends where
the relocations end, where they leave the function, or where another reference begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.moves import WIDE
from asmith.check.flow.symbols import SECTION
from asmith.check.flow.values import KIND, TABLE, UNSIGNED

if TYPE_CHECKING:
    from asmith.check.flow.graph import Graph
    from asmith.check.flow.symbols import Symbols

MOST_ENTRIES = 20_000


def targets_of_table(
    graph: Graph, symbols: Symbols, value: int, barriers: frozenset[int]
) -> tuple[int, ...]:
    """Return the addresses that a TABLE or TARGET value may be; none if it is no jump table."""
    wide = value & KIND == TABLE
    value &= ~UNSIGNED
    start = symbols.targets[value >> (5 if wide else 4)].address
    if start is None or (wide and not value & WIDE):
        return ()
    found: dict[int, None] = {}
    step = 8 if wide else 4
    place = start
    for _ in range(MOST_ENTRIES):
        if place != start and place in barriers:
            break
        relocation = symbols.relocations.get(place)
        if relocation is None:
            break
        if wide:
            if relocation.type != "R_X86_64_64":
                break
            target = symbols.resolved(relocation, relocation.addend).address
        else:
            if relocation.type != "R_X86_64_PC32":
                break
            target = symbols.resolved(relocation, relocation.addend - (place - start)).address
        if target is None or not _belongs(graph, target):
            break
        found[target] = None
        place += step
    return tuple(found)


def entries_of_table(symbols: Symbols, value: int, barriers: frozenset[int]) -> int:
    """Return how many entries a table has, wherever they lead."""
    wide = value & KIND == TABLE
    start = symbols.targets[value >> (5 if wide else 4)].address
    step, sort = (8, "R_X86_64_64") if wide else (4, "R_X86_64_PC32")
    count = 0
    while start is not None and count < MOST_ENTRIES:
        relocation = symbols.relocations.get(start + count * step)
        if relocation is None or relocation.type != sort:
            break
        if count and start + count * step in barriers:
            break
        count += 1
    return count


def _belongs(graph: Graph, target: int) -> bool:
    """Tell whether an address lies in the function or one of its parts."""
    return graph.holds(target)


def barriers_of(symbols: Symbols, code: frozenset[int]) -> frozenset[int]:
    """Return the addresses that code refers to: a table ends before the next one.

    `code` are the sections of code. A rip-relative field is 4 bytes before what it counts from.
    """
    found = set()
    for place, relocation in symbols.relocations.items():
        if place >> SECTION in code and relocation.type in _EXTRA:
            addend = relocation.addend + _EXTRA[relocation.type]
            target = symbols.resolved(relocation, addend)
            if target.address is not None:
                found.add(target.address)
    return frozenset(found)


_EXTRA = {"R_X86_64_PC32": 4, "R_X86_64_32S": 0, "R_X86_64_32": 0}
