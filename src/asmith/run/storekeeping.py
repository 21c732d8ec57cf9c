"""`asmith store`: the store of a project, with what lies in modules/ beside it.

Only the configuration is read besides, so that a malformed spec or header stands in no way.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from asmith.errors import UsageError
from asmith.host import clock, files
from asmith.model.names import digest_bytes
from asmith.model.record import Standing
from asmith.project.config import CONFIG, parse
from asmith.run import layout, review
from asmith.store import archive, contents, lock, records, shared, upkeep
from asmith.store import sweep as sweeping
from asmith.store.answers import DamagedError, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from asmith.model.record import Record

_NANOSECONDS_A_DAY = 24 * 3600 * 10**9


def _open(root: Path) -> Store:
    config = parse(files.read_bytes(root / CONFIG))
    return Store(root / layout.KEPT, shared.configured(config.store))


def _recorded(root: Path, directory: str) -> Iterator[Record]:
    """Yield the records in a directory; a malformed one is an error."""
    for name in files.listing(root / directory, ".json"):
        path = f"{directory}/{name}"
        yield records.decode(files.read_bytes(root / path), path)


def verify(root: Path) -> upkeep.Verified:
    """Return what of the store is not whole."""
    return upkeep.verify(_open(root))


def repair(root: Path) -> upkeep.Verified:
    """Mend what is not whole, or set it aside."""
    with lock.held(root / layout.LOCK):
        texts = {}
        for name in files.listing(root / layout.MODULES, ".asm"):
            data = files.read_bytes(root / layout.MODULES / name)
            texts[digest_bytes(data)] = (f"{layout.MODULES}/{name}", data)
        copies = upkeep.Copies(texts, tuple(_recorded(root, layout.MODULES)))
        return upkeep.repair(_open(root), copies)


def sweep(root: Path, days: float, *, dry: bool) -> sweeping.Swept:
    """Remove what serves nobody and is older than some days."""
    with lock.held(root / layout.LOCK):
        directories = (layout.MODULES, layout.staged(layout.MODULES))
        in_use = tuple(r for d in directories for r in _recorded(root, d)) + _in_review(root)
        before = clock.nanoseconds() - int(days * _NANOSECONDS_A_DAY)
        return sweeping.sweep(_open(root), in_use, before, dry=dry)


def _in_review(root: Path) -> tuple[Record, ...]:
    """Return the records of the texts that wait for a person; damaged ones say nothing."""
    found = []
    for name in files.listing(root / layout.REVIEW, ".json"):
        with contextlib.suppress(DamagedError):
            if mark := review.read(root, name.removesuffix(".json")):
                found.append(mark.record)
    return tuple(found)


def export(root: Path, target: Path) -> tuple[int, tuple[str, ...]]:
    """Write the store to an archive; return the number of files, and what was left out."""
    return archive.export(_open(root), target)


def take_in(root: Path, source: Path) -> tuple[int, int]:
    """Import an archive; return how many files were new, and how many there already."""
    with lock.held(root / layout.LOCK):
        return archive.take_in(_open(root), source)


def push(root: Path) -> tuple[str, ...]:
    """Send all that was accepted to the shared store; return the modules."""
    store = _open(root)
    if store.shared is None or not store.shared.writes:
        raise UsageError(
            "no shared store is configured to be written to",
            where=CONFIG,
            help='add to pyproject.toml: [tool.asmith.store], url = "...", write = true',
        )
    store.shared.tells = False
    sent = []
    for record in _accepted(root, store):
        if not store.share(record):
            assert store.shared.away is not None
            raise store.shared.away
        sent.append(record.module)
    return tuple(sorted(set(sent)))


def _accepted(root: Path, store: Store) -> Iterator[Record]:
    """Yield every accepted record whose text is here, those in modules/ last: newest for others."""
    for name, kind in contents.everything(store):
        if kind is contents.Kind.CANDIDATE:
            record = contents.read_candidate(files.read_bytes(store.root / name), name)
            if not isinstance(record, str) and record.standing is not Standing.EDITED:
                yield record
    for record in _recorded(root, layout.MODULES):
        text = files.read_if_exists(root / layout.source(record.module))
        if text is not None and digest_bytes(text) == record.assembly:
            store.put(text)
            if record.standing is not Standing.EDITED:
                yield record
