"""Child processes. Each runs in a process group of its own, which ends with it."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import subprocess
from functools import lru_cache
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass
from asmith.errors import StepFailedError, UnavailableError
from asmith.host import clock, files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


_GUARD = """\
groups=" "
while read -r sign group; do
    case $sign in
    +) groups="$groups$group " ;;
    -) groups="${groups%% $group *} ${groups#* $group }" ;;
    esac
done
for group in $groups; do kill -KILL "-$group"; done
"""


@dataclass(frozen=True, slots=True)
class Completed:
    """A process that ended: its exit status (negative: a signal) and what it printed."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def ok(self) -> bool:
        """Tell whether the exit status is 0."""
        return self.status == 0

    def errors(self) -> str:
        """Return standard error as text."""
        return self.stderr.decode("utf-8", "replace")


class MissingProgramError(UnavailableError):
    """A program that is not installed, or not where it was said to be."""


class OverrunError(StepFailedError):
    """A program that did not end in time; what it had said on standard error by then."""

    stderr: bytes = b""


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    stdin: bytes = b"",
    seconds: float = 120.0,
    environment: Mapping[str, str] | None = None,
    install: str = "",
) -> Completed:
    """Run a command to its end and return what came of it.

    `seconds` bounds its run time; past it the whole group is killed, with an `OverrunError`.
    `environment` is added to ours. A missing program is a `MissingProgramError` that says what to
    `install`.
    """
    source = _readable(stdin)
    try:
        child = subprocess.Popen(  # noqa: S603 -- the one place that starts programs
            list(command),
            cwd=cwd,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment} if environment else None,
            process_group=0,
        )
    except FileNotFoundError as error:
        raise MissingProgramError(
            f"cannot run '{command[0]}': no such program",
            why="the build needs it",
            help=f"install {install or command[0]} (asmith doctor shows all that is needed)",
        ) from error
    except OSError as error:
        raise UnavailableError(
            f"cannot run '{command[0]}': {(error.strerror or str(error)).lower()}"
        ) from error
    finally:
        os.close(source)
    guard("+", child.pid)
    _RUNNING.add(child)
    try:
        ended, stdout, stderr = _heard(child, seconds)
        if not ended:
            overrun = OverrunError(
                f"'{command[0]}' did not end within {seconds:g} s",
                help="it was killed with all that it started",
            )
            overrun.stderr = stderr
            raise overrun
    finally:
        _RUNNING.discard(child)
        _end_group(child)
        guard("-", child.pid)
    done = Completed(child.returncode, stdout, stderr)
    if not done.ok and _is_full(done, cwd):
        raise files.explain(OSError(errno.ENOSPC, ""), f"finish '{command[0]}'", cwd)
    return done


def _heard(child: subprocess.Popen[bytes], seconds: float) -> tuple[bool, bytes, bytes]:
    """Return whether a child ended in time and closed its output, and what it said on both.

    `Popen.communicate` looks for the end of the child every half a millisecond or more; a pidfd
    tells of it at once.
    """
    assert child.stdout is not None
    assert child.stderr is not None
    end = os.pidfd_open(child.pid)
    out, err = bytearray(), bytearray()
    said = {child.stdout.fileno(): out, child.stderr.fileno(): err}
    waiting = {end, *said}
    poll = select.poll()
    for handle in waiting:
        poll.register(handle, select.POLLIN)
    deadline = clock.monotonic() + seconds
    try:
        while waiting and (left := deadline - clock.monotonic()) > 0:
            for handle, _ in poll.poll(left * 1000):
                if handle in said and (data := os.read(handle, 1 << 16)):
                    said[handle] += data
                else:
                    poll.unregister(handle)
                    waiting.remove(handle)
    finally:
        os.close(end)
    if not waiting:
        child.wait()
    return not waiting, bytes(out), bytes(err)


_RUNNING: set[subprocess.Popen[bytes]] = set()  # a set's add, discard and copy are atomic


def stop_all() -> None:
    """Kill what `run` waits for now on any thread; each `run` then returns."""
    for child in _RUNNING.copy():
        if child.returncode is None:  # not reaped yet, so nobody else has its id
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)


def _is_full(done: Completed, cwd: Path) -> bool:
    """Tell whether a program failed for want of disk space: it says so, or there is none left."""
    return os.strerror(errno.ENOSPC).encode() in done.stderr or not os.statvfs(cwd).f_bavail


def guard(sign: str, group: int) -> None:
    """Let a group end when we end, however (`+`), or say that it has ended itself (`-`)."""
    os.write(_guard(), f"{sign} {group}\n".encode())


@lru_cache(maxsize=1)
def _guard() -> int:
    """Return a pipe to a shell that is told of each group's begin and end.

    When the pipe closes, since we ended, however, the shell kills the groups that are left.
    """
    reader, writer = os.pipe()
    void = ((os.POSIX_SPAWN_OPEN, n, os.devnull, os.O_WRONLY, 0) for n in (1, 2))
    actions = [(os.POSIX_SPAWN_DUP2, reader, 0), *void]
    os.posix_spawn("/bin/sh", ["sh", "-c", _GUARD], os.environ, file_actions=actions, setpgroup=0)
    os.close(reader)
    return writer


def _readable(data: bytes) -> int:
    """Return a descriptor of an anonymous file that holds `data`: it may be read more than once."""
    handle = os.memfd_create("stdin")
    with os.fdopen(os.dup(handle), "wb") as file:
        file.write(data)
    os.lseek(handle, 0, os.SEEK_SET)
    return handle


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the group of a child that was not reaped yet, and reap it."""
    if child.returncode is None:  # so nobody else has its id, even if it has ended
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    for pipe in (child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()


def search(program: str) -> tuple[str | None, tuple[str, ...]]:
    """Return where PATH finds a program, and where one would be found instead of it."""
    shadows: list[str] = []
    for directory in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(os.path.abspath(directory), program)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path, tuple(shadows)
        shadows.append(path)
    return None, tuple(shadows)


def find(program: str) -> str | None:
    """Return the path of a program on PATH, or None."""
    from shutil import which

    return which(program)
