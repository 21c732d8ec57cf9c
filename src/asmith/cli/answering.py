"""Commands around answers: `prompt`, `accept`, `revalidate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from asmith.cli.building import report
from asmith.cli.output import note, progress, root_of, show_json

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
    text = answering.request(session, name)
    if options.json:
        show_json({"module": name, "request": text})
    else:
        sys.stdout.write(text)
    return 0


def accept(options: argparse.Namespace) -> int:
    """Take an answer from a file or standard input; without a file, attest the text as it is."""
    from asmith.host import files
    from asmith.model.record import Mode
    from asmith.run import accepting

    root = root_of(options)
    if options.file is None:
        with progress(options) as observer:
            accepted = accepting.attest(root, options.module, observer=observer)
        return _show(options, accepted)
    given = sys.stdin.buffer.read() if options.file == "-" else files.read_bytes(Path(options.file))
    mode = Mode(options.mode)
    with progress(options) as observer:
        accepted = accepting.accept(
            root, options.module, given, mode, force=options.force, observer=observer
        )
    return _show(options, accepted)


def revalidate(options: argparse.Namespace) -> int:
    """Keep a stale module's text if it holds under today's contracts."""
    from asmith.run import accepting

    root = root_of(options)
    with progress(options) as observer:
        accepted = accepting.revalidate(root, options.module, observer=observer)
    return _show(options, accepted)


def _show(options: argparse.Namespace, accepted: Accepted) -> int:
    if accepted.waiting_for:
        names = ", ".join(accepted.waiting_for)
        note(options, f"{options.module}: accepted; it is adopted together with {names}, "
             "for which there is no answer yet")  # fmt: skip
        for name in accepted.waiting_for:
            note(options, f"    asmith prompt {name} > request; asmith accept {name} ANSWER")
        if options.json:
            show_json({"module": options.module, "waiting_for": accepted.waiting_for})
        return 0
    report(options, accepted.outcome)
    return int(accepted.outcome.exit_code)
