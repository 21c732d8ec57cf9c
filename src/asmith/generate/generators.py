"""Who answers a request when the store does not. The store itself is asked before, always."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.errors import UnavailableError
from asmith.host import process
from asmith.project.config import CONFIG

if TYPE_CHECKING:
    from pathlib import Path

    from asmith.project.config import GeneratorConfig


def available(config: GeneratorConfig) -> bool:
    """Tell whether there is anyone to ask; without one only the store and people answer."""
    return config.name == "command"


def ask(config: GeneratorConfig, request: str, root: Path) -> tuple[bytes, dict[str, str]]:
    """Return the raw answer to a request and the generator's facts."""
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
    if not done.ok:
        raise UnavailableError(
            f"generator '{program}' failed with status {done.status}",
            why=done.errors().strip() or "it printed nothing on standard error",
            help="run it by hand with the output of asmith prompt on its standard input",
        )
    return done.stdout, {"name": "command", "program": program}
