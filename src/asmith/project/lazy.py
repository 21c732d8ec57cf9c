"""A mapping whose names are known and whose values are made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, MutableMapping
from typing import TypeVar

K = TypeVar("K", bound=str)
V = TypeVar("V")


class Lazy(MutableMapping[K, V]):
    """Looks like a dict of all names; whoever asks for every value gets every value made."""

    __slots__ = ("_made", "_make", "_names")

    def __init__(self, names: Collection[K], make: Callable[[K], V]) -> None:
        self._names = names
        self._make = make
        self._made: dict[K, V] = {}

    def __getitem__(self, name: K) -> V:
        """Return a value, made at its first use; raises KeyError for an unknown name."""
        if name not in self._made:
            if name not in self._names:
                raise KeyError(name)
            self._made[name] = self._make(name)
        return self._made[name]

    def __setitem__(self, name: K, value: V) -> None:
        """Replace the value of a known name."""
        if name not in self._names:
            raise KeyError(name)
        self._made[name] = value

    def __delitem__(self, name: K) -> None:
        """Let a value be made again when it is next asked for."""
        self._made.pop(name, None)

    def __iter__(self) -> Iterator[K]:
        """Iterate over all names, made or not."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return the number of names."""
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        """Tell whether a name is known."""
        return name in self._names
