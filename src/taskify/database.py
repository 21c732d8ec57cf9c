"""The embedded PostgreSQL: a server of the project's own, on a Unix socket, while it is needed."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from taskify import postgres, processes
from taskify.errors import TaskifyError

if TYPE_CHECKING:
    from taskify.postgres import Postgres

_SOCKET = ".s.PGSQL.5432"
_SOCKET_PATH_MAX = 107  # bytes, unix(7)
_PATIENCE = 30.0  # seconds for a start, and for a stop in peace
_SETTINGS = (
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "port=5432",
    "max_connections=32",
    "shared_buffers=32MB",
)
_FORGETFUL = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


class Database:
    """The server of one directory. `start` and `stop` may follow each other as often as wanted.

    `durable=False` leaves out what makes commits survive a crash of the machine: for tests.
    """

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self.tools: Postgres = postgres.find()
        self._durable = durable
        self._child: processes.Child | None = None
        directory = directory.resolve()
        home = _of_nobody(directory) if self.tools.is_nobody else directory
        self.data = home / "data"
        self.log = directory / "postgres.log"
        self.sockets = _sockets(home)
        self._own(home)

    @property
    def url(self) -> str:
        """What libpq connects to."""
        return self._url("taskify")

    def start(self) -> None:
        """Start the server, after making its files or ending what an earlier runner left."""
        self._recover()
        if not self.data.exists():
            self._initialise()
        self._check_version()
        self._own(self.sockets)
        self.log.unlink(missing_ok=True)
        settings = (*_SETTINGS, *(() if self._durable else _FORGETFUL))
        self._child = processes.Child(
            [
                *(self.tools.bin / "postgres", "-D", self.data, "-k", self.sockets),
                *(word for setting in settings for word in ("-c", setting)),
            ],
            farewell=signal.SIGINT,  # "fast shutdown"
            before=self.tools.before,
            log=self.log,
        )
        self._wait_until_ready(self._child)
        self._create()

    def stop(self) -> None:
        """Stop the server, if it runs, and remove its socket."""
        if self._child is not None:
            self._child.stop(_PATIENCE)
            self._child = None
        if processes.working_in(self.data, "postgres"):  # it was killed: its children see that
            processes.end_all(self.data, "postgres", first=None, seconds=5.0)
        shutil.rmtree(self.sockets, ignore_errors=True)

    def _url(self, name: str) -> str:
        host = quote(str(self.sockets), safe="")
        return f"postgresql:///{name}?host={host}&port=5432&user=taskify"

    def _own(self, directory: Path) -> None:
        """Make a directory that nobody else can look into and that the server can write to."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if directory.is_symlink() or directory.stat().st_uid not in {os.geteuid(), 65534}:
            raise TaskifyError(
                f"'{directory}' belongs to somebody else",
                where=directory,
                remedy="remove it, or let its owner do so",
            )
        if self.tools.is_nobody:
            shutil.chown(directory, "nobody", "nogroup")

    def _recover(self) -> None:
        """End a server that outlived its runner, and remove what only a dead one left."""
        if self._child is not None and self._child.status() is None:
            return
        pid_file = self.data / "postmaster.pid"
        try:
            first = int(pid_file.read_text().split("\n")[0])
        except (OSError, ValueError):
            first = None
        processes.end_all(self.data, "postgres", first=first, seconds=_PATIENCE)
        pid_file.unlink(missing_ok=True)  # its number may be another process's by now
        shutil.rmtree(self.sockets, ignore_errors=True)

    def _initialise(self) -> None:
        """Make the server's files: whole, or not at all."""
        unfinished = self.data.with_name("data.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        done = processes.run(
            [
                *(*self.tools.before, self.tools.bin / "initdb", "-D", unfinished),
                *("--username=taskify", "--auth=trust", "--encoding=UTF8", "--no-locale"),
                *(() if self._durable else ("--no-sync",)),
            ]
        )
        if done.status != 0:
            raise TaskifyError(
                "PostgreSQL could not make its data directory",
                where=unfinished,
                why=done.stderr,
                remedy="make room and access there, or set TASKIFY_DATABASE_URL",
            )
        unfinished.rename(self.data)

    def _check_version(self) -> None:
        """Refuse files that another major version has made."""
        try:
            made = (self.data / "PG_VERSION").read_text().strip()
        except OSError:
            made = "nobody"
        if made != str(self.tools.version):
            raise TaskifyError(
                f"the database was made by PostgreSQL {made}, and this is {self.tools.version}",
                where=self.data,
                why=f"PostgreSQL {self.tools.version} is the one in {self.tools.bin}",
                remedy=f"install PostgreSQL {made}, or remove {self.data} and all that is in it",
            )

    def _wait_until_ready(self, child: processes.Child) -> None:
        """Wait until the server says in its pid file that it takes connections."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and child.status() is None:
            try:
                lines = (self.data / "postmaster.pid").read_text().split("\n")
            except OSError:
                lines = []
            if lines[0:1] == [str(child.pid)] and lines[7:8] and lines[7].strip() == "ready":
                return
            time.sleep(0.005)
        status = child.stop(_PATIENCE)
        self._child = None
        shutil.rmtree(self.sockets, ignore_errors=True)
        told = self.log.read_text(errors="replace").splitlines()[-6:]
        raise TaskifyError(
            f"PostgreSQL did not start (exit status {status})",
            where=self.log,
            why="\n".join(told),
            remedy="look at the log, or set TASKIFY_DATABASE_URL",
        )

    def _create(self) -> None:
        """Create the database in the server, unless it is there."""
        script = (
            "SELECT 'CREATE DATABASE taskify' WHERE NOT EXISTS "
            "(SELECT FROM pg_database WHERE datname = 'taskify') \\gexec\n"
        )
        psql = [self.tools.bin / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"]
        done = processes.run([*psql, "-d", self._url("postgres")], stdin=script)
        if done.status != 0:
            raise TaskifyError("the database cannot be created", where=self.log, why=done.stderr)


def _sockets(home: Path) -> Path:
    """Return where the socket goes: below `home`, or in /tmp if the path would be too long."""
    near = home / "run"
    if len(os.fsencode(near / _SOCKET)) <= _SOCKET_PATH_MAX:
        return near
    return _temporary("run", home)


def _of_nobody(directory: Path) -> Path:
    """Return where the files go that the user nobody owns, who may not enter ours."""
    return _temporary("nobody", directory)


def _temporary(kind: str, directory: Path) -> Path:
    """Return a short path that is always the same for `directory`."""
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"taskify-{kind}-{os.geteuid()}-{digest}"
