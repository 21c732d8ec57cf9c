"""`asmith diff` and `asmith reject`: what is staged for review. `asmith accept` is in answering."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from asmith.cli.output import note, root_of, show_json

if TYPE_CHECKING:
    import argparse

    from asmith.run.review import Change


def diff(options: argparse.Namespace) -> int:
    """Show what would change: the reasons with their difference, and the texts' difference."""
    from asmith.run import review
    from asmith.run.session import Session

    changes = review.changes(Session.open(root_of(options)), options.module)
    if options.json:
        show_json({"changes": [_as_json(c) for c in changes]})
        return 0
    for change in changes:
        for line in _heading(change):
            note(options, line)
        print(_unified(change))
    if not changes:
        note(options, "nothing waits for review")
    elif not options.module:
        note(options, f"{len(changes)} module{'s' if len(changes) > 1 else ''}; "
             "asmith accept MODULE, or asmith reject MODULE --reason TEXT")  # fmt: skip
    return 0


def _as_json(change: Change) -> dict[str, Any]:
    return {
        "module": change.module,
        "state": _state(change),
        "reasons": [r.to_json() for r in change.reasons],
        "diff": _unified(change),
    }


def _state(change: Change) -> str:
    if not change.staged:
        return "edited by hand"
    return "accepted, not adopted yet" if change.approved else "waits for review"


def _heading(change: Change) -> list[str]:
    because = [f"    {line}" for r in change.reasons for line in r.lines()]
    return [f"{change.module}: {_state(change)}", *because]


def _unified(change: Change) -> str:
    """Return the difference of two texts in the unified format."""
    old, new = (
        (t or b"").decode("utf-8", "replace").splitlines() for t in (change.old, change.new)
    )
    path = f"modules/{change.module}.asm"
    head = (path, f"build/stage/{path}") if change.staged else (f"{path} as accepted", path)
    before = "/dev/null" if change.old is None else head[0]
    return "\n".join(difflib.unified_diff(old, new, before, head[1], lineterm=""))


def reject(options: argparse.Namespace) -> int:
    """Drop what is staged of a module; its attempts keep that a person did not want it."""
    from asmith.run import layout, review
    from asmith.run.session import Session
    from asmith.store import lock

    root = root_of(options)
    with lock.held(root / layout.LOCK):
        kept = review.reject(Session.open(root), options.module, options.reason)
    if options.json:
        show_json({"module": options.module, "reason": options.reason, "kept": kept})
    if kept:
        note(options, f"{options.module}: rejected; its answer and your reason are kept")
        note(options, "the next asmith build asks for another answer, if there is whom to ask")
    else:
        note(options, f"{options.module}: what was staged, and damaged, is dropped")
        note(options, "the next asmith build takes its answer from the store, if that is whole")
    return 0
