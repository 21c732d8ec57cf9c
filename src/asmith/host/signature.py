"""Stat data as signatures of files: what changes when the bytes of a file may have.

As git does it: times of change in nanoseconds, inode and size. Imported by builds that have nothing
to do, so it imports nothing that is not built in. Where it was built, `_statpass.c` does the pass.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Signature = tuple[int, int, int, int]  # mtime and ctime in ns, inode, size in bytes
SPOILT: Signature = (0, 0, 0, -1)  # no file has it: forces the bytes to be read again
_FORMAT = 2  # of the accelerator's arguments
_SHARE = 2000  # files that are worth a process of their own
_WITHOUT = "ASMITH_PURE_PYTHON"  # set to 1: the pass in Python alone, to compare


def of(path: str) -> Signature | None:
    """Return the signature of what a path names, or None if there is nothing."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size)


def from_list(numbers: Sequence[int]) -> Signature:
    """Return the signature in four numbers, as JSON keeps it; raises ValueError for others."""
    mtime, ctime, inode, size = map(int, numbers)
    return mtime, ctime, inode, size


def pack(signatures: Sequence[Signature]) -> bytes:
    """Return signatures as bytes: four 64-bit numbers each, in this machine's order."""
    from array import array

    return array("q", [number for one in signatures for number in one]).tobytes()


def unpack(data: bytes | memoryview) -> list[Signature]:
    """Return what was packed."""
    numbers = iter(memoryview(data).cast("B").cast("q"))
    return list(zip(numbers, numbers, numbers, numbers, strict=True))


def pack_paths(paths: Iterable[str]) -> bytes:
    """Return paths as bytes: blocks of a zero, a directory, and the names in it, each with a zero.

    The directory of a path without one is `.`. Paths of one directory should stand together.
    """
    parts: list[bytes] = []
    last = None
    for path in paths:
        directory, _, name = os.fsencode(path).rpartition(b"/")
        if directory != last:
            parts.append(b"\0" + (directory or b".") + b"\0")
            last = directory
        parts.append(name + b"\0")
    return b"".join(parts)


def blocks(data: bytes | memoryview) -> list[list[bytes]]:
    """Return the blocks of packed paths: each a directory and the names in it."""
    inner = bytes(data)[1:-1]
    return [block.split(b"\0") for block in inner.split(b"\0\0")] if inner else []


def places(data: bytes) -> dict[str, tuple[int, int, int]]:
    """Return for each directory of packed paths its first file's number, and where its names lie.

    Names lie between two positions, with the zero in front of the first and that behind the last.
    """
    found, at, number = {}, 0, 0
    for directory, *names in blocks(data):
        start = at + 1 + len(directory)
        at = start + 1 + sum(map(len, names)) + len(names)
        found[os.fsdecode(directory)] = (number, start, at)
        number += len(names)
    return found


def paths_of(data: bytes | memoryview, numbers: Sequence[int]) -> list[str]:
    """Return the paths with those numbers, which ascend."""
    found: list[str] = []
    rest = list(reversed(numbers))
    first = 0
    for directory, *names in blocks(data):
        above = "" if directory == b"." else os.fsdecode(directory) + "/"
        while rest and rest[-1] < first + len(names):
            found.append(above + os.fsdecode(names[rest.pop() - first]))
        first += len(names)
    return found


def unpack_paths(data: bytes | memoryview) -> list[str]:
    """Return what was packed."""
    found = []
    for directory, *names in blocks(data):
        above = "" if directory == b"." else os.fsdecode(directory) + "/"
        found += [above + os.fsdecode(name) for name in names]
    return found


def differing(root: str, paths: _Bytes, signatures: _Bytes, written: int) -> list[int]:
    """Return the indices of files whose signature is another one, or not older than `written`.

    `paths` and `signatures` are packed. `written` is when they were written down, in nanoseconds:
    a file changed then or later may have changed again without a trace.
    """
    fast = None if os.environ.get(_WITHOUT) else accelerator()
    return (fast or differing_in_python)(root, paths, signatures, written)


def accelerator() -> _Pass | None:
    """Return the pass in C, if it was built, and of this source."""
    try:
        from asmith.host import _statpass  # type: ignore[attr-defined]  # built where it can be
    except ImportError:
        return None
    if getattr(_statpass, "FORMAT", 0) != _FORMAT:
        return None
    made: _Pass = _statpass.differing
    return made


def differing_in_python(root: str, paths: _Bytes, signatures: _Bytes, written: int) -> list[int]:
    """Do what `differing` does without the accelerator, in two processes where that is worth it."""
    wanted = memoryview(signatures).cast("B").cast("q")
    count = len(wanted) // 4
    found = blocks(paths)
    if count < 2 * _SHARE or len(os.sched_getaffinity(0)) == 1 or _threads():
        return _look(root, found, wanted, range(count), written)
    half = count // 2
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        _tell(writer, lambda: _look(root, found, wanted, range(half, count), written))
    os.close(writer)
    first = _look(root, found, wanted, range(half), written)
    with open(reader, "rb") as file:
        second = file.read()
    if os.waitpid(child, 0)[1]:
        return first + _look(root, found, wanted, range(half, count), written)
    return first + list(memoryview(second).cast("I"))


def _threads() -> bool:
    """Tell whether this process may have more than one thread, so that it must not fork."""
    threading = sys.modules.get("threading")
    return threading is not None and threading.active_count() > 1


def _tell(writer: int, look: Callable[[], list[int]]) -> NoReturn:
    """Write what was found to a pipe and end this process, which is a copy."""
    try:
        from array import array

        with open(writer, "wb") as file:
            file.write(array("I", look()))
        os._exit(0)
    except BaseException:  # noqa: BLE001 -- whatever it is: the other process does the work then
        os._exit(1)


def _look(
    root: str, found: list[list[bytes]], wanted: memoryview, places: range, written: int
) -> list[int]:
    """Return which files of a range of all differ."""
    differing = []
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    stat = os.stat
    k = 0
    try:
        for directory, *names in found:
            first, last = max(places.start - k, 0), max(min(places.stop - k, len(names)), 0)
            at = k + first
            k += len(names)
            above = directory + b"/"
            for name in names[first:last]:
                try:
                    s = stat(above + name, dir_fd=here)
                except OSError:
                    differing.append(at)
                    at += 1
                    continue
                n = 4 * at
                if (
                    s.st_ctime_ns != wanted[n + 1]
                    or s.st_mtime_ns != wanted[n]
                    or s.st_size != wanted[n + 3]
                    or s.st_ino != wanted[n + 2]
                    or wanted[n + 1] >= written
                ):
                    differing.append(at)
                at += 1
    finally:
        os.close(here)
    return differing


if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    _Bytes = bytes | memoryview
    _Pass = Callable[[str, _Bytes, _Bytes, int], list[int]]
