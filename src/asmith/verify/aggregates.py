"""Structs and unions of a contract as ctypes classes, held to the offsets that it states."""

from __future__ import annotations

import ctypes
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from asmith.errors import AsmithError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.model.contract import Aggregate, CType
    from asmith.verify.layout import Layout

_OF_ALIGNMENT = {
    1: ctypes.c_uint8,
    2: ctypes.c_uint16,
    4: ctypes.c_uint32,
    8: ctypes.c_uint64,
    16: ctypes.c_longdouble,
}


class Checked:
    """What structs and unions of a contract have in common: fields set by name, all checked."""

    layout: ClassVar[Layout]
    aggregate: ClassVar[Aggregate]
    members: ClassVar[Mapping[str, CType]]

    def __init__(self, **fields: object) -> None:
        super().__init__()
        for name, value in fields.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        if name in self.members:
            what = f"field '{name}' of {self.aggregate.keyword} {self.aggregate.tag}"
            spot = ctypes.addressof(self) + getattr(type(self), name).offset  # type: ignore[arg-type]
            value = self.layout.stored(value, self.members[name], what, spot=spot)
        elif not name.startswith("_"):
            hint = did_you_mean(name, tuple(self.members))
            what = f"{self.aggregate.keyword} {self.aggregate.tag}"
            raise AttributeError(f"{what} has no field '{name}'{hint}")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        fields = ", ".join(f"{n}={getattr(self, n)!r}" for n in self.members)
        return f"{self.aggregate.tag}({fields})"


def overlaps(aggregate: Aggregate) -> bool:
    """Tell whether fields of a struct share bytes: members of a union without a name do."""
    if aggregate.keyword == "union":
        return False
    return any(a.offset + a.size > b.offset for a, b in pairwise(aggregate.fields))


def define(layout: Layout, aggregate: Aggregate) -> Any:
    """Return the class of an aggregate; raises `AsmithError` if ctypes lays it out differently."""
    base: Any = ctypes.Union if aggregate.keyword == "union" else ctypes.Structure
    named = [f for f in aggregate.fields if f.name]
    names: dict[str, Any] = {
        "layout": layout,
        "aggregate": aggregate,
        "members": {f.name: f.type for f in named},
    }
    if overlaps(aggregate):
        base = ctypes.Union
        names |= _by_offset(layout, aggregate)
    else:
        if aggregate.packed:
            names["_pack_"] = 1
        names["_fields_"] = [(f.name, layout.of(f.type)) for f in named]
    cls = type(aggregate.tag, (Checked, base), names)
    _compare(cls, aggregate)
    return cls


def _by_offset(layout: Layout, aggregate: Aggregate) -> dict[str, Any]:
    """Return attributes of a union in which each field stands behind padding of its offset."""
    fields: list[tuple[str, Any]] = [("_bytes", ctypes.c_ubyte * aggregate.size)]
    if not aggregate.packed:
        fields.append(("_aligned", _OF_ALIGNMENT[aggregate.align]))
    for number, field in enumerate(aggregate.fields):
        pad = ("_before", ctypes.c_ubyte * field.offset)
        one = {"_pack_": 1, "_fields_": [pad, (field.name, layout.of(field.type))]}
        fields.append((f"_at_{number}", type(f"_at_{number}", (ctypes.Structure,), one)))
    hidden = tuple(name for name, _ in fields if name.startswith("_at_"))
    return {"_anonymous_": hidden, "_fields_": fields}


def _compare(cls: Any, aggregate: Aggregate) -> None:
    """Raise unless ctypes laid a class out as the contract states (System V psABI 3.1.2)."""
    got = [(f.name, getattr(cls, f.name).offset) for f in aggregate.fields if f.name]
    want = [(f.name, f.offset) for f in aggregate.fields if f.name]
    if got != want or ctypes.sizeof(cls) != aggregate.size:
        raise AsmithError(
            f"{aggregate.keyword} {aggregate.tag} is not laid out as its contract states",
            why=f"expected {want}, {aggregate.size} bytes; got {got}, {ctypes.sizeof(cls)} bytes",
            help="this is a bug of asmith: please report it with the interface",
        )
