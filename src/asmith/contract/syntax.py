"""What the C parser saw, in words of our own: types and declarations not yet resolved."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass, field

if TYPE_CHECKING:
    from asmith.errors import Place
    from asmith.model.contract import Term


@dataclass(frozen=True, slots=True)
class Base:
    """The words of a basic type or the name of a typedef."""

    words: tuple[str, ...]
    const: bool
    place: Place


@dataclass(frozen=True, slots=True)
class PointerTo:
    """A pointer; `const` is the pointer's own qualifier, not its target's."""

    target: TypeSyntax
    const: bool


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """An array; `count` is a constant expression, None for `[]`."""

    element: TypeSyntax
    count: Term | None
    place: Place


@dataclass(frozen=True, slots=True)
class FunctionOf:
    """A function; `parameters` is None for `()`, which declares none at all in C."""

    result: TypeSyntax
    parameters: tuple[Declared, ...] | None
    variadic: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Record:
    """A struct or union; `members` is None where it is only named."""

    keyword: str
    tag: str | None
    members: tuple[Declared, ...] | None
    packed: bool
    const: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Enumeration:
    """An enum; `items` (name, value or None, place) is None where it is only named."""

    tag: str | None
    items: tuple[tuple[str, Term | None, Place], ...] | None
    const: bool
    place: Place


TypeSyntax = Base | PointerTo | ArrayOf | FunctionOf | Record | Enumeration


class Storage(StrEnum):
    """What a declaration declares its name to be."""

    TYPEDEF = "typedef"
    EXTERN = "extern"
    NONE = ""


@dataclass(frozen=True, slots=True)
class Declared:
    """One declared name (None for a bare type) and the numbers of its clause blocks."""

    name: str | None
    type: TypeSyntax
    place: Place
    storage: Storage = Storage.NONE
    noreturn: bool = False
    blocks: tuple[int, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Unit:
    """A parsed header: declarations in order, and blocks that stand after the last of them."""

    declarations: tuple[Declared, ...]
    loose: tuple[int, ...]
