"""`asmith report`: the iteration log as tables, JSON, or one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.cli.output import note, root_of, show_json

if TYPE_CHECKING:
    import argparse


def report(options: argparse.Namespace) -> int:
    """Show what the log says; with --html write the page."""
    from asmith.report import making, summary, table

    root = root_of(options)
    iterations = making.read(root)
    figures = summary.of(iterations)
    if options.html is not None:
        making.write_page(root, iterations, options.html)
    if options.json:
        written = {} if options.html is None else {"html": str(options.html)}
        show_json({**summary.to_json(figures), **written})
    elif options.html is not None:
        note(options, f"wrote {options.html}")
    else:
        note(options, table.render(figures))
    return 0
