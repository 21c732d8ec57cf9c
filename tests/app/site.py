"""The server under test: one that is there, or one of our own with a database of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.wire import Client, get
from taskify import migrate
from taskify.database import Database
from taskify.serve import HOST, Server, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
TASK = get("/api/tasks/1")
HEALTH = get("/health")


def program() -> Path:
    """Return the program under test: TASKIFY_PROGRAM, or what the build made."""
    path = Path(os.environ.get("TASKIFY_PROGRAM", PROJECT / "build/bin/taskify"))
    assert os.access(path, os.X_OK), f"no program at {path}: run asmith build"
    return path.resolve()


@dataclass(frozen=True, slots=True)
class Site:
    """Where the server under test is; `own` is None if somebody else started it."""

    address: tuple[str, int]
    own: Own | None

    def connect(self, *, receive_buffer: int = 0) -> Client:
        """Open a connection."""
        return Client(self.address, receive_buffer=receive_buffer)


class Own:
    """A database and a server that a test may stop, start and lock."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.database = Database(directory, durable=False)
        self._servers: list[Server] = []
        try:
            self.database.start()
            migrate.migrate(self.psql, self.database.url, migrate.read())
            self.server = self.another()
        except BaseException:
            self.stop()
            raise

    @property
    def psql(self) -> Path:
        """The psql of the same PostgreSQL."""
        return self.database.tools.bin / "psql"

    def begin(self) -> Server:
        """Start one more server on the same database; it ends at the latest with us."""
        log = self.directory / "server.log"
        server = Server(program(), free_port(), self.database.url, log=log)
        self._servers.append(server)
        return server

    def another(self) -> Server:
        """Start one more server and wait until it is ready."""
        server = self.begin()
        server.wait_until_ready()
        return server

    def stop(self) -> list[int]:
        """Stop the database and every server; return the servers' exit statuses."""
        try:
            return [server.stop() for server in self._servers]
        finally:
            self.database.stop()

    def sql(self, text: str) -> str:
        """Run SQL and return what it prints: unaligned rows."""
        command = [str(self.psql), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.database.url]
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, check=True, timeout=20
        )
        return str(done.stdout).strip()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every query of tasks waiting."""
        command = [str(self.psql), "-XqAt", "-d", self.database.url]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder:
            assert holder.stdin is not None
            assert holder.stdout is not None
            holder.stdin.write("BEGIN; LOCK TABLE tasks; SELECT 'locked';\n")
            holder.stdin.flush()
            assert holder.stdout.readline() == "locked\n"
            try:
                yield
            finally:
                holder.stdin.close()  # psql ends, and its transaction with it
                holder.wait(10)

    def wait_for_waiting(self, count: int) -> None:
        """Wait until so many backends wait for the lock."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        within(5.0, lambda: int(self.sql(query)) >= count)


def within(seconds: float, holds: object) -> None:
    """Wait until `holds()` is true; fail after so many seconds."""
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.01)


def memory(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def address_of(server: Server) -> tuple[str, int]:
    """Return where a server of ours listens."""
    return HOST, server.port
