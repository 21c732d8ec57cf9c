"""What the checks could not follow: said plainly, so that silence is never taken for clean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.symbols import SECTION
from asmith.check.inputs import NotAnalysed, Profile
from asmith.check.text import function_bodies, is_opaque

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asmith.check.followed import Followed
    from asmith.check.inputs import ObjectInput
    from asmith.model.nasm import Statement


def not_analysed(followed: Followed) -> tuple[NotAnalysed, ...]:
    """Return the functions, by name, whose text or instructions could not be followed."""
    subject = followed.object
    reasons = {o.function.name: o.reason for o in followed.outcomes if o.counted and o.reason}
    reasons |= dict(_reasons(subject))
    found = [("", reason) for reason in _nameless(followed)]
    return tuple(
        NotAnalysed(subject.facts.path, function, reason)
        for function, reason in (*found, *sorted(reasons.items()))
    )


def _nameless(followed: Followed) -> Iterator[str]:
    """Yield what the object holds that is no function of its own, in words."""
    facts = followed.object.facts
    starts = {o.function.start >> SECTION for o in followed.outcomes}
    starts |= {s.section for s in facts.symbols if s.type == "STT_FUNC" and s.section is not None}
    sections = facts.sections
    code = [s for s in sections if s.has(s.EXEC) and s.data]
    for section in code:
        if section.index not in starts:
            yield f"{section.name} has {len(section.data)} bytes of code that no symbol names"
    if not code and any(s.name.startswith(".gnu.lto_") for s in sections):
        yield "it holds a compiler's intermediate code (LTO), no machine code"


def _reasons(subject: ObjectInput) -> Iterator[tuple[str, str]]:
    """Yield (function, reason), at most one a function."""
    bodies = function_bodies(subject.statements)
    for symbol in subject.facts.symbols:
        if symbol.type != "STT_FUNC" or symbol.undefined:
            continue
        section = subject.facts.section(symbol.section)
        if section is None or symbol.value + symbol.size > section.size:
            yield symbol.name, "it lies outside its section"
        elif subject.source and subject.profile != Profile.COMPILED:
            body = bodies.get(symbol.name)
            opaque = next((s for s in _own(body or ()) if is_opaque(s)), None)
            if body is None:
                yield symbol.name, "its label is not in the text: a macro or an include makes it"
            elif opaque is not None:
                yield symbol.name, f"`{opaque.mnemonic}` at line {opaque.line} is expanded text"


def _own(body: Sequence[Statement]) -> Sequence[Statement]:
    """Return the statements of a function up to its `.end`, if it has one."""
    labels = [s.label for s in body]
    return body[: labels.index(".end")] if ".end" in labels else body
