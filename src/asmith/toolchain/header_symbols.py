"""What a real header says of some names: two runs of the compiler and one of the preprocessor.

The first run tries each name as everything that it could be; the messages tell what it is not. The
second makes an object that mentions each name in its way: types are read from its debug
information, values from its data, and the symbol that a declaration is bound to from its
relocations.
"""

from __future__ import annotations

import re
import struct
from enum import StrEnum
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass
from asmith.errors import StepFailedError, UsageError, did_you_mean
from asmith.toolchain import elf
from asmith.toolchain.dwarf_types import Types
from asmith.toolchain.header import GNU, MARK, bound_to, compiled, included, run, told, unusable
from asmith.toolchain.parameter_names import NOT_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asmith.model.objects import ObjectFacts

_SYMBOL = re.compile(r"(?:(struct|union|enum) )?([A-Za-z_]\w*)", re.ASCII)
_HEADER = re.compile(r"[\w.+/-]+", re.ASCII)
_WORD = re.compile(r"[A-Za-z]\w*", re.ASCII)
_MACRO = re.compile(
    r"^#define (?P<name>\w+)(?P<open>\(?)(?! (?P=name)$).*$", re.ASCII | re.MULTILINE
)
_DIRECTIVE = re.compile(r"^#.*$", re.MULTILINE)
_VALUE = "asmith_value"
_NEGATIVE, _UNSIGNED = 1, 2


class Kind(StrEnum):
    """What a name of a header is, in the order in which they are tried."""

    STRING = "string"
    OBJECT = "object"  # a function or an object: it has an address
    INTEGER = "integer"  # a macro or an enumerator
    TYPEDEF = "typedef"
    STRUCT = "struct"
    UNION = "union"
    ENUM = "enum"


_CONSTANTS = (Kind.STRING, Kind.INTEGER)
_VALUES = (Kind.STRING, Kind.OBJECT, Kind.INTEGER)
_TRIES = {
    Kind.STRING: 'static const char {x}[] = "" {n} "", {x}_[] = {n};',
    Kind.OBJECT: "const void *const {x} = (const void *)&{n};",
    Kind.INTEGER: "_Static_assert(__builtin_classify_type(({n})) == 1"
    ' && __builtin_constant_p(({n})), "");',
    Kind.TYPEDEF: "typedef {n} *{x};",
    Kind.STRUCT: "typedef char {x}[sizeof(struct {n})];",
    Kind.UNION: "typedef char {x}[sizeof(union {n})];",
    Kind.ENUM: "typedef char {x}[sizeof(enum {n})];",
}
_MENTIONS = {
    Kind.STRING: "const char {x}[] = {n};",
    Kind.OBJECT: "__typeof__({n}) *const {x} = &{n};",
    Kind.INTEGER: "const struct {v} {x} = {{ (unsigned long long)({n}), "
    "(({n}) < 0 ? 1 : 0) | (((__typeof__({n}))-1) > 0 ? 2 : 0) }};",
    Kind.TYPEDEF: "{n} *{x};",
    Kind.STRUCT: "struct {n} *{x};",
    Kind.UNION: "union {n} *{x};",
    Kind.ENUM: "enum {n} *{x};",
}


