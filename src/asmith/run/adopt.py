"""Adoption: candidates become modules, staged results become the last good build, all or nothing.

The intent is written first and carried out by renames, each of which may be repeated; whoever
opens the project next finishes what a kill interrupted. It lies in .asmith/ and holds the records,
as the store holds the texts, so that it can be finished without build/ too.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from asmith.dataclass import replace
from asmith.host import files
from asmith.model.names import Digest, ModuleName, canonical_json, digest_bytes
from asmith.model.plan import Step, StepKind
from asmith.model.record import Record, Standing
from asmith.run import answering, events, layout, view
from asmith.store import records
from asmith.store.answers import DamagedError, Store
from asmith.store.records import trace_key
from asmith.store.state import Entry, Slot, State

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from asmith.run.session import Session
    from asmith.run.view import Module


def pending(session: Session, steps: Collection[Step]) -> bool:
    """Tell whether any of these steps has a result in the stage, or a module a draft or edit."""
    modules = {s.subject for s in steps if s.of_module}.intersection(session.looked_at())
    if any(session.status(s).slot is Slot.STAGE for s in steps):
        return True
    return any(_new_record(session, session.modules[ModuleName(m)]) is not None for m in modules)


def unfinished(session: Session, steps: Collection[Step]) -> tuple[Step, ...]:
    """Return the steps without a result, because of which nothing may be adopted."""
    return tuple(sorted(s for s in steps if not session.status(s).clean))


def adopt(session: Session, steps: Collection[Step]) -> tuple[ModuleName, ...]:
    """Adopt the results of `steps`, all of which hold; return the modules whose record changed."""
    session.tell(events.Adopting())
    moved: dict[str, Entry] = {}
    for step in steps:
        status = session.status(step)
        if status.slot is Slot.STAGE:
            assert status.entry is not None
            moved[str(step)] = status.entry
    outputs: list[tuple[str, str, str]] = [
        (layout.output(Slot.STAGE, name), layout.output(Slot.BASE, name), digest)
        for entry in moved.values()
        for name, digest in entry.outputs.items()
    ]
    placed: list[tuple[str, str, str]] = []
    contents: dict[str, str] = {}
    changed, new = [], []
    modules = {s.subject for s in steps if s.of_module}.intersection(session.looked_at())
    for name in sorted(modules):
        module = session.modules[ModuleName(name)]
        if module.draft and module.record and not answering.was_accepted(session, module.record):
            answering.log(session, module.record, ())
        record = _new_record(session, module)
        if record is None:
            continue
        _remember(session, module, record)
        placed += _place_module(session, module, record)
        contents[layout.record(module.name)] = records.encode(record).decode()
        changed.append(module.name)
        new.append(record)
    renames = [*placed, *outputs]  # modules first: where they cannot be written nothing is adopted
    if moved or renames:
        _carry_out(session, moved, renames, contents)
    for record in new:
        session.store.share(record)
    for module_name in changed:
        view.remove_draft(session.root, module_name)
        session.look_again(module_name)
    session.forget(*(s for s in steps if str(s) in moved))
    session.tell(events.Adopted(tuple(changed)))
    return tuple(changed)


def _new_record(session: Session, module: Module) -> Record | None:
    """Return the record that adoption writes for a module, or None if the old one stays."""
    if module.record is None or module.trace is None or module.held or module.waiting:
        return None
    entry = session.status(Step(StepKind.ASSEMBLE, module.name)).entry
    code = entry.facts["code"] if entry else module.record.object
    record = replace(module.record, object=code, trace=module.trace)
    if module.edited:
        assert module.source is not None
        text = digest_bytes(module.source)
        standing = _standing(session, module, text)
        record = replace(record, standing=standing, assembly=text)
    if module.draft:
        data = files.read_if_exists(session.root / layout.record(module.name))
        base = records.decode(data, layout.record(module.name)) if data else None
        record = answering.with_attempts(session, record, base)
    elif record == module.record and not module.edited:
        return None
    return record


def _standing(session: Session, module: Module, text: Digest) -> Standing:
    """Return the standing of a text that is not its record's: an edit, or one that is undone."""
    assert module.trace is not None
    spec = session.workspace.specs[module.name]
    key = trace_key(spec.implements, module.trace)
    known = session.store.local_candidates(module.name, key, text)
    whole = (r for r in known if not isinstance(r, DamagedError))
    return next((r.standing for r in whole if r.assembly == text), Standing.EDITED)


