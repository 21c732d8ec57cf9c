"""A forked child with limits, watched to its end. It knows nothing of pytest.

What the child hands over is bytes on a pipe: data to be judged, never code to be run. The child
dies with its parent, and whatever it started dies with it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import traceback
import warnings
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass
from asmith.host import clock
from asmith.verify.limits import apply

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.verify.limits import Limits

_GRACE = 2.0  # seconds between SIGALRM, which the handler records, and SIGKILL
_CHUNK = 1 << 16
MOST = 64 << 20
"""Bytes that a child may hand over; more is cut off."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A child that ended: what it handed over and how."""

    data: bytes
    exit_code: int | None  # None: a signal killed it
    signal: int | None
    overtime: bool  # the wall-clock limit ended it
    seconds: float


def run(body: Callable[[], bytes], limits: Limits) -> Ended:
    """Run `body` in a child under `limits` and return what came of it.

    The child exits with 0 if `body` returned, and with 1 after a traceback on standard error.
    """
    started = clock.monotonic()
    parent = os.getpid()
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other threads exist in pytest; the child uses none
        pid = os.fork()
    if pid == 0:
        os.close(reader)
        _child(body, writer, limits, parent)
    os.close(writer)
    try:
        data, status, overtime = _watch(pid, reader, started + limits.wall)
    finally:
        os.close(reader)
        _end_group(pid)
    return Ended(
        data=data,
        exit_code=os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
        overtime=overtime,
        seconds=clock.monotonic() - started,
    )


def _child(body: Callable[[], bytes], writer: int, limits: Limits, parent: int) -> None:
    """Run `body`, write its bytes, and leave without the parent's exit handlers."""
    status = 1
    try:
        apply(limits, parent)
        data = memoryview(body())
        while data:
            data = data[os.write(writer, data) :]
        status = 0
    except BaseException:  # noqa: BLE001 -- nothing may return into the parent's code
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _watch(pid: int, reader: int, deadline: float) -> tuple[bytes, int, bool]:
    """Return what the child wrote, its wait status, and whether time ran out."""
    process = os.pidfd_open(pid)
    chunks: list[bytes] = []
    size = 0
    overtime = 0
    try:
        poll = select.poll()
        poll.register(reader, select.POLLIN)
        poll.register(process, select.POLLIN)
        while True:
            ready = [fd for fd, _ in poll.poll(max(0.0, deadline - clock.monotonic()) * 1000)]
            if reader in ready:
                chunk = os.read(reader, _CHUNK)
                if not chunk:
                    poll.unregister(reader)
                elif size < MOST:
                    chunks.append(chunk)
                    size += len(chunk)
            elif process in ready:  # it is gone, and all that it wrote has been read
                break
            elif not ready:
                signal.pidfd_send_signal(process, signal.SIGKILL if overtime else signal.SIGALRM)
                overtime += 1
                deadline = clock.monotonic() + _GRACE
        _, status = os.waitpid(pid, 0)
    except BaseException:
        signal.pidfd_send_signal(process, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    finally:
        os.close(process)
    return b"".join(chunks), status, bool(overtime)


def _end_group(pid: int) -> None:
    """Kill whatever the child started; it may have done nothing of the kind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
