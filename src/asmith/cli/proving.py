"""`asmith provenance` and `asmith verify`: what a product was made from, and that it holds."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from asmith.cli.output import jobs_of, note, progress, root_of, show_json
from asmith.errors import ExitCode

if TYPE_CHECKING:
    import argparse

    from asmith.run.verifying import Verified


def provenance(options: argparse.Namespace) -> int:
    """Print the in-toto statement of a product."""
    from asmith.model.provenance import LOCAL
    from asmith.run import provenance as statements
    from asmith.run.session import Session

    session = Session.open(root_of(options))
    made = statements.of(session, options.product, options.builder or LOCAL)
    if options.json:
        show_json({"statement": made})
    else:
        print(json.dumps(made, indent=2, sort_keys=True, ensure_ascii=False))
    return 0


def verify(options: argparse.Namespace) -> int:
    """Make everything again in a clean directory and compare."""
    from asmith.run import verifying

    with progress(options) as observer:
        found = verifying.verify(
            root_of(options),
            tuple(options.products),
            options.statement,
            jobs=jobs_of(options),
            observer=observer,
        )
    if options.json:
        show_json(
            {
                "modules": found.modules,
                "products": found.products,
                "answers": found.answers,
                "same": found.same,
                "unbuilt": found.unbuilt,
                "problems": [*found.problems, *(e.render() for e in found.errors)],
                "notes": list(found.notes),
            }
        )
    else:
        _show(options, found)
    return int(ExitCode.FINDINGS if found.problems or found.errors else ExitCode.OK)


def _show(options: argparse.Namespace, found: Verified) -> None:
    for error in found.errors:
        print(error.render(), file=sys.stderr)
    for problem in found.problems:
        print(f"error: {problem}", file=sys.stderr)
    for line in found.notes:
        note(options, f"note: {line}")
    if found.problems or found.errors:
        return
    note(options, f"{_count(found.modules, 'module')} and {_count(found.products, 'product')} made "
         "again in a clean directory: the records' objects")  # fmt: skip
    note(options, f"{_count(found.same, 'file')} of build/ compared: the same bytes")
    if found.unbuilt:
        files = _count(found.unbuilt, "file")
        note(options, f"{files} not compared: build/ lacks them, or the sources are newer")
    note(options, f"{_count(found.answers, 'text')} made again from raw answers: the same bytes"
         f" ({found.modules - found.answers} without a whole answer in the store)")  # fmt: skip


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
