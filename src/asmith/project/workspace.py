"""The workspace: configuration, specs and interfaces of one project, read once and joined.

A workspace is a snapshot. `sources` holds the digest of every file it was read from, so a build
can tell afterwards whether one of them changed meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.dataclass import dataclass
from asmith.errors import Place, UsageError, did_you_mean
from asmith.host import files
from asmith.model.contract import Entry, EntryKind, Interface
from asmith.model.names import Digest, InterfaceName, ModuleName, digest_bytes
from asmith.project import config as configuration
from asmith.project import spec as specs
from asmith.project.contracts import Contracts
from asmith.project.lazy import Lazy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from asmith.contract.reader import Cache
    from asmith.model.spec import Spec, Use
    from asmith.project.config import Config, Product


@dataclass(frozen=True, slots=True)
class Workspace:
    """One project, as its files said when it was read."""

    root: Path
    config: Config
    specs: Mapping[ModuleName, Spec]
    interfaces: Mapping[InterfaceName, Interface]
    sources: Mapping[str, Digest]  # path relative to root -> digest of its bytes
    bound: Mapping[InterfaceName, tuple[ModuleName, ...]]  # interface -> who implements it, sorted

    def interface_of(self, module: ModuleName) -> Interface:
        """Return the interface that a module implements."""
        return self.interfaces[self.specs[module].implements]

    def implementers(self, interface: InterfaceName) -> tuple[ModuleName, ...]:
        """Return the modules that implement an interface, sorted."""
        return self.bound.get(interface, ())

    def provider(self, interface: InterfaceName, product: Product | None) -> ModuleName | None:
        """Return the module that a product (or a test, for None) binds an interface to."""
        if product is not None and interface in product.bind:
            return product.bind[interface]
        modules = self.implementers(interface)
        return modules[0] if modules else None

    def visible(self, module: ModuleName) -> dict[str, Entry]:
        """Return all that a module's text may name: NASM name -> entry.

        These are its own interface, what its spec uses, and the constants and types (no functions)
        of every interface that those include.
        """
        spec = self.specs[module]
        found: dict[str, Entry] = {}
        own = self.interfaces[spec.implements]
        for entry in own.surface.values():
            found[entry.nasm] = entry
        for use in spec.uses:
            for entry in self._used(use):
                found[entry.nasm] = entry
        for name in self._included({spec.implements, *(u.interface for u in spec.uses)}):
            for entry in self.interfaces[name].surface.values():
                if entry.kind not in (EntryKind.FUNCTION, EntryKind.DATA):
                    found.setdefault(entry.nasm, entry)
        return found

    def visible_interfaces(self, module: ModuleName) -> dict[InterfaceName, Interface]:
        """Return the interfaces behind `visible`."""
        spec = self.specs[module]
        names = {spec.implements, *(u.interface for u in spec.uses)}
        return {n: self.interfaces[n] for n in sorted(names | self._included(names))}

    def _used(self, use: Use) -> Iterator[Entry]:
        for entry in self.interfaces[use.interface].surface.values():
            if not use.symbol or entry.subject == use.symbol:
                yield entry

    def _included(self, names: set[InterfaceName]) -> set[InterfaceName]:
        seen: set[InterfaceName] = set()
        todo = sorted(names)
        while todo:
            for name in self.interfaces[todo.pop()].includes:
                if name not in seen:
                    seen.add(name)
                    todo.append(name)
        return seen


def find_root(start: Path) -> Path:
    """Return the nearest directory at or above `start` whose pyproject.toml has [tool.asmith]."""
    for directory in (start, *start.parents):
        data = files.read_if_exists(directory / configuration.CONFIG)
        if data is not None and b"[tool.asmith" in data:
            return directory
    raise UsageError(
        "this is no asmith project",
        where=str(start),
        why=f"neither it nor a directory above has a {configuration.CONFIG} with [tool.asmith]",
        help="change into a project, name it with -C DIR, or make one: asmith init DIR",
    )


def load(root: Path) -> Workspace:
    """Return the workspace of a project root, read and verified."""
    reading = _Reading(root)
    config = reading.config()
    headers = reading.headers(
        [InterfaceName(n.removesuffix(".h")) for n in files.listing(root / "interfaces", ".h")]
    )
    from asmith.contract.reader import read_interfaces

    interfaces = read_interfaces(headers)
    stems = [n.removesuffix(".md") for n in files.listing(root / "specs", ".md")]
    found = {ModuleName(stem): reading.spec(ModuleName(stem)) for stem in stems}
    bound: dict[InterfaceName, tuple[ModuleName, ...]] = {}
    for spec in sorted(found.values(), key=lambda s: s.module):
        bound[spec.implements] = (*bound.get(spec.implements, ()), spec.module)
    workspace = Workspace(root, config, found, interfaces, reading.sources, bound)
    for spec in found.values():
        _verify_spec(workspace, spec)
    for product in config.products.values():
        _verify_product(workspace, product)
    return workspace


def load_lazily(
    root: Path,
    modules: Collection[ModuleName],
    bound: Mapping[InterfaceName, tuple[ModuleName, ...]],
    interfaces: Collection[InterfaceName],
    cache: Cache,
) -> Workspace:
    """Return the workspace of a project of which all names are known, each file read when needed.

    `bound` maps interfaces to the modules that implement them: whoever asks for a spec that
    says otherwise gets `AnotherProjectError`. `cache` keeps interfaces by the digest of their
    texts.
    """
    reading = _Reading(root)
    contracts = Contracts(root, reading.headers(interfaces), cache)

    def spec_of(name: ModuleName) -> Spec:
        spec = reading.spec(name)
        _verify_spec(workspace, spec)
        if name not in bound.get(spec.implements, ()):
            raise AnotherProjectError(name)
        return spec

    workspace = Workspace(
        root,
        reading.config(),
        Lazy(modules, spec_of),
        Lazy(interfaces, contracts.interface),
        reading.sources,
        bound,
    )
    return workspace


def keep_contracts(workspace: Workspace) -> None:
    """Keep the interfaces of a workspace that was read as a whole."""
    digests = {n: workspace.sources[i.path] for n, i in workspace.interfaces.items()}
    Contracts(workspace.root, {}, {}, digests).keep(workspace.interfaces)


class AnotherProjectError(Exception):
    """What is known of the project as a whole no longer holds; read all of it."""


class _Reading:
    """Reads the files of a workspace and keeps the digest of each."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sources: dict[str, Digest] = {}

    def take(self, path: str) -> bytes:
        data = files.read_bytes(self.root / path)
        self.sources[path] = digest_bytes(data)
        return data

    def config(self) -> Config:
        return configuration.parse(self.take(configuration.CONFIG))

    def headers(self, names: Collection[InterfaceName]) -> Lazy[InterfaceName, tuple[str, bytes]]:
        def header(name: InterfaceName) -> tuple[str, bytes]:
            path = f"interfaces/{name}.h"
            return path, self.take(path)

        return Lazy(names, header)

    def spec(self, name: ModuleName) -> Spec:
        path = f"specs/{name}.md"
        spec = specs.parse(files.decode(self.take(path), path), path)
        if spec.module != name:
            raise UsageError(
                f"the spec says module '{spec.module}', but its file is '{name}.md'",
                where=Place(path, 2),
                help=f"name the file {spec.module}.md, or change the front matter",
            )
        return spec


