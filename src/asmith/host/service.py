"""A program that runs beside us until it is stopped. Its group ends with it, and with us."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING

from asmith.errors import UnavailableError
from asmith.host import clock, process

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_POLL = 0.005  # seconds between two looks


class Service:
    """A running program. It has nothing to read."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        descriptors: Sequence[int] = (),
        output: int = 1,
    ) -> None:
        """Start it with `environment` added to ours and these descriptors open.

        Its standard output is our descriptor `output`.
        """
        try:
            self._child = subprocess.Popen(  # noqa: S603 -- a product that the user named
                list(command),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                env={**os.environ, **environment},
                pass_fds=tuple(descriptors),
                process_group=0,
            )
        except OSError as error:
            raise UnavailableError(
                f"cannot run '{command[0]}': {(error.strerror or str(error)).lower()}"
            ) from error
        self.pid = self._child.pid
        process.guard("+", self.pid)

    def status(self) -> int | None:
        """Return its exit status (negative: a signal), None while it runs."""
        if self._child.returncode is None:
            try:
                ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                ended = None
            if ended is not None:  # not reaped yet, so its group is surely its own
                self.kill()
        return self._child.returncode

    def terminate(self) -> None:
        """Ask it to end."""
        if self.status() is None:
            self._child.terminate()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; tell whether it came in time."""
        deadline = clock.monotonic() + seconds
        while self.status() is None:
            if clock.monotonic() >= deadline:
                return False
            clock.pause(_POLL)
        return True

    def kill(self) -> None:
        """End it with all that it started."""
        if self._child.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._child.wait()
            process.guard("-", self.pid)
