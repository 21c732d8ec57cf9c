"""What a test needs to know of a contract, as JSON: types, functions, data and constants.

The build renders it beside the test library; the plugin reads it back without parsing C. The
format is docs/reference/module-tests.md, "The contract file". `load(render(interfaces))` equals
`select(interfaces)`: nothing that proxies use is lost on the way.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeVar

from asmith.dataclass import dataclass, field
from asmith.errors import UsageError
from asmith.model.contract import Aggregate, Data, Field, Function, Parameter
from asmith.verify.type_json import type_from_json, type_to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asmith.model.contract import Interface

SCHEMA = 1
_STRING = re.compile(r"\bvalid_(?:read_)?string\s*\(\s*(\w+)\s*\)")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Contract:
    """All that a test may name. Aggregates are keyed by keyword and tag: `struct buffer`.

    `strings` holds, for each function, the parameters that its contract says to be NUL-terminated.
    Clauses and line numbers are not part of it.
    """

    functions: Mapping[str, Function] = field(default_factory=dict)
    data: Mapping[str, Data] = field(default_factory=dict)
    constants: Mapping[str, int | str] = field(default_factory=dict)
    aggregates: Mapping[str, Aggregate] = field(default_factory=dict)
    strings: Mapping[str, frozenset[str]] = field(default_factory=dict)


def select(interfaces: Iterable[Interface]) -> Contract:
    """Return what tests need of several interfaces together.

    Raises `UsageError` if two of them say different things of one name.
    """
    functions: dict[str, Function] = {}
    data: dict[str, Data] = {}
    constants: dict[str, int | str] = {}
    aggregates: dict[str, Aggregate] = {}
    strings: dict[str, frozenset[str]] = {}
    for interface in interfaces:
        where = interface.path
        for name, function in interface.functions.items():
            _put(functions, name, _bare_function(function), where)
            clauses = " ".join(c.text for c in function.clauses if c.keyword == "requires")
            named = frozenset(_STRING.findall(clauses))
            strings[name] = named & {p.name for p in function.parameters}
        for name, item in interface.data.items():
            _put(data, name, Data(item.name, item.type, const=item.const), where)
        for name, constant in interface.constants.items():
            _put(constants, name, constant.value, where)
        for aggregate in (*interface.types.values(), *interface.aggregates.values()):
            bare = _bare_aggregate(aggregate)
            _put(aggregates, f"{bare.keyword} {bare.tag}", bare, where)
    return Contract(functions, data, constants, aggregates, strings)


def render(interfaces: Iterable[Interface]) -> str:
    """Return the contract file of several interfaces; equal interfaces give equal text."""
    contract = select(interfaces)
    value = {
        "schema": SCHEMA,
        "functions": {n: _function_to_json(contract, f) for n, f in contract.functions.items()},
        "data": {
            n: {"type": type_to_json(d.type), "const": d.const} for n, d in contract.data.items()
        },
        "constants": dict(contract.constants),
        "aggregates": {n: _aggregate_to_json(a) for n, a in contract.aggregates.items()},
    }
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False) + "\n"


def load(text: str) -> Contract:
    """Return the contract that `render` wrote; raises `UsageError` for anything else."""
    try:
        value = json.loads(text)
        if value["schema"] != SCHEMA:
            raise UsageError(
                f"expected a contract file of schema {SCHEMA}, got {value['schema']!r}",
                help="build again: another release of asmith wrote it",
            )
        functions = {n: _function_from_json(n, f) for n, f in value["functions"].items()}
        return Contract(
            functions=functions,
            data={
                n: Data(n, type_from_json(d["type"]), const=d["const"])
                for n, d in value["data"].items()
            },
            constants=value["constants"],
            aggregates={n: _aggregate_from_json(a) for n, a in value["aggregates"].items()},
            strings={
                n: frozenset(p["name"] for p in f["parameters"] if p.get("string"))
                for n, f in value["functions"].items()
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            "the contract file is damaged",
            why=f"{type(error).__name__}: {error}",
            help="build again; it is derived from the interfaces",
        ) from error


def _put(known: dict[str, _T], name: str, value: _T, where: str) -> None:
    if known.setdefault(name, value) != value:
        raise UsageError(
            f"'{name}' is declared differently by two interfaces of one test",
            where=where,
            why="a test calls by name, so a name can have one type only",
            help="declare it in one interface and include that",
        )


def _bare_function(function: Function) -> Function:
    return Function(
        name=function.name,
        result=function.result,
        parameters=function.parameters,
        variadic=function.variadic,
        noreturn=function.noreturn,
    )


def _bare_aggregate(a: Aggregate) -> Aggregate:
    fields = tuple(Field(f.name, f.type, f.offset, f.size) for f in a.fields)
    return Aggregate(a.keyword, a.tag, fields, a.size, a.align, packed=a.packed)


def _function_to_json(contract: Contract, function: Function) -> dict[str, Any]:
    strings = contract.strings[function.name]
    return {
        "result": type_to_json(function.result),
        "parameters": [
            {
                "name": p.name,
                "type": type_to_json(p.type),
                **({"string": True} if p.name in strings else {}),
            }
            for p in function.parameters
        ],
        "variadic": function.variadic,
        "noreturn": function.noreturn,
    }


def _function_from_json(name: str, value: Mapping[str, Any]) -> Function:
    return Function(
        name=name,
        result=type_from_json(value["result"]),
        parameters=tuple(
            Parameter(p["name"], type_from_json(p["type"])) for p in value["parameters"]
        ),
        variadic=value["variadic"],
        noreturn=value["noreturn"],
    )


def _aggregate_to_json(aggregate: Aggregate) -> dict[str, Any]:
    return {
        "keyword": aggregate.keyword,
        "tag": aggregate.tag,
        "size": aggregate.size,
        "align": aggregate.align,
        "packed": aggregate.packed,
        "fields": [
            {"name": f.name, "type": type_to_json(f.type), "offset": f.offset, "size": f.size}
            for f in aggregate.fields
        ],
    }


def _aggregate_from_json(value: Mapping[str, Any]) -> Aggregate:
    fields = tuple(
        Field(f["name"], type_from_json(f["type"]), f["offset"], f["size"]) for f in value["fields"]
    )
    return Aggregate(
        value["keyword"],
        value["tag"],
        fields,
        value["size"],
        value["align"],
        packed=value["packed"],
    )
