"""Jump tables: where an indirect jump may go, read from the relocations of the table.

A table of addresses is 8 bytes an entry (R_X86_64_64); a position-independent one holds 4-byte
distances from its own start (R_X86_64_PC32 whose addend counts the entry's place), in the large
code model 8-byte ones (R_X86_64_PC64). It ends where the relocations end, where they leave the
function, or where another reference begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.symbols import SECTION
from asmith.check.flow.values import KIND, SYM, TABLE, TARGET, UNSIGNED, WIDE

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
    step, sort = _form(symbols, start, wide=wide)
    place = start
    for _ in range(MOST_ENTRIES):
        if place != start and place in barriers:
            break
        relocation = symbols.relocations.get(place)
        if relocation is None:
            break
        if relocation.type != sort:
            break
        back = 0 if wide else place - start
        target = symbols.resolved(relocation, relocation.addend - back).address
        if target is None or not (_belongs(graph, target) or target in graph.nowhere):
            break
        if target not in graph.nowhere:
            found[target] = None
        place += step
    return tuple(found)


def entries_of_table(symbols: Symbols, value: int, barriers: frozenset[int]) -> int:
    """Return how many entries a table has, wherever they lead."""
    wide = value & KIND == TABLE
    start = symbols.targets[value >> (5 if wide else 4)].address
    if start is None:
        return 0
    step, sort = _form(symbols, start, wide=wide)
    count = 0
    while count < MOST_ENTRIES:
        relocation = symbols.relocations.get(start + count * step)
        if relocation is None or relocation.type != sort:
            break
        if count and start + count * step in barriers:
            break
        count += 1
    return count


def kept_tables(graph: Graph, symbols: Symbols, barriers: frozenset[int]) -> tuple[int, ...]:
    """Return the targets of jump tables whose addresses are kept in the frame.

    A call may have changed what was kept, for all that is known; a compiler knows better.
    """
    states = (block.state for block in graph.blocks.values() if block.state is not None)
    kept = {value for _, slots in states for value in slots.values() if value & KIND == SYM}
    tables = sorted(value >> 4 << 4 | TARGET for value in kept)
    found = [targets_of_table(graph, symbols, table, barriers) for table in tables]
    return tuple(dict.fromkeys(goal for goals in found for goal in goals))


def is_of_others(graph: Graph, symbols: Symbols, value: int) -> bool:
    """Tell whether a table of whole addresses is none of places in this function."""
    start = symbols.targets[value >> 5].address
    relocation = symbols.relocations.get(start or 0)
    if relocation is None:
        return True
    first = symbols.resolved(relocation, relocation.addend).address
    return first is None or first == graph.function.start or not graph.holds(first)


def _form(symbols: Symbols, start: int, *, wide: bool) -> tuple[int, str]:
    """Return how many bytes an entry has, and the relocation of each."""
    if wide:
        return 8, "R_X86_64_64"
    first = symbols.relocations.get(start)
    if first is not None and first.type == "R_X86_64_PC64":
        return 8, "R_X86_64_PC64"
    return 4, "R_X86_64_PC32"


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
