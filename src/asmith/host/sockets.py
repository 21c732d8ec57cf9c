"""Listening sockets of child processes, taken over so that they outlive their process."""

from __future__ import annotations

import ctypes
import os

_PIDFD_GETFD = 438  # its number on every architecture; Linux 5.6
_LISTENS = "0A"  # TCP_LISTEN, as /proc/net/tcp writes states


def listening(pid: int) -> tuple[int, ...]:
    """Return descriptors of our own for the TCP sockets on which a child listens, none if barred.

    A socket stays open, with the connections that wait in it, until the last of its descriptors is
    closed.
    """
    inodes = _listening_inodes(pid)
    found = []
    try:
        numbers = [int(n) for n in os.listdir(f"/proc/{pid}/fd")]
        handle = os.pidfd_open(pid)
    except OSError:
        return ()
    try:
        for number in sorted(numbers):
            try:
                target = os.readlink(f"/proc/{pid}/fd/{number}")
            except OSError:
                continue
            if target.removeprefix("socket:[").removesuffix("]") in inodes:
                copy = _copy(handle, number)
                if copy >= 0:
                    found.append(copy)
                    inodes.discard(target.removeprefix("socket:[").removesuffix("]"))
    finally:
        os.close(handle)
    return tuple(found)


def _copy(handle: int, number: int) -> int:
    """Return a copy of a descriptor of another process, or -1; it closes on exec."""
    return int(ctypes.CDLL(None).syscall(_PIDFD_GETFD, handle, number, 0))


def _listening_inodes(pid: int) -> set[str]:
    found: set[str] = set()
    for table in ("tcp", "tcp6"):
        try:
            with open(f"/proc/{pid}/net/{table}", encoding="ascii") as file:
                rows = [line.split() for line in file][1:]
        except OSError:
            continue
        found |= {row[9] for row in rows if row[3] == _LISTENS}
    return found
