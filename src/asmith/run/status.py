"""What is known of a step, as a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.dataclass import dataclass

if TYPE_CHECKING:
    from asmith.model.plan import Reason, Step
    from asmith.store.state import Entry, Slot


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a step: the valid entry and its slot, or the reasons to run it."""

    slot: Slot | None = None
    entry: Entry | None = None
    reasons: tuple[Reason, ...] = ()
    blocked_by: Step | None = None

    @property
    def clean(self) -> bool:
        """Tell whether the step's result holds."""
        return self.entry is not None or (not self.reasons and self.blocked_by is None)
