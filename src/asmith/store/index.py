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
    from collections.abc import Callable

    from asmith.host.signature import Signature

    Listings = dict[str, tuple[Signature, str, tuple[str, ...]]]

Seen = tuple[tuple[int, int, int, int], str, int]
"""A file's signature, the digest of its bytes, and when both were taken (`file_clock`)."""

PATH = "build/index"
LOCK = "build/lock"
_ENVIRONMENT = (
    "PATH", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "PKG_CONFIG_SYSROOT_DIR", "LIBRARY_PATH",
    "COMPILER_PATH", "GCC_EXEC_PREFIX",
)  # fmt: skip
_MAGIC = b"asmith index 9\n\0"
_COUNT = 8  # numbers behind the magic, 8 bytes each
_BEGIN = len(_MAGIC) + 8 * _COUNT
_COARSE = 5  # CLOCK_REALTIME_COARSE: the clock that the kernel stamps files with
_TICK = 10_000_000  # nanoseconds: a file written within the last tick may still change unseen


class Head:
    """What decides whether there is anything to do.

    `paths`, `signatures` and `digests` are packed and run in parallel: each file that was read or
    written, by directory and name, with its stat data and the digest of its bytes. `fixed` are
    files that count by their stat data alone (tools, libraries, asmith's own), `absent` paths at
    which nothing may be, `listings` the directories in which names come and go, with suffix and
    sorted names. `unsettled` tells whether the last build left anything to do.
    """

    __slots__ = (
        "_blocks", "_digests", "absent", "fixed", "identity", "later", "listings", "paths",
        "signatures", "steps", "unsettled",
    )  # fmt: skip

    def __init__(self, small: memoryview | None = None) -> None:
        """Make a head without files, or with all but the packed parts of another."""
        self.identity: tuple[str, ...] = identity()
        self.steps = 0
        self.unsettled = False
        self.fixed: dict[str, Signature] = {}
        self.absent: list[str] = []
        self.listings: Listings = {}
        self.paths: bytes | memoryview = b""
        self.signatures: bytes | memoryview = b""
        self.later: Callable[[], bytes] | None = None  # reads the digests
        self._digests: bytes = b""
        self._blocks: dict[str, tuple[int, int, int]] = {}
        if small is not None:
            (
                self.identity, self.steps, self.unsettled, self.fixed, self.absent, self.listings,
            ) = marshal.loads(small)  # noqa: S302 -- ours, and its checksum was verified  # fmt: skip

    @property
    def digests(self) -> bytes:
        """Return the digests, read at their first use; raises `DamagedError`."""
        later = self.later
        if later is not None:
            self._digests = later()
            self.later = None
        return self._digests

    def put(self, files: list[tuple[str, Signature, str]]) -> None:
        """Set the files: path, stat data, digest."""
        files.sort(key=lambda file: file[0].rpartition("/"))
        self.paths = signature.pack_paths(f[0] for f in files)
        self.signatures = signature.pack([f[1] for f in files])
        self.later, self._digests = None, b"".join(bytes.fromhex(f[2]) for f in files)
        self._blocks = {}

    def files(self) -> list[tuple[str, Signature, str]]:
        """Return what `put` set."""
        paths = signature.unpack_paths(self.paths)
        digests = (self.digest(k) for k in range(len(paths)))
        return list(zip(paths, signature.unpack(self.signatures), digests, strict=True))

    def digest(self, k: int) -> str:
        """Return the digest of the file with that number."""
        return self.digests[32 * k : 32 * k + 32].hex()

    def patch(self, files: dict[str, tuple[Signature, str] | None]) -> None:
        """Set some files; None takes one out. Costs little where all are there already."""
        where = {path: self._place(path) for path in files}
        if any(where[p] < 0 or f is None for p, f in files.items()):
            kept = [f for f in self.files() if f[0] not in files]
            self.put(kept + [(p, *f) for p, f in files.items() if f is not None])
            return
        signatures, digests = bytearray(self.signatures), bytearray(self.digests)
        for path, file in files.items():
            if file is not None:
                k = where[path]
                signatures[32 * k : 32 * k + 32] = signature.pack([file[0]])
                digests[32 * k : 32 * k + 32] = bytes.fromhex(file[1])
        self.signatures, self._digests = bytes(signatures), bytes(digests)

    def refresh(self, signatures: dict[str, Signature]) -> None:
        """Set new stat data of files whose bytes are the same."""
        places = {path: self._place(path) for path in signatures}
        self.patch({p: (s, self.digest(places[p])) for p, s in signatures.items()})

    def differs(self, root: str, path: str) -> bool:
        """Tell whether a file's stat data are others than these, or it is none of these files."""
        k = self._place(path)
        there = signature.of(f"{root}/{path}")
        return (
            k < 0
            or there is None
            or self.signatures[32 * k : 32 * k + 32] != signature.pack([there])
        )

    def _place(self, path: str) -> int:
        """Return the number of a file, or -1."""
        directory, _, name = path.rpartition("/")
        if not self._blocks:
            self._blocks = signature.places(bytes(self.paths))
        first, start, end = self._blocks.get(directory or ".", (0, 0, 0))
        names = bytes(self.paths[start:end])
        at = names.find(b"\0" + os.fsencode(name) + b"\0")
        return -1 if at < 0 else first + names.count(b"\0", 0, at)

    def small(self) -> bytes:
        """Return all but the packed parts as bytes, of a length that keeps numbers aligned."""
        parts = (
            self.identity, self.steps, self.unsettled, self.fixed, self.absent, self.listings,
        )  # fmt: skip
        data = marshal.dumps(parts)
        return data + b"\0" * (-len(data) % 8)


