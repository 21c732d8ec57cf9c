"""`asmith build`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from asmith.cli.output import note, progress, root_of, show_json
from asmith.errors import UsageError
from asmith.host import clock
from asmith.run import build as builds

if TYPE_CHECKING:
    import argparse


def build(options: argparse.Namespace) -> int:
    """Build, report each failure once, and say what ran."""
    if options.jobs < 1:
        raise UsageError(f"-n {options.jobs}: the number of steps at a time must be at least 1")
    asked = builds.Options(
        tuple(options.targets), options.jobs, options.locked, options.force, before=clock.age()
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
        note(options, f"nothing to do: {outcome.kept} steps up to date")
    if outcome.errors:
        note(options, "the last good build stays in build/bin")
