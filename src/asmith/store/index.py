"""The index: what the last build saw of every file, so that nothing needs to be read again.

`build/index` (docs/reference/state.md) is derived and bound to one Python and one asmith: anything
unexpected in it counts as no index. Its head decides whether there is anything to do, by one pass
over stat data; its body says how the modules hang together, and is loaded when something changed.

This file is all that a build without work imports, besides the standard library's built-in parts:
no dataclasses, no pathlib, no json here.
"""

from __future__ import annotations

import marshal
import os
import sys
from time import clock_gettime_ns

from asmith import __version__
from asmith.host import signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from asmith.host.signature import Signature

PATH = "build/index"
_ENVIRONMENT = (
    "PATH", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "PKG_CONFIG_SYSROOT_DIR", "LIBRARY_PATH",
    "COMPILER_PATH", "GCC_EXEC_PREFIX",
)  # fmt: skip
_MAGIC = b"asmith index 1\n"
_LENGTHS = 24  # bytes: checksum, length of the head, length of the body, 8 each
_COARSE = 5  # CLOCK_REALTIME_COARSE: the clock that the kernel stamps files with
_TICK = 10_000_000  # nanoseconds: a file written within the last tick may still change unseen


class Head:
    """What decides whether there is anything to do.

    `paths`, `signatures` and `digests` run in parallel: each file that was read or written, with
    its stat data and the digest of its bytes. `fixed` are files that count by their stat data
    alone (tools, libraries, asmith's own), `absent` paths at which nothing may be, `listings` the
    directories in which names may come and go, each with its suffix and its sorted names.
    `unsettled` tells whether the last build left anything to do.
    """

    __slots__ = (
        "absent", "digests", "fixed", "identity", "listings", "paths", "signatures", "steps",
        "unsettled",
    )  # fmt: skip

    def __init__(self) -> None:
        self.identity: tuple[str, ...] = identity()
        self.steps = 0
        self.unsettled = False
        self.paths: list[str] = []
        self.signatures: list[Signature] = []
        self.digests: list[str] = []
        self.fixed: dict[str, Signature] = {}
        self.absent: list[str] = []
        self.listings: dict[str, tuple[Signature, str, tuple[str, ...]]] = {}

    def dump(self) -> bytes:
        """Return it as bytes."""
        return marshal.dumps([getattr(self, name) for name in self.__slots__])

    @classmethod
    def load(cls, data: bytes | memoryview) -> Head:
        """Return what `dump` wrote."""
        made = cls.__new__(cls)
        for name, value in zip(cls.__slots__, marshal.loads(data), strict=True):  # noqa: S302 -- ours
            setattr(made, name, value)
        return made


class Index:
    """The index as it lies on the disk: the head, and the body not loaded yet."""

    __slots__ = ("_body", "head", "written")

    def __init__(self, head: Head, body: bytes | memoryview, written: int) -> None:
        self.head = head
        self.written = written  # when, in nanoseconds of the file system's clock
        self._body = body

    def body(self) -> Any:
        """Return the body, loaded."""
        return marshal.loads(self._body)  # noqa: S302 -- ours, and its checksum was verified

    def raw_body(self) -> bytes | memoryview:
        """Return the body as it was written."""
        return self._body


def identity() -> tuple[str, ...]:
    """Return what an index is bound to besides files: asmith, Python, the environment."""
    return (__version__, sys.version, *(os.environ.get(name, "") for name in _ENVIRONMENT))


def load(root: str) -> Index | None:
    """Return the index of a project, or None if there is none that can be used."""
    try:
        with open(f"{root}/{PATH}", "rb") as file:
            data = file.read()
            written = os.fstat(file.fileno()).st_mtime_ns
    except OSError:
        return None
    begin = len(_MAGIC) + _LENGTHS
    if len(data) < begin or not data.startswith(_MAGIC):
        return None
    numbers = data[len(_MAGIC) : begin]
    checksum, head, body = (int.from_bytes(numbers[k : k + 8], "little") for k in (0, 8, 16))
    rest = memoryview(data)[begin:]
    if len(rest) != head + body or checksum != _checksum(rest):
        return None
    try:
        index = Index(Head.load(rest[:head]), rest[head:], written)
    except (ValueError, EOFError, TypeError):
        return None
    return index if index.head.identity == identity() else None


