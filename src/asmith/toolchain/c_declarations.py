"""Declarations that a draft is made of: what a header's types need, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.dataclass import dataclass
from asmith.errors import UsageError
from asmith.model.contract import Class, Scalar

if TYPE_CHECKING:
    from asmith.model.contract import CType


@dataclass(frozen=True, slots=True)
class Member:
    """A member at an offset in bytes; one without a name is the struct or union `inner`."""

    name: str
    type: CType
    offset: int
    inner: Record | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A complete struct or union of `size` bytes; `alias` names one that has no tag."""

    keyword: str
    tag: str
    alias: str
    members: tuple[Member, ...]
    size: int

    def offsets(self) -> dict[str, int]:
        """Return name -> offset of all members, those of unnamed ones among them."""
        found: dict[str, int] = {}
        for member in self.members:
            inner = member.inner.offsets() if member.inner else {member.name: 0}
            found |= {name: member.offset + offset for name, offset in inner.items()}
        return found


@dataclass(frozen=True, slots=True)
class Opaque:
    """A struct or union that is only pointed to."""

    keyword: str
    tag: str


@dataclass(frozen=True, slots=True)
class Enumeration:
    """An enum with all its enumerators; `alias` names one that has no tag."""

    tag: str
    alias: str
    items: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Alias:
    """A typedef; `const` belongs to its type."""

    name: str
    target: CType
    const: bool


Declaration = Record | Opaque | Enumeration | Alias


def named(name: str) -> Scalar:
    """Return a typedef as a type that is spelled by its name."""
    return Scalar(name, 0, 1, Class.VOID)


def refused(what: str, where: str) -> UsageError:
    """Return the error for what an interface cannot say; `where` is a name of the header."""
    return UsageError(
        f"{what} in '{where}' is not part of the interface language",
        help="leave that name out, or write a C function that hides it and import its header",
    )
