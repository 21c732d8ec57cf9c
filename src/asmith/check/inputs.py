"""What checks read and what they return: values that the caller has gathered beforehand."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass, field
from asmith.model.nasm import Statement, statements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.model.contract import Entry, Interface
    from asmith.model.finding import Finding
    from asmith.model.names import InterfaceName, ModuleName
    from asmith.model.objects import ObjectFacts
    from asmith.model.record import Stamp
    from asmith.model.spec import Use


class Level(StrEnum):
    """What a rule reads: an object with its text, its instructions, a link, or a real header."""

    OBJECT = "object"
    CODE = "instructions"
    LINK = "link"
    HEADER = "header"


class Profile(StrEnum):
    """How strictly an object is held: a module, any hand-written object, a compiler's output."""

    PROJECT = "project"
    ASM = "asm"
    COMPILED = "compiled"


@dataclass(frozen=True, slots=True)
class ObjectInput:
    """One object and everything that it is held to.

    `source` is its assembly text, which may be empty; `interface` what it implements, if that is
    known; `visible` what its spec's `uses` lets it see, each interface cut down to the symbols
    that are named there; `imports` the qualified names that its record traces, or None outside a
    project.
    """

    facts: ObjectFacts
    source: str = ""
    source_path: str = ""
    interface: Interface | None = None
    visible: Mapping[InterfaceName, Interface] = field(default_factory=dict)
    uses: tuple[Use, ...] = ()
    imports: frozenset[str] | None = None
    profile: Profile = Profile.PROJECT

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Return the statements of the text."""
        return _statements(self.source)

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """Return the own interface, then the visible ones by name."""
        own = () if self.interface is None else (self.interface,)
        return (*own, *(self.visible[name] for name in sorted(self.visible)))

    def entries(self) -> dict[str, Entry]:
        """Return NASM name -> entry for all that the interfaces offer."""
        return {e.nasm: e for i in reversed(self.interfaces) for e in i.surface.values()}


@dataclass(frozen=True, slots=True)
class LinkInput:
    """One product: its objects, the libraries it links and the names that it must export.

    `libraries` maps a library's name to the names that it exports; `interfaces` holds the
    external interfaces, so that a name can be tied to the library that ought to have it.
    """

    product: str
    objects: tuple[tuple[ModuleName, ObjectFacts, Stamp | None], ...]
    libraries: Mapping[str, frozenset[str]] = field(default_factory=dict)
    entry_points: tuple[str, ...] = ()
    interfaces: Mapping[InterfaceName, Interface] = field(default_factory=dict)
    profile: Profile = Profile.PROJECT


@dataclass(frozen=True, slots=True)
class HeaderInput:
    """One external interface: what differs from the real headers, what the library lacks.

    Both are what `asmith.toolchain.header` finds out: `compare` and `exported`.
    """

    interface: Interface
    differences: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    profile: Profile = Profile.PROJECT


@dataclass(frozen=True, slots=True)
class NotAnalysed:
    """A function, or a part of it, that a check could not follow, and why."""

    object: str
    function: str
    reason: str

    @property
    def whole(self) -> str:
        """Return what was not followed, in words: the object if no function is named."""
        return f"{self.function} of {self.object}" if self.function else self.object


@dataclass(frozen=True, slots=True)
class Waived:
    """A finding that the interface waives, with the reason that it gives."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found: `analysed` of `functions` functions were followed to their end."""

    findings: tuple[Finding, ...] = ()
    functions: int = 0
    analysed: int = 0
    not_analysed: tuple[NotAnalysed, ...] = ()
    waived: tuple[Waived, ...] = ()

    @property
    def clean(self) -> bool:
        """Tell whether nothing of error severity was found."""
        return not any(f.severity == "error" for f in self.findings)


@lru_cache(maxsize=16)
def _statements(source: str) -> tuple[Statement, ...]:
    """Return the statements of a text; several rules read the same one."""
    return tuple(statements(source))