def dump(head: Head, body: bytes | memoryview) -> bytes:
    """Return the bytes of an index file."""
    rest = head.dump()
    numbers = (_checksum(rest + body), len(rest), len(body))
    return b"".join((_MAGIC, *(n.to_bytes(8, "little") for n in numbers), rest, body))


def _checksum(data: bytes | memoryview) -> int:
    from zlib import crc32

    return crc32(data)


class Changes:
    """What a pass over the files found.

    `files` are those whose bytes differ from what the index says (or that are gone), `refreshed`
    those whose stat data alone do, by path; `elsewhere` names the first change outside of them
    (a tool, a listing, something that should not be there): then nothing of the index holds.
    """

    __slots__ = ("elsewhere", "files", "refreshed")

    def __init__(self) -> None:
        self.files: list[str] = []
        self.refreshed: dict[str, Signature] = {}
        self.elsewhere = ""

    def __bool__(self) -> bool:
        """Tell whether there is any change."""
        return bool(self.files or self.elsewhere)


def changes(index: Index, root: str) -> Changes:
    """Return what changed since the index was written, by one pass over stat data.

    A file is read again where its stat data differ, and where they cannot be trusted: it was
    changed in the same tick of the clock as, or later than, the index was written.
    """
    found = Changes()
    found.elsewhere = _elsewhere(index.head, root)
    if found.elsewhere:
        return found
    head = index.head
    for k in signature.differing(root, head.paths, head.signatures, index.written):
        path = head.paths[k]
        seen = read(f"{root}/{path}")
        if seen is None or seen[1] != head.digests[k]:
            found.files.append(path)
        else:
            found.refreshed[path] = seen[0]
    return found


def _elsewhere(head: Head, root: str) -> str:
    """Return the first change of what counts by stat data alone, or an empty text."""
    for path, wanted in head.fixed.items():
        if signature.of(path) != wanted:
            return path
    for path in head.absent:
        if signature.of(f"{root}/{path}") is not None:
            return path
    for path, (wanted, suffix, names) in head.listings.items():
        if signature.of(f"{root}/{path}") != wanted and names != listing(f"{root}/{path}", suffix):
            return path
    return ""


def listing(path: str, suffix: str) -> tuple[str, ...]:
    """Return the sorted names in a directory that end in `suffix` and do not begin with a dot."""
    try:
        names = os.listdir(path)
    except OSError:
        return ()
    return tuple(sorted(n for n in names if n.endswith(suffix) and not n.startswith(".")))


def read(path: str) -> tuple[Signature, str] | None:
    """Return a file's stat data and the digest of its bytes; None if it is no file.

    The stat data are those from before the bytes were read, and are spoilt if the file may still
    change within the tick of the clock in which it last did.
    """
    from hashlib import sha256

    before = signature.of(path)
    if before is None:
        return None
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return None
    return trusted(before, clock_gettime_ns(_COARSE)), sha256(data).hexdigest()


def trusted(seen: Signature, now: int) -> Signature:
    """Return stat data taken at `now`, spoilt if later changes might not show in them."""
    return seen if max(seen[0], seen[1]) < now - _TICK else signature.SPOILT


def up_to_date(root: str, refresh: Callable[[Index, Changes], None]) -> int | None:
    """Return the number of steps if all of them hold, by the index alone; None for any doubt.

    `refresh` is told where stat data changed though no bytes did, to spare the next one the
    reading.
    """
    index = load(root)
    if index is None or index.head.unsettled:
        return None
    found = changes(index, root)
    if found:
        return None
    if found.refreshed:
        refresh(index, found)
    return index.head.steps


def refreshed(head: Head, signatures: dict[str, Signature]) -> Head:
    """Put new stat data into a head and return it."""
    for k, path in enumerate(head.paths):
        if path in signatures:
            head.signatures[k] = signatures[path]
    return head


def digests(head: Head, paths: Iterable[str]) -> dict[str, str]:
    """Return path -> digest for some of the files of a head."""
    wanted = set(paths)
    pairs = zip(head.paths, head.digests, strict=True)
    return {path: digest for path, digest in pairs if path in wanted}
