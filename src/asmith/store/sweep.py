"""Garbage in a store: what no record in use names, and nobody has written for a while."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass
from asmith.host import files
from asmith.model.names import Digest
from asmith.store import contents
from asmith.store.contents import Kind
from asmith.store.upkeep import ASIDE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from asmith.model.record import Record
    from asmith.store.answers import Store


@dataclass(frozen=True, slots=True)
class Swept:
    """What served nobody any more, and what stays."""

    removed: tuple[str, ...]  # relative to .asmith/
    freed: int  # bytes
    kept: int  # files


def sweep(store: Store, in_use: tuple[Record, ...], before: int, *, dry: bool = False) -> Swept:
    """Remove what is old and serves nobody; with `dry`, only return what that is.

    `before` is in nanoseconds: what was written since then stays, with all that it names. So do
    the records in use with their answers and attempts, answers that nobody judged yet, and the
    logs of attempts.
    """
    everything = dict(contents.everything(store))
    logs = [n for n in everything if n.startswith("attempts/")]
    judged = {d for n in logs for d in _named(store, n)}
    judged |= {a.answer for r in in_use for a in r.attempts}
    named = {d for r in in_use for d in (r.assembly, r.answer, *(a.answer for a in r.attempts))}
    paths = {store.candidate_path(r) for r in in_use}
    old = [*_left_over(store, before)]
    for name, kind in everything.items():
        path = store.root / name
        if kind is Kind.BLOB or name in logs:
            continue
        here = set(_named(store, name))
        unjudged = kind is Kind.LINES and not set(_answers(store, name)) <= judged
        if files.written(path) >= before or path in paths or unjudged:
            named |= here
        else:
            old.append(name)
    for name, kind in everything.items():
        unnamed = kind is Kind.BLOB and Digest(name.rpartition("/")[2]) not in named
        if unnamed and files.written(store.root / name) < before:
            old.append(name)
    freed = sum(files.size(store.root / n) for n in old)
    for name in () if dry else old:
        files.remove(store.root / name)
    return Swept(tuple(sorted(old)), freed, len(everything.keys() - set(old)))


def _left_over(store: Store, before: int) -> Iterator[str]:
    """Yield what was set aside, and temporary files of writers that were killed."""
    for path in files.below(store.root):
        name = path.relative_to(store.root).as_posix()
        ours = name.startswith(f"{ASIDE}/") or (_is_temporary(path) and not name.startswith("."))
        if ours and files.written(path) < before:
            yield name


def _is_temporary(path: Path) -> bool:
    return path.name.startswith(".")


def _named(store: Store, name: str) -> Iterator[Digest]:
    """Yield the digests of the objects that a record or a log names."""
    data = files.read_bytes(store.root / name)
    if name.endswith(".json"):
        record = contents.read_candidate(data, name)
        if not isinstance(record, str):
            yield from (record.assembly, record.answer)
        return
    for line in contents.whole_lines(data):
        yield from (Digest(v) for v in json.loads(line).values() if isinstance(v, str))


def _answers(store: Store, name: str) -> Iterator[Digest]:
    """Yield the answers that a log names."""
    for line in contents.whole_lines(files.read_bytes(store.root / name)):
        if isinstance(answer := json.loads(line).get("answer"), str):
            yield Digest(answer)
