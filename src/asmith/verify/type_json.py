"""C types as JSON and as C spelling, both ways where there are two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from asmith.model.contract import Array, Class, FunctionType, Named, Pointer, Scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.model.contract import CType


def type_to_json(ctype: CType) -> dict[str, Any]:
    """Return a type as a JSON object; its only key of a kind says which type it is."""
    match ctype:
        case Scalar():
            return {
                "scalar": ctype.name,
                "size": ctype.size,
                "align": ctype.align,
                "class": str(ctype.kind),
                "signed": ctype.signed,
            }
        case Pointer():
            return {"pointer": type_to_json(ctype.target), "const": ctype.const}
        case Array():
            return {"array": type_to_json(ctype.element), "count": ctype.count}
        case Named():
            return {"named": ctype.keyword, "tag": ctype.tag}
        case FunctionType():
            return {
                "function": type_to_json(ctype.result),
                "parameters": [type_to_json(p) for p in ctype.parameters],
                "variadic": ctype.variadic,
            }
        case _:
            assert_never(ctype)


def type_from_json(value: Mapping[str, Any]) -> CType:
    """Return the type that `type_to_json` wrote; raises KeyError or ValueError otherwise."""
    if "scalar" in value:
        return Scalar(
            name=value["scalar"],
            size=value["size"],
            align=value["align"],
            kind=Class(value["class"]),
            signed=value["signed"],
        )
    if "pointer" in value:
        return Pointer(type_from_json(value["pointer"]), const=value["const"])
    if "array" in value:
        return Array(type_from_json(value["array"]), value["count"])
    if "named" in value:
        return Named(value["named"], value["tag"])
    return FunctionType(
        result=type_from_json(value["function"]),
        parameters=tuple(type_from_json(p) for p in value["parameters"]),
        variadic=value["variadic"],
    )


def spell(ctype: CType) -> str:
    """Return a type as messages name it: C spelling, the declarator left out.

    Of an aggregate whose tag the reader made up, the tag is still the best there is to say.
    """
    match ctype:
        case Scalar():
            return ctype.name
        case Pointer(target=FunctionType() as function):
            return f"{spell(function.result)} (*)({_spell_parameters(function)})"
        case Pointer():
            target = spell(ctype.target)
            const = "const " if ctype.const else ""
            star = "*" if target.endswith("*") else " *"
            return f"{const}{target}{star}"
        case Array():
            count = "" if ctype.count is None else str(ctype.count)
            return f"{spell(ctype.element)}[{count}]"
        case Named():
            return f"{ctype.keyword} {ctype.tag}"
        case FunctionType():
            return f"{spell(ctype.result)} ({_spell_parameters(ctype)})"
        case _:
            assert_never(ctype)


def _spell_parameters(function: FunctionType) -> str:
    parts = [spell(p) for p in function.parameters] + ["..."] * function.variadic
    return ", ".join(parts) or "void"