def _verify_spec(workspace: Workspace, spec: Spec) -> None:
    interfaces = workspace.interfaces
    place = Place(spec.path, 1)
    own = interfaces.get(spec.implements)
    if own is None:
        raise UsageError(
            f"module '{spec.module}' implements '{spec.implements}', which is no interface"
            + did_you_mean(spec.implements, tuple(interfaces)),
            where=place,
            help=f"write interfaces/{spec.implements}.h",
        )
    if not own.has_module:
        raise UsageError(
            f"interface '{spec.implements}' has nothing to implement",
            where=place,
            why="it declares types and constants only, or belongs to a library",
        )
    for use in spec.uses:
        _verify_use(workspace, spec, use)
    for requirement in spec.requirements:
        if requirement.function and requirement.function not in own.functions:
            raise UsageError(
                f"requirement {requirement.id} stands under '{requirement.function}', "
                f"which is no function of {own.path}"
                + did_you_mean(requirement.function, tuple(own.functions)),
                where=Place(spec.path, requirement.line),
            )


def _verify_use(workspace: Workspace, spec: Spec, use: Use) -> None:
    interface = workspace.interfaces.get(use.interface)
    if interface is None:
        raise UsageError(
            f"'{use}' in uses: there is no interface '{use.interface}'"
            + did_you_mean(use.interface, tuple(workspace.interfaces)),
            where=Place(spec.path, 1),
            help=f"write interfaces/{use.interface}.h, or take it out of uses",
        )
    if use.symbol and use.symbol not in interface.surface:
        raise UsageError(
            f"'{use}' in uses: {interface.path} does not declare '{use.symbol}'"
            + did_you_mean(use.symbol, tuple(interface.surface)),
            where=Place(spec.path, 1),
        )


def _verify_product(workspace: Workspace, product: Product) -> None:
    where = configuration.CONFIG
    for module in (*product.roots, *product.bind.values()):
        if module not in workspace.specs:
            raise UsageError(
                f"product '{product.name}' names module '{module}', which has no spec"
                + did_you_mean(module, tuple(workspace.specs)),
                where=where,
                help=f"write specs/{module}.md (asmith new {module})",
            )
    for interface in (*product.offers, *product.bind):
        if interface not in workspace.interfaces:
            raise UsageError(
                f"product '{product.name}' names interface '{interface}', which does not exist"
                + did_you_mean(interface, tuple(workspace.interfaces)),
                where=where,
            )
