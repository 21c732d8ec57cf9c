"""The program Taskify as a child: started, asked, stopped."""

from __future__ import annotations

import signal
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskify.errors import TaskifyError, UnavailableError
from taskify.processes import Child

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1"
_PATIENCE = 15.0  # seconds for a start
_DRAIN = 8.0  # seconds for a stop in peace; the program itself takes 5 at most


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as it came."""

    status: int
    text: str


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


def check_port(port: int) -> None:
    """Refuse a port that somebody listens on."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        raise UnavailableError(
            f"port {port} of {HOST} is not free", why=str(error), remedy="choose one with --port N"
        ) from None


def ask(port: int, path: str, *, seconds: float = 10.0) -> Answer:
    """Return the answer to a GET request of its own connection."""
    request = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n"
    with socket.create_connection((HOST, port), timeout=seconds) as client:
        client.sendall(request.encode())
        received = b""
        while piece := client.recv(65536):
            received += piece
    text = received.decode("utf-8", "replace")
    status = text[9:12]
    return Answer(int(status) if status.isdigit() else 0, text)


class Server:
    """The program on a port of this machine, asking the database at `url`."""

    def __init__(self, program: Path, port: int, url: str, *, log: Path | None = None) -> None:
        self.program = program
        self.port = port
        self._child = Child(
            [program, "--port", port],
            farewell=signal.SIGTERM,
            log=log,
            environment={"TASKIFY_DATABASE_URL": url},
        )
        self.pid = self._child.pid

    def wait_until_ready(self) -> None:
        """Wait until it answers and says that its database is there."""
        deadline = time.monotonic() + _PATIENCE
        status = 0
        while time.monotonic() < deadline:
            ended = self._child.status()
            if ended is not None:
                raise TaskifyError(
                    f"the program ended at once with status {ended}",
                    where=self.program,
                    remedy="look at what it says above",
                )
            try:
                status = ask(self.port, "/health", seconds=2.0).status
            except OSError:
                status = 0
            if status == 200:  # noqa: PLR2004 -- OK, RFC 9110
                return
            time.sleep(0.01)
        raise TaskifyError(
            f"GET /health does not become 200 within {_PATIENCE:.0f} s",
            where=self.program,
            why=f"the last answer was {status}" if status else "it does not answer",
            remedy="look at its log, and whether TASKIFY_DATABASE_URL is right",
        )

    def status(self) -> int | None:
        """Return its exit status (negative: a signal), or None while it runs."""
        return self._child.status()

    def wait(self, seconds: float) -> int | None:
        """Wait at most `seconds` for its end; return its exit status, or None if it still runs."""
        return self._child.wait(seconds)

    def stop(self) -> int:
        """Let it answer what it has, and end it. Return its exit status."""
        return self._child.stop(_DRAIN)
