"""What is known of a project without reading it: the body of the index, and what an edit touches.

A module is a node here: who sees which contracts, who calls whom, and the digests that a link
needs. A node holds while its files do, so a build looks only at the modules that a changed file
touches, and at the links and tests that reach them.
"""

from __future__ import annotations

import marshal
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from asmith.check.screen import Screen, Summary
from asmith.graph import structure
from asmith.model.names import InterfaceName, ModuleName
from asmith.model.plan import Step, StepKind
from asmith.project.config import CONFIG
from asmith.run import layout, parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asmith.host.signature import Signature
    from asmith.store.index import Head


class Node(NamedTuple):
    """One module whose steps all hold."""

    implements: InterfaceName
    calls: tuple[InterfaceName, ...]  # whose functions or data its object refers to
    sees: tuple[InterfaceName, ...]  # whose contracts may bear on it
    externals: tuple[InterfaceName, ...]  # interfaces of libraries among them that its spec uses
    code: str  # digest of its object's code
    stamp: str  # digest of its object's stamp
    object: str  # digest of its object
    tested: bool
    size: int  # bytes of its text
    link: Summary | None  # its object's part in a link


def _may_be_a_test(path: str) -> bool:
    """Tell whether a file that nobody reads so far may belong to a module's tests."""
    if not path.startswith(f"{layout.MODULE_TESTS}/") or "__pycache__" in path:
        return False
    return path.endswith(".py") or path.count("/") > layout.MODULE_TESTS.count("/") + 1


def _node(value: tuple[Any, ...]) -> Node:
    link = None if value[-1] is None else Summary(*value[-1])
    return Node._make((*value[:-1], link))


@dataclass(frozen=True, slots=True)
class Touched:
    """What changed files bear on: modules to look at, and steps besides theirs."""

    modules: frozenset[ModuleName]
    steps: frozenset[Step]
    interfaces: frozenset[InterfaceName] = frozenset()  # whose headers changed


class Linked:
    """What one product links, with sums over it that an edit of one module leaves as they are."""

    def __init__(self, modules: tuple[ModuleName, ...], nodes: Mapping[ModuleName, Node]) -> None:
        self.modules = modules
        self.members = frozenset(modules)
        self.groups = parts.numbered(modules)
        self.group_of = {name: k for k, names in self.groups.items() for name in names}
        self.digests: dict[int, str] = {}  # of the groups that nothing touches
        self._nodes = nodes
        self._called: frozenset[InterfaceName] | None = None
        self._libraries: frozenset[str] | None = None
        self._externals: frozenset[InterfaceName] | None = None

    def called(self) -> frozenset[InterfaceName]:
        """Return the interfaces whose functions or data any object refers to."""
        if self._called is None:
            self._called = frozenset(i for m in self.modules for i in self._nodes[m].calls)
        return self._called

    def libraries(self, of: Mapping[InterfaceName, str]) -> frozenset[str]:
        """Return the libraries that implement those, by `of`, which maps every interface to one."""
        if self._libraries is None:
            self._libraries = frozenset(of.get(i, "") for i in self.called()) - {""}
        return self._libraries

    def externals(self) -> frozenset[InterfaceName]:
        """Return the interfaces of libraries that any spec uses."""
        if self._externals is None:
            self._externals = frozenset(i for m in self.modules for i in self._nodes[m].externals)
        return self._externals

    def replaced(self, name: ModuleName, old: Node, new: Node) -> None:
        """Take note of another node."""
        if name not in self.members:
            return
        if (old.code, old.stamp) != (new.code, new.stamp):
            self.digests.pop(self.group_of[name], None)
        if old.calls != new.calls:
            self._called = self._libraries = None
        if old.externals != new.externals:
            self._externals = None


