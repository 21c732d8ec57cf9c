"""Contract sheets: an interface in plain text, for prompts and documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.contract.render import declare, function_type, lines, prototype
from asmith.contract.surface import layouts
from asmith.model.contract import Audience

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from asmith.model.contract import Aggregate, Clause, Function, Interface


def render(
    interface: Interface, *, symbols: Collection[str] | None = None, for_callers: bool = False
) -> str:
    """Return the sheet of an interface: prototypes with clauses, data, constants, layouts.

    `symbols` limits it to those subjects (functions, data, constants, tags, `tag.field`); a tag
    brings its fields along. `for_callers` leaves out the clauses that only the implementer must
    know. Ends with a newline; empty where nothing is chosen.
    """
    parts = [*_functions(interface, symbols, for_callers), *_data(interface, symbols)]
    parts += [*_constants(interface, symbols), *_types(interface, symbols)]
    if not parts:
        return ""
    head = f"interface {interface.name} ({interface.path})"
    if interface.library is not None:
        head += f", implemented by the library {interface.library.name}"
    return "\n\n".join((head, *parts)) + "\n"


def _chosen(symbols: Collection[str] | None, *names: str) -> bool:
    return symbols is None or any(name in symbols for name in names)


def _functions(
    interface: Interface,
    symbols: Collection[str] | None,
    for_callers: bool,  # noqa: FBT001 -- passed on from `render`
) -> Iterator[str]:
    for function in interface.functions.values():
        if _chosen(symbols, function.name):
            clauses = function.clauses
            known = lines(clauses, Audience.CALLER) if for_callers else clause_lines(clauses)
            texts = [f"{prototype(function)};", *known]
            texts += [f"by value: {text}" for text in _by_value(interface, function)]
            yield "\n    ".join(texts)


def _by_value(interface: Interface, function: Function) -> list[str]:
    return layouts(function_type(function), interface.types)


def clause_lines(clauses: tuple[Clause, ...]) -> list[str]:
    """Return the clauses that callers or the implementer keep as lines, in canonical order."""
    return [*lines(clauses, Audience.CALLER), *lines(clauses, Audience.IMPLEMENTER)]


def _data(interface: Interface, symbols: Collection[str] | None) -> Iterator[str]:
    for data in interface.data.values():
        if _chosen(symbols, data.name):
            yield f"extern {declare(data.type, data.name, const=data.const)};"


def _constants(interface: Interface, symbols: Collection[str] | None) -> Iterator[str]:
    texts = []
    for constant in interface.constants.values():
        if _chosen(symbols, constant.name):
            value = constant.value
            text = quoted(value) if isinstance(value, str) else str(value)
            texts.append(f"{constant.name} = {text}")
    if texts:
        yield "\n    ".join(("constants, by these names:", *texts))


def quoted(text: str) -> str:
    """Return a string as C writes it, in ASCII."""
    out = []
    for byte in text.encode():
        char = chr(byte)
        if char in '"\\':
            out.append(f"\\{char}")
        elif char == "\n":
            out.append("\\n")
        else:
            out.append(char if " " <= char <= "~" else f"\\{byte:03o}")
    return f'"{"".join(out)}"'


def _types(interface: Interface, symbols: Collection[str] | None) -> Iterator[str]:
    for aggregate in interface.aggregates.values():
        if aggregate.keyword == "enum":
            continue
        subjects = [f"{aggregate.tag}.{f.name}" for f in aggregate.fields]
        whole = _chosen(symbols, aggregate.tag, f"{aggregate.keyword} {aggregate.tag}")
        if whole or _chosen(symbols, *subjects):
            yield "\n    ".join(_layout(aggregate, None if whole else symbols))


def _layout(aggregate: Aggregate, symbols: Collection[str] | None) -> Iterator[str]:
    head = f"{aggregate.spelling}{' (packed)' if aggregate.packed else ''}"
    yield f"{head}: size t_{aggregate.tag}_size = {aggregate.size}, align {aggregate.align}"
    for field in aggregate.fields:
        if not _chosen(symbols, f"{aggregate.tag}.{field.name}"):
            continue
        name = f"t_{aggregate.tag}.{field.name}"
        text = declare(field.type, field.name)
        yield f"{name} = {field.offset} (size {field.size}): {text};"
