"""Which functions an object has: from its symbols, even where they have neither type nor size."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from asmith.check.flow.symbols import SECTION
from asmith.model.objects import Binding, Section

if TYPE_CHECKING:
    from asmith.model.objects import ObjectFacts, Symbol

_TYPES = ("STT_FUNC", "STT_GNU_IFUNC", "STT_LOOS")


class Function(NamedTuple):
    """One function: `start` and `end` are addresses (section << 32 | offset).

    `sized` says that the end is the symbol's own; `exported` that others may call it; `parent` is
    the function that a part (`f.cold`) belongs to; `named` that a symbol says so.
    """

    name: str
    start: int
    end: int
    sized: bool
    exported: bool
    parent: str = ""
    named: bool = True


def functions_of(facts: ObjectFacts) -> dict[int, Function]:
    """Return start -> function, in order of address; of several names the first exported one."""
    code = {s.index: s for s in facts.sections if s.has(Section.EXEC) and s.data}
    chosen: dict[int, Symbol] = {}
    places: dict[str, int] = {}
    for symbol in facts.symbols:
        section = code.get(symbol.section) if symbol.section is not None else None
        if section is None or symbol.value >= section.size or not _is_function(symbol):
            continue
        start = section.index << SECTION | symbol.value
        places.setdefault(symbol.name, start)
        known = chosen.get(start)
        if known is None or _rank(symbol) > _rank(known):
            chosen[start] = symbol
    starts = sorted(chosen)
    found: dict[int, Function] = {}
    for number, start in enumerate(starts):
        symbol = chosen[start]
        section = code[start >> SECTION]
        limit = section.index << SECTION | section.size
        if number + 1 < len(starts) and not symbol.size:
            limit = min(limit, starts[number + 1])
        end = min(start + symbol.size, limit) if symbol.size else limit
        found[start] = Function(
            symbol.name,
            start,
            end,
            bool(symbol.size),
            symbol.binding != Binding.LOCAL,
            _usual(_parent(symbol), places, chosen),
        )
    return found


def empty_parts(facts: ObjectFacts) -> dict[str, frozenset[int]]:
    """Return function -> where a part of it begins that has no code.

    So compilers keep the name of what they have found out never to run: a jump there is none.
    """
    found: dict[str, frozenset[int]] = {}
    for symbol in facts.symbols:
        parent = _parent(symbol) if symbol.type == "STT_FUNC" and not symbol.size else ""
        if parent and symbol.section is not None:
            place = symbol.section << SECTION | symbol.value
            found[parent] = found.get(parent, frozenset()) | {place}
    return found


def _is_function(symbol: Symbol) -> bool:
    if symbol.type in _TYPES:
        return True
    untyped = symbol.type == "STT_NOTYPE" and symbol.binding != Binding.LOCAL
    return untyped and bool(symbol.name)


def _rank(symbol: Symbol) -> tuple[bool, bool, bool]:
    """Order the names of one address: typed and exported ones, with a size, first."""
    return (symbol.type in _TYPES, symbol.size > 0, symbol.binding != Binding.LOCAL)


def _usual(name: str, places: dict[str, int], chosen: dict[int, Symbol]) -> str:
    """Return the name that the function of any of its names is known by."""
    return chosen[places[name]].name if name in places else name


def _parent(symbol: Symbol) -> str:
    """Return the function that a part of the name `f.cold` or `f.cold.N` belongs to."""
    head, mark, _ = symbol.name.partition(".cold")
    return head if mark and symbol.binding == Binding.LOCAL else ""
