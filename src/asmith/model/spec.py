"""What a spec says: its module, what it implements and may use, and its numbered requirements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.dataclass import dataclass

if TYPE_CHECKING:
    from asmith.model.names import Digest, InterfaceName, ModuleName


@dataclass(frozen=True, slots=True)
class Requirement:
    """One numbered requirement; `function` is the heading it stands under, empty for the module."""

    id: str
    function: str
    text: str  # normalised: Markdown wrapping, comments and check-boxes removed
    digest: Digest
    line: int


@dataclass(frozen=True, slots=True)
class Example:
    """One executable example from a fenced `json` block: a call and what is expected of it."""

    call: str
    args: tuple[object, ...]
    expect: object
    line: int


@dataclass(frozen=True, slots=True)
class Use:
    """One thing a module may call or name: a whole interface, or one symbol of it."""

    interface: InterfaceName
    symbol: str = ""

    def __str__(self) -> str:
        """Return `interface` or `interface.symbol`."""
        return f"{self.interface}.{self.symbol}" if self.symbol else self.interface


@dataclass(frozen=True, slots=True)
class Spec:
    """One spec: `specs/<module>.md`."""

    module: ModuleName
    path: str
    title: str
    implements: InterfaceName
    uses: tuple[Use, ...]
    requirements: tuple[Requirement, ...]
    normative: Digest  # over everything above but path and title
    examples: tuple[Example, ...] = ()
    clarifications: tuple[int, ...] = ()  # lines of [NEEDS CLARIFICATION: ...]
