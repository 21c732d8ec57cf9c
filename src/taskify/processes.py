"""Child processes: the one place that starts, asks and stops them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from taskify.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Asked = Callable[[], bool]

_POLL = 0.01  # seconds between two looks


@dataclass(frozen=True, slots=True)
class Completed:
    """A process that ended: its exit status (negative: a signal) and what it printed."""

    status: int
    stdout: str
    stderr: str


def run(
    command: Sequence[object],
    *,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
    seconds: float = 60.0,
) -> Completed:
    """Run a command to its end, which `seconds` bounds, and return what came of it."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(  # noqa: S603 -- the one place that starts programs
            words,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, **(environment or {})},
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise UnavailableError(f"'{words[0]}' is not there", why=str(error)) from None
    except subprocess.TimeoutExpired:
        raise UnavailableError(
            f"'{Path(words[0]).name}' did not end within {seconds:.0f} s", where=words[0]
        ) from None
    except OSError as error:
        raise UnavailableError(f"'{words[0]}' cannot be started", why=str(error)) from None
    return Completed(done.returncode, done.stdout, done.stderr)


def run_visibly(command: Sequence[object], *, cwd: Path, is_asked_to_stop: Asked) -> int:
    """Run a command whose output goes to our standard error; return its exit status.

    If we are asked to stop meanwhile, so is the command, and it is waited for.
    """
    words = [str(word) for word in command]
    with subprocess.Popen(words, cwd=cwd, stdin=subprocess.DEVNULL, stdout=2) as child:  # noqa: S603 -- as above
        while child.poll() is None:
            if is_asked_to_stop():
                child.terminate()
                break
            time.sleep(_POLL)
        return child.wait()


class Child:
    """A process that runs beside us, in a session of its own, and ends at the latest with us."""

    def __init__(
        self,
        command: Sequence[object],
        *,
        farewell: signal.Signals,
        before: Sequence[str] = (),
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start `before` and `command` as one; `farewell` is the signal that ends it in peace.

        The kernel sends `farewell` also when we are killed (util-linux `setpriv`, where it is
        there). Its output is appended to `log`, or goes where ours goes.
        """
        self.farewell = farewell
        guard = ["setpriv", "--pdeathsig", farewell.name.removeprefix("SIG")]
        words = [*before, *(guard if shutil.which("setpriv") else ()), *map(str, command)]
        output = (
            None if log is None else os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        )
        try:
            self._process = subprocess.Popen(  # noqa: S603 -- as above
                words,
                stdin=subprocess.DEVNULL,
                stdout=output if output is not None else 2,
                stderr=output,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        except OSError as error:
            raise UnavailableError(f"'{words[0]}' cannot be started", why=str(error)) from None
        finally:
            if output is not None:
                os.close(output)
        self.pid = self._process.pid

    def status(self) -> int | None:
        """Return its exit status (negative: a signal), or None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> int | None:
        """Wait at most `seconds` for its end; return its exit status, or None if it still runs."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, seconds: float) -> int:
        """End it: in peace, and after `seconds` by force. Return its exit status."""
        if self._process.poll() is None:
            self._process.send_signal(self.farewell)
        status = self.wait(seconds)
        if status is None:
            self._process.kill()
            status = self._process.wait()
        return status


def working_in(directory: Path, name: str) -> list[int]:
    """Return the processes of that name whose working directory is `directory`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                here = (entry / "cwd").samefile(directory)
                named = (entry / "comm").read_text().strip() == name
            except OSError:  # not ours to look at, or gone meanwhile
                continue
            if here and named:
                found.append(int(entry.name))
    return found


def end_all(directory: Path, name: str, *, first: int | None, seconds: float) -> None:
    """End the processes of that name that work in `directory`: `first` in peace, then by force."""
    deadline = time.monotonic() + seconds
    left = working_in(directory, name)
    if first in left:
        os.kill(first, signal.SIGINT)
    while left and time.monotonic() < deadline:
        time.sleep(_POLL)
        left = working_in(directory, name)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    while working_in(directory, name):
        time.sleep(_POLL)
