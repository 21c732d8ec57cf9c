"""Change-sets: which modules one edit ties together. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.model.plan import ChangeSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.model.names import ModuleName


def partition(touched: Mapping[ModuleName, frozenset[str]]) -> tuple[ChangeSet, ...]:
    """Return the change-sets of the dirty modules, sorted.

    `touched` maps each dirty module to the interfaces whose change made it dirty. Modules that
    share one belong together, transitively: either all of them move on to it or none does.
    """
    groups: list[tuple[set[ModuleName], set[str]]] = []
    for module in sorted(touched):
        members, ties = {module}, set(touched[module])
        apart = []
        for group in groups:
            if group[1] & ties:
                members |= group[0]
                ties |= group[1]
            else:
                apart.append(group)
        groups = [*apart, (members, ties)]
    sets = [ChangeSet(tuple(sorted(m)), tuple(sorted(t))) for m, t in groups]
    return tuple(sorted(sets, key=lambda s: s.modules))
