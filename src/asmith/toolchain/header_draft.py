"""Drafts of external interfaces: what the compiler says of a header, as a contract to complete.

A draft holds facts only: declarations, layouts and values. What only people know (what a pointer
must point to, how a failure shows, who owns a result) stands in comments inside the clause blocks.
Before it is given away it is read as an interface and compared with the header it came from.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, assert_never

from asmith.contract.reader import read_interfaces
from asmith.contract.render import declare
from asmith.contract.sheet import quoted
from asmith.errors import StepFailedError
from asmith.model.contract import FunctionType, Library
from asmith.model.names import InterfaceName
from asmith.toolchain.c_declarations import Alias, Enumeration, Opaque, Record, refused
from asmith.toolchain.header import cflags, compare
from asmith.toolchain.header_symbols import Kind, ask
from asmith.toolchain.parameter_names import parameter_names
from asmith.toolchain.skeleton import skeleton

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from asmith.model.contract import CType, Interface
    from asmith.toolchain.c_declarations import Declaration
    from asmith.toolchain.header_symbols import Asked

_WIDTH = 100
_LLONG_MIN = -(1 << 63)


def draft(
    header: str, symbols: Sequence[str], *, library: str, package: str = ""
) -> tuple[str, Interface]:
    """Return a draft of the interface that declares `symbols` of a real header, and its reading.

    Raises UsageError for a symbol that the header does not declare or that no interface can say,
    UnavailableError where the header is not installed.
    """
    asked = ask((header,), symbols, cflags(library, package))
    objects = _objects(asked)
    text = _text(asked, objects, Library(library, (header,)), frozenset())
    interface = _read(header, text)
    wrong = _misplaced(asked, interface)
    if wrong:  # the psABI's layout is not the header's: it must be packed, if anything
        text = _text(asked, objects, Library(library, (header,)), wrong)
        interface = _read(header, text)
        for tag in sorted(_misplaced(asked, interface)):
            raise refused("an alignment of its own", tag)
    differing = compare(interface, package=package)
    for subject, what in differing.items():
        raise StepFailedError(
            f"the draft of '{subject}' differs from <{header}>: {what}",
            why="a draft must agree with the header, and this one would not",
            help=f"leave '{subject}' out, and declare it by hand",
        )
    return text, interface


def _objects(asked: Asked) -> dict[str, tuple[CType, bool]]:
    """Return the type of each function and object; collects what all symbols need."""
    types = asked.types
    found = {}
    for name, kind in sorted(asked.kinds.items(), key=lambda item: item[1] is Kind.OBJECT):
        if kind not in (Kind.STRING, Kind.INTEGER):
            types.subject = name
            ctype = types.pointed(asked.variables[name])
            if kind is Kind.OBJECT:
                found[name] = ctype
    return {name: found[name] for name in asked.kinds if name in found}


def _read(header: str, text: str) -> Interface:
    name = InterfaceName(_stem(header))
    return read_interfaces({name: (f"{name}.h", text.encode())})[name]


def _misplaced(asked: Asked, interface: Interface) -> frozenset[str]:
    """Return the tags whose layout in the interface is not the compiler's."""
    wrong = set()
    for record in asked.types.declarations.values():
        if isinstance(record, Record):
            name = record.tag or record.alias
            aggregate = interface.aggregates[name]
            offsets = {field.name: field.offset for field in aggregate.fields}
            if (aggregate.size, offsets) != (record.size, record.offsets()):
                wrong.add(name)
    return frozenset(wrong)


# ---- text ----------------------------------------------------------------------------------------


def _stem(header: str) -> str:
    return re.sub(r"\W", "_", PurePosixPath(header).name.removesuffix(".h")).lower()


