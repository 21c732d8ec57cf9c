"""Verifying a store: is every file whole, and can what is not be mended from another copy.

Nothing is lost by a repair: what cannot be mended is set aside in `.asmith/damaged/`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.dataclass import dataclass, replace
from asmith.host import files
from asmith.model.names import Digest
from asmith.store import contents
from asmith.store.contents import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.model.record import Record
    from asmith.store.answers import Store

ASIDE = "damaged"


@dataclass(frozen=True, slots=True)
class Flaw:
    """A file of the store that is not whole, and what was done about it."""

    name: str  # relative to .asmith/
    why: str
    mended: str = ""  # where its content came from
    aside: str = ""  # where it lies now


@dataclass(frozen=True, slots=True)
class Verified:
    """What a look at every file came to."""

    counts: Mapping[Kind, int]
    flaws: tuple[Flaw, ...]


def verify(store: Store) -> Verified:
    """Return what is not whole; nothing is changed."""
    counts = dict.fromkeys(Kind, 0)
    flaws = []
    for name, kind in contents.everything(store):
        counts[kind] += 1
        if why := _why(store, name, kind):
            flaws.append(Flaw(name, why))
    return Verified(counts, tuple(flaws))


def _why(store: Store, name: str, kind: Kind) -> str | None:
    data = files.read_bytes(store.root / name)
    why = contents.flaw(name, kind, data)
    if why is None and kind is Kind.CANDIDATE:
        record = contents.read_candidate(data, name)
        assert not isinstance(record, str)
        if not store.has(record.assembly):
            return f"the text {record.assembly[:12]} that it is of is missing"
    return why


@dataclass(frozen=True, slots=True)
class Copies:
    """What lies in modules/: texts with their paths, and records."""

    texts: Mapping[Digest, tuple[str, bytes]]
    records: tuple[Record, ...]


def repair(store: Store, copies: Copies) -> Verified:
    """Mend what is not whole, from other copies; set aside what has none."""
    counts = verify(store).counts
    flaws: list[Flaw] = []
    while found := verify(store).flaws:  # again: a text set aside leaves its record without one
        flaws += [_mend(store, flaw, copies) for flaw in found]
    return Verified(counts, tuple(flaws))


def _mend(store: Store, flaw: Flaw, copies: Copies) -> Flaw:
    kind = contents.kind_of(flaw.name)
    match kind:
        case Kind.BLOB:
            source = _text(store, Digest(flaw.name.rpartition("/")[2]), copies)
        case Kind.CANDIDATE:
            source = _candidate(store, flaw, copies)
        case _:
            data = files.read_bytes(store.root / flaw.name)
            _set_aside(store, flaw)
            whole = b"".join(line + b"\n" for line in contents.whole_lines(data))
            files.write_atomic(store.root / flaw.name, whole)
            source = "its whole lines"
    if source:
        return replace(flaw, mended=source)
    return replace(flaw, aside=_set_aside(store, flaw))


def _text(store: Store, digest: Digest, copies: Copies) -> str:
    """Bring a blob back from modules/ or the shared store; return where it was found."""
    if digest in copies.texts:
        path, data = copies.texts[digest]
        store.put(data)
        return path
    elsewhere = store.shared.blob(digest) if store.shared else None
    if elsewhere is None:
        return ""
    store.put(elsewhere)
    return "the shared store"


def _candidate(store: Store, flaw: Flaw, copies: Copies) -> str:
    """Bring back an accepted record, or the text that it is of."""
    record = contents.read_candidate(files.read_bytes(store.root / flaw.name), flaw.name)
    if not isinstance(record, str) and not store.has(record.assembly):
        return _text(store, record.assembly, copies)
    for one in copies.records:
        if store.candidate_path(one) == store.root / flaw.name and one.assembly in copies.texts:
            store.add_candidate(one, copies.texts[one.assembly][1])
            return f"modules/{one.module}.json"
    return ""


def _set_aside(store: Store, flaw: Flaw) -> str:
    target = f"{ASIDE}/{flaw.name}"
    files.move(store.root / flaw.name, store.root / target)
    return target
