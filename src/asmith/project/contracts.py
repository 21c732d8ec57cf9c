"""Interfaces kept as they were read, so that an edit of one module parses no header again.

`build/contracts/` is derived: each file holds one interface, with the digests of its header and all
that it includes. Whatever does not fit (another asmith, a changed header, damage) is read anew.
The parser is not even imported where every interface that is asked for is kept.
"""

from __future__ import annotations

import io
import os
import pickle
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import asmith
from asmith import __version__
from asmith.errors import AsmithError
from asmith.host import files, signature
from asmith.model.contract import Interface
from asmith.model.names import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from asmith.contract.reader import Cache
    from asmith.model.names import InterfaceName

DIRECTORY = "build/contracts"
_DIGEST = 64  # characters
_MODULES = ("asmith.model.contract", "asmith.model.names")  # whose classes an interface is made of


class Contracts:
    """The interfaces of one project.

    `headers` maps each name to its header's path and bytes. Instead of reading them for that,
    `digests` may say what the bytes were that the interfaces to keep were read from.
    """

    def __init__(
        self,
        root: Path,
        headers: Mapping[InterfaceName, tuple[str, bytes]],
        cache: Cache,
        digests: Mapping[InterfaceName, str] | None = None,
    ) -> None:
        self._root = root
        self._headers = headers
        self._cache = cache
        self._known = digests

    def interface(self, name: InterfaceName) -> Interface:
        """Return an interface, kept or read; raises `UsageError` for a header that is none."""
        kept = self._kept(name)
        if kept is not None:
            return kept
        from asmith.contract.reader import read_interface

        made = read_interface(name, self._headers, cache=self._cache)
        self._keep(made, _closure(made, self.interface))
        return made

    def keep(self, interfaces: Mapping[InterfaceName, Interface]) -> None:
        """Keep all interfaces of the project that are not kept yet."""
        for name, interface in interfaces.items():
            if self._kept(name) is None:
                self._keep(interface, _closure(interface, interfaces.__getitem__))

    def _path(self, name: str) -> Path:
        return self._root / DIRECTORY / f"{name}.pickle"

    def _kept(self, name: InterfaceName) -> Interface | None:
        """Return an interface that is kept and still what its headers say."""
        data = files.read_if_exists(self._path(name))
        found = None if data is None else _value(data)
        if found is None:
            return None
        digests, interface = found
        return interface if self._digests(digests) == digests else None

    def _digests(self, names: Iterable[InterfaceName]) -> dict[InterfaceName, str]:
        if self._known is not None:
            return {n: self._known[n] for n in names if n in self._known}
        return {n: digest_bytes(self._headers[n][1]) for n in names if n in self._headers}

    def _keep(self, interface: Interface, closure: Iterable[InterfaceName]) -> None:
        value = (_reader(), self._digests(sorted(closure)), interface)
        data = pickle.dumps(value, protocol=5)
        try:
            files.write_atomic(self._path(interface.name), digest_bytes(data).encode() + data)
        except AsmithError:
            return  # a full disk: it will be read again


def _closure(
    interface: Interface, named: Callable[[InterfaceName], Interface]
) -> set[InterfaceName]:
    """Return the names of an interface and of all that it includes."""
    found, todo = {interface.name}, list(interface.includes)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += named(name).includes
    return found


@lru_cache(maxsize=64)
def _value(data: bytes) -> tuple[dict[InterfaceName, str], Interface] | None:
    """Return the digests and the interface in the bytes of a file; None for what does not fit."""
    if data[:_DIGEST] != digest_bytes(data[_DIGEST:]).encode():
        return None
    try:
        reader, digests, interface = _Unpickler(io.BytesIO(data[_DIGEST:])).load()
    except Exception:  # noqa: BLE001 -- whatever it is, the header is read
        return None
    fits = reader == _reader() and isinstance(interface, Interface)
    return (digests, interface) if fits else None


class _Unpickler(pickle.Unpickler):
    """Makes values of interfaces and of nothing else: a foreign file cannot run anything."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a class of the model; raises for every other."""
        if module not in _MODULES:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of an interface")
        return super().find_class(module, name)


@cache
def _reader() -> str:
    """Return what changes with the code that reads headers."""
    own = asmith.__path__[0]
    sources = sorted(e.path for e in os.scandir(f"{own}/contract") if e.name.endswith(".py"))
    seen = [signature.of(path) for path in (*sources, f"{own}/model/contract.py")]
    return digest_bytes(repr((__version__, seen)).encode())