def _remember(session: Session, module: Module, record: Record) -> None:
    """Keep both the module that goes and the one that comes, so that a revert finds either."""
    data = files.read_if_exists(session.root / layout.record(module.name))
    source = files.read_if_exists(session.root / layout.source(module.name))
    if data is not None and source is not None:
        old = records.decode(data, layout.record(module.name))
        if digest_bytes(source) == old.assembly:
            session.store.add_candidate(old, source)
        else:
            session.store.put(source, durable=module.draft)  # else it stays in modules/
    assert module.source is not None
    session.store.add_candidate(record, module.source)


def _place_module(session: Session, module: Module, record: Record) -> list[tuple[str, str, str]]:
    """Stage the final record and return the renames that put a module in place."""
    target = layout.record(module.name)
    data = records.encode(record)
    files.write_atomic(session.root / layout.staged(target), data)
    renames: list[tuple[str, str, str]] = [(layout.staged(target), target, digest_bytes(data))]
    if module.draft:
        source = layout.source(module.name)
        renames.insert(0, (layout.staged(source), source, record.assembly))
    return renames


def _digest(path: Path) -> Digest | None:
    data = files.read_if_exists(path)
    return None if data is None else digest_bytes(data)


def _carry_out(
    session: Session,
    moved: dict[str, Entry],
    renames: list[tuple[str, str, str]],
    contents: dict[str, str],
) -> None:
    root = session.root
    intent = {
        "schema": 2,
        "renames": renames,
        "replaced": {t: _digest(root / t) for _, t, _ in renames if t.startswith("modules/")},
        "records": contents,
        "entries": {
            step: {"inputs": dict(e.inputs), "outputs": dict(e.outputs), "facts": dict(e.facts)}
            for step, e in moved.items()
        },
    }
    files.write_atomic(root / layout.INTENT, canonical_json(intent).encode())
    _finish(root, session.state, intent)


def recover(root: Path) -> bool:
    """Finish an adoption that a kill interrupted; tell whether there was one."""
    data = files.read_if_exists(root / layout.INTENT)
    if data is None:
        return False
    state = State(root / layout.STATE)
    try:
        intent = json.loads(data)
        _finish(root, state, intent)
    except (ValueError, KeyError, TypeError):
        files.remove(root / layout.INTENT)  # derived: the next build makes everything again
    return True


def _left_alone(root: Path, intent: dict[str, Any]) -> set[str]:
    """Return the modules, as `modules/<module>`, that an intent does not touch.

    One has a file that is neither the old nor the new: somebody saved it after the intent was
    written; the edit stays, and the answer is in the store. Of another the new text is nowhere.
    """
    found = set()
    for source, target, digest in intent["renames"]:
        if target in intent["replaced"]:
            known = (intent["replaced"][target], digest)
            there = _digest(root / target)
            if there not in known or (
                there != digest and _new(root, intent, source, target, digest) is None
            ):
                found.add(target.rpartition(".")[0])
    return found


def _new(root: Path, intent: dict[str, Any], source: str, target: str, digest: str) -> bytes | None:
    """Return what an intent puts in modules/: staged, in the intent, or in the store."""
    staged = files.read_if_exists(root / source)
    if staged is not None and digest_bytes(staged) == digest:
        return staged
    if target in intent["records"]:
        return str(intent["records"][target]).encode()
    with contextlib.suppress(DamagedError):
        return Store(root / layout.KEPT).get(Digest(digest))
    return None


def _finish(root: Path, state: State, intent: dict[str, Any]) -> None:
    """Carry an intent out: invalidate, rename, record. May be repeated from any point."""
    steps = intent["entries"]
    state.drop(Slot.BASE, steps)
    left = _left_alone(root, intent)
    for source, target, digest in intent["renames"]:
        if target.rpartition(".")[0] in left:
            files.remove(root / source)
        elif _digest(root / source) == digest:
            files.move(root / source, root / target)
        elif target in intent["replaced"] and _digest(root / target) != digest:
            data = _new(root, intent, source, target, digest)
            assert data is not None, target
            files.write_atomic(root / target, data)
    made: dict[tuple[Slot, str], Entry] = {
        (Slot.BASE, step): Entry(v["inputs"], v["outputs"], v["facts"]) for step, v in steps.items()
    }
    if made:
        state.end(made)
    state.drop(Slot.STAGE, steps)
    files.remove(root / layout.INTENT)
