"""What happens during a build, as values: the one log that every observer is told from.

The lines that a person reads, the progress bar, the iteration log and `watch` are observers. They
are told in order, one event at a time, whatever thread runs a step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass

if TYPE_CHECKING:
    from asmith.errors import AsmithError
    from asmith.model.names import ModuleName
    from asmith.model.plan import Reason, Step
    from asmith.run.session import Session


@dataclass(frozen=True, slots=True)
class Opened:
    """The project has been read; told again when a build begins anew under changed sources."""

    session: Session


@dataclass(frozen=True, slots=True)
class Planned:
    """It is known what runs at most; told again for each plan of one build."""

    steps: tuple[Step, ...]
    stale: Mapping[ModuleName, tuple[Reason, ...]]  # the modules whose spec or contracts moved on


@dataclass(frozen=True, slots=True)
class Started:
    """A step starts, for these reasons."""

    step: Step
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """A step ended, well or with an error."""

    step: Step
    error: AsmithError | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """A step that was planned need not run: an earlier one made the same bytes again."""

    step: Step


@dataclass(frozen=True, slots=True)
class Adopting:
    """What holds becomes the last good build now."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """It is; these modules' records changed."""

    modules: tuple[ModuleName, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """The build ended, with these errors."""

    errors: tuple[AsmithError, ...] = ()


Event = Opened | Planned | Started | Ended | Passed | Adopting | Adopted | Closed
Observer = Callable[[Event], None]


def nobody(event: Event) -> None:
    """Take no notice."""
    del event
