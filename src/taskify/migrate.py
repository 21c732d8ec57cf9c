"""Migrations: plain SQL files in order, each applied once, in a transaction, by psql."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from taskify import processes
from taskify.errors import TaskifyError

DIRECTORY = Path(__file__).parent / "migrations"
_NAME = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
_TABLE = """
CREATE TABLE IF NOT EXISTS taskify_migrations (
    name text PRIMARY KEY,
    digest text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """A file and the SHA-256 of its bytes."""

    path: Path
    digest: str

    @property
    def name(self) -> str:
        """The file's name, which orders and identifies it."""
        return self.path.name


def read(directory: Path = DIRECTORY) -> list[Migration]:
    """Return the migrations in the order in which they are applied."""
    found = []
    for path in sorted(directory.glob("*.sql")):
        if not _NAME.fullmatch(path.name):
            raise TaskifyError(
                f"'{path.name}' is no name of a migration",
                where=path,
                remedy="call it NNNN_what_it_does.sql, in lower case",
            )
        found.append(Migration(path, hashlib.sha256(path.read_bytes()).hexdigest()))
    return found


def pending(migrations: list[Migration], applied: dict[str, str]) -> list[Migration]:
    """Return the migrations that are to be applied; `applied` maps names to digests.

    Refuses a history that these files did not make: a changed, a missing or an overtaken one.
    """
    known = {migration.name for migration in migrations}
    if missing := sorted(applied.keys() - known):
        raise TaskifyError(
            f"migration '{missing[0]}' was applied and is not here",
            remedy="bring the file back; a newer Taskify may have used this database",
        )
    last = max(applied, default="")
    for migration in migrations:
        if applied.get(migration.name, migration.digest) != migration.digest:
            raise TaskifyError(
                f"migration '{migration.name}' was changed after it was applied",
                where=migration.path,
                why=f"applied {applied[migration.name][:12]}, now {migration.digest[:12]}",
                remedy="restore the file and put the change into a migration after it",
            )
        if migration.name not in applied and migration.name < last:
            raise TaskifyError(
                f"migration '{migration.name}' comes before '{last}', which is applied already",
                where=migration.path,
                remedy="give it the next number",
            )
    return [migration for migration in migrations if migration.name not in applied]


def migrate(psql: Path, url: str, migrations: list[Migration]) -> list[str]:
    """Bring the database up to date; return the names of what was applied."""
    told = _psql(psql, url, "the database cannot be reached", "-c", _TABLE, "-c", _RECORDS)
    applied = dict(line.split("|") for line in told.split())
    todo = pending(migrations, applied)
    for migration in todo:
        record = (
            "INSERT INTO taskify_migrations (name, digest) "  # noqa: S608 -- both are checked or hex
            f"VALUES ('{migration.name}', '{migration.digest}')"
        )
        what = f"migration '{migration.name}' failed and left nothing behind"
        steps = ("-c", record, "-f", str(migration.path))  # the record first: it is the lock
        _psql(psql, url, what, "--single-transaction", *steps, where=migration.path)
    return [migration.name for migration in todo]


_RECORDS = "SELECT name, digest FROM taskify_migrations ORDER BY name"


def _psql(psql: Path, url: str, what: str, *arguments: str, where: Path | None = None) -> str:
    """Return what psql printed: unaligned rows, columns separated by a bar."""
    options = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url)
    done = processes.run(
        [psql, *options, *arguments],
        environment={"PGOPTIONS": "-c client_min_messages=warning", "PGCONNECT_TIMEOUT": "10"},
        seconds=600,
    )
    if done.status != 0:
        raise TaskifyError(
            what, where=where or "", why=done.stderr, remedy="mend what PostgreSQL says above"
        )
    return done.stdout