class DamagedError(Exception):
    """A part of the index that was read late is not what was written."""


class Index:
    """The index as it lies on the disk: the head, and the rest not read yet."""

    __slots__ = ("_parts", "_path", "_there", "head", "written")

    def __init__(self, path: str) -> None:
        """Read the head of an index; raises `DamagedError`, or `OSError` where there is none."""
        self._path = path
        with open(path, "rb", buffering=0) as file:
            self._there = os.fstat(file.fileno())
            self.written = self._there.st_mtime_ns  # nanoseconds of the file system's clock
            begin = file.read(_BEGIN) or b""
            if len(begin) != _BEGIN or not begin.startswith(_MAGIC):
                raise DamagedError
            checksum, *numbers = memoryview(begin)[len(_MAGIC) :].cast("Q")
            small, signatures, paths, digests, body, *checksums = numbers
            first = small + signatures + paths
            if self._there.st_size != _BEGIN + first + digests + body:
                raise DamagedError
            data = file.read(first) or b""
        if checksum != _checksum(data, _checksum(begin[len(_MAGIC) + 8 :])):
            raise DamagedError
        self._parts = (
            (_BEGIN + first, digests, checksums[0]),
            (_BEGIN + first + digests, body, checksums[1]),
        )
        view, both = memoryview(data), small + signatures
        self.head = Head(view[:small])
        self.head.signatures, self.head.paths = view[small:both], view[both:]
        self.head.later = lambda: self._later(0)

    def current(self) -> bool:
        """Tell whether the project still has this index, and no other one."""
        try:
            return self._same(os.stat(self._path))
        except OSError:
            return False

    def _same(self, there: os.stat_result) -> bool:
        mine = self._there
        return os.path.samestat(there, mine) and there.st_mtime_ns == mine.st_mtime_ns

    def body(self) -> bytes:
        """Return the body as it was written; raises `DamagedError`."""
        return self._later(1)

    def _later(self, part: int) -> bytes:
        offset, length, checksum = self._parts[part]
        try:
            with open(self._path, "rb", buffering=0) as file:
                same = self._same(os.fstat(file.fileno()))
                file.seek(offset)
                data = file.read(length) or b""
        except OSError:
            raise DamagedError from None
        if not same or len(data) != length or _checksum(data) != checksum:
            raise DamagedError
        return data


def identity() -> tuple[str, ...]:
    """Return what an index is bound to besides files: asmith, Python, the environment."""
    return (__version__, sys.version, *(os.environ.get(name, "") for name in _ENVIRONMENT))


def load(root: str) -> Index | None:
    """Return the index of a project, or None if there is none that can be used.

    Its digests and its body are read, and verified, when they are asked for.
    """
    try:
        index = Index(f"{root}/{PATH}")
    except (OSError, DamagedError, ValueError, EOFError, TypeError):
        return None
    return index if index.head.identity == identity() else None


