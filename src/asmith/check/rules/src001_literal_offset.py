"""A literal offset into a structure of a contract.

Reported, in a function that the interface declares, for a memory operand `[reg]`, `[reg + N]` or
`[reg - N]` where N is a number and `reg` holds an argument that points to a struct or union whose
fields a visible interface declares. Arguments are followed from their registers at entry (psABI
3.2.3) through `mov reg, reg`, along every path of the function.

Why: the name of a field is what ties the module to the layout. When a field moves, a module that
names it is assembled again and is right; one that holds the number is silently wrong.

Mend it by writing the name that the generated include gives the field, `[rdi + t_counter.count]`.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        inc     qword [rdi]
        mov     rax, [rdi + 8]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```

Passes:

```nasm passes
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        inc     qword [rdi + t_counter.count]
        mov     rax, [rdi + t_counter.limit]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asmith.check.inputs import Level, Profile
from asmith.check.places import Text, at_line, finding
from asmith.check.registers import Tracking, whole
from asmith.check.text import function_bodies
from asmith.model.contract import EntryKind, Named, Pointer, Words
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asmith.check.inputs import ObjectInput
    from asmith.model.contract import Aggregate, Function
    from asmith.model.finding import Finding
    from asmith.model.nasm import Statement

ID = "SRC001"
LEVEL = Level.OBJECT
PROFILES = {Profile.PROJECT: Severity.ERROR, Profile.ASM: Severity.WARNING}

_MEMORY = re.compile(r"\[(?P<inside>[^\[\]]*)\]")
_TERM = re.compile(r"(?P<sign>[+-]?)\s*(?P<word>\$?\w+)\s*")
_HINTS = re.compile(r"^\s*(?:(?:rel|abs|nosplit|byte|word|dword|qword)\s+)*")


def check(subject: ObjectInput) -> Iterator[Finding]:
    """Yield a finding for each numeric offset from a pointer to a structure of known layout."""
    interface = subject.interface
    if interface is None or not subject.source:
        return
    layouts = {tag: a for i in reversed(subject.interfaces) for tag, a in i.types.items()}
    bodies = function_bodies(subject.statements)
    for name, function in interface.functions.items():
        body = bodies.get(name, ())
        yield from _in_function(subject, function, body, layouts)


def _in_function(
    subject: ObjectInput,
    function: Function,
    body: tuple[Statement, ...],
    layouts: Mapping[str, Aggregate],
) -> Iterator[Finding]:
    entry = _pointers(function, layouts)
    if not entry or not body:
        return
    lines = {s.line for s in body}
    outside = " ".join(s.text for s in subject.statements if s.line not in lines)
    prefix = re.escape(function.name)
    escaped = frozenset(re.findall(rf"(?<![\w.]){prefix}(\.\w+)", outside))
    for statement, state in Tracking(body, entry, escaped, _clobbered(subject)).states():
        for operand in statement.operands:
            hit = _literal(operand)
            if hit is None or hit[0] not in state:
                continue
            register, offset = hit
            if statement.mnemonic == "lea" and offset == 0:
                continue  # a copy of the pointer, no access
            aggregate = state[register]
            yield finding(
                ID,
                subject,
                at_line(subject, statement.line, function.name),
                _text(subject, function, aggregate, register, offset),
            )


def _pointers(function: Function, layouts: Mapping[str, Aggregate]) -> dict[str, Aggregate]:
    """Return register -> aggregate for the arguments that point to one of known layout."""
    from asmith.abi.places import places

    pointed = {}
    arguments = places(function, layouts).arguments
    for parameter, location in zip(function.parameters, arguments, strict=True):
        target = parameter.type.target if isinstance(parameter.type, Pointer) else None
        aggregate = layouts.get(target.tag) if isinstance(target, Named) else None
        if aggregate is not None and aggregate.fields and len(location.registers) == 1:
            pointed[location.registers[0]] = aggregate
    return pointed


def _clobbered(subject: ObjectInput) -> frozenset[str]:
    """Return the registers that some visible function changes by a convention of its own."""
    return frozenset(
        word
        for interface in subject.interfaces
        for function in interface.functions.values()
        for clause in function.clauses
        if clause.keyword == "clobbers" and isinstance(clause.body, Words)
        for word in clause.body.words
    )


def _text(
    subject: ObjectInput, function: Function, aggregate: Aggregate, register: str, offset: int
) -> Text:
    """Return the words of the finding, with the name that should stand there."""
    kind = f"{aggregate.keyword} {aggregate.tag}"
    name = _field_name(subject, aggregate, offset)
    if name is None:
        remedy = f"{kind} has no field at offset {offset}: use the field that is meant by name"
    else:
        remedy = f"write [{register} + {name}]"
    return Text(
        f"{function.name} reaches into {kind} by the number {offset}",
        "a field that moves would leave this module silently wrong; its name makes it follow",
        remedy,
        f"{register} points to {kind}",
    )


def _field_name(subject: ObjectInput, aggregate: Aggregate, offset: int) -> str | None:
    """Return the NASM name of the field that begins at an offset, or that contains it."""
    inside = [f for f in aggregate.fields if f.offset <= offset < f.offset + max(f.size, 1)]
    if not inside:
        return None
    member = max(inside, key=lambda f: f.offset)
    wanted = f"{aggregate.tag}.{member.name}"
    named = (
        e.nasm
        for e in subject.entries().values()
        if e.kind is EntryKind.FIELD and e.subject == wanted
    )
    name = next(named, f"t_{wanted}")
    rest = offset - member.offset
    return f"{name} + {rest}" if rest else name


def _literal(operand: str) -> tuple[str, int] | None:
    """Return (register, offset) of an operand that is one register and numbers, else None."""
    memory = _MEMORY.search(operand)
    if memory is None:
        return None
    inside = _HINTS.sub("", memory.group("inside")).strip()
    register, offset, position = None, 0, 0
    while position < len(inside):
        term = _TERM.match(inside, position)
        if term is None or (position and not term.group("sign")):
            return None
        position = term.end()
        word = term.group("word")
        number = _number(word)
        if number is not None:
            offset += -number if term.group("sign") == "-" else number
        elif register is None and whole(word) == word.lower() and term.group("sign") != "-":
            register = word.lower()
        else:
            return None
    return None if register is None else (register, offset)


def _number(word: str) -> int | None:
    """Return the value of a NASM integer (manual, section 3.4.1), or None for a name."""
    digits = word.lower().replace("_", "")
    for pattern, base in (
        (r"(?:0[xh]|\$(?=\d))([0-9a-f]+)$", 16),
        (r"(\d[0-9a-f]*)[hx]$", 16),
        (r"0[by]([01]+)$", 2),
        (r"([01]+)[by]$", 2),
        (r"0[oq]([0-7]+)$", 8),
        (r"([0-7]+)[oq]$", 8),
        (r"(?:0[dt])?(\d+)[dt]?$", 10),
    ):
        match = re.match(pattern, digits)
        if match:
            return int(match.group(1), base)
    return None
