"""`asmith build`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from asmith.cli.output import jobs_of, note, progress, root_of, show_json
from asmith.host import clock
from asmith.run import build as builds
from asmith.run import review

if TYPE_CHECKING:
    import argparse


def build(options: argparse.Namespace) -> int:
    """Build, report each failure once, and say what ran."""
    asked = builds.Options(
        tuple(options.targets),
        jobs_of(options),
        options.locked,
        options.force,
        before=clock.age(),
        review=options.review or None,
    )
    root = root_of(options)
    with progress(options) as observer:
        outcome = builds.build(root, asked, observer)
    report(options, outcome)
    return int(outcome.exit_code)


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
    if outcome.errors:
        note(options, "the last good build stays in build/bin")
