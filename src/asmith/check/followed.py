"""One object with its instructions followed: what the rules of the instruction level read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from asmith.check.flow.events import Broken, Call, Exit
from asmith.check.flow.symbols import SECTION, WITHIN
from asmith.check.inputs import ObjectInput, Profile
from asmith.check.places import Spot, Text, at_offset, finding
from asmith.dataclass import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.flow.outcome import Outcome
    from asmith.model.finding import Finding

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Followed:
    """An object and what was noted of each of its functions, in order of address.

    `noted` has the events by sort, of the functions that were followed to their end.
    """

    object: ObjectInput
    outcomes: tuple[Outcome, ...]
    noted: dict[type, list[tuple[Outcome, Any]]] = field(default_factory=dict)

    @property
    def profile(self) -> Profile:
        """Return how strictly the object is held."""
        return self.object.profile

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the functions that have a symbol."""
        return tuple(o.function.name for o in self.outcomes if o.counted)

    def events(self, sort: type[E]) -> Iterator[tuple[Outcome, E]]:
        """Return the events of one sort in functions that were followed to their end."""
        return iter(self.noted.get(sort, ()))

    def departures(self) -> Iterator[tuple[Outcome, Call | Exit]]:
        """Yield each call and each exit."""
        yield from self.events(Call)
        yield from self.events(Exit)

    def callee(self, outcome: Outcome, address: int) -> str:
        """Return the name of what the call at an address calls, or words for it."""
        for call in outcome.of(Call):
            if call.address == address:
                name = call.convention.name if call.convention is not None else call.name
                return name or "a function"
        return "a function"

    def releaser(self, name: str) -> str:
        """Return the function that must release the result of another one."""
        for outcome, call in self.events(Call):
            del outcome
            if call.convention is not None and call.convention.name == name:
                return call.convention.released_by
        return "its releaser"

    def inside(self, address: int) -> str:
        """Return the function whose code an address is in, or nothing."""
        for outcome in self.outcomes:
            function = outcome.function
            if function.sized and function.start < address < function.end:
                return function.name
        return ""

    def report(self, rule: str, address: int, text: Text) -> Finding:
        """Return the finding of a rule about the instruction at an address."""
        return finding(rule, self.object, self._spot(address), text)

    def _spot(self, address: int) -> Spot:
        """Return the spot of an instruction, in the function that its address belongs to."""
        spot = at_offset(self.object, address >> SECTION, address & WITHIN)
        if spot.function:
            return spot
        for outcome in self.outcomes:
            function = outcome.function
            if function.named and function.start <= address < function.end:
                return replace(spot, function=function.name, offset=address - function.start)
        return spot

    def place(self, address: int) -> str:
        """Return an address in words: the line that made it, else the offset in its function."""
        spot = self._spot(address)
        if spot.line is not None:
            return f"line {spot.line}"
        return f"{spot.function}+{spot.offset or 0:#x}" if spot.function else f"{spot.offset:#x}"


def follow(subject: ObjectInput) -> Followed:
    """Follow the instructions of an object; without code nothing heavy is imported."""
    if not any(s.has(s.EXEC) and s.data for s in subject.facts.sections):
        return Followed(subject, ())
    from asmith.check.flow.analysis import ObjectFlow
    from asmith.check.flow.contracts import conventions

    flow = ObjectFlow(
        subject.facts,
        compiled=subject.profile == Profile.COMPILED,
        strict=subject.profile != Profile.ASM,
        conventions=conventions(subject.interfaces),
    )
    flow.run()
    outcomes = tuple(flow.counted())
    noted: dict[type, list[tuple[Outcome, Any]]] = {}
    for outcome in outcomes:
        for sort, events in outcome.events.items():
            if not outcome.reason or sort is Broken:  # a run stands for itself
                noted.setdefault(sort, []).extend([(outcome, event) for event in events])
    return Followed(subject, outcomes, noted)
