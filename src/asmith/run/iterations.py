"""From what a recorder saw to a row of the iteration log: the edit, its kind, its price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asmith import __version__
from asmith.errors import AsmithError
from asmith.graph.trace import SYMBOLS, entry_named
from asmith.host import machine
from asmith.model.iteration import Iteration, Kind, Result
from asmith.model.names import ModuleName
from asmith.model.plan import StepKind, Why
from asmith.run import edits, kinds, layout, parts
from asmith.run.tools import Tools
from asmith.store.iterations import Log

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from asmith.model.iteration import FileEdit
    from asmith.model.plan import Reason
    from asmith.run.recorder import Recorder
    from asmith.run.session import Session
    from asmith.store.iterations import Seen


@dataclass(frozen=True, slots=True)
class Noted:
    """An iteration that is yet to be written, and what to remember of sources with it."""

    row: Iteration
    seen: Mapping[str, Seen | None]


def note(recorder: Recorder, failure: BaseException | None) -> Noted | None:
    """Return the iteration of a recorder; raises `AsmithError` if the log cannot be read.

    Nothing ran, nothing was edited and nothing failed anew: that is none.
    """
    total = recorder.elapsed()
    edit, seen = edits.since(recorder, Log(recorder.root / layout.ITERATIONS))
    if not (recorder.ran or edit or failure):
        return None
    row = _row(recorder, failure, edit, total)
    settled = row.result in (Result.ADOPTED, Result.FAILED)  # else the edit is the next one's too
    return Noted(row, {**seen, **edits.adopted(recorder)} if settled else {})


def write(root: Path, noted: Noted) -> None:
    """Append an iteration to its project's log; raises `AsmithError`."""
    Log(root / layout.ITERATIONS).add(noted.row, noted.seen)


def _row(
    recorder: Recorder, failure: BaseException | None, edit: tuple[FileEdit, ...], total: float
) -> Iteration:
    errors = recorder.told(failure)
    result = recorder.result(failure)
    calls = _calls(recorder)
    found = _kinds(recorder, result)
    if not found and edit:
        found = (Kind.PROSE,)
    whole = result is Result.ADOPTED
    return Iteration(
        at=recorder.began,
        command=recorder.command,
        result=result,
        kind=found[0] if found else Kind.REPAIR,
        kinds=found,
        files=edit,
        requirements=_requirements(recorder.stale.values()),
        stale={m: tuple(map(str, rs)) for m, rs in sorted(recorder.stale.items())},
        adopted=tuple(recorder.adopted),
        steps=tuple(recorder.ran),
        stages={s: round(t, 6) for s, t in recorder.stages.items()},
        waited=edits.waited(recorder, edit),
        linked=recorder.times.get(StepKind.LINK),
        tested=recorder.times.get(StepKind.TEST) if whole else None,
        total=total,
        calls=tuple(calls),
        input_tokens=sum(c.get("input_tokens") or 0 for c in calls),
        output_tokens=sum(c.get("output_tokens") or 0 for c in calls),
        usd=sum(_dollars(c.get("usd")) for c in calls),
        tests=_tests(recorder),
        findings=tuple(
            {"rule": f.rule, "file": f.file, "line": f.line, "message": f.message}
            for e in dict.fromkeys((*errors, *recorder.errors))
            for f in getattr(e, "findings", ())
        ),
        errors=tuple(e.what for e in errors),
        environment=_environment(recorder.root, recorder.session),
        **_texts(recorder),
    )


def _requirements(stale: Iterable[tuple[Reason, ...]]) -> tuple[str, ...]:
    which = (Why.REQUIREMENT_ADDED, Why.REQUIREMENT_CHANGED, Why.REQUIREMENT_REMOVED)
    return tuple(sorted({r.subject for rs in stale for r in rs if r.kind in which}))


