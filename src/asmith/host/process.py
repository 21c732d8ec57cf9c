"""Child processes. Each runs in a process group of its own, which ends with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asmith.errors import StepFailedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


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

    `seconds` bounds its run time; past it the whole group is killed. `environment` is added to
    ours. A missing program is a `MissingProgramError` that says what to `install`.
    """
    source = _readable(stdin)
    try:
        child = subprocess.Popen(  # noqa: S603 -- the one place that starts programs
            list(command),
            cwd=cwd,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
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
    try:
        stdout, stderr = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise StepFailedError(
            f"'{command[0]}' did not end within {seconds:g} s",
            help="it was killed with all that it started",
        ) from error
    finally:
        _end_group(child)
    return Completed(child.returncode, stdout, stderr)


def _readable(data: bytes) -> int:
    """Return a descriptor of an anonymous file that holds `data`: it may be read more than once."""
    handle = os.memfd_create("stdin")
    with os.fdopen(os.dup(handle), "wb") as file:
        file.write(data)
    os.lseek(handle, 0, os.SEEK_SET)
    return handle


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the child's group and reap the child."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def find(program: str) -> str | None:
    """Return the path of a program on PATH, or None."""
    from shutil import which

    return which(program)
