"""`asmith watch`."""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from asmith.cli.main import main
from asmith.cli.output import root_of
from asmith.cli.start import said_of
from asmith.errors import ExitCode, UsageError
from asmith.host import clock
from asmith.report import words
from asmith.watch.keys import Keys
from asmith.watch.loop import Options, Told, Watch
from asmith.watch.notice import POLL, Notice

if TYPE_CHECKING:
    import argparse

    from asmith.run.resident import Resident


def watch(options: argparse.Namespace) -> int:
    """Build what is saved until Ctrl-C, and keep a product running."""
    if options.jobs < 1:
        raise UsageError(f"-n {options.jobs}: the number of steps at a time must be at least 1")
    if options.arguments and not options.product:
        raise UsageError("arguments are those of a program: say --run PRODUCT")
    root = root_of(options)
    printer = Printer(options)
    asked = Options(
        jobs=options.jobs,
        idle=options.idle,
        run=options.product or "",
        arguments=tuple(options.arguments),
        output=2 if options.json else 1,
    )
    loop = Watch(root, asked, printer, _command)
    stopped = _on_signals(loop)
    with (
        Notice(root, loop.noticed, lost=loop.lost, poll=options.poll) as notice,
        Keys(loop.pressed) as keys,
    ):
        if notice.problem:
            printer.note(
                f"warning: {notice.problem}: looking at the files every {POLL:g} s instead "
                "(raise fs.inotify.max_user_watches and max_user_instances)"
            )
        printer.begin(keys_open=keys.open)
        loop.run(notice)
    return int(stopped[0] if stopped else ExitCode.OK)


def _command(words: list[str], at_home: Resident) -> int:
    """Run a command of another process, after one look at the stat data of all files."""
    if words[0] == "doit":
        from asmith.run import dodo

        return dodo.run(words[1:], at_home)
    said = said_of(words, at_home.up_to_date())
    if said is None:
        return main(words, at_home=at_home)
    print(said, end="")
    return 0


def _on_signals(loop: Watch) -> list[ExitCode]:
    """Stop the loop on Ctrl-C and its like; the list is filled when one has come."""
    came: list[ExitCode] = []

    def stop(*_: object) -> None:
        if came:
            raise KeyboardInterrupt  # the second time: without waiting for anything
        came.append(ExitCode.INTERRUPTED)
        loop.stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    return came


class Printer:
    """Prints iterations: a line each, or a JSON object each."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Take the flags of the command line."""
        self._json = options.json
        self._quiet = options.quiet
        self._verbose = options.verbose

    def begin(self, *, keys_open: bool) -> None:
        """Say that watching has begun."""
        keys = ", Enter asks a generator at once, q ends it" if keys_open else ""
        self.note(f"watching; Ctrl-C ends it{keys}")

    def note(self, text: str) -> None:
        """Print a line that is no iteration's."""
        if self._json:
            _show({"event": "note", "text": text})
        elif not self._quiet or text.startswith("warning"):
            print(text, file=sys.stderr, flush=True)

    def iteration(self, told: Told) -> None:
        """Print one iteration, its errors first."""
        if self._json:
            _show(as_json(told))
            return
        for error in told.errors:
            print(error.render(), file=sys.stderr, flush=True)
        if not self._quiet:
            print(line(told), flush=True)
            if self._verbose:
                for step in told.row.steps if told.row else ():
                    print(f"    {step.step:<28} {step.reason}".rstrip(), flush=True)


def _show(value: dict[str, Any]) -> None:
    print(json.dumps({"schema": 1, **value}, ensure_ascii=False), flush=True)


def line(told: Told) -> str:
    """Return the one line of an iteration."""
    parts = [clock.time_of_day()]
    if told.row is not None:
        parts.append(str(told.row.kind))
    if told.paths:
        more = len(told.paths) - 1
        parts.append(told.paths[0] + (f" +{more}" if more else ""))
    kinds = Counter(s.partition(":")[0] for s in told.executed)
    done = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
    if done or not told.waiting:
        parts.append(done or "nothing to do")
    parts += _times(told)
    return "  ".join(parts)


def _times(told: Told) -> list[str]:
    if told.cancelled:
        who = "by a newer edit " if told.newer else ""
        return [f"stopped {who}after {words.seconds(told.since + told.total)}"]
    if told.errors:
        count = len(told.errors)
        rest = "the rest is new" if told.replaced else "the last good build stays"
        return [f"FAILED: {count} error{'s' if count != 1 else ''}; {rest}"]
    found = []
    if told.linked is not None:
        found.append(f"linked {words.seconds(told.since + told.linked)}")
    if told.tested is not None:
        found.append(f"tested {words.seconds(told.since + told.tested)}")
    if told.waiting:
        many = len(told.waiting)
        cost = f": at most {told.price}" if told.price else ""
        found.append(f"{many} module{'s' if many > 1 else ''} to generate when no edit comes{cost}")
    return found or [f"{words.seconds(told.since + told.total)}"]


def as_json(told: Told) -> dict[str, Any]:
    """Return an iteration as `watch --json` prints it; times are seconds since the last edit."""

    def since_edit(seconds: float | None) -> float | None:
        return None if seconds is None else round(told.since + seconds, 6)

    result = "cancelled" if told.cancelled else "failed" if told.errors else "adopted"
    return {
        "event": "iteration",
        "result": "waiting" if result == "adopted" and told.waiting else result,
        "kind": str(told.row.kind) if told.row else None,
        "changed": told.paths,
        "executed": told.executed,
        "regenerated": told.row.regenerated if told.row else (),
        "waiting_for": [e.what for e in told.waiting],
        "at_most": told.price.to_json() if told.price else None,
        "linked": since_edit(told.linked),
        "tested": since_edit(told.tested),
        "total": since_edit(told.total),
        "errors": [e.render() for e in told.errors],
    }
