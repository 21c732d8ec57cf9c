"""`asmith build`."""

from __future__ import annotations

import sys
from math import inf
from typing import TYPE_CHECKING

from asmith.cli.output import jobs_of, note, progress, root_of, show_json
from asmith.dataclass import replace
from asmith.errors import UsageError, did_you_mean
from asmith.host import clock
from asmith.project.config import EFFORTS
from asmith.run import build as builds
from asmith.run import review, terminal
from asmith.run.asking import Wishes
from asmith.run.progress import Display

if TYPE_CHECKING:
    import argparse


def build(options: argparse.Namespace) -> int:
    """Build, report each failure once, and say what ran."""
    if options.samples < 1:
        raise UsageError(f"--samples {options.samples}: it must be at least 1")
    if options.samples > 1 and options.batch:
        raise UsageError(
            "--samples and --batch cannot be had together",
            why="a batch asks for each module once",
            help="leave one of them out",
        )
    said = replace(wishes(options), batch=options.batch, samples=options.samples)
    root = root_of(options)
    with progress(options) as observer:
        if isinstance(observer, Display):
            said = replace(said, progress=observer.receive, note=observer.say)
        if not options.yes:
            said = replace(said, confirm=terminal.to_confirm())
        asked = builds.Options(
            tuple(options.targets),
            jobs_of(options),
            options.locked,
            options.force,
            before=0.0 if options.at_home else clock.age(),
            review=options.review or None,
            looked=options.looked,
            wishes=said,
        )
        outcome = builds.build(root, asked, observer, resident=options.at_home)
    report(options, outcome)
    return int(outcome.exit_code)


def wishes(options: argparse.Namespace) -> Wishes:
    """Return what the command line says about generators."""
    if options.effort is not None and options.effort not in EFFORTS[1:]:
        near = did_you_mean(options.effort, EFFORTS)
        raise UsageError(
            f"--effort {options.effort}: there is no such level{near}",
            help=f"it may be {', '.join(EFFORTS[1:])}",
        )
    if options.max_tokens is not None and options.max_tokens < 1:
        raise UsageError(f"--max-tokens {options.max_tokens}: it must be at least 1")
    if options.budget is not None and not 0 < options.budget < inf:
        raise UsageError(f"--budget {options.budget}: it must be a positive number of US dollars")
    return Wishes(options.model, options.effort, options.max_tokens, options.budget)


def report(options: argparse.Namespace, outcome: builds.Outcome) -> None:
    """Print what a build came to."""
    if options.json:
        show_json(
            {
                "executed": [str(s) for s in outcome.executed],
                "adopted": list(outcome.adopted),
                "in_review": sorted(outcome.in_review),
                "errors": [e.render() for e in outcome.errors],
                "exit_code": int(outcome.exit_code),
                "spent": outcome.spent.to_json() if outcome.spent else None,
            }
        )
        return
    for error in outcome.errors:
        print(error.render(), file=sys.stderr)
    if outcome.adopted:
        note(options, f"adopted: {', '.join(outcome.adopted)}")
    if outcome.executed:
        count = len(outcome.executed)
        note(options, f"{count} step{'s' if count != 1 else ''} ran, {outcome.kept} up to date")
    elif not outcome.errors:
        head = "" if outcome.adopted else "nothing to do: "
        note(options, f"{head}{outcome.kept} steps up to date")
    for line in review.note_of(outcome.in_review):
        note(options, line)
    if outcome.spent:
        note(options, f"spent {outcome.spent}")
    if outcome.errors and outcome.products:
        names = ", ".join(outcome.products)
        note(options, f"{names} in build/bin is new; what failed in it stays as it last was good")
    elif outcome.errors:
        note(options, "the last good build stays in build/bin")