@dataclass(slots=True)
class Known:
    """A project at the end of its last build."""

    head: Head
    nodes: dict[ModuleName, Node]
    libraries: dict[InterfaceName, str]  # every interface -> the library that implements it, or ""
    linked: dict[str, tuple[ModuleName, ...]]  # product -> what it links
    readers: dict[str, tuple[ModuleName, ...]]  # files besides their own that modules' steps read
    unsettled: tuple[ModuleName, ...]  # modules that the last build left something to do for
    unsettled_steps: tuple[str, ...]
    tools: dict[str, Any]  # versions of tools and places of libraries
    screens: dict[str, Screen] = field(default_factory=dict)  # product -> sums of its objects
    _products: dict[str, Linked] = field(default_factory=dict)
    _seen_by: dict[InterfaceName, set[ModuleName]] = field(default_factory=dict)
    _callers: dict[InterfaceName, set[ModuleName]] = field(default_factory=dict)
    _bound: dict[InterfaceName, tuple[ModuleName, ...]] = field(default_factory=dict)

    def dump(self) -> bytes:
        """Return the body of an index."""
        value = (
            {n: (*node[:-1], node.link and tuple(node.link)) for n, node in self.nodes.items()},
            self.libraries, self.linked, self.readers, self.unsettled, self.unsettled_steps,
            self.tools,
        )  # fmt: skip
        return marshal.dumps(value)

    @classmethod
    def load(cls, head: Head, body: Any) -> Known:
        """Return what `dump` wrote, loaded."""
        nodes, *rest = body
        return cls(head, {n: _node(node) for n, node in nodes.items()}, *rest)

    def refresh(self, signatures: dict[str, Signature]) -> None:
        """Take note of new stat data of files whose bytes are the same."""
        if signatures:
            self.head.refresh(signatures)

    # ---- the graph -------------------------------------------------------------------------------

    def bound(self) -> dict[InterfaceName, tuple[ModuleName, ...]]:
        """Return interface -> the modules that implement it, sorted."""
        if not self._bound:
            for name, node in sorted(self.nodes.items()):
                others = self._bound.get(node.implements, ())
                self._bound[node.implements] = (*others, name)
        return self._bound

    def seen_by(self, interface: InterfaceName) -> set[ModuleName]:
        """Return the modules that see an interface's contract."""
        if not self._seen_by:
            self._seen_by = self._reversed(lambda node: node.sees)
        return self._seen_by.get(interface, set())

    def callers(self, interface: InterfaceName) -> set[ModuleName]:
        """Return the modules whose objects refer to an interface's functions or data."""
        if not self._callers:
            self._callers = self._reversed(lambda node: node.calls)
        return self._callers.get(interface, set())

    def _reversed(self, named: Any) -> dict[InterfaceName, set[ModuleName]]:
        found: dict[InterfaceName, set[ModuleName]] = defaultdict(set)
        for name, node in self.nodes.items():
            for interface in named(node):
                found[interface].add(name)
        return found

    def product(self, name: str) -> Linked:
        """Return what a product links, with its sums."""
        found = self._products.get(name)
        if found is None or found.modules is not self.linked[name]:
            found = self._products[name] = Linked(self.linked[name], self.nodes)
        return found

    def replace(self, name: ModuleName, node: Node) -> None:
        """Take another node for a module."""
        old = self.nodes[name]
        for product in self._products.values():
            product.replaced(name, old, node)
        for reverse, before, after in (
            (self._seen_by, old.sees, node.sees),
            (self._callers, old.calls, node.calls),
        ):
            if reverse:
                for interface in before:
                    reverse[interface].discard(name)
                for interface in after:
                    reverse.setdefault(interface, set()).add(name)
        self.nodes[name] = node

    def reaching(self, modules: Iterable[ModuleName]) -> tuple[ModuleName, ...]:
        """Return the modules and all that call them, directly or not, whoever is bound to what."""

        def calling(name: str) -> Iterable[str]:
            return self.callers(self.nodes[ModuleName(name)].implements)

        return tuple(ModuleName(m) for m in structure.reached(calling, modules))

    # ---- what an edit touches --------------------------------------------------------------------

    def touched(self, paths: Iterable[str]) -> Touched | None:
        """Return what changed files bear on; None if what is known no longer holds as a whole."""
        modules = set(self.unsettled)
        interfaces = set()
        steps = {
            Step(StepKind(k), s) for k, _, s in (u.partition(":") for u in self.unsettled_steps)
        }
        for path in paths:
            found = self._one(path)
            if found is None:
                return None
            modules |= found[0]
            steps |= found[1]
            if path.startswith("interfaces/"):
                interfaces.add(InterfaceName(path[len("interfaces/") : -len(".h")]))
        steps |= self._joint(modules)
        return Touched(frozenset(modules), frozenset(steps), frozenset(interfaces))

    def _one(  # noqa: PLR0911 -- one case a kind of file
        self, path: str
    ) -> tuple[set[ModuleName], set[Step]] | None:
        """Return the modules and steps that one file bears on; None for one that changes it all."""
        directory, _, file = path.rpartition("/")
        stem, _, suffix = file.rpartition(".")
        readers = set(self.readers.get(path, ()))
        known = ModuleName(stem) in self.nodes
        match directory, suffix:
            case ("", _) if path == CONFIG:
                return None
            case ("specs", "md") if stem and not stem.startswith("."):
                return ({ModuleName(stem), *readers}, set()) if known else None
            case ("modules", "asm" | "json") | (
                "build/obj" | "build/include" | "build/check" | "build/test",
                _,
            ) if known:
                return {ModuleName(stem), *readers}, set()
            case ("interfaces", "h") if stem and not stem.startswith("."):
                name = InterfaceName(stem)
                if name not in self.libraries:
                    return None
                compare = {Step(StepKind.COMPARE, name)} if self._is_used(name) else set()
                return self.seen_by(name) | readers, compare
            case ("build/compare", _) if InterfaceName(stem) in self.libraries:
                return readers, {Step(StepKind.COMPARE, stem)}
            case ("build/bin", _):
                return readers, {Step(StepKind.LINK, p) for p in self.linked}
        return None if not readers and _may_be_a_test(path) else (readers, set())

    def _is_used(self, interface: InterfaceName) -> bool:
        """Tell whether an interface is a library's and some module uses it."""
        if not self.libraries[interface]:
            return False
        return any(interface in self.nodes[m].externals for m in self.seen_by(interface))

    def _joint(self, modules: Iterable[ModuleName]) -> set[Step]:
        """Return the links and tests that reach modules, and the comparisons behind them."""
        changed = frozenset(modules)
        products = (p for p in self.linked if not changed.isdisjoint(self.product(p).members))
        found = {Step(StepKind.LINK, p) for p in products}
        if any(node.tested for node in self.nodes.values()):
            reached = self.reaching(changed)
            found |= {Step(StepKind.TEST, m) for m in reached if self.nodes[m].tested}
        found |= {Step(StepKind.COMPARE, i) for m in modules for i in self.nodes[m].externals}
        return found

    def kinds_of(self, name: ModuleName) -> tuple[StepKind, ...]:
        """Return the kinds of steps that a module had."""
        own = (StepKind.GENERATE, StepKind.ASSEMBLE, StepKind.CHECK)
        return (*own, StepKind.TEST) if self.nodes[name].tested else own
