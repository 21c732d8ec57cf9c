"""The iteration log on disk: SQLite at `.asmith/iterations.sqlite`. The only door to sqlite3.

One row an iteration, in a table that a person can query; what is no single value is JSON text.
Beside it stands what each source file was when it was last seen, so that the next iteration knows
its edit. The log is worth having and never worth a build: whatever goes wrong with it is a
`LogError`, which callers turn into a warning.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass, fields
from asmith.errors import AsmithError
from asmith.host import files
from asmith.model.iteration import FileEdit, Iteration, Kind, Ran, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

SCHEMA = 1
_PATIENCE = 1.0  # seconds to wait for another writer
_TEXT = ("at", "command", "result", "kind")
_REAL = ("waited", "linked", "tested", "total", "usd")
_WHOLE = (
    "modules", "text_bytes", "new_bytes", "regenerated_bytes", "input_tokens", "output_tokens",
    "tests",
)  # fmt: skip
_NAMES = tuple(f.name for f in fields(Iteration))
_JSON = tuple(n for n in _NAMES if n not in {*_TEXT, *_REAL, *_WHOLE})


class LogError(AsmithError):
    """The log could not be read or written. Nothing of the build depends on it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A source file as it was: the digest of its bytes, and a 4-byte check of each line."""

    digest: str
    lines: bytes


class Log:
    """The log of one project; opened anew for each use, so that it may be moved or deleted."""

    def __init__(self, path: Path) -> None:
        """Name the file; it is made by the first `add`."""
        self.path = path

    def add(self, iteration: Iteration, seen: Mapping[str, Seen | None]) -> None:
        """Append an iteration, and take notice of sources (None: it is gone)."""
        columns = ", ".join(_NAMES)
        marks = ", ".join("?" * len(_NAMES))
        files.make_directory(self.path.parent)
        with self._open() as database:
            # Names and marks are ours alone; values go by parameter.
            statement = f"INSERT INTO iteration ({columns}) VALUES ({marks})"  # noqa: S608 -- ours
            database.execute(statement, [_encode(n, getattr(iteration, n)) for n in _NAMES])
            database.executemany(
                "INSERT OR REPLACE INTO source VALUES (?, ?, ?)",
                [(p, s.digest, s.lines) for p, s in seen.items() if s is not None],
            )
            gone = [(p,) for p, s in seen.items() if s is None]
            database.executemany("DELETE FROM source WHERE path = ?", gone)

    def seen(self, paths: Iterable[str] | None = None) -> dict[str, Seen] | None:
        """Return sources as the last iteration saw them, all or some; None before the first."""
        if not self.path.exists():
            return None
        select = "SELECT path, digest, lines FROM source"
        with self._open() as database:
            if database.execute("SELECT 1 FROM source LIMIT 1").fetchone() is None:
                return None
            if paths is None:
                rows = database.execute(select).fetchall()
            else:
                each = (database.execute(f"{select} WHERE path = ?", (p,)) for p in paths)
                rows = [row for found in each for row in found]
        return {path: Seen(digest, lines) for path, digest, lines in rows}

    def read(self) -> tuple[Iteration, ...]:
        """Return all iterations in order; rows that make no sense are passed over."""
        if not self.path.exists():
            return ()
        with self._open() as database:
            columns = ", ".join(_NAMES)
            statement = f"SELECT {columns} FROM iteration ORDER BY id"  # noqa: S608 -- ours
            rows = database.execute(statement).fetchall()
        found = []
        for row in rows:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                found.append(_decode(dict(zip(_NAMES, row, strict=True))))
        return tuple(found)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Yield a transaction on the log; raises `LogError` for whatever goes wrong with it."""
        database = None
        try:
            database = sqlite3.connect(self.path, timeout=_PATIENCE)
            database.execute("PRAGMA synchronous=NORMAL")  # a commit need not be on the medium
            self._prepare(database)
            database.execute("PRAGMA synchronous=NORMAL")  # WAL: whole after any crash
            with database:
                yield database
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error
        finally:
            if database is not None:
                database.close()

    def _prepare(self, database: sqlite3.Connection) -> None:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA:
            raise LogError(
                "the iteration log was written by a newer asmith",
                where=str(self.path),
                why=f"its schema is {version}, and this asmith knows {SCHEMA}",
                help="use that asmith, or move the file away: a new log is then begun",
            )
        if version == SCHEMA:
            return
        database.execute("PRAGMA journal_mode=WAL")
        with database:
            database.execute("BEGIN IMMEDIATE")
            version = database.execute("PRAGMA user_version").fetchone()[0]
            for step in _MIGRATIONS[version:]:
                for statement in step:
                    database.execute(statement)
            database.execute(f"PRAGMA user_version={SCHEMA}")


def _create() -> str:
    kinds = {**dict.fromkeys(_REAL, "REAL"), **dict.fromkeys(_WHOLE, "INTEGER NOT NULL")}
    columns = ", ".join(f"{n} {kinds.get(n, 'TEXT NOT NULL')}" for n in _NAMES)
    return f"CREATE TABLE iteration (id INTEGER PRIMARY KEY, {columns})"


# What leads from each schema to the next; a log of an old schema is carried over in place.
_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        _create(),
        "CREATE TABLE source (path TEXT PRIMARY KEY, digest TEXT NOT NULL, lines BLOB NOT NULL)",
    ),
)


def _explained(error: sqlite3.Error, path: Path) -> LogError:
    text = str(error)
    if "locked" in text:
        return LogError(
            "the iteration log is locked",
            where=str(path),
            why=f"another program has held it for more than {_PATIENCE:g} s",
            help="close it there",
        )
    damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.OperationalError
    )
    return LogError(
        f"the iteration log cannot be used: {text}",
        where=str(path),
        help="move the file away: a new log is then begun" if damaged else None,
    )


def _encode(name: str, value: Any) -> Any:
    if name not in _JSON:
        return str(value) if name in _TEXT else value
    if name in ("files", "steps"):
        value = [{f.name: getattr(v, f.name) for f in fields(v)} for v in value]
    elif name == "stale":
        value = {m: list(reasons) for m, reasons in value.items()}
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _decode(row: dict[str, Any]) -> Iteration:
    for name in _JSON:
        value = json.loads(row[name])
        row[name] = tuple(value) if isinstance(value, list) else value
    row["result"], row["kind"] = Result(row["result"]), Kind(row["kind"])
    row["kinds"] = tuple(Kind(k) for k in row["kinds"])
    row["files"] = tuple(FileEdit(**f) for f in row["files"])
    row["steps"] = tuple(Ran(**s) for s in row["steps"])
    row["stale"] = {m: tuple(reasons) for m, reasons in row["stale"].items()}
    return Iteration(**row)
