"""The names that are visible at one point of an interface: its own and those it includes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.contract.evaluate import Evaluation, Value
from asmith.contract.layout import size_of
from asmith.dataclass import dataclass, field
from asmith.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from asmith.errors import Place
    from asmith.model.contract import Aggregate, CType, Data, Function, Term


@dataclass(frozen=True, slots=True)
class Typedef:
    """What a typedef stands for; `const` is a qualifier that it brings along."""

    type: CType
    const: bool = False


@dataclass(slots=True)
class Scope:
    """Visible names by kind. An including interface starts from what its includes made visible."""

    typedefs: dict[str, Typedef] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)  # tag -> keyword, complete or not
    types: dict[str, Aggregate] = field(default_factory=dict)
    constants: dict[str, Value | str] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    data: dict[str, Data] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)  # name -> path of what declares it

    def claim(self, name: str, path: str, place: Place) -> None:
        """Note that `path` declares an ordinary name; raises UsageError if it is not the first."""
        owner = self.owners.get(name)
        if owner is not None:
            where = "above" if owner == path else f"in {owner}"
            raise UsageError(f"'{name}' is declared twice, first {where}", where=place)
        self.owners[name] = path

    def include(self, other: Scope, place: Place) -> None:
        """Make everything visible that `other` sees. Raises UsageError where two names clash."""
        for name, owner in other.owners.items():
            mine = self.owners.get(name)
            if mine is not None and mine != owner:
                raise UsageError(f"'{name}' is declared both in {mine} and in {owner}", where=place)
        for tag, aggregate in other.types.items():
            mine_too = self.types.get(tag)
            if mine_too is not None and mine_too is not aggregate:
                raise UsageError(f"two included interfaces define '{tag}'", where=place)
        self.owners.update(other.owners)
        self.typedefs.update(other.typedefs)
        self.tags.update(other.tags)
        self.types.update(other.types)
        self.constants.update(other.constants)
        self.functions.update(other.functions)
        self.data.update(other.data)

    def typedef(self, name: str, place: Place) -> Typedef:
        """Return a typedef by name. Raises UsageError where there is none."""
        found = self.typedefs.get(name)
        if found is None:
            raise UsageError(
                f"no type is named '{name}'{did_you_mean(name, list(self.typedefs))}", where=place
            )
        return found

    def evaluate(self, term: Term, place: Place) -> Value:
        """Return the value of a constant expression; raises UsageError where it has none."""
        return Evaluation(self.constants, lambda t: size_of(t, self.types), place).run(term)
