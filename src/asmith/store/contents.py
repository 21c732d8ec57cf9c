"""What a store consists of: which files are its own, and whether each is whole. Mostly pure."""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import TYPE_CHECKING

from asmith.errors import UsageError
from asmith.host import files
from asmith.model.names import digest_bytes
from asmith.store import records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.model.record import Record
    from asmith.store.answers import Store


class Kind(Enum):
    """The kinds of file in a store, by the form of their names below `.asmith/`."""

    BLOB = re.compile(r"store/blobs/(?P<head>[0-9a-f]{2})/(?P<digest>(?P=head)[0-9a-f]{62})")
    CANDIDATE = re.compile(
        r"store/candidates/(?P<module>\w+)/(?P<name>[0-9a-f]{16}-[0-9a-f]{16}\.json)"
    )
    LINES = re.compile(r"store/(?!blobs|candidates)[a-z]+/[0-9a-f]{64}|attempts/\w+\.jsonl")


def kind_of(name: str) -> Kind | None:
    """Return what a file is, by its path below `.asmith/`; None for what is not the store's."""
    return next((k for k in Kind if k.value.fullmatch(name)), None)


def everything(store: Store) -> Iterator[tuple[str, Kind]]:
    """Yield the path of every file of a store, relative to its root, and what it is; sorted."""
    for path in files.below(store.root):
        name = path.relative_to(store.root).as_posix()
        kind = kind_of(name)
        if kind is not None:
            yield name, kind


def flaw(name: str, kind: Kind, data: bytes) -> str | None:
    """Return what is wrong with the bytes of a file; None if they are whole."""
    found = kind.value.fullmatch(name)
    assert found
    match kind:
        case Kind.BLOB:
            if digest_bytes(data) != found["digest"]:
                return f"its bytes do not have the digest {found['digest'][:12]} that names it"
        case Kind.CANDIDATE:
            record = read_candidate(data, name)
            if isinstance(record, str):
                return record
            if (record.module, records.candidate_name(record)) != (found["module"], found["name"]):
                return "the record is not the one that its name says"
        case Kind.LINES:
            bad = sum(not _is_whole(line) for line in data.splitlines())
            if bad:
                return f"{bad} line{'s are' if bad > 1 else ' is'} no JSON object"
    return None


def read_candidate(data: bytes, name: str) -> Record | str:
    """Return the record in a candidate's file, or why there is none."""
    try:
        return records.decode(data, name)
    except UsageError as error:
        return error.why or error.what


def whole_lines(data: bytes) -> list[bytes]:
    """Return the lines of a log that are whole."""
    return [line for line in data.splitlines() if _is_whole(line)]


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
