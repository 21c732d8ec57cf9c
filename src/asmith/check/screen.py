"""A screen before the link rules: it tells, reading no object, that none of them finds a thing.

The rules of the link level read every object of a product. An edit changes one of them, so each
object's part in a link is summed up once, when it is made, and the sums of a product are kept up to
date. A clean screen means that no rule has a finding; where it is not clean, the rules say why.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from asmith.check.links import LINKER_DEFINED
from asmith.dataclass import dataclass, field
from asmith.model.names import digest_bytes
from asmith.model.objects import Binding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from asmith.model.objects import ObjectFacts
    from asmith.model.record import Stamp

K = TypeVar("K")
Pairs = tuple[tuple[str, str], ...]


class Summary(NamedTuple):
    """One object's part in a link, as plain values."""

    defines: tuple[str, ...]  # strong symbols
    weak: tuple[str, ...]
    needs: Pairs  # undefined symbol, and the interface through which it is imported, if known
    contracts: Pairs  # qualified name, digest of the text that the stamp has for it
    values: Pairs  # qualified name, value


def summary(facts: ObjectFacts, stamp: Stamp) -> Summary:
    """Return an object's part in a link."""
    through = {}
    for qualified in sorted(stamp.imports, reverse=True):
        interface, _, symbol = qualified.partition(".")
        through[symbol] = interface
    exports = facts.exports()
    strong = (s for s in facts.symbols if s.undefined and s.name and s.binding != Binding.WEAK)
    needed = sorted({s.name for s in strong} - LINKER_DEFINED)
    contracts = {(q, digest_bytes(t.text.encode())) for q, t in stamp.offers.items()}
    contracts |= {(q, digest_bytes(t.text.encode())) for q, t in stamp.imports.items()}
    return Summary(
        defines=tuple(s.name for s in exports if s.binding != Binding.WEAK),
        weak=tuple(s.name for s in exports if s.binding == Binding.WEAK),
        needs=tuple((name, through.get(name, "")) for name in needed),
        contracts=tuple(sorted(contracts)),
        values=tuple(sorted(stamp.values.items())),
    )


def summary_of(value: Any) -> Summary | None:
    """Return the summary in plain lists or tuples, as JSON and the index keep it."""
    if value is None:
        return None
    defines, weak, *pairs = value
    return Summary(tuple(defines), tuple(weak), *(tuple((a, b) for a, b in p) for p in pairs))


@dataclass(slots=True)
class Screen:
    """The sums over the objects of one product."""

    strong: Counter[str] = field(default_factory=Counter)
    weak: Counter[str] = field(default_factory=Counter)
    needs: Counter[tuple[str, str]] = field(default_factory=Counter)
    texts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    values: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _held: dict[str, Summary] = field(default_factory=dict)

    def hold(self, objects: Iterable[tuple[str, Summary]]) -> None:
        """Sum up exactly these objects, by module; what is held already costs nothing."""
        wanted = dict(objects)
        for name in [n for n in self._held if n not in wanted]:
            self._add(self._held.pop(name), -1)
        for name, one in wanted.items():
            held = self._held.get(name)
            if held is not one and held != one:
                if held is not None:
                    self._add(held, -1)
                self._add(one, 1)
            self._held[name] = one

    def _add(self, one: Summary, count: int) -> None:
        _count(self.strong, one.defines, count)
        _count(self.weak, one.weak, count)
        _count(self.needs, one.needs, count)
        for table, pairs in ((self.texts, one.contracts), (self.values, one.values)):
            for name, value in pairs:
                _count(table[name], (value,), count)

    def clean(
        self,
        entry_points: Iterable[str],
        provided: Callable[[str, str], bool],
        anywhere: Callable[[str], bool],
    ) -> bool:
        """Tell whether no rule of the link level finds anything.

        `provided(symbol, interface)` tells whether the library that implements an interface is
        linked and exports a symbol, `anywhere(symbol)` whether any library that is linked does.
        """
        defined = self.strong.keys() | self.weak.keys()
        open_needs = [(s, i) for s, i in self.needs if s not in defined]
        return (
            all(name in defined for name in entry_points)
            and all(count == 1 for count in self.strong.values())
            and all(provided(symbol, interface) for symbol, interface in open_needs)
            and not any(anywhere(symbol) for symbol in defined)
            and all(len(texts) <= 1 for texts in self.texts.values())
            and all(len(values) <= 1 for values in self.values.values())
        )


def _count(counter: Counter[K], keys: Iterable[K], count: int) -> None:
    for key in keys:
        counter[key] += count
        if not counter[key]:
            del counter[key]
