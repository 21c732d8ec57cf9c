"""Commands around answers: `prompt`, `accept`, `revalidate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from asmith.cli.building import report
from asmith.cli.output import jobs_of, note, progress, root_of, show_json

if TYPE_CHECKING:
    import argparse

    from asmith.run.accepting import Accepted


def prompt(options: argparse.Namespace) -> int:
    """Print the request for a module, exactly as a generator would be sent it."""
    from asmith.run import answering
    from asmith.run.session import Session

    session = Session.open(root_of(options))
    name = session.named(options.module).name
    spec = session.workspace.specs[name]
    if spec.clarifications:
        problem = answering.obstacle(session, name)
        assert problem is not None
        raise problem
    text = answering.dialogue(session, name).text()
    if options.json:
        show_json({"module": name, "request": text})
    else:
        sys.stdout.write(text)
    return 0


def accept(options: argparse.Namespace) -> int:
    """Take an answer; without one, accept what is staged for review, or attest an edit."""
    from asmith.host import files
    from asmith.model.record import Mode
    from asmith.run import accepting, layout

    root = root_of(options)
    with progress(options) as observer:
        how = accepting.How(observer, jobs_of(options))
        if options.file is not None:
            given = (
                sys.stdin.buffer.read()
                if options.file == "-"
                else files.read_bytes(Path(options.file))
            )
            accepted = accepting.accept(
                root, options.module, given, Mode(options.mode), force=options.force, how=how
            )
        elif (root / layout.review(options.module)).exists():
            accepted = accepting.approve(root, options.module, how=how)
        else:
            accepted = accepting.attest(root, options.module, how=how)
    return _show(options, accepted)


def revalidate(options: argparse.Namespace) -> int:
    """Keep a stale module's text if it holds under today's contracts."""
    from asmith.run import accepting

    with progress(options) as observer:
        how = accepting.How(observer, jobs_of(options))
        accepted = accepting.revalidate(root_of(options), options.module, how=how)
    return _show(options, accepted)


def _show(options: argparse.Namespace, accepted: Accepted) -> int:
    reviewed = sorted(accepted.outcome.in_review)
    if not accepted.waiting_for and not (reviewed and not accepted.outcome.adopted):
        report(options, accepted.outcome)
        return int(accepted.outcome.exit_code)
    if options.json:
        show_json(
            {
                "module": options.module,
                "waiting_for": accepted.waiting_for,
                "in_review": reviewed,
            }
        )
    names = ", ".join(sorted({*accepted.waiting_for, *reviewed}))
    note(options, f"{options.module}: accepted; it is adopted together with {names}")
    for name in accepted.waiting_for:
        note(options, f"    no answer yet: asmith prompt {name} > request; "
             f"asmith accept {name} ANSWER")  # fmt: skip
    for name in reviewed:
        note(options, f"    waits for review: asmith diff {name}; asmith accept {name}")
    return 0
