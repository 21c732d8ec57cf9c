"""Sorted keys with their values in one piece of bytes, looked up in place: nothing is parsed.

A project of ten thousand modules has tables of megabytes, of which an edit needs a few entries. A
lookup is a binary search; what is found is decoded then.
"""

from __future__ import annotations

import marshal
from array import array
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

K = TypeVar("K", bound=str)
V = TypeVar("V")
_NUMBER = 8  # bytes of the count of entries, and of the length of all keys, in front


def pack(items: Iterable[tuple[str, bytes]]) -> bytes:
    """Return entries as bytes that `Packed` takes; at most 4 GiB of keys and of values."""
    ordered = sorted((key.encode("utf-8", "surrogateescape"), value) for key, value in items)
    keys = b"".join(key for key, _ in ordered)
    numbers = (len(ordered), len(keys))
    return b"".join(
        (
            *(n.to_bytes(_NUMBER, "little") for n in numbers),
            _ends(len(key) for key, _ in ordered),
            _ends(len(value) for _, value in ordered),
            keys,
            *(value for _, value in ordered),
        )
    )


def _ends(lengths: Iterable[int]) -> bytes:
    ends, at = array("I"), 0
    for length in lengths:
        at += length
        ends.append(at)
    return ends.tobytes()


class Packed:
    """Entries in the bytes that `pack` made, which somebody else has verified."""

    __slots__ = ("_count", "_keys", "_names", "_texts", "_values")

    def __init__(self, data: memoryview) -> None:
        self._count = int.from_bytes(data[:_NUMBER], "little")
        length = int.from_bytes(data[_NUMBER : 2 * _NUMBER], "little")
        table = 4 * self._count
        begin = 2 * _NUMBER
        self._keys = data[begin : begin + table].cast("I")
        self._values = data[begin + table : begin + 2 * table].cast("I")
        begin += 2 * table
        self._names = data[begin : begin + length]
        self._texts = data[begin + length :]

    def __len__(self) -> int:
        """Return the number of entries."""
        return self._count

    def get(self, key: str) -> memoryview | None:
        """Return the value of a key, or None."""
        wanted = key.encode("utf-8", "surrogateescape")
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if bytes(_piece(self._names, self._keys, middle)) < wanted:
                low = middle + 1
            else:
                high = middle
        if low == self._count or _piece(self._names, self._keys, low) != wanted:
            return None
        return _piece(self._texts, self._values, low)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys, sorted by their bytes."""
        for k in range(self._count):
            yield bytes(_piece(self._names, self._keys, k)).decode("utf-8", "surrogateescape")

    def items(self) -> Iterator[tuple[str, memoryview]]:
        """Iterate over keys and values."""
        for k, key in enumerate(self):
            yield key, _piece(self._texts, self._values, k)


def _piece(data: memoryview, ends: memoryview, k: int) -> memoryview:
    return data[ends[k - 1] if k else 0 : ends[k]]


EMPTY = Packed(memoryview(pack(())))


def _load(value: memoryview) -> Any:
    return marshal.loads(value)  # noqa: S302 -- ours, and its checksum was verified


class Layered(Mapping[K, V], Generic[K, V]):
    """A packed table of plain values, and what was set since."""

    __slots__ = ("_base", "_decode", "_new", "_read", "changed")

    def __init__(
        self,
        changed: Iterable[tuple[K, V]] = (),
        base: Packed = EMPTY,
        decode: Callable[[Any], V] = lambda value: value,
    ) -> None:
        self._base = base
        self._decode = decode
        self._read: dict[K, V] = {}
        self.changed: dict[K, V] = {}
        self._new = 0
        for key, value in changed:
            self[key] = value

    def __getitem__(self, key: K) -> V:
        """Return a value, decoded at its first use."""
        if key in self.changed:
            return self.changed[key]
        if key not in self._read:
            found = self._base.get(key)
            if found is None:
                raise KeyError(key)
            self._read[key] = self._decode(_load(found))
        return self._read[key]

    def __setitem__(self, key: K, value: V) -> None:
        """Set a value."""
        self._new += key not in self.changed and self._base.get(key) is None
        self.changed[key] = value
        self._read.pop(key, None)

    def __contains__(self, key: object) -> bool:
        """Tell whether there is a value, without decoding it."""
        return key in self.changed or (isinstance(key, str) and self._base.get(key) is not None)

    def __iter__(self) -> Iterator[K]:
        """Iterate over the keys, in no order that matters."""
        yield from self.changed
        kept = (cast("K", key) for key in self._base)
        yield from (key for key in kept if key not in self.changed)

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self._base) + self._new

    def rebase(self, base: Packed) -> None:
        """Take a table that holds all that this one does."""
        self._base, self._new = base, 0
        self.changed.clear()
        self._read.clear()

    def dump(self, encode: Callable[[V], Any] = lambda value: value) -> bytes:
        """Return all of it packed, what was never decoded as it is."""
        kept = ((k, bytes(v)) for k, v in self._base.items() if k not in self.changed)
        new = ((k, marshal.dumps(encode(v))) for k, v in self.changed.items())
        return pack((*kept, *new))
