"""What is known of a project without reading it: the body of the index, and what an edit touches.

A module is a node here: who sees which contracts, who calls whom, and the digests that a link
needs. A node holds while its files do, so a build looks only at the modules that a changed file
touches, and at the links and tests that reach them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from asmith.check.screen import Summary
from asmith.dataclass import dataclass, field
from asmith.graph import structure
from asmith.model.names import InterfaceName, ModuleName
from asmith.model.plan import Step, StepKind
from asmith.project.config import CONFIG
from asmith.run import layout
from asmith.store import index
from asmith.store.packed import EMPTY, Layered, Packed
from asmith.store.state import Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from asmith.check.screen import Screen
    from asmith.host.signature import Signature
    from asmith.run.linked import Linked
    from asmith.store.index import Head
    from asmith.store.state import Table


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


def node_of(value: tuple[Any, ...]) -> Node:
    """Return a node from plain values."""
    link = None if value[-1] is None else Summary(*value[-1])
    return Node._make((*value[:-1], link))


def plain(node: Node) -> tuple[Any, ...]:
    """Return a node as plain values."""
    return (*node[:-1], node.link and tuple(node.link))


@dataclass(frozen=True, slots=True)
class Touched:
    """What changed files bear on: modules to look at, and steps besides theirs."""

    modules: frozenset[ModuleName]
    steps: frozenset[Step]
    interfaces: frozenset[InterfaceName] = frozenset()  # whose headers changed


class Bound(Mapping[InterfaceName, tuple[ModuleName, ...]]):
    """Interface -> the modules that implement it, sorted.

    Mostly that is the module of the same name; `others` holds every interface of which it is not.
    """

    def __init__(
        self, nodes: Layered[ModuleName, Node], others: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._nodes = nodes
        self.others = others

    def __getitem__(self, interface: InterfaceName) -> tuple[ModuleName, ...]:
        """Return the modules; raises KeyError where there is none."""
        found = self.others.get(interface)
        if found is None and ModuleName(interface) in self._nodes:
            found = (interface,)
        if not found:
            raise KeyError(interface)
        return tuple(map(ModuleName, found))

    def __iter__(self) -> Iterator[InterfaceName]:
        """Iterate over the interfaces that a module implements."""
        yield from (InterfaceName(i) for i, names in self.others.items() if names)
        yield from (InterfaceName(n) for n in self._nodes if n not in self.others)

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(1 for _ in self)


def bound_otherwise(nodes: Mapping[ModuleName, Node]) -> dict[str, tuple[str, ...]]:
    """Return the interfaces that anything else implements than one module of the same name."""
    found: dict[str, list[str]] = {name: [] for name in nodes}
    for name, node in sorted(nodes.items()):
        found.setdefault(node.implements, []).append(name)
    return {i: tuple(names) for i, names in found.items() if names != [i]}


class Reversed:
    """Interface -> the modules that name it in one way, by a table and what changed since."""

    def __init__(
        self,
        nodes: Layered[ModuleName, Node],
        of: Callable[[Node], tuple[InterfaceName, ...]],
        base: Packed,
    ) -> None:
        self._nodes = nodes
        self._of = of
        self._base = Layered[InterfaceName, tuple[ModuleName, ...]](base=base)
        self._since: dict[InterfaceName, set[ModuleName]] = defaultdict(set)
        for name, node in nodes.changed.items():
            self._add(ModuleName(name), node)

    def _add(self, name: ModuleName, node: Node) -> None:
        for interface in self._of(node):
            self._since[interface].add(name)

    def __getitem__(self, interface: InterfaceName) -> set[ModuleName]:
        """Return the modules; the set is the caller's."""
        before = self._base.get(interface, ())
        found = {ModuleName(m) for m in before if m not in self._nodes.changed}
        return found | self._since.get(interface, set())

    def replaced(self, name: ModuleName, old: Node, new: Node) -> None:
        """Take note of another node, which is set already."""
        for interface in self._of(old):
            self._since[interface].discard(name)
        self._add(name, new)

    def all(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield every interface with its modules, sorted."""
        for interface in {*self._base, *self._since}:
            if found := self[InterfaceName(interface)]:
                yield interface, tuple(sorted(found))


@dataclass(slots=True)
class Known:
    """A project at the end of its last build."""

    head: Head
    nodes: Layered[ModuleName, Node]
    libraries: Layered[
        InterfaceName, str
    ]  # every interface -> the library that implements it, or ""
    readers: Layered[
        str, tuple[ModuleName, ...]
    ]  # files besides their own that modules' steps read
    products: dict[str, Linked]
    bound: Bound
    unsettled: tuple[ModuleName, ...]  # modules that the last build left something to do for
    unsettled_steps: tuple[str, ...]
    tools: dict[str, Any]  # versions of tools and places of libraries
    size: int = 0  # bytes of all modules' texts
    tested: int = 0  # modules that have tests
    table: Table | None = None  # of the journal, as it was when the base was written
    base: str = ""  # the name of what is kept for long, with `links` as it has them
    links: dict[str, tuple[ModuleName, ...]] = field(default_factory=dict)
    seen_by: Reversed = field(init=False)  # whose contract a module sees
    callers: Reversed = field(init=False)  # whose functions or data its object refers to
    screens: dict[str, Screen] = field(default_factory=dict)  # product -> sums of its objects

    def __post_init__(self) -> None:
        self.reverse()

    def reverse(self, sees: Packed = EMPTY, calls: Packed = EMPTY) -> None:
        """Know who sees and calls whom, by tables of the base."""
        self.seen_by = Reversed(self.nodes, lambda node: node.sees, sees)
        self.callers = Reversed(self.nodes, lambda node: node.calls, calls)

    def damaged(self, root: Path, names: Iterable[ModuleName]) -> list[str]:
        """Return the objects of modules whose bytes are not those of their last build."""
        places = {n: layout.output(Slot.BASE, f"obj/{n}.o") for n in names}
        return [
            path
            for name, path in places.items()
            if self.head.differs(str(root), path)
            and (
                (seen := index.read(f"{root}/{path}")) is None or seen[1] != self.nodes[name].object
            )
        ]

    def refresh(self, signatures: dict[str, Signature]) -> None:
        """Take note of new stat data of files whose bytes are the same."""
        if signatures:
            self.head.refresh(signatures)

    def replace(self, name: ModuleName, node: Node) -> None:
        """Take another node for a module."""
        old = self.nodes[name]
        self.nodes[name] = node
        for product in self.products.values():
            product.replaced(name, old, node, self.libraries)
        self.seen_by.replaced(name, old, node)
        self.callers.replaced(name, old, node)
        self.size += node.size - old.size
        self.tested += node.tested - old.tested

    def link(self, product: str, modules: tuple[ModuleName, ...]) -> Linked:
        """Take note of what a product links."""
        found = self.products.get(product)
        if found is None or found.modules is not modules:
            from asmith.run.linked import Linked

            found = self.products[product] = Linked(modules, self.nodes)
        return found

    def reaching(self, modules: Iterable[ModuleName]) -> tuple[ModuleName, ...]:
        """Return the modules and all that call them, directly or not, whoever is bound to what."""

        def calling(name: str) -> Iterable[str]:
            return self.callers[self.nodes[ModuleName(name)].implements]

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
            case ("modules", "asm" | "json") | ("build/obj" | "build/test", _) if known:
                return {ModuleName(stem), *readers}, set()
            case ("interfaces", "h") if stem and not stem.startswith("."):
                name = InterfaceName(stem)
                if name not in self.libraries:
                    return None
                compare = {Step(StepKind.COMPARE, name)} if self._is_used(name) else set()
                return self.seen_by[name] | readers, compare
            case ("build/bin", _):
                return readers, {Step(StepKind.LINK, p) for p in self.products}
        return None if not readers and _may_be_a_test(path) else (readers, set())

    def _is_used(self, interface: InterfaceName) -> bool:
        """Tell whether an interface is a library's and some module uses it."""
        if not self.libraries[interface]:
            return False
        return any(interface in self.nodes[m].externals for m in self.seen_by[interface])

    def _joint(self, modules: Iterable[ModuleName]) -> set[Step]:
        """Return the links and tests that reach modules, and the comparisons behind them."""
        changed = frozenset(modules)
        found = {
            Step(StepKind.LINK, name)
            for name, product in self.products.items()
            if not changed.isdisjoint(product.members)
        }
        if self.tested:
            reached = self.reaching(changed)
            found |= {Step(StepKind.TEST, m) for m in reached if self.nodes[m].tested}
        found |= {Step(StepKind.COMPARE, i) for m in modules for i in self.nodes[m].externals}
        return found

    def kinds_of(self, name: ModuleName) -> tuple[StepKind, ...]:
        """Return the kinds of steps that a module had."""
        own = (StepKind.GENERATE, StepKind.ASSEMBLE, StepKind.CHECK)
        return (*own, StepKind.TEST) if self.nodes[name].tested else own
