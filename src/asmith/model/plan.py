"""Steps, reasons and plans: what would run and why. `plan`, `why` and the run itself share them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass, field

if TYPE_CHECKING:
    from asmith.model.names import ModuleName


class StepKind(StrEnum):
    """What a step does; the order is the order in which a module meets them."""

    GENERATE = "generate"
    ASSEMBLE = "assemble"
    CHECK = "check"
    COMPARE = "compare"
    LINK = "link"
    TEST = "test"


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One step on one subject: a module; for `link` a product, for `compare` an interface."""

    kind: StepKind
    subject: str

    @property
    def of_module(self) -> bool:
        """Tell whether the subject is a module."""
        return self.kind not in (StepKind.LINK, StepKind.COMPARE)

    def __str__(self) -> str:
        """Return `kind:subject`, the name of the doit task."""
        return f"{self.kind}:{self.subject}"


class Why(StrEnum):
    """The kinds of reason. The words are those that `plan --json` prints."""

    REQUIREMENT_CHANGED = "requirement-changed"
    REQUIREMENT_ADDED = "requirement-added"
    REQUIREMENT_REMOVED = "requirement-removed"
    USES_CHANGED = "uses-changed"
    IMPLEMENTS_CHANGED = "implements-changed"
    EXPORT_CHANGED = "export-changed"
    EXPORT_ADDED = "export-added"
    EXPORT_REMOVED = "export-removed"
    IMPORT_CHANGED = "import-changed"
    IMPORT_REMOVED = "import-removed"
    NEVER_GENERATED = "never-generated"
    RECORD_MISSING = "record-missing"
    EDITED = "edited"
    NEVER_RAN = "never-ran"
    INTERRUPTED = "interrupted"
    INPUT_CHANGED = "input-changed"
    OUTPUT_CHANGED = "output-changed"
    UPSTREAM = "upstream"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a step runs: the kind, the thing that changed, and the facts in a few words.

    `difference` holds the lines of the requirement or contract that went (`- ...`) and came.
    """

    kind: Why
    subject: str
    detail: str = ""
    difference: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the reason as one line for people."""
        words = f"{self.kind}: {self.subject}"
        return f"{words} ({self.detail})" if self.detail else words

    def lines(self) -> tuple[str, ...]:
        """Return the reason as lines for people, with the difference."""
        return (str(self), *(f"    {line}" for line in self.difference))

    def to_json(self) -> dict[str, Any]:
        """Return the reason as `plan --json` prints it."""
        return {
            "kind": str(self.kind),
            "subject": self.subject,
            "detail": self.detail,
            "difference": list(self.difference),
        }


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step of a plan. `certain` is false where an earlier step may still cut it off."""

    step: Step
    reasons: tuple[Reason, ...]
    certain: bool = True


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Modules that one edit touches: staged and adopted together, or not at all."""

    modules: tuple[ModuleName, ...]
    because: tuple[str, ...] = ()  # the interfaces that tie them


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a build would do, at most, in order."""

    steps: tuple[PlannedStep, ...] = ()
    sets: tuple[ChangeSet, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
