"""Interfaces from the bytes of their headers: includes resolved, everything laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.contract.basic import CONSTANTS, HEADERS
from asmith.contract.declarations import Declarations
from asmith.contract.scope import Scope, Typedef
from asmith.contract.source import prepare
from asmith.contract.surface import surface
from asmith.dataclass import dataclass, replace
from asmith.errors import Place, UsageError, did_you_mean
from asmith.model.names import Digest, InterfaceName, digest_bytes, digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.contract.directives import Include
    from asmith.contract.source import Source
    from asmith.model.contract import Interface


@dataclass(frozen=True, slots=True)
class _Read:
    """An interface, and the names that it makes visible to those that include it."""

    interface: Interface
    scope: Scope
    key: Digest


Cache = dict[Digest, _Read]
"""Interfaces already read, by the digest of their own and of all included texts."""


def read_interfaces(
    sources: Mapping[InterfaceName, tuple[str, bytes]],
    *,
    cache: Cache | None = None,
    complete: bool = True,
) -> dict[InterfaceName, Interface]:
    """Return every interface, read. Without `complete` a plain header of prototypes is one, too.

    `sources` maps a name to the header's path relative to the project root and its bytes. With a
    `cache`, an interface whose own and included texts are in it is not read again. Raises
    UsageError for the first header that is no interface, for a cycle of includes, and for an
    include that names no interface.
    """
    reading = _Reading(sources, {} if cache is None else cache, complete=complete)
    return {name: reading.read(name).interface for name in sources}


def read_interface(
    name: InterfaceName, sources: Mapping[InterfaceName, tuple[str, bytes]], *, cache: Cache
) -> Interface:
    """Return one interface, reading only what it includes; raises as `read_interfaces` does."""
    return _Reading(sources, cache).read(name).interface


class _Reading:
    """One pass over a set of interfaces; `path` is the chain of includes that is being read."""

    def __init__(
        self,
        sources: Mapping[InterfaceName, tuple[str, bytes]],
        cache: Cache,
        *,
        complete: bool = True,
    ) -> None:
        self.complete = complete
        self.sources = sources
        self.cache = cache
        self.done: dict[InterfaceName, _Read] = {}
        self.path: list[InterfaceName] = []

    def read(self, name: InterfaceName) -> _Read:
        if name in self.done:
            return self.done[name]
        path, data = self.sources[name]
        source = prepare(path, data)
        self.path.append(name)
        included = self.included(source)
        self.path.pop()
        digest = digest_bytes(data)
        keys = [self.done[i].key for i in included]
        key = digest_of("interface", [name, path, digest, *keys])
        found = self.cache.get(key)
        if found is None:
            found = self.made(name, source, included, (digest, key))
            self.cache[key] = found
        self.done[name] = found
        return found

    def included(self, source: Source) -> dict[InterfaceName, Include]:
        """Read the included interfaces first; return them in order."""
        found: dict[InterfaceName, Include] = {}
        for include in source.includes:
            place = source.origin.place(include.offset)
            if include.system:
                if include.file not in HEADERS:
                    raise _unknown_header(include.file, place)
                continue
            name = self.named(include.file, place)
            if name in self.path:
                cycle = " -> ".join((*self.path[self.path.index(name) :], name))
                raise UsageError(
                    f"interfaces include each other: {cycle}",
                    where=place,
                    help="move what both need into a third interface",
                )
            found[name] = include
            self.read(name)
        return found

    def named(self, file: str, place: Place) -> InterfaceName:
        stem = InterfaceName(file.removesuffix(".h"))
        if not file.endswith(".h") or stem not in self.sources:
            known = [f"{name}.h" for name in self.sources]
            raise UsageError(
                f"no interface is '{file}'{did_you_mean(file, known)}",
                where=place,
                help="an interface includes other interfaces of the project by '\"name.h\"'",
            )
        return stem

    def made(
        self,
        name: InterfaceName,
        source: Source,
        included: Mapping[InterfaceName, Include],
        digests: tuple[Digest, Digest],
    ) -> _Read:
        scope = Scope()
        for include in source.includes:
            if include.system:
                _standard(scope, include.file)
        for other, include in included.items():
            scope.include(self.done[other].scope, source.origin.place(include.offset))
        digest, key = digests
        interface = Declarations(source, scope).read(
            name, tuple(included), digest, complete=self.complete
        )
        return _Read(replace(interface, surface=surface(interface)), scope, key)


def _standard(scope: Scope, header: str) -> None:
    """Make the names of a standard header visible."""
    for name, ctype in HEADERS[header].items():
        scope.typedefs[name] = Typedef(ctype)
        scope.owners[name] = "a standard header"
    for name, value in CONSTANTS.get(header, {}).items():
        scope.constants[name] = value
        scope.owners[name] = "a standard header"


def _unknown_header(file: str, place: Place) -> UsageError:
    return UsageError(
        f"'<{file}>' is not part of the interface language{did_you_mean(file, list(HEADERS))}",
        where=place,
        help=f"an interface may include {', '.join(f'<{h}>' for h in HEADERS)}, and declares "
        "itself what it needs of others",
    )
