"""Printing: results to stdout, progress to stderr, JSON as one object with its schema."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING, Any

from asmith.errors import UsageError
from asmith.project.workspace import find_root
from asmith.run.events import nobody
from asmith.run.progress import Display

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from asmith.run.events import Observer


def root_of(options: argparse.Namespace) -> Path:
    """Return the root of the project that a command is for."""
    found: Path = find_root(options.root.resolve())
    return found


def jobs_of(options: argparse.Namespace) -> int:
    """Return how many steps may run at a time."""
    jobs: int = options.jobs
    if jobs < 1:
        raise UsageError(f"-n {jobs}: the number of steps at a time must be at least 1")
    return jobs


def show_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object with its schema."""
    print(json.dumps({"schema": 1, **value}, ensure_ascii=False))


@contextlib.contextmanager
def progress(options: argparse.Namespace) -> Iterator[Observer]:
    """Yield what shows a person how a build goes."""
    if options.quiet or options.json:
        yield nobody
        return
    with Display(sys.stderr, verbose=options.verbose) as display:
        yield display


def note(options: argparse.Namespace, text: str) -> None:
    """Print a line for people."""
    if not options.quiet and not options.json:
        print(text)
