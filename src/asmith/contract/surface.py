"""The surface of an interface: one entry a name, with the canonical texts that decide staleness.

- What callers rely on: prototype, requires, ensures, assigns, outcomes, ownership, private
  conventions. What the implementer relies on besides: stack, isa, dispatch. Waivers are nobody's.
- Clauses are sorted and written once; all `assigns` are one; a clause that says what holds anyway
  is left out. So order, repetition, layout and comments leave no trace.
- A struct that is passed or returned by value brings its layout into the text.
- A constant's value, a field's place and a struct's size stand in `value`, outside the texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from asmith.contract import render
from asmith.contract.standard import stated
from asmith.errors import UsageError
from asmith.model.contract import (
    Array,
    Audience,
    Entry,
    EntryKind,
    FunctionType,
    Named,
    Pointer,
    Scalar,
    Subject,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asmith.model.contract import (
        Aggregate,
        Constant,
        CType,
        Data,
        Field,
        Function,
        Interface,
    )


def surface(interface: Interface) -> dict[Subject, Entry]:
    """Return the entries of an interface's own declarations, by subject, in order of declaration.

    Raises UsageError where two of them would have one name in assembly.
    """
    found: dict[Subject, Entry] = {}
    names: dict[str, Entry] = {}
    for entry in _entries(interface):
        other = names.setdefault(entry.nasm, entry)
        if other is not entry:
            raise UsageError(
                f"'{entry.subject}' and '{other.subject}' would both be '{entry.nasm}' in assembly",
                where=interface.path,
                help="rename one of them",
            )
        found[entry.subject] = entry
    return found


def _entries(interface: Interface) -> Iterator[Entry]:
    name = interface.name
    for function in interface.functions.values():
        caller, implementer = function_texts(function, interface.types)
        subject = Subject(function.name)
        yield Entry(name, subject, EntryKind.FUNCTION, function.name, caller, implementer)
    for data in interface.data.values():
        text = data_text(data)
        yield Entry(name, Subject(data.name), EntryKind.DATA, data.name, text, text)
    for constant in interface.constants.values():
        text, value = constant_text(constant)
        subject = Subject(constant.name)
        yield Entry(name, subject, EntryKind.CONSTANT, constant.name, text, text, value)
    taken = {*interface.functions, *interface.data, *interface.constants}
    for aggregate in interface.aggregates.values():
        if aggregate.keyword == "enum":
            continue
        tag, text = aggregate.tag, f"{aggregate.keyword} {aggregate.tag}"
        subject = Subject(text if tag in taken else tag)
        size = f"size {aggregate.size}"
        yield Entry(name, subject, EntryKind.TYPE, f"t_{tag}_size", text, text, size)
        for field in aggregate.fields:
            text = field_text(aggregate, field)
            subject, nasm = Subject(f"{tag}.{field.name}"), f"t_{tag}.{field.name}"
            value = f"offset {field.offset} size {field.size}"
            yield Entry(name, subject, EntryKind.FIELD, nasm, text, text, value)


# ---- texts ---------------------------------------------------------------------------------------


def function_texts(function: Function, types: Mapping[str, Aggregate]) -> tuple[str, str]:
    """Return the canonical texts of a function: for callers, and for its implementer."""
    head = [render.prototype(function), *layouts(render.function_type(function), types)]
    clauses = stated(function)
    caller = render.lines(clauses, Audience.CALLER)
    own = render.lines(clauses, Audience.IMPLEMENTER)
    return "\n".join((*head, *caller)), "\n".join((*head, *caller, *own))


def data_text(data: Data) -> str:
    """Return the canonical text of an extern object."""
    return f"extern {render.declare(data.type, data.name, const=data.const)}"


def constant_text(constant: Constant) -> tuple[str, str]:
    """Return the canonical text of a constant, without its value, and the value."""
    kind = "string" if isinstance(constant.value, str) else "int"
    return f"constant {kind} {constant.name}", str(constant.value)


def field_text(aggregate: Aggregate, field: Field) -> str:
    """Return the canonical text of a field, without its place."""
    return f"{aggregate.keyword} {aggregate.tag}: {render.declare(field.type, field.name)}"


# ---- layouts -------------------------------------------------------------------------------------


def layouts(ctype: CType, types: Mapping[str, Aggregate]) -> list[str]:
    """Return the layouts of all aggregates that values of a function type are made of, sorted."""
    found: dict[str, str] = {}
    pending = list(_values(ctype))
    while pending:
        match pending.pop():
            case Named(keyword, tag) if keyword != "enum" and tag in types and tag not in found:
                aggregate = types[tag]
                found[tag] = layout_text(aggregate)
                pending += [_element(field.type) for field in aggregate.fields]
            case FunctionType() | Pointer(FunctionType()) as inner:
                pending += _values(inner)
    return [found[tag] for tag in sorted(found)]


def layout_text(aggregate: Aggregate) -> str:
    """Return the layout of an aggregate as one line."""
    fields = "".join(f" {render.declare(f.type, f.name)} @{f.offset};" for f in aggregate.fields)
    name = f"{aggregate.keyword} {aggregate.tag}"
    return f"{name} {{{fields} }} size {aggregate.size} align {aggregate.align}"


def _values(ctype: CType) -> list[CType]:
    """Return the types of the values that a call of a function type passes."""
    match ctype:
        case Pointer(target):
            return _values(target) if isinstance(target, FunctionType) else []
        case FunctionType(result, parameters):
            return [result, *parameters]
        case Scalar() | Array() | Named():
            return []
        case _:  # pragma: no cover
            assert_never(ctype)


def _element(ctype: CType) -> CType:
    while isinstance(ctype, Array):
        ctype = ctype.element
    return ctype
