"""Stat data as signatures of files: what changes when the bytes of a file may have.

As git does it: times of change in nanoseconds, inode and size. Imported by builds that have nothing
to do, so it imports nothing that is not built in.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

Signature = tuple[int, int, int, int]  # mtime and ctime in ns, inode, size in bytes
SPOILT: Signature = (0, 0, 0, -1)  # no file has it: forces the bytes to be read again


def of(path: str) -> Signature | None:
    """Return the signature of what a path names, or None if there is nothing."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size)


def differing(
    root: str, paths: Sequence[str], signatures: Sequence[Signature], written: int
) -> list[int]:
    """Return the indices of files whose signature is another one, or not older than `written`.

    `written` is when the signatures were written down, in nanoseconds: a file changed then or
    later may have changed again without a trace.
    """
    if _differing is not None:
        return _differing(root, paths, signatures, written)
    found = []
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        stat = os.stat
        for k, path in enumerate(paths):
            try:
                s = stat(path, dir_fd=here)
            except OSError:
                found.append(k)
                continue
            mtime, ctime = s.st_mtime_ns, s.st_ctime_ns
            if (mtime, ctime, s.st_ino, s.st_size) != signatures[k] or ctime >= written:
                found.append(k)
    finally:
        os.close(here)
    return found


_differing = None
