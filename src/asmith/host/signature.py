"""Stat data as signatures of files: what changes when the bytes of a file may have.

As git does it: times of change in nanoseconds, inode and size. Imported by builds that have nothing
to do, so it imports nothing that is not built in. Where it was built, `_statpass.c` does the pass.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Signature = tuple[int, int, int, int]  # mtime and ctime in ns, inode, size in bytes
SPOILT: Signature = (0, 0, 0, -1)  # no file has it: forces the bytes to be read again
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
    """Return paths as bytes, a zero behind each."""
    return b"".join(os.fsencode(p) + b"\0" for p in paths)


def unpack_paths(data: bytes) -> list[str]:
    """Return what was packed."""
    return os.fsdecode(data).split("\0")[:-1]


def differing(root: str, paths: bytes, signatures: bytes, written: int) -> list[int]:
    """Return the indices of files whose signature is another one, or not older than `written`.

    `paths` and `signatures` are packed. `written` is when they were written down, in nanoseconds:
    a file changed then or later may have changed again without a trace.
    """
    fast = None if os.environ.get(_WITHOUT) else accelerator()
    return (fast or differing_in_python)(root, paths, signatures, written)


def accelerator() -> _Pass | None:
    """Return the pass in C, if it was built."""
    try:
        from asmith.host import _statpass  # type: ignore[attr-defined]  # built where it can be
    except ImportError:
        return None
    made: _Pass = _statpass.differing
    return made


def differing_in_python(root: str, paths: bytes, signatures: bytes, written: int) -> list[int]:
    """Do what `differing` does without the accelerator."""
    found = []
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        stat = os.stat
        wanted = memoryview(signatures).cast("q")
        k = -1
        for path in unpack_paths(paths):
            k += 1
            try:
                s = stat(path, dir_fd=here)
            except OSError:
                found.append(k)
                continue
            at = 4 * k
            if (
                s.st_ctime_ns != wanted[at + 1]
                or s.st_mtime_ns != wanted[at]
                or s.st_size != wanted[at + 3]
                or s.st_ino != wanted[at + 2]
                or wanted[at + 1] >= written
            ):
                found.append(k)
    finally:
        os.close(here)
    return found


if TYPE_CHECKING:
    from collections.abc import Callable

    _Pass = Callable[[str, bytes, bytes, int], list[int]]
