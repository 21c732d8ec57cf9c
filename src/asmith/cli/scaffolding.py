"""`asmith init`, `new`, `rename`, `remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.cli.output import note, root_of, show_json
from asmith.run import scaffold

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def init(options: argparse.Namespace) -> int:
    """Make a new project and say what to do first."""
    written = scaffold.init(options.directory)
    kept = [p for p in written if p.startswith(".asmith/")]
    _show(options, [p for p in written if p not in kept], "wrote")
    note(options, f"wrote .asmith/ ({len(kept)} files: the store, with the answer to a first edit)")
    note(options, f"\ncd {options.directory}; asmith build; build/bin/hello")
    return 0


def new(options: argparse.Namespace) -> int:
    """Add a module and say what to do next."""
    _show(options, scaffold.new(root_of(options), options.module), "wrote")
    name = options.module
    note(options, f"\nwrite the contract and the requirements, then: asmith prompt {name}")
    return 0


def rename(options: argparse.Namespace) -> int:
    """Rename a module."""
    _show(options, scaffold.rename(root_of(options), options.module, options.to), "wrote")
    return 0


def remove(options: argparse.Namespace) -> int:
    """Remove a module."""
    _show(options, scaffold.remove(root_of(options), options.module), "removed")
    return 0


def _show(options: argparse.Namespace, paths: Sequence[str], did: str) -> None:
    if options.json:
        show_json({did: list(paths)})
    for path in paths:
        note(options, f"{did} {path}")
