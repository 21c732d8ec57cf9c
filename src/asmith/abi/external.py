"""External interfaces against the real headers: a C source that compares construct by construct.

An interface and the header it speaks of declare the same names, so one translation unit cannot
include both. The probe includes the real headers alone and asserts what the interface says. Each
assertion stands under a `#line 1 "contract:<subject>"` of its own, so that every message of the
compiler, also about a name that the header does not have, tells its subject.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asmith.contract.render import declare, function_type
from asmith.contract.sheet import quoted
from asmith.dataclass import replace
from asmith.errors import UsageError
from asmith.model.contract import (
    Array,
    Class,
    Constant,
    FunctionType,
    Named,
    Pointer,
    Scalar,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asmith.model.contract import Aggregate, CType, Interface

_MARK = "contract:"
_MESSAGE = re.compile(rf"^{_MARK}([^:\n]+):\d+:(?:\d+:)? (?:fatal )?error: (.*)$", re.MULTILINE)


def probe_source(interface: Interface) -> str:
    """Return C source that compiles, as in `gcc -fsyntax-only`, exactly if the headers agree.

    It is GNU C: it uses `__typeof__` and `__builtin_types_compatible_p`. Raises UsageError for an
    interface whose `asm library` clause names no header.
    """
    library = interface.library
    if library is None or not library.headers:
        raise UsageError(
            f"'{interface.name}' names no header to compare it with",
            where=interface.path,
            help='write \'asm library "name" header "file.h";\'',
        )
    lines = ["#include <stddef.h>", *(f"#include <{header}>" for header in library.headers)]
    for subject, condition, difference in _assertions(interface):
        lines.append(f'#line 1 "{_MARK}{subject}"')
        lines.append(f'_Static_assert({condition}, "{difference}");')
    return "\n".join(lines) + "\n"


def differences(messages: str) -> dict[str, str]:
    """Return what a C compiler said of each subject of a probe: the first message of each."""
    found: dict[str, str] = {}
    for match in _MESSAGE.finditer(messages):
        found.setdefault(match.group(1), match.group(2))
    return found


def spelled(ctype: CType, types: Mapping[str, Aggregate], name: str = "") -> str:
    """Return `ctype` as C spells it around `name`, without the contracts that it carries."""
    return declare(_plain(ctype, types), name)


def _plain(ctype: CType, types: Mapping[str, Aggregate]) -> CType:
    match ctype:
        case Named(_, tag) if tag in types and types[tag].anonymous:
            return Scalar(tag, 0, 1, Class.VOID)
        case Pointer(target, const):
            return Pointer(_plain(target, types), const)
        case Array(element, count):
            return Array(_plain(element, types), count)
        case FunctionType(result, parameters):
            return replace(
                ctype,
                result=_plain(result, types),
                parameters=tuple(_plain(p, types) for p in parameters),
                names=(),
                clauses=(),
            )
        case _:
            return ctype


def _assertions(interface: Interface) -> Iterator[tuple[str, str, str]]:
    """Yield subject, condition and message of every assertion."""
    types = interface.types
    for function in interface.functions.values():
        ctype = spelled(function_type(function), types)
        yield function.name, _same(function.name, ctype), "the header declares another type"
    for data in interface.data.values():
        ctype = spelled(data.type, types)
        yield data.name, _same(data.name, ctype), "the header declares another type"
    for constant in interface.constants.values():
        yield constant.name, _equal(constant), "the header has another value"
    for aggregate in interface.aggregates.values():
        name = aggregate.spelling
        size = f"sizeof({name}) == {aggregate.size}"
        yield aggregate.tag, size, "the header has another size"
        for field in aggregate.fields:
            subject = f"{aggregate.tag}.{field.name}"
            offset = f"offsetof({name}, {field.name}) == {field.offset}"
            yield subject, offset, "the header has another offset"
            member = f"((({name} *)0)->{field.name})"
            yield subject, _same(member, spelled(field.type, types)), "the header has another type"


def _same(what: str, ctype: str) -> str:
    return f"__builtin_types_compatible_p(__typeof__({what}), {ctype})"


def _equal(constant: Constant) -> str:
    if isinstance(constant.value, str):
        text = quoted(constant.value)
        return f"__builtin_strcmp({constant.name}, {text}) == 0"
    value = constant.value
    text = f"({value + 1}ll - 1)" if value < 0 else f"{value}{'ull' if value >> 63 else 'll'}"
    return f"({constant.name}) == {text}"
