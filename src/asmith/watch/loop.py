"""The loop of `asmith watch`: notice, wait a moment, build, say what came of it, run the program.

Everything happens on one thread but the noticing of edits and keys. A newer edit stops the build
that it makes worthless: no further step starts and what runs is killed, except a generator, whose
answer is paid for and kept. Generators are asked only when no edit came for an idle time, or on a
key press; until then everything else is brought up to date.
"""

from __future__ import annotations

import gc
import queue
import threading
from typing import TYPE_CHECKING, Protocol

from asmith.dataclass import dataclass
from asmith.errors import AsmithError, StoppedError, UnavailableError
from asmith.host import clock, process
from asmith.model.plan import StepKind
from asmith.project import config
from asmith.run import build, estimates, layout
from asmith.run.answering import NotNowError
from asmith.run.asking import Asking
from asmith.run.events import Adopting, Ended, Started
from asmith.run.recorder import Recorder
from asmith.run.resident import Resident
from asmith.store import lock
from asmith.watch.edits import Edits
from asmith.watch.runner import Runner, check
from asmith.watch.server import Request, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from asmith.generate.budget import Cost
    from asmith.model.iteration import Iteration
    from asmith.run.events import Event
    from asmith.run.known import Known
    from asmith.watch.notice import Notice

_LOOK = 0.5  # seconds between two looks at the running program
_REST = 2.0  # seconds without anything to do before the index is written, which takes a while
_PAUSE = 0.05  # seconds between two tries for a lock that another command holds


@dataclass(frozen=True, slots=True)
class Options:
    """How to watch."""

    jobs: int = 1
    idle: float = 1.5  # seconds without an edit before a generator is asked
    quiet: float = 0.02  # seconds without an event before a build starts
    run: str = ""  # the product to keep running
    arguments: tuple[str, ...] = ()  # of that program
    output: int = 1  # the descriptor that it writes to


@dataclass(frozen=True, slots=True)
class Told:
    """What one iteration came to, for whoever prints it."""

    paths: tuple[str, ...]  # that changed; none for the first build
    executed: tuple[str, ...]
    errors: tuple[AsmithError, ...]
    waiting: tuple[AsmithError, ...]  # modules whose generator is asked after the idle time
    price: Cost | None  # what their first answers may cost, if a provider is asked
    replaced: bool  # a product in build/bin is new
    cancelled: bool
    newer: bool  # by a newer edit, not by whoever ends it all
    since: float  # seconds from the last edit, without the debounce, to the start
    linked: float | None  # seconds from the start
    tested: float | None
    total: float
    row: Iteration | None  # of the log


def _warm() -> None:
    """Load what the first edit would have to wait for."""
    from asmith.check import engine
    from asmith.run import executor, iterations

    del iterations
    executor.warm()
    engine.warm()


def _price(recorder: Recorder) -> Cost | None:
    """Return what asking for the modules that wait may take."""
    session = recorder.session
    if session is None:
        return None
    names = [n for n, e in session.problems.items() if isinstance(e, NotNowError)]
    return estimates.at_most(session, names)


class Printer(Protocol):
    """Prints what happens."""

    def iteration(self, told: Told) -> None:
        """Print one iteration."""

    def note(self, text: str) -> None:
        """Print a line about anything else."""


