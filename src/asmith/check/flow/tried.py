"""Functions that have a contract, run on chosen arguments (`check/trial`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.symbols import SECTION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.flow.events import Broken
    from asmith.check.flow.outcome import Outcome
    from asmith.check.flow.roster import Roster
    from asmith.check.trial.program import Program
    from asmith.model.objects import ObjectFacts


class Trials:
    """The runs of one object's functions; `strict` says that every contract is complete."""

    def __init__(self, facts: ObjectFacts, roster: Roster, *, strict: bool) -> None:
        self._facts = facts
        self._roster = roster
        self._strict = strict
        self._program: Program | None = None

    def of(self, outcome: Outcome) -> Iterator[Broken]:
        """Run a function, if its contract says all that a run needs."""
        convention = outcome.convention
        if convention is None or convention.variadic:
            return
        from asmith.check.trial.program import Program  # where nothing has a contract: not loaded
        from asmith.check.trial.runs import Extent
        from asmith.check.trial.trial import trials

        roster, function, code = self._roster, outcome.function, outcome.code
        if self._program is None:
            self._program = Program(self._facts, roster.codes, roster.symbols, roster.conventions)
        if outcome.reason:  # not all of it was seen
            at = roster.codes[function.start >> SECTION].at
            high = function.start >> SECTION << SECTION
            places = range(function.start, function.end)
            code = {place: at[place - high] for place in places if place - high in at}
        followed = None if outcome.reason else code
        extent = Extent(function.start, function.end, followed, outcome.astray)
        strict = self._strict or convention.complete
        yield from trials(
            self._program, convention, extent, code, strict=strict, brief=self._strict
        )