def dump(head: Head, body: bytes) -> bytes:
    """Return the bytes of an index file."""
    small = head.small()
    parts = (small, head.signatures, head.paths)
    rest = (head.digests, body)
    numbers = [*map(len, parts), *map(len, rest), *map(_checksum, rest)]
    begin = b"".join(n.to_bytes(8, "little") for n in numbers)
    checksum = _checksum(begin)
    for part in parts:
        checksum = _checksum(part, checksum)
    return b"".join((_MAGIC, checksum.to_bytes(8, "little"), begin, *parts, *rest))


def _checksum(data: bytes | memoryview, start: int = 0) -> int:
    from zlib import crc32

    return crc32(data, start)


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


def changes(head: Head, root: str, written: int) -> Changes:
    """Return what changed since a head was written down, by one pass over stat data.

    A file is read again where its stat data differ, and where they cannot be trusted: it was
    changed in the same tick of the clock as, or later than, they were written.
    """
    found = Changes()
    found.elsewhere = _elsewhere(head, root)
    if found.elsewhere:
        return found
    differing = signature.differing(root, head.paths, head.signatures, written)
    paths = signature.paths_of(head.paths, differing) if differing else []
    try:
        for k, path in zip(differing, paths, strict=True):
            seen = read(f"{root}/{path}")
            if seen is None or seen[1] != head.digest(k):
                found.files.append(path)
            else:
                found.refreshed[path] = trusted(seen[0], seen[2])
    except DamagedError:
        found.elsewhere = PATH
    return found


def _elsewhere(head: Head, root: str) -> str:
    """Return the first change of what counts by stat data alone, or an empty text."""
    join = os.path.join
    for path, wanted in head.fixed.items():
        if signature.of(join(root, path)) != wanted:
            return path
    for path in head.absent:
        if signature.of(join(root, path)) is not None:
            return path
    for path, (wanted, suffix, names) in head.listings.items():
        there = join(root, path)
        if signature.of(there) != wanted and listing(there, suffix) != names:
            return path
    return ""


def listing(path: str, suffix: str) -> tuple[str, ...]:
    """Return the sorted names in a directory that end in `suffix`, editors' dot files apart.

    An empty suffix takes every name but that of Python's cache.
    """
    try:
        names = os.listdir(path)
    except OSError:
        return ()
    if not suffix:
        return tuple(sorted(n for n in names if n != "__pycache__"))
    return tuple(sorted(n for n in names if n.endswith(suffix) and not n.startswith(".")))


def read(path: str) -> Seen | None:
    """Return a file's stat data, the digest of its bytes, and when they were taken.

    None if it is no file. The stat data are those from before the bytes were read.
    """
    before = signature.of(path)
    if before is None:
        return None
    now = file_clock()
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return None
    return before, _digest(data), now


def trusted(seen: Signature, now: int) -> Signature:
    """Return stat data taken at `now`, spoilt if later changes might not show in them.

    The kernel stamps files with a clock that stands still for some milliseconds: what changes
    twice within one tick looks the same after both.
    """
    return seen if max(seen[0], seen[1]) < now - _TICK else signature.SPOILT


def file_clock() -> int:
    """Return the time in nanoseconds by the clock that the kernel stamps files with."""
    return clock_gettime_ns(_COARSE)


def _digest(data: bytes) -> str:
    """Return the SHA-256 of some bytes, by the smallest module that has it.

    hashlib is faster and imports much more: it is used where somebody else did that.
    """
    if "hashlib" not in sys.modules:
        try:
            from _sha256 import sha256  # type: ignore[import-not-found]
        except ImportError:
            pass
        else:
            small: str = sha256(data).hexdigest()
            return small
    import hashlib

    return hashlib.sha256(data).hexdigest()


class Looked:
    """An index and what one pass over the files found."""

    __slots__ = ("changes", "index", "root")

    def __init__(self, root: str, index: Index, changes: Changes) -> None:
        self.root = root
        self.index = index
        self.changes = changes

    def steps(self) -> int | None:
        """Return the number of steps if all of them hold; None for any doubt."""
        if self.index.head.unsettled or self.changes:
            return None
        if self.changes.refreshed:  # so that the next one need not read them
            from asmith.store.remember import refresh

            refresh(self.root, self.index, self.changes.refreshed)
        return self.index.head.steps


def look(root: str) -> Looked | None:
    """Look at a project; None if it has no index that can be used."""
    index = load(root)
    return None if index is None else Looked(root, index, changes(index.head, root, index.written))


def up_to_date(root: str) -> int | None:
    """Return the number of steps if all of them hold, by the index alone; None for any doubt."""
    looked = look(root)
    return None if looked is None else looked.steps()