def _text(
    asked: Asked,
    objects: dict[str, tuple[CType, bool]],
    library: Library,
    packed: Collection[str],
) -> str:
    guard = f"{_stem(library.headers[0]).upper()}_H"
    parts = [f"#ifndef {guard}\n#define {guard}"]
    if asked.types.headers:
        parts.append("\n".join(f"#include <{h}>" for h in sorted(asked.types.headers)))
    parts.append(f'/*@ asm library "{library.name}" header "{library.headers[0]}"; */')
    parts.append('#ifdef __cplusplus\nextern "C" {\n#endif')
    if constants := list(_constants(asked)):
        parts.append("\n".join(constants))
    parts += _declarations(list(asked.types.declarations.values()), packed)
    taken = {*asked.values, *objects, *asked.types.plain}
    for name, (ctype, const) in objects.items():
        if isinstance(ctype, FunctionType):
            parts.append(_function(asked, name, ctype, taken))
        else:
            parts.append(f"extern {declare(ctype, name, const=const)};")
    parts.append("#ifdef __cplusplus\n}\n#endif")
    return "\n\n".join([*parts, "#endif"]) + "\n"


def _constants(asked: Asked) -> Iterator[str]:
    enumerators = {
        name
        for one in asked.types.declarations.values()
        if isinstance(one, Enumeration)
        for name, _ in one.items
    }
    for name, found in asked.values.items():
        value = found.value
        if name in enumerators:
            continue
        if isinstance(value, str):
            text = quoted(value)
        elif value == _LLONG_MIN:
            text = f"({value + 1} - 1)"
        else:
            text = f"{value}{'u' if found.unsigned else ''}"
        yield f"#define {name} {text}"


def _declarations(found: Sequence[Declaration], packed: Collection[str]) -> Iterator[str]:
    for one, after in zip(found, (*found[1:], None), strict=False):
        match one:
            case Opaque(keyword, tag):
                named = isinstance(after, Alias) and declare(after.target) == f"{keyword} {tag}"
                if not named:  # else the typedef declares it
                    yield f"{keyword} {tag};"
            case Alias(name, target, const):
                yield f"typedef {declare(target, name, const=const)};"
            case Enumeration():
                yield _enumeration(one)
            case Record():
                body = "\n".join(_members(one, "    "))
                head = f"{one.keyword} {one.tag}".rstrip()
                tail = " __attribute__((packed))" * ((one.tag or one.alias) in packed)
                name = f" {one.alias}" if one.alias else ""
                yield f"{'typedef ' * bool(name)}{head} {{\n{body}\n}}{tail}{name};"
            case _:  # pragma: no cover
                assert_never(one)


def _members(record: Record, indent: str) -> Iterator[str]:
    for member in record.members:
        if member.inner is None:
            yield f"{indent}{declare(member.type, member.name)};"
        else:
            yield f"{indent}{member.inner.keyword} {{"
            yield from _members(member.inner, f"{indent}    ")
            yield f"{indent}}};"


def _enumeration(one: Enumeration) -> str:
    lines = []
    following = 0
    for name, value in one.items:
        lines.append(f"    {name}" + (f" = {value}" if value != following else ""))
        following = value + 1
    body = ",\n".join(lines)
    head = f"enum {one.tag}".rstrip()
    return f"typedef {head} {{\n{body}\n}} {one.alias};" if one.alias else f"{head} {{\n{body}\n}};"


def _function(asked: Asked, name: str, ctype: FunctionType, taken: Collection[str]) -> str:
    """Return the prototype of a function below the skeleton of its contract."""
    names = parameter_names(asked.text, name, len(ctype.parameters), taken)
    parameters = [declare(t, n) for t, n in zip(ctype.parameters, names, strict=True)]
    if ctype.variadic:
        parameters.append("...")
    never = "_Noreturn " if name in asked.types.noreturn else ""
    # the result is declared around the name, as in `void (*signal(int number))(int)`
    whole = declare(ctype.result, f"{name}({', '.join(parameters) or 'void'})")
    text = f"{never}{whole};"
    if len(text) > _WIDTH:
        text = text.replace(f"{name}(", f"{name}(\n    ", 1).replace(", ", ",\n    ")
    return skeleton(ctype, names, asked.types) + text
