"""Projects whose generator is a scripted provider of the Messages API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fakes.command import answer_to, without_generator
from fakes.messages_api import Asked, Reply, Says

if TYPE_CHECKING:
    import pytest

    from fakes.messages_api import Server
    from fakes.sample import Sample

USE = '[tool.asmith.generator]\nname = "anthropic"\n'


def make_ready(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one module be stale and the provider be asked."""
    without_generator(sample)
    sample.write("pyproject.toml", sample.read("pyproject.toml") + USE)
    sample.edit("specs/mid.md", "add 10", "add 11")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key")


def point_at(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the SDK find a server."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)


def right(asked: Asked) -> Reply:
    """Answer as the fake generator does."""
    return Says(answer_to(asked.text))


def record(sample: Sample, name: str = "mid") -> dict[str, Any]:
    """Return a module's record."""
    found: dict[str, Any] = json.loads(sample.read(f"modules/{name}.json"))
    return found
