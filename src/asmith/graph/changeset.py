"""Change-sets: which modules one edit ties together. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.graph import structure
from asmith.model.names import ModuleName
from asmith.model.plan import ChangeSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def partition(touched: Mapping[ModuleName, frozenset[str]]) -> tuple[ChangeSet, ...]:
    """Return the change-sets of the dirty modules, sorted.

    `touched` maps each dirty module to the interfaces whose change made it dirty. Modules that
    share one belong together, transitively: either all of them move on to it or none does.
    """
    sharing: dict[str, list[ModuleName]] = {}
    for module, ties in touched.items():
        for tie in ties:
            sharing.setdefault(tie, []).append(module)
    left = set(touched)
    sets = []

    def mates(module: str) -> Iterable[str]:
        return (m for tie in touched[ModuleName(module)] for m in sharing.pop(tie, ()))

    for first in sorted(touched):
        if first in left:
            members = tuple(map(ModuleName, structure.reached(mates, [first])))
            left.difference_update(members)
            ties = frozenset[str]().union(*(touched[m] for m in members))
            sets.append(ChangeSet(members, tuple(sorted(ties))))
    return tuple(sets)
