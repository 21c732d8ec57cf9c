"""Printing: results to stdout, progress to stderr, JSON as one object with its schema."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from asmith.project.workspace import find_root

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from asmith.model.plan import Reason, Step


def root_of(options: argparse.Namespace) -> Path:
    """Return the root of the project that a command is for."""
    found: Path = find_root(options.root.resolve())
    return found


def show_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object with its schema."""
    print(json.dumps({"schema": 1, **value}, ensure_ascii=False))


def progress(options: argparse.Namespace) -> Callable[[Step, tuple[Reason, ...]], None]:
    """Return what tells a person of each step that starts."""

    def say(step: Step, reasons: tuple[Reason, ...]) -> None:
        if options.quiet or options.json:
            return
        shown = reasons if options.verbose else reasons[:1]
        more = len(reasons) - len(shown)
        text = "; ".join(str(r) for r in shown) + (f" and {more} more" if more else "")
        print(f"{step!s:<28} {text}".rstrip(), file=sys.stderr)

    return say


def note(options: argparse.Namespace, text: str) -> None:
    """Print a line for people."""
    if not options.quiet and not options.json:
        print(text)
