"""What a real header has where an interface says something else, in words for a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.contract.render import declare
from asmith.contract.sheet import quoted
from asmith.errors import AsmithError
from asmith.model.contract import FunctionType
from asmith.toolchain.c_declarations import Record
from asmith.toolchain.header_symbols import Kind, ask
from asmith.toolchain.parameter_names import parameter_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asmith.model.contract import Interface
    from asmith.toolchain.header_symbols import Asked

_LIMIT = 16
"""For at most so many subjects the compiler is asked again, each 0.1 s."""


def facts(interface: Interface, subjects: Sequence[str], flags: Sequence[str]) -> dict[str, str]:
    """Return subject -> declaration, value, size or offset in the real headers, where known."""
    headers = interface.library.headers if interface.library else ()
    found: dict[str, str] = {}
    for subject in subjects[:_LIMIT]:
        tag, _, field = subject.partition(".")
        aggregate = interface.aggregates.get(tag)
        symbol = aggregate.spelling if aggregate else subject
        try:
            text = _fact(ask(headers, [symbol], flags), tag, field)
        except AsmithError:  # outside the language: the message stands without it
            continue
        if text:
            found[subject] = text
    return found


def _fact(asked: Asked, name: str, field: str) -> str:
    (symbol, kind), *_ = asked.kinds.items()
    if kind in (Kind.INTEGER, Kind.STRING):
        value = asked.values[symbol].value
        return quoted(value) if isinstance(value, str) else str(value)
    asked.types.subject = name
    ctype, const = asked.types.pointed(asked.variables[symbol])
    if kind is not Kind.OBJECT:
        return _member(asked, name, field)
    if isinstance(ctype, FunctionType):
        names = parameter_names(asked.text, name, len(ctype.parameters), asked.types.plain)
        ctype = FunctionType(ctype.result, ctype.parameters, ctype.variadic, tuple(names))
    return declare(ctype, name, const=const)


def _member(asked: Asked, name: str, field: str) -> str:
    """Return the size of a struct or union, or the type and the offset of a member, in bytes."""
    for one in asked.types.declarations.values():
        if isinstance(one, Record) and name in (one.tag, one.alias):
            if not field:
                return f"{one.size} bytes"
            texts = {m.name: declare(m.type, m.name) for m in one.members}
            offset = one.offsets().get(field)
            return "" if offset is None else f"{texts.get(field, field)} at offset {offset}"
    return ""
