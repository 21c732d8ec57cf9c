"""What one product links, with what follows from it that an edit of one module leaves as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asmith.run import parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.model.names import InterfaceName, ModuleName
    from asmith.run.known import Node


class Linked:
    """The modules of a product, sorted, in their groups, and sums over them.

    `digests` and `keys` are of the groups that nothing touches, by number: the digest of their
    objects' code and stamps, and the name under which the joined group is kept.
    """

    def __init__(self, modules: tuple[ModuleName, ...], nodes: Mapping[ModuleName, Node]) -> None:
        self.modules = modules
        self.digests: dict[int, str] = {}
        self.keys: dict[int, str] = {}
        self._nodes = nodes
        self._members: frozenset[ModuleName] | None = None
        self._groups: dict[int, tuple[ModuleName, ...]] | None = None
        self._libraries: frozenset[str] | None = None
        self._externals: frozenset[InterfaceName] | None = None

    @property
    def members(self) -> frozenset[ModuleName]:
        """Return the modules as a set."""
        if self._members is None:
            self._members = frozenset(self.modules)
        return self._members

    @property
    def groups(self) -> dict[int, tuple[ModuleName, ...]]:
        """Return the groups by number, members in order."""
        if self._groups is None:
            self._groups = parts.numbered(self.modules)
        return self._groups

    def group_of(self, name: ModuleName) -> int:
        """Return the number of the group that a module of the product is in."""
        return parts.number_of(name, len(self.modules))

    def fill(self, joiner: tuple[str, str]) -> None:
        """Know all groups, where every node is that of the last good link, joined that way."""

        def code(name: ModuleName) -> tuple[str, str]:
            return self._nodes[name].code, self._nodes[name].stamp

        for number, names in self.groups.items():
            if number not in self.digests:
                self.digests[number] = parts.objects_digest(names, code)
            if number not in self.keys:
                self.keys[number] = parts.key_of(names, lambda n: self._nodes[n].object, joiner)

    def libraries(self, of: Mapping[InterfaceName, str]) -> frozenset[str]:
        """Return the libraries behind what any object refers to, by `of`: interface -> library."""
        if self._libraries is None:
            called = {i for m in self.modules for i in self._nodes[m].calls}
            self._libraries = frozenset(of.get(i, "") for i in called) - {""}
        return self._libraries

    def externals(self) -> frozenset[InterfaceName]:
        """Return the interfaces of libraries that any spec uses."""
        if self._externals is None:
            self._externals = frozenset(i for m in self.modules for i in self._nodes[m].externals)
        return self._externals

    def replaced(
        self, name: ModuleName, old: Node, new: Node, of: Mapping[InterfaceName, str]
    ) -> None:
        """Take note of another node; `of` maps every interface to its library."""
        if name not in self.members:
            return
        if (old.code, old.stamp, old.object) != (new.code, new.stamp, new.object):
            number = self.group_of(name)
            self.digests.pop(number, None)
            self.keys.pop(number, None)
        if any(of.get(i, "") for i in {*old.calls} ^ {*new.calls}):
            self._libraries = None
        if old.externals != new.externals:
            self._externals = None

    # ---- as the index keeps it -------------------------------------------------------------------

    def lasting(self) -> Any:
        """Return the modules and groups as plain values."""
        return self.modules, self.groups if len(self.modules) > parts.SIZE else None

    def passing(self) -> Any:
        """Return what an edit changes, as plain values; sums that nobody asked for stay unknown."""
        sums = (None if s is None else tuple(s) for s in (self._libraries, self._externals))
        return self.digests, self.keys, *sums

    @classmethod
    def load(cls, lasting: Any, passing: Any, nodes: Mapping[ModuleName, Node]) -> Linked:
        """Return what `lasting` and `passing` said."""
        modules, groups = lasting
        made = cls(modules, nodes)
        made._groups = groups
        made.digests, made.keys, libraries, externals = passing
        made._libraries = None if libraries is None else frozenset(libraries)
        made._externals = None if externals is None else frozenset(externals)
        return made
