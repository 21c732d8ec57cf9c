"""Traces: what a module was made from, and whether that still holds. Pure functions.

A module is fresh when its spec, its own contract and the contracts that it imports are what its
record says (a verifying trace). What other modules do inside never counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.dataclass import replace
from asmith.model.contract import Entry, EntryKind, Subject
from asmith.model.names import InterfaceName
from asmith.model.plan import Reason, Why
from asmith.model.record import Record, Stamp, Trace, Traced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from asmith.model.contract import Interface
    from asmith.model.names import ModuleName
    from asmith.model.spec import Spec

SYMBOLS = (EntryKind.FUNCTION, EntryKind.DATA)
"""What becomes a symbol of an object; the other kinds are assembled in."""


def exported(interface: Interface) -> dict[str, Entry]:
    """Return what the implementer must define: qualified name -> entry."""
    entries = interface.surface.values()
    return {e.qualified: e for e in entries if e.kind in SYMBOLS}


def imported(
    names: Iterable[str], visible: Mapping[str, Entry], own: Interface
) -> dict[str, Entry]:
    """Return the entries that a text names, without its own functions and data."""
    exports = exported(own)
    found = (visible[n] for n in names if n in visible)
    return {e.qualified: e for e in found if e.qualified not in exports}


def make_trace(spec: Spec, own: Interface, imports: Mapping[str, Entry]) -> Trace:
    """Return the trace of a text accepted now."""
    exports = exported(own)
    return Trace(
        requirements={r.id: r.digest for r in spec.requirements},
        uses=tuple(str(u) for u in spec.uses),
        exports={q: Traced(e.implementer, e.implementer_digest()) for q, e in exports.items()},
        offers={q: Traced(e.caller, e.caller_digest()) for q, e in exports.items()},
        imports={q: _caller(e) for q, e in imports.items()},
        texts={r.id: r.text for r in spec.requirements},
    )


def retrace(trace: Trace, imports: Mapping[str, Entry]) -> Trace:
    """Return the trace of an edited text: what it still names keeps its recorded contract."""
    kept = {q: trace.imports.get(q) or _caller(e) for q, e in imports.items()}
    return replace(trace, imports=kept)


def _caller(entry: Entry) -> Traced:
    return Traced(entry.caller, entry.caller_digest())


def stamp_of(module: ModuleName, trace: Trace, imports: Mapping[str, Entry]) -> Stamp:
    """Return the stamp of an object: contracts from its trace, values as they are assembled now."""
    values = {q: e.value for q, e in imports.items() if e.value}
    return Stamp(module, trace.exports, trace.offers, trace.imports, values)


def stale_reasons(
    record: Record, spec: Spec, interfaces: Mapping[InterfaceName, Interface]
) -> tuple[Reason, ...]:
    """Return why a record's module is stale today; nothing for a fresh one."""
    trace = record.trace
    if record.implements != spec.implements:
        detail = f"was {record.implements}, is {spec.implements}"
        return (Reason(Why.IMPLEMENTS_CHANGED, spec.module, detail),)
    reasons = list(_spec_reasons(trace, spec))
    own = exported(interfaces[spec.implements])
    today = {q: Traced(e.implementer, e.implementer_digest()) for q, e in own.items()}
    reasons += _export_reasons(trace, today)
    reasons += _import_reasons(trace, interfaces)
    return tuple(reasons)


def _spec_reasons(trace: Trace, spec: Spec) -> Iterable[Reason]:
    before = dict(trace.requirements)
    for requirement in spec.requirements:
        subject = f"{spec.module}:{requirement.id}"
        place = f"{spec.path}:{requirement.line}"
        old = before.pop(requirement.id, None)
        lines = difference(trace.texts.get(requirement.id, ""), requirement.text)
        if old is None:
            yield Reason(Why.REQUIREMENT_ADDED, subject, place, lines)
        elif old != requirement.digest:
            yield Reason(Why.REQUIREMENT_CHANGED, subject, place, lines)
    for identity in before:
        lines = difference(trace.texts.get(identity, ""), "")
        yield Reason(Why.REQUIREMENT_REMOVED, f"{spec.module}:{identity}", "", lines)
    uses = tuple(str(u) for u in spec.uses)
    if uses != trace.uses:
        added = ", ".join(f"+{u}" for u in uses if u not in trace.uses)
        gone = ", ".join(f"-{u}" for u in trace.uses if u not in uses)
        yield Reason(Why.USES_CHANGED, spec.module, " ".join(w for w in (added, gone) if w))


def _export_reasons(trace: Trace, today: Mapping[str, Traced]) -> Iterable[Reason]:
    yield from _changes(trace.exports, today.get, Why.EXPORT_CHANGED, Why.EXPORT_REMOVED)
    for name in sorted(set(today) - set(trace.exports)):
        yield Reason(Why.EXPORT_ADDED, name, "", difference("", today[name].text))


def _import_reasons(
    trace: Trace, interfaces: Mapping[InterfaceName, Interface]
) -> Iterable[Reason]:
    def today(name: str) -> Traced | None:
        entry = entry_named(name, interfaces)
        return _caller(entry) if entry else None

    yield from _changes(trace.imports, today, Why.IMPORT_CHANGED, Why.IMPORT_REMOVED)


def _changes(
    recorded: Mapping[str, Traced],
    today: Callable[[str], Traced | None],
    changed: Why,
    removed: Why,
) -> Iterable[Reason]:
    for name, old in sorted(recorded.items()):
        now = today(name)
        if now is None:
            yield Reason(removed, name, "no longer declared", difference(old.text, ""))
        elif now.digest != old.digest:
            lines = difference(old.text, now.text)
            yield Reason(changed, name, _in_short(lines), lines)


def difference(old: str, new: str) -> tuple[str, ...]:
    """Return the lines that went and those that came, in their order."""
    before, after = old.splitlines(), new.splitlines()
    gone = [f"- {line}" for line in before if line not in after]
    return (*gone, *(f"+ {line}" for line in after if line not in before))


def _in_short(lines: tuple[str, ...]) -> str:
    """Return a difference as a few words for one line."""
    gone, came = (tuple(x[2:] for x in lines if x.startswith(sign)) for sign in "-+")
    if len(gone) <= 1 and len(came) <= 1:
        return " -> ".join(gone + came) if gone and came else "".join(lines)
    return f"{len(gone)} lines went, {len(came)} came"


def entry_named(name: str, interfaces: Mapping[InterfaceName, Interface]) -> Entry | None:
    """Return the entry with a qualified name, `interface.subject`, if it is declared today."""
    interface, _, subject = name.partition(".")
    found = interfaces.get(InterfaceName(interface))
    return None if found is None else found.surface.get(Subject(subject))
