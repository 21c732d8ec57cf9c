"""Exporting a store to one file, and importing such a file: a tar archive of the store's own files.

Nothing is imported unless all of an archive is whole. What is there already stays; logs are joined.
"""

from __future__ import annotations

import io
import json
import tarfile
import zlib
from typing import TYPE_CHECKING

from asmith.errors import UsageError
from asmith.host import files
from asmith.model.names import canonical_json
from asmith.store import contents
from asmith.store.contents import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from asmith.store.answers import Store


_MANIFEST = "asmith-store.json"
SCHEMA = 1


def export(store: Store, target: Path) -> tuple[int, tuple[str, ...]]:
    """Write all whole files of a store to an archive; return their number, and what was left out.

    A name that ends in `.gz` or `.tgz` makes a compressed one.
    """
    whole: dict[str, bytes] = {}
    left_out = []
    for name, kind in contents.everything(store):
        data = files.read_bytes(store.root / name)
        if kind is Kind.LINES:
            whole[name] = b"".join(line + b"\n" for line in contents.whole_lines(data))
        elif contents.flaw(name, kind, data):
            left_out.append(name)
        else:
            whole[name] = data
    manifest = canonical_json({"schema": SCHEMA, "files": sorted(whole)}).encode()
    buffer = io.BytesIO()
    compressed = target.name.endswith((".gz", ".tgz"))
    with tarfile.open(fileobj=buffer, mode="w:gz" if compressed else "w") as archive:
        _add(archive, _MANIFEST, manifest, 0)
        for name, data in whole.items():
            _add(archive, name, data, files.written(store.root / name) // 10**9)
    files.write_atomic(target, buffer.getvalue())
    return len(whole), tuple(left_out)


def _add(archive: tarfile.TarFile, name: str, data: bytes, seconds: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime = len(data), seconds
    archive.addfile(member, io.BytesIO(data))


def take_in(store: Store, source: Path) -> tuple[int, int]:
    """Import an archive; return how many of its files were new, and how many there already."""
    members = _members(source)
    new = 0
    for name, (kind, data, seconds) in sorted(members.items()):
        path = store.root / name
        there = files.read_if_exists(path)
        if kind is Kind.LINES:
            data = _joined(there or b"", data)  # noqa: PLW2901 -- what the file then holds
        if there == data or (
            there and kind is Kind.CANDIDATE and not contents.flaw(name, kind, there)
        ):
            continue
        files.write_atomic(path, data, durable=True)
        if kind is Kind.CANDIDATE:
            files.date(path, seconds)  # which text was in modules/ last decides what a revert takes
        new += 1
    return new, len(members) - new


def _joined(there: bytes, more: bytes) -> bytes:
    """Return a log with the lines that it lacked, in order."""
    lines = dict.fromkeys([*contents.whole_lines(there), *contents.whole_lines(more)])
    return b"".join(line + b"\n" for line in lines)


def _members(source: Path) -> dict[str, tuple[Kind, bytes, int]]:
    """Return the files of an archive, each of which is whole, with their times in seconds."""
    found = {}
    promised: list[str] | None = None
    for name, data, seconds in _read(source):
        if name == _MANIFEST:
            promised = _promised(source, data)
            continue
        kind = contents.kind_of(name)
        if kind is None:
            raise _refused(source, f"'{name}' is no file of a store")
        if why := contents.flaw(name, kind, data):
            raise _refused(source, f"'{name}': {why}")
        found[name] = (kind, data, seconds)
    if promised is None:
        raise _refused(source, f"it does not begin with '{_MANIFEST}'")
    if missing := sorted(set(promised) - set(found)):
        raise _refused(source, f"{len(missing)} of {len(promised)} files are missing")
    return found


def _read(source: Path) -> Iterator[tuple[str, bytes, int]]:
    """Yield name, bytes and time of each member of an archive."""
    buffer = io.BytesIO(files.read_bytes(source))
    try:
        with tarfile.open(fileobj=buffer, mode="r:*") as archive:
            for member in archive:
                reader = archive.extractfile(member) if member.isfile() else None
                if reader is None:
                    raise _refused(source, f"'{member.name}' is no file of a store")
                yield member.name, reader.read(), int(member.mtime)
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as error:
        raise _refused(source, f"it cannot be read: {str(error).lower()}") from error


def _promised(source: Path, data: bytes) -> list[str]:
    """Return the names in a manifest."""
    try:
        value = json.loads(data)
        schema, names = value["schema"], [str(n) for n in value["files"]]
    except (ValueError, KeyError, TypeError) as error:
        raise _refused(source, f"'{_MANIFEST}' is malformed") from error
    if schema != SCHEMA:
        raise _refused(source, f"it has schema {schema!r}, and this asmith reads {SCHEMA}")
    return names


def _refused(source: Path, why: str) -> UsageError:
    return UsageError(
        "the archive is no whole export of a store; nothing was imported",
        where=str(source),
        why=why,
        help="export it again: asmith store export FILE",
    )
