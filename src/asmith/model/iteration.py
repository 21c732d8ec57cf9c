"""One iteration: an edit and what it cost, as the iteration log keeps it (reference/iterations.md).

Times are seconds. Clocks start when the command starts, in `watch` when the last change was seen.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(StrEnum):
    """The kind of a change: the rows of the table of edits. The dearest comes first."""

    CLEAN = "clean build"
    MODULE = "new module"
    USES = "uses or implements"
    CONTRACT = "contract"
    FIELD = "field type"
    REQUIREMENT = "requirement"
    FUNCTION = "new function"
    FRAME = "stack or isa"
    VALUE = "value or offset"
    HAND = "hand edit"
    WAIVER = "waiver"
    TEST = "test"
    SETTING = "configuration"
    TOOLS = "tools"
    REPAIR = "repair"
    PROSE = "prose"
    UNREADABLE = "unreadable"


class Result(StrEnum):
    """What an iteration came to."""

    ADOPTED = "adopted"  # what ran holds, and is the last good build
    FAILED = "failed"  # findings, a failed step or test, or an answer that nobody has
    WAITING = "waiting"  # for the idle time before a generator is asked, or for other answers
    REFUSED = "refused"  # a spec, interface or the configuration cannot be read
    CANCELLED = "cancelled"  # a newer edit or Ctrl-C ended it


@dataclass(frozen=True, slots=True)
class FileEdit:
    """One file of an edit; lines are None where the old text is not known."""

    path: str
    change: str  # "added", "changed" or "removed"
    added: int | None = None
    removed: int | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """One step that ran: its name, when it started, how long it took, and the error's words."""

    step: str
    at: float
    seconds: float
    reason: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Iteration:
    """One row of the log."""

    at: str  # RFC 3339, UTC, milliseconds: the start
    command: str  # "build", "doit", "watch", "accept", ...
    result: Result
    kind: Kind
    kinds: tuple[Kind, ...] = ()
    files: tuple[FileEdit, ...] = ()
    requirements: tuple[str, ...] = ()  # "module:FR-001"
    stale: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # module -> reasons
    regenerated: tuple[str, ...] = ()
    adopted: tuple[str, ...] = ()
    steps: tuple[Ran, ...] = ()
    stages: Mapping[str, float] = field(default_factory=dict)  # stage -> seconds of work
    waited: float | None = None  # from the newest save to the start; None: not one sitting
    linked: float | None = None  # from the start to the last link
    tested: float | None = None  # from the start to the end of the last test; all passed
    total: float = 0.0
    modules: int = 0  # in the project
    text_bytes: int = 0  # of all modules' texts, at the end
    new_bytes: int = 0  # of these, lines that the iteration wrote anew
    regenerated_bytes: int = 0  # of the whole texts of regenerated modules
    calls: tuple[Mapping[str, Any], ...] = ()  # of generators
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    tests: int = 0  # that passed
    findings: tuple[Mapping[str, Any], ...] = ()
    errors: tuple[str, ...] = ()  # the first line of each
    environment: Mapping[str, Any] = field(default_factory=dict)