@dataclass(frozen=True, slots=True)
class _Text:
    """A preprocessed header: its declarations, and for each macro whether it has parameters.

    A macro that stands for its own name (`#define stdin stdin`) is none.
    """

    code: str
    macros: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a constant; an integer's type is unsigned or not."""

    value: int | str
    unsigned: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What a header says: the kind of each name, values, types, and its preprocessed text.

    `variables` tells by which variable of the object a name is mentioned.
    """

    kinds: Mapping[str, Kind]
    values: Mapping[str, Value]
    types: Types
    variables: Mapping[str, str]
    text: str


def ask(headers: Sequence[str], symbols: Sequence[str], flags: Sequence[str]) -> Asked:
    """Return what the header says of all symbols (`name`, `struct name`, ...).

    Raises UsageError for a symbol that it does not declare, or declares in a way that no interface
    can say; UnavailableError where there is no such header.
    """
    names = _names(headers, symbols)
    text = _preprocessed(headers, flags)
    kinds = _kinds(headers, names, flags, text)
    if len(kinds) < len(names):
        flags = (*flags, GNU)
        text = _preprocessed(headers, flags)
        kinds = _kinds(headers, names, flags, text)
    for symbol, name in names.items():
        if symbol not in kinds:
            raise _unknown(headers[0], name, text)
    data, variables = _object(headers, names, kinds, flags)
    facts = elf.read_object(data, f"the object that mentions <{headers[0]}>")
    for name, kind in kinds.items():
        if kind is Kind.OBJECT:
            _check_bound(headers[0], name, variables[name], facts)
    types = Types.read(data, frozenset(names[s] for s, k in kinds.items() if k not in _VALUES))
    values = {n: _value(variables[n], k, facts) for n, k in kinds.items() if k in _CONSTANTS}
    return Asked(kinds, values, types, variables, text.code)


def _names(headers: Sequence[str], symbols: Sequence[str]) -> dict[str, str]:
    """Return symbol -> its name, which is the symbol itself or stands behind a keyword."""
    for header in headers:
        if not _HEADER.fullmatch(header) or header.startswith("/"):
            raise UsageError(
                f"'{header}' is no name of a header",
                help="name it as '#include <...>' does, e.g. sys/epoll.h",
            )
    found = {}
    for symbol in symbols:
        match = _SYMBOL.fullmatch(symbol)
        if match is None:
            raise UsageError(
                f"'{symbol}' is no name of C", help="give names, or tags as 'struct name'"
            )
        found[symbol] = match.group(2)
    return found


def _preprocessed(headers: Sequence[str], flags: Sequence[str]) -> _Text:
    done = run(included(headers), ("-E", "-P", "-dD", *flags))
    if not done.ok:
        raise unusable(headers, done.errors(), flags)
    text = done.stdout.decode("utf-8", "replace")
    macros = {match["name"]: bool(match["open"]) for match in _MACRO.finditer(text)}
    return _Text(_DIRECTIVE.sub("", text), macros)


def _kinds(
    headers: Sequence[str], names: Mapping[str, str], flags: Sequence[str], text: _Text
) -> dict[str, Kind]:
    """Return the first kind that each symbol can be; those that can be none are left out."""
    possible = {symbol: _possible(symbol, name, text) for symbol, name in names.items()}
    lines = [included(headers)]
    for number, (symbol, kinds) in enumerate(possible.items()):
        for kind in kinds:
            lines.append(f'#line 1 "{MARK}{symbol}/{kind}"')
            lines.append(_TRIES[kind].format(n=names[symbol], x=f"asmith_{kind}_{number}"))
    refused = told("\n".join(lines) + "\n", headers, flags)
    found = {}
    for symbol, kinds in possible.items():
        fitting = [kind for kind in kinds if f"{symbol}/{kind}" not in refused]
        opaque = [kind for kind in kinds if kind in (Kind.STRUCT, Kind.UNION)]
        if fitting or opaque:
            found[symbol] = (fitting or opaque)[0]
    return found


def _possible(symbol: str, name: str, text: _Text) -> list[Kind]:
    """Return what a symbol may be: a tag of its keyword, no type if a macro, else anything."""
    keywords = symbol.split(maxsplit=1)[0] if symbol != name else "struct|union|enum"
    tag = re.search(rf"\b({keywords})\s+{name}\b", text.code)
    tags = [Kind(tag.group(1))] if tag else []
    if symbol != name:
        return tags
    macro = text.macros.get(name) is False
    return [*_VALUES] if macro else [*_VALUES, Kind.TYPEDEF, *tags]


def _object(
    headers: Sequence[str],
    names: Mapping[str, str],
    kinds: Mapping[str, Kind],
    flags: Sequence[str],
) -> tuple[bytes, dict[str, str]]:
    """Return an object that mentions each symbol, and the variable that does."""
    lines = [included(headers), f"struct {_VALUE} {{ unsigned long long bits; int sign; }};"]
    variables = {}
    for number, (symbol, kind) in enumerate(kinds.items()):
        variables[symbol] = f"asmith_{number}"
        mention = _MENTIONS[kind]
        lines.append(mention.format(n=names[symbol], x=variables[symbol], v=_VALUE))
    data = compiled("\n".join(lines) + "\n", flags)
    if data is None:
        raise StepFailedError(
            f"the compiler does not accept these names of <{headers[0]}> together",
            help="ask for fewer names at a time",
        )
    return data, variables


# ---- reading the object --------------------------------------------------------------------------


def _value(variable: str, kind: Kind, facts: ObjectFacts) -> Value:
    symbol = next(s for s in facts.symbols if s.name == variable)
    section = facts.section(symbol.section)
    assert section is not None  # the variable has a value, so it is somewhere
    data = (section.data or bytes(section.size))[symbol.value : symbol.value + symbol.size]
    if kind is Kind.STRING:
        return Value(data[:-1].decode("utf-8", "replace"))
    bits, sign = struct.unpack_from("<Qi", data)
    return Value(bits - (1 << 64) * (sign & _NEGATIVE), bool(sign & _UNSIGNED))


def _check_bound(header: str, name: str, variable: str, facts: ObjectFacts) -> None:
    """Check that a declaration stands for the library's symbol of that very name."""
    target = bound_to(facts, variable)
    if not target.undefined:
        raise UsageError(
            f"'{name}' is defined in <{header}> itself",
            why="the library has no symbol for an inline function",
            help="write the function yourself, or wrap it in C",
        )
    if target.name != name:
        raise UsageError(
            f"'{name}' is bound to another symbol by <{header}>: '{target.name}'",
            why=f"assembly that calls '{name}' would reach another function than C does",
            help=f"declare '{target.name}' with the type of '{name}', or choose another function",
        )


# ---- names that are none -------------------------------------------------------------------------


def _unknown(header: str, name: str, text: _Text) -> UsageError:
    if text.macros.get(name):
        return UsageError(
            f"'{name}' is a macro with parameters in <{header}>",
            why="assembly cannot call a macro",
            help="ask for the function that it calls, or write it out in the module",
        )
    if name in text.macros:
        return UsageError(
            f"the macro '{name}' of <{header}> is neither an integer nor a string constant",
            why="an interface holds constants; this one is an expression, or nothing",
            help="ask for the names that it stands for",
        )
    known = sorted({*_WORD.findall(text.code), *text.macros} - NOT_NAMES - {name})
    return UsageError(
        f"<{header}> declares no '{name}'{did_you_mean(name, known)}",
        help="name a function, object, type, tag ('struct name'), enumerator or constant of it",
    )
