"""The `command` generator: any program, with the request on standard input."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from asmith.errors import UnavailableError
from asmith.host import process
from asmith.project.config import CONFIG

if TYPE_CHECKING:
    from pathlib import Path

    from asmith.project.config import GeneratorConfig

_LINES = 20  # of standard error, the last ones
_BY_HAND = "run it by hand with the output of asmith prompt on its standard input"


def ask(config: GeneratorConfig, request: str, root: Path) -> tuple[bytes, dict[str, str]]:
    """Return what the program prints, and its facts; raises `UnavailableError`.

    It runs in the project's directory, in a process group that ends with it or at the time limit.
    """
    program = config.command[0]
    try:
        done = process.run(config.command, cwd=root, stdin=request.encode(), seconds=config.seconds)
    except process.MissingProgramError as error:
        raise UnavailableError(
            f"there is no generator '{program}'",
            where=CONFIG,
            why="'command' in [tool.asmith.generator] names it",
            help="install it, or correct the command",
        ) from error
    except process.OverrunError as error:
        raise UnavailableError(
            f"generator '{program}' did not answer within {config.seconds:g} s",
            where=CONFIG,
            why=_said(error.stderr),
            help="it was killed with all that it started; "
            "give it longer: 'seconds' in [tool.asmith.generator]",
        ) from error
    if not done.ok:
        raise UnavailableError(
            f"generator '{program}' {_ending(done.status)}", why=_said(done.stderr), help=_BY_HAND
        )
    if not done.stdout.strip() and done.stderr.strip():
        raise UnavailableError(
            f"generator '{program}' printed no answer", why=_said(done.stderr), help=_BY_HAND
        )
    return done.stdout, {"name": "command", "program": program}


def _ending(status: int) -> str:
    """Return how a program ended, in words."""
    if status >= 0:
        return f"failed with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal
        return f"was ended by signal {-status}"


def _said(errors: bytes) -> str:
    """Return the end of what a program said on standard error."""
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    if not lines:
        return "it printed nothing on standard error"
    left = len(lines) - _LINES
    head = [f"({left} earlier line{'s' if left != 1 else ''} left out)"] if left > 0 else []
    return "\n      ".join([*head, *lines[-_LINES:]])