def _kinds(recorder: Recorder, result: Result) -> tuple[Kind, ...]:
    session = recorder.first
    if session is None:
        return (Kind.UNREADABLE,) if result is Result.REFUSED else ()
    touched = {s.subject for s in recorder.reasons if s.kind is StepKind.GENERATE}
    touched |= set(recorder.adopted)
    moved = {m: rs for m, rs in recorder.stale.items() if m in touched}
    names = [r.subject for rs in recorder.stale.values() for r in rs]
    entries = {n: entry_named(n, session.workspace.interfaces) for n in names}
    types = {n for n, e in entries.items() if e is not None and e.kind not in SYMBOLS}
    visible = {n for n, e in entries.items() if e is not None and _seen_by_callers(recorder, n)}
    assembled = {s.subject for s in recorder.reasons if s.kind is StepKind.ASSEMBLE}
    edited = any(m.edited for n, m in recorder.modules.items() if n in assembled or n in touched)
    found = kinds.of(moved, recorder.reasons, seen_by_callers=visible, types=types, edited=edited)
    if found in ((), (Kind.REPAIR,)):  # what was begun before, or waits: the reasons stay
        return kinds.of(recorder.stale, {}, seen_by_callers=visible, types=types) or found
    return found


def _seen_by_callers(recorder: Recorder, name: str) -> bool:
    """Tell whether callers see another declaration than the implementer's record offers them."""
    assert recorder.first is not None
    entry = entry_named(name, recorder.first.workspace.interfaces)
    offers = (
        m.record.trace.offers.get(name) for m in recorder.modules.values() if m.record is not None
    )
    return any(entry and o is not None and o.digest != entry.caller_digest() for o in offers)


# ---- what it took --------------------------------------------------------------------------------


def _texts(recorder: Recorder) -> dict[str, Any]:
    """Return which modules were regenerated, and how many bytes were written anew."""
    session = recorder.session
    if session is None:
        return {}
    total = parts.text_bytes(session)
    regenerated, new, whole = [], 0, 0
    for name in recorder.adopted:
        old, now = recorder.modules.get(name), session.modules[name]
        if old is None or old.edited or now.source is None:
            continue
        before = recorder.replaced.get(name, old.source or b"")
        if now.source != before:
            regenerated.append(str(name))
            new += edits.new_bytes(before, now.source)
            whole += len(now.source)
    return {
        "modules": len(session.modules),
        "text_bytes": total,
        "regenerated": tuple(regenerated),
        "new_bytes": new,
        "regenerated_bytes": whole,
    }


def _calls(recorder: Recorder) -> list[dict[str, Any]]:
    """Return the generator calls: each attempt that a step of this run added."""
    if recorder.session is None:
        return []
    found = []
    for name, known in recorder.attempts.items():
        for attempt in recorder.session.store.attempts(ModuleName(name))[known:]:
            usage = getattr(attempt, "usage", None)
            counted = {} if usage is None else _counted(usage)
            found.append(
                {
                    "module": name,
                    "generator": attempt.generator,
                    "model": attempt.model,
                    "outcome": attempt.outcome,
                    **counted,
                }
            )
    return found


def _counted(usage: Any) -> Mapping[str, Any]:
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "usd")
    return {n: getattr(usage, n, None) for n in names}


def _dollars(value: Any) -> float:
    try:
        return float(value or 0)
    except ValueError:
        return 0.0  # a cost that nobody knows


def _tests(recorder: Recorder) -> int:
    session = recorder.session
    if session is None:
        return 0
    passed = 0
    for step in recorder.reasons:
        if step.kind is StepKind.TEST and (entry := session.status(step).entry) is not None:
            passed += int(entry.facts.get("passed", 0))
    return passed


def _environment(root: Path, session: Session | None) -> dict[str, Any]:
    found = {**machine.facts(), "asmith": __version__, "load": machine.load()}
    found["commit"] = machine.commit(root)
    tools = Tools() if session is None else session.tools
    for name, version in (("nasm", tools.nasm), ("driver", tools.driver)):
        try:
            found[name] = version()
        except AsmithError:
            found[name] = ""  # it is missing: the build has said so
    return found
