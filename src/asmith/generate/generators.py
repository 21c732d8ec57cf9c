"""Who answers a request when the store does not. The store itself is asked before, always."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.generate import command, messages, plugin

if TYPE_CHECKING:
    from pathlib import Path

    from asmith.project.config import GeneratorConfig


def available(config: GeneratorConfig) -> bool:
    """Tell whether there is anyone to ask; without one only the store and people answer."""
    if speaks_messages(config):
        return messages.has_key() or (config.name == messages.NAME and config.compat)
    return config.name != "replay"


def speaks_messages(config: GeneratorConfig) -> bool:
    """Tell whether it is a provider of the Messages API that is asked, and not `ask`."""
    return config.name in ("auto", messages.NAME)


def ask(config: GeneratorConfig, request: str, root: Path) -> tuple[bytes, dict[str, str]]:
    """Return the raw answer to a request and the generator's facts."""
    work = command.ask if config.name == "command" else plugin.ask
    return work(config, request, root)
