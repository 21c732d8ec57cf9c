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
    from typing import Any

    from asmith.host.signature import Signature

    Listings = dict[str, tuple[Signature, str, tuple[str, ...]]]

Seen = tuple[tuple[int, int, int, int], str, int]
"""A file's signature, the digest of its bytes, and when both were taken (`file_clock`)."""

PATH = "build/index"
LOCK = "build/lock"
WAITING = ("build/stage/modules", ".asmith/review")  # what no build has adopted yet, by module
TESTS = "tests/modules"
_ENVIRONMENT = (
    "PATH", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "PKG_CONFIG_SYSROOT_DIR", "LIBRARY_PATH",
    "COMPILER_PATH", "GCC_EXEC_PREFIX",
)  # fmt: skip
_MAGIC = b"asmith index 8\n"
_LENGTHS = 24  # bytes: checksum, length of the head, length of the body, 8 each
_COARSE = 5  # CLOCK_REALTIME_COARSE: the clock that the kernel stamps files with
_TICK = 10_000_000  # nanoseconds: a file written within the last tick may still change unseen


class Head:
    """What decides whether there is anything to do.

    `paths`, `signatures` and `digests` are packed and run in parallel: each file that was read or
    written, sorted, with its stat data and the digest of its bytes. `fixed` are files that count by
    their stat data alone (tools, libraries, asmith's own), `absent` paths at which nothing may be,
    `listings` the directories in which names come and go, with suffix and sorted names.
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
        self.paths = b""
        self.signatures = b""
        self.digests = b""
        self.fixed: dict[str, Signature] = {}
        self.absent: list[str] = []
        self.listings: Listings = {}

    def put(self, files: list[tuple[str, Signature, str]]) -> None:
        """Set the files: path, stat data, digest."""
        files.sort()
        self.paths = signature.pack_paths(f[0] for f in files)
        self.signatures = signature.pack([f[1] for f in files])
        self.digests = b"".join(bytes.fromhex(f[2]) for f in files)

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
        self.signatures, self.digests = bytes(signatures), bytes(digests)

    def refresh(self, signatures: dict[str, Signature]) -> None:
        """Set new stat data of files whose bytes are the same."""
        places = {path: self._place(path) for path in signatures}
        self.patch({p: (s, self.digest(places[p])) for p, s in signatures.items()})

    def _place(self, path: str) -> int:
        """Return the number of a file, or -1."""
        name = signature.pack_paths([path])
        if self.paths.startswith(name):
            return 0
        at = self.paths.find(b"\0" + name)
        return -1 if at < 0 else self.paths.count(b"\0", 0, at) + 1

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
    differing = signature.differing(root, head.paths, head.signatures, index.written)
    paths = signature.unpack_paths(head.paths) if differing else []
    for k in differing:
        path = paths[k]
        seen = read(f"{root}/{path}")
        if seen is None or seen[1] != head.digest(k):
            found.files.append(path)
        else:
            found.refreshed[path] = trusted(seen[0], seen[2])
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


def listings(root: str) -> Listings:
    """Return the directories of a project in which a new name matters, as they are now."""
    wanted = [("specs", ".md"), ("interfaces", ".h"), *((path, "") for path in WAITING)]
    tests = [path for path, _, _ in os.walk(f"{root}/{TESTS}") if "__pycache__" not in path]
    wanted += [(os.path.relpath(path, root), "") for path in tests] or [(TESTS, "")]
    return {path: list_one(root, path, suffix) for path, suffix in wanted}


def waiting(root: str, head: Head) -> set[str]:
    """Return the modules of which something waits now, or waited when the head was made."""
    now = (name for path in WAITING for name in listing(f"{root}/{path}", ""))
    before = (name for path in WAITING for name in head.listings[path][2])
    return {name.rpartition(".")[0] for name in (*now, *before)}


def list_one(root: str, path: str, suffix: str) -> tuple[Signature, str, tuple[str, ...]]:
    """Return one directory's entry: stat data that can be trusted, suffix, names."""
    there = f"{root}/{path}"
    now = file_clock()
    seen = signature.of(there)
    shown = signature.SPOILT if seen is None else trusted(seen, now)
    return shown, suffix, listing(there, suffix)


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
    """Return the SHA-256 of some bytes, by the smallest module that has it."""
    try:
        from _sha256 import sha256  # type: ignore[import-not-found]  # hashlib imports much more
    except ImportError:
        from hashlib import sha256
    digest: str = sha256(data).hexdigest()
    return digest


def up_to_date(root: str) -> int | None:
    """Return the number of steps if all of them hold, by the index alone; None for any doubt."""
    index = load(root)
    if index is None or index.head.unsettled:
        return None
    found = changes(index, root)
    if found.files or found.elsewhere:
        return None
    if found.refreshed:
        _refresh(root, index, found.refreshed)  # so that the next one need not read them
    return index.head.steps


def _refresh(root: str, index: Index, signatures: dict[str, Signature]) -> None:
    """Write new stat data of unchanged files down, to spare the next build the reading.

    Nothing is lost if that cannot be: another build holds the lock, or nobody may write.
    """
    import fcntl

    try:
        lock = os.open(f"{root}/{LOCK}", os.O_RDWR)
    except OSError:
        return
    temporary = f"{root}/{PATH}.{os.getpid()}"
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.stat(f"{root}/{PATH}").st_mtime_ns == index.written:
            with open(temporary, "wb") as file:
                index.head.refresh(signatures)
                file.write(dump(index.head, index.raw_body()))
            os.replace(temporary, f"{root}/{PATH}")
    except OSError:
        _unlink(temporary)
    finally:
        os.close(lock)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