class Watch:
    """One project, watched until `stop`."""

    def __init__(
        self,
        root: Path,
        options: Options,
        printer: Printer,
        command: Callable[[list[str], Resident], int],
    ) -> None:
        """Read the configuration if a program is to be run; raises `UsageError`.

        `command` runs the commands of other processes.
        """
        self.root = root
        self.options = options
        self.printer = printer
        self._command = command
        self.home = Resident.open(root)
        self.edits = Edits(root)
        self.inbox: queue.SimpleQueue[str | Request] = queue.SimpleQueue()  # signal handlers put
        self.runner: Runner | None = None
        if options.run:
            from asmith.host import files

            check(config.parse(files.read_bytes(root / config.CONFIG)), options.run)
            self.runner = Runner(
                root, options.run, options.arguments, printer.note, output=options.output
            )
        self._asking = Asking()  # of the whole time: so is its budget
        self._stopping = False
        self._newer = threading.Event()  # an edit came that the running build does not know
        self._building = False
        self._generating = 0
        self._ask_at: float | None = None
        self._notice: Notice | None = None
        self._learned = False
        self._save_at: float | None = None  # when to write the index, if it is not what is known

    # ---- from other threads and signal handlers --------------------------------------------------

    def noticed(self, path: str) -> None:
        """Take notice of an event; stop the build that the edit makes worthless."""
        if self.edits.note(path):
            self._interrupt()
            self.inbox.put("edit")

    def lost(self) -> None:
        """Take notice that events were lost: look at everything again."""
        self.inbox.put("lost")

    def pressed(self, key: str) -> None:
        """Take notice of a key."""
        self.inbox.put(key)

    def stop(self) -> None:
        """End the loop soon."""
        self._stopping = True
        self._newer.set()
        process.stop_all()
        self.inbox.put("stop")

    def _interrupt(self) -> None:
        if self._building:
            self._newer.set()
            if not self._generating:
                process.stop_all()

    # ---- the loop --------------------------------------------------------------------------------

    def run(self, notice: Notice) -> None:
        """Build, and then again for each edit, until it is told to stop."""
        self._notice = notice
        try:
            self._iterate((), asks=False, since=clock.age())
            _warm()
            gc.collect()
            gc.freeze()  # what is known of the project stays: no collection need look at it
            with Server(self.root, self.inbox.put):
                while not self._stopping:
                    self._turn()
        finally:
            if self.runner is not None:
                self.runner.stop()
            self._save(self.home.leave)

    def _turn(self) -> None:
        word = self._wait()
        if self.runner is not None:
            self.runner.look()
        self._obey(word)
        if self._stopping:
            return
        if self.edits.waiting():
            self._take()
        elif self._ask_at is not None and clock.monotonic() >= self._ask_at:
            self._iterate((), asks=True, since=0.0)
        elif self._save_at is not None and clock.monotonic() >= self._save_at:
            self._save(self.home.save)

    def _obey(self, word: str | Request) -> None:
        if isinstance(word, Request):
            self._serve(word)
        elif word == "q":
            self.stop()
        elif word == "lost":
            self.home.forget()
            self._iterate((), asks=False, since=0.0)
        elif word in ("\n", "\r", " ") and self._ask_at is not None:
            self._ask_at = clock.monotonic()

    def _serve(self, request: Request) -> None:
        """Run the command of another process, and know what it did."""
        before = self.home.journal
        request.run(lambda words: self._command(words, self.home))
        if self.home.journal != before and self.home.known is not None:
            self._save_at = clock.monotonic() + _REST
            self._learn_all(self.home.known)  # what it wrote is no edit

    def _take(self) -> None:
        """Build what was edited, if it is quiet."""
        if self.edits.rest(self.options.quiet) <= 0:
            last = self.edits.last
            if paths := self.edits.take():
                since = max(0.0, clock.monotonic() - last - self.options.quiet)
                self._iterate(paths, asks=False, since=since)

    def _wait(self) -> str | Request:
        """Return the next word of the inbox, or "" when there is something to do without one."""
        seconds = 3600.0
        if self.runner is not None:
            soon = self.runner.wants()
            seconds = _LOOK if soon is None else min(soon + 0.001, _LOOK)
        if self.edits.waiting():
            seconds = self.edits.rest(self.options.quiet)
        elif self._ask_at is not None:
            seconds = min(seconds, self._ask_at - clock.monotonic())
        elif self._save_at is not None:
            seconds = min(seconds, self._save_at - clock.monotonic())
        try:
            return self.inbox.get(timeout=max(seconds, 0.0))
        except queue.Empty:
            return ""

    def _iterate(self, paths: Sequence[str], *, asks: bool, since: float) -> None:
        """Build, say what came of it, and then note what can wait."""
        self.home.changed(paths)
        recorder = Recorder(self.root, "watch", waited=since if paths else None, always=True)
        outcome, failure = self._build(recorder, asks=asks)
        cancelled = isinstance(failure, StoppedError)
        total = recorder.elapsed()
        self.edits.settle(f(m) for m in recorder.adopted for f in (layout.source, layout.record))
        self._learn()  # before anybody can have seen that it is done, and edits what it knows
        errors = list(outcome.errors if outcome else ())
        if failure is not None and not cancelled:
            errors.append(failure)
        waiting = tuple(e for e in errors if isinstance(e, NotNowError))
        idle = not recorder.ran and (waiting or cancelled)  # the iteration is yet to come
        noted = None if idle else recorder.note(failure)
        told = Told(
            paths=tuple(paths),
            executed=tuple(r.step for r in recorder.ran),
            errors=tuple(e for e in errors if e not in waiting),
            waiting=waiting,
            price=_price(recorder) if waiting else None,
            replaced=outcome is not None and bool(outcome.products),
            cancelled=cancelled,
            newer=cancelled and not self._stopping,
            since=since,
            linked=recorder.times.get(StepKind.LINK),
            tested=None if errors or cancelled else recorder.times.get(StepKind.TEST),
            total=total,
            row=noted.row if noted else None,
        )
        if self.runner is not None and outcome is not None and not told.errors:
            self.runner.update()
        if told.executed or not cancelled:  # else nothing has come of it yet
            self.printer.iteration(told)
        recorder.write(noted)
        self._ask_at = clock.monotonic() + self.options.idle if waiting else None
        self._save_at = clock.monotonic() + _REST
        if cancelled and not self._stopping:
            self._resume(paths, asks=asks)

    def _resume(self, paths: Sequence[str], *, asks: bool) -> None:
        """Let what was stopped be done again, together with what stopped it."""
        if paths:
            self.edits.again(paths)
        elif asks:
            self._ask_at = clock.monotonic() + self.options.idle
        else:
            self.lost()

    def _build(
        self, recorder: Recorder, *, asks: bool
    ) -> tuple[build.Outcome | None, AsmithError | None]:
        def observe(event: Event) -> None:
            recorder(event)
            match event:
                case Adopting():
                    self._building = False  # too late to stop: it is all or nothing from here
                case Started(step) | Ended(step) if step.kind is StepKind.GENERATE:
                    self._generating += 1 if isinstance(event, Started) else -1
                case _:
                    pass

        self._newer.clear()
        self._generating = 0
        self._building = True
        options = build.Options(
            jobs=self.options.jobs, asks=asks, stop=self._newer.is_set, asking=self._asking
        )
        try:
            handle = self._lock()
            try:
                outcome = build.build_locked(self.root, options, observe, resident=self.home)
                return outcome, None
            finally:
                lock.release(handle)
        except AsmithError as error:
            return None, error
        finally:
            self._building = False

    def _lock(self) -> int:
        """Take the lock; wait for another command that builds."""
        told = False
        while True:
            try:
                return lock.acquire(self.root / layout.LOCK, note=lock.WATCH)
            except UnavailableError as error:
                if self._newer.is_set():
                    raise StoppedError("the build was stopped") from None
                if not told:
                    self.printer.note(f"waiting: {error.what}")
                    told = True
                clock.pause(_PAUSE)

    # ---- what is known between builds ------------------------------------------------------------

    def _learn_all(self, known: Known) -> None:
        """Take over the digests of all sources."""
        files = known.head.files()
        self.edits.learn({p: digest for p, _, digest in files if self.edits.is_source(p)})

    def _learn(self) -> None:
        """Take over the digests of sources, and watch files that modules take in from elsewhere."""
        known = self.home.known
        if known is None or self._notice is None:
            return
        if not self._learned:
            self._learned = True
            self._learn_all(known)
        extra = frozenset(p for p in known.readers if not self.edits.is_source(p))
        extra |= {p for p in self.edits.extra if p in known.readers}
        if extra == self.edits.extra:
            return
        fresh, self.edits.extra = extra - self.edits.extra, extra
        self._notice.also(extra)
        for path in fresh:  # it may have changed before its directory was watched
            self.noticed(path)

    def _save(self, save: Callable[[], None]) -> None:
        """Write the index for other processes, if nobody builds now."""
        self._save_at = None
        try:
            with lock.held(self.root / layout.LOCK):
                save()
        except UnavailableError:
            pass  # whoever builds writes a newer one
