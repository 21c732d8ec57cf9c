"""The observer that keeps the iteration log: it watches one build and writes its row at the end.

Nothing of a build depends on it. It reads no clock but its own, imports SQLite only when there is
something to write, and turns whatever goes wrong with the log into one warning.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, TypeVar

from asmith.dataclass import dataclass, field
from asmith.errors import AsmithError, StoppedError, UsageError
from asmith.host import clock, files
from asmith.model.iteration import Ran, Result
from asmith.model.plan import StepKind
from asmith.run import layout
from asmith.run.answering import NotNowError
from asmith.run.events import Adopted, Adopting, Closed, Ended, Opened, Passed, Planned, Started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from asmith.model.names import ModuleName
    from asmith.model.plan import Reason, Step
    from asmith.run.events import Event, Observer
    from asmith.run.iterations import Noted
    from asmith.run.session import Session
    from asmith.run.view import Module

T = TypeVar("T")


@dataclass(slots=True)
class Recorder:
    """What one build did so far. `before`: seconds that its command had taken when it was made."""

    root: Path
    command: str
    before: float = 0.0
    waited: float | None = None  # watch knows; for others it follows from the files' times
    always: bool = False  # record it though no step ran and nothing failed
    began: str = ""
    first: Session | None = None  # the sources and modules as they were at the start
    session: Session | None = None  # and as they were last
    modules: Mapping[ModuleName, Module] = field(default_factory=dict)
    replaced: dict[ModuleName, bytes] = field(default_factory=dict)  # by drafts that wait
    stale: dict[ModuleName, tuple[Reason, ...]] = field(default_factory=dict)
    reasons: dict[Step, tuple[Reason, ...]] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)  # known before, of modules asked for
    ran: list[Ran] = field(default_factory=list)
    errors: list[AsmithError] = field(default_factory=list)  # of steps, in order
    adopted: list[ModuleName] = field(default_factory=list)
    closed: Closed | None = None
    stages: dict[str, float] = field(default_factory=dict)
    times: dict[StepKind, float] = field(default_factory=dict)  # kind -> when the last one ended
    _zero: float = 0.0
    _running: dict[Step, float] = field(default_factory=dict)
    _planned: bool = False
    _adopting: float = 0.0

    def __post_init__(self) -> None:
        self.began = clock.stamp()
        self._zero = clock.monotonic() - self.before

    def elapsed(self) -> float:
        """Return the seconds since the command started."""
        return clock.monotonic() - self._zero

    def __call__(self, event: Event) -> None:
        """Take notice of what happened."""
        match event:
            case Opened(session):
                self._opened(session)
            case Planned():
                self._plan(event)
            case Started(step, reasons):
                self.reasons.setdefault(step, reasons)
                self._running[step] = self.elapsed()
                if step.kind is StepKind.GENERATE and self.session is not None:
                    known = len(self.session.store.attempts(self.session.named(step.subject).name))
                    self.attempts.setdefault(step.subject, known)
            case Ended(step, error):
                self._ended(step, error)
            case Passed():
                pass
            case Adopting():
                self._adopting = self.elapsed()
            case Adopted(modules):
                self.adopted += modules
                self._add("adopt", self.elapsed() - self._adopting)
            case Closed():
                self.closed = event

    def _opened(self, session: Session) -> None:
        self.session = session
        if self.first is None:
            self.first = session
            # Where the index knew all that did not change, what is looked at was touched.
            self.always = self.always or (session.known is not None and bool(session.looked_at()))
            self.modules = session.seen_modules()
            drafts = (n for n, m in self.modules.items() if m.draft)
            texts = ((n, files.read_if_exists(self.root / layout.source(n))) for n in drafts)
            self.replaced = {n: text or b"" for n, text in texts}

    def _plan(self, event: Planned) -> None:
        self.stale |= event.stale
        if not self._planned:
            self._planned = True
            self._add("plan", self.elapsed())

    def _ended(self, step: Step, error: AsmithError | None) -> None:
        now = self.elapsed()
        if step not in self._running:
            return  # it waited for one that failed, and never started
        start = self._running.pop(step)
        reason = next(map(str, self.reasons[step]), "")
        self.ran.append(Ran(str(step), start, now - start, reason, error.what if error else ""))
        self._add(str(step.kind), now - start)
        self.times[step.kind] = now
        if error is not None:
            self.errors.append(error)

    def _add(self, stage: str, seconds: float) -> None:
        self.stages[stage] = self.stages.get(stage, 0.0) + seconds

    def result(self, failure: BaseException | None) -> Result:
        """Return what it came to."""
        if isinstance(failure, UsageError) and self.first is None:
            return Result.REFUSED
        if isinstance(failure, StoppedError):
            return Result.CANCELLED
        if failure is not None and not isinstance(failure, AsmithError):
            return Result.CANCELLED
        errors = self.told(failure)
        if any(not isinstance(e, NotNowError) for e in errors):
            return Result.FAILED
        return Result.WAITING if errors or self.closed is None else Result.ADOPTED

    def told(self, failure: BaseException | None) -> tuple[AsmithError, ...]:
        """Return the errors that the build ended with."""
        own = (failure,) if isinstance(failure, AsmithError) else ()
        return (*(self.closed.errors if self.closed else ()), *own)

    def note(self, failure: BaseException | None = None) -> Noted | None:
        """Return the iteration if anything ran or failed, to be written when there is time.

        What was asked for in vain (an unknown target, `--locked` of what is stale) is no iteration.
        """
        failed = self.closed is not None and self.closed.errors
        looked = self.always and self.closed is not None
        if not (self.ran or looked or failed or self.result(failure) is Result.REFUSED):
            return None
        from asmith.run import iterations

        return _or_warn(lambda: iterations.note(self, failure))

    def write(self, noted: Noted | None) -> None:
        """Append an iteration to the log."""
        if noted is not None:
            from asmith.run import iterations

            _or_warn(lambda: iterations.write(self.root, noted))


@contextlib.contextmanager
def recording(
    root: Path, command: str, observer: Observer, *, before: float = 0.0
) -> Iterator[Observer]:
    """Yield an observer that tells `observer` too, and log the build when it ends, however."""
    recorder = Recorder(root, command, before)

    def tell(event: Event) -> None:
        recorder(event)
        observer(event)

    try:
        yield tell
    except BaseException as failure:
        recorder.write(recorder.note(failure))
        raise
    recorder.write(recorder.note())


def _or_warn(work: Callable[[], T]) -> T | None:
    """Return what comes of something about the log; what goes wrong is a warning."""
    from asmith.store.iterations import LogError

    try:
        return work()
    except LogError as error:
        text = error.render()
    except AsmithError as error:
        text = LogError(error.what, where=error.where, help=error.help).render()
    said = text.removeprefix("error: ")
    print(f"warning: this iteration is not in the log: {said}", file=sys.stderr)  # noqa: T201
    return None
