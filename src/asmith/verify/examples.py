"""Examples of a spec as calls: the mapping between JSON and C, documented in module-tests.md."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass, field
from asmith.errors import UsageError, did_you_mean
from asmith.model.contract import Named, Pointer
from asmith.model.spec import Example

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.model.contract import CType
    from asmith.verify.contract_json import Contract
    from asmith.verify.memory import Memory
    from asmith.verify.proxy import Module

SCHEMA = 1
_ARGUMENT_KEYS = ("out", "hex", "struct")
_EXPECT_KEYS = ("result", "out", "struct")


@dataclass(slots=True)
class _Prepared:
    """Arguments of a call, with what may be compared afterwards, in order of appearance."""

    module: Module
    outs: list[Memory] = field(default_factory=list)
    structs: list[Any] = field(default_factory=list)


def load(text: str) -> tuple[str, tuple[Example, ...]]:
    """Return the spec's path and its examples from an examples file; raises `UsageError`."""
    try:
        value = json.loads(text)
        if value["schema"] != SCHEMA:
            raise UsageError(f"expected examples of schema {SCHEMA}, got {value['schema']!r}")
        examples = tuple(
            Example(e["call"], tuple(e["args"]), e.get("expect"), e["line"])
            for e in value["examples"]
        )
        return str(value["path"]), examples
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            "the examples file is damaged", why=f"{type(error).__name__}: {error}"
        ) from error


def run(example: Example, module: Module, contract: Contract) -> str | None:
    """Call what the example says; return None if all is as expected, else what is not.

    Raises `UsageError` for an example that cannot be run as it stands, and whatever the call
    raises.
    """
    function = contract.functions.get(example.call)
    if function is None:
        hint = did_you_mean(example.call, tuple(contract.functions))
        raise UsageError(f"the contract has no function '{example.call}'{hint}")
    prepared = _Prepared(module)
    types: list[CType | None] = [p.type for p in function.parameters]
    types += [None] * (len(example.args) - len(types))
    arguments = [_value(a, t, prepared) for a, t in zip(example.args, types, strict=False)]
    result = module[example.call](*arguments)
    return _compare(example.expect, result, prepared)


# ---- arguments -----------------------------------------------------------------------------------


def _value(value: object, ctype: CType | None, prepared: _Prepared) -> object:
    """Return what to pass for a JSON value: numbers, strings, booleans and null as they are."""
    match value:
        case {"out": int(size), **rest} if not rest:
            memory = prepared.module.memory(size)
            prepared.outs.append(memory)
            return memory
        case {"hex": str(digits), **rest} if not rest:
            try:
                return bytes.fromhex(digits)
            except ValueError:
                raise UsageError(
                    f"'hex' takes pairs of hexadecimal digits, got {digits!r}"
                ) from None
        case {"struct": dict(fields), **rest} if not rest:
            return _struct(fields, ctype, prepared)
        case dict():
            raise _unknown(value, _ARGUMENT_KEYS, "an argument that is an object")
        case list():
            return [_value(item, None, prepared) for item in value]
        case _:
            return value


def _struct(fields: Mapping[str, object], ctype: CType | None, prepared: _Prepared) -> object:
    named = ctype.target if isinstance(ctype, Pointer) else ctype
    if not isinstance(named, Named) or named.keyword == "enum":
        raise UsageError(
            "'struct' stands where the parameter is neither a struct nor a pointer to one"
        )
    made = prepared.module.struct(f"{named.keyword} {named.tag}")
    prepared.structs.append(made)
    for name, value in fields.items():
        setattr(made, name, _value(value, made.members.get(name), prepared))
    return made


# ---- results -------------------------------------------------------------------------------------


def _compare(expect: object, result: Any, prepared: _Prepared) -> str | None:
    if not isinstance(expect, dict):
        return _differs("the result", expect, result, prepared.module)
    if set(expect) - set(_EXPECT_KEYS):
        raise _unknown(expect, _EXPECT_KEYS, "expect")
    found = None
    if "result" in expect:
        found = _differs("the result", expect["result"], result, prepared.module)
    for number, (want, memory) in enumerate(_paired(expect, "out", prepared.outs)):
        data = want.encode() if isinstance(want, str) else bytes.fromhex(want["hex"])
        got = memory[: len(data)]
        if got != data:
            found = found or f"out[{number}]: expected {data!r}, got {got!r}"
    for want, struct in _paired(expect, "struct", prepared.structs):
        found = found or _fields_differ(want, struct, prepared.module)
    return found


def _paired(expect: Mapping[str, Any], key: str, made: list[Any]) -> list[tuple[Any, Any]]:
    """Return expectations with what they are for; one alone needs no list around it."""
    if key not in expect:
        return []
    wants = expect[key] if isinstance(expect[key], list) else [expect[key]]
    if len(wants) > len(made):
        raise UsageError(f"expect has {len(wants)} '{key}', the arguments have {len(made)}")
    return list(zip(wants, made, strict=False))


def _fields_differ(want: Mapping[str, Any], struct: Any, module: Module) -> str | None:
    for name, value in want.items():
        if name not in struct.members:
            hint = did_you_mean(name, tuple(struct.members))
            raise UsageError(f"{struct.aggregate.tag} has no field '{name}'{hint}")
        found = _differs(f"field '{name}'", value, getattr(struct, name), module)
        if found:
            return found
    return None


def _differs(what: str, want: object, got: Any, module: Module) -> str | None:
    """Return how a value differs from what is expected, or None.

    A string is compared with the NUL-terminated bytes at an address, or with a char array.
    """
    if isinstance(want, dict) and hasattr(got, "members"):
        return _fields_differ(want, got, module)
    if isinstance(want, str) and isinstance(got, int):
        got = module.string(got)
    elif isinstance(want, str) and got is not None:
        got = bytes(got).split(b"\0", 1)[0]
    expected = want.encode() if isinstance(want, str) else want
    if got == expected and isinstance(expected, bool) in (isinstance(got, bool), got in (0, 1)):
        return None
    return f"{what}: expected {expected!r}, got {got!r}"


def _unknown(value: Mapping[str, Any], known: tuple[str, ...], where: str) -> UsageError:
    odd = next((key for key in value if key not in known), next(iter(value), ""))
    hint = did_you_mean(str(odd), known)
    allowed = ", ".join(f"'{k}'" for k in known)
    return UsageError(f"{where} takes {allowed}, got {value!r}{hint}")
