"""Generators of other packages: entry points in `asmith.generators`.

Each is a function `(request: str, options: Mapping[str, str]) -> (answer, facts)`. The contract and
an example are in docs/reference/own-generators.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asmith.errors import UnavailableError
from asmith.host import deadline, plugins
from asmith.project.config import GENERATORS

if TYPE_CHECKING:
    from pathlib import Path

    from asmith.project.config import GeneratorConfig


def ask(config: GeneratorConfig, request: str, root: Path) -> tuple[bytes, dict[str, str]]:
    """Return the answer of an installed generator and its facts; raises `UnavailableError`."""
    del root  # a function finds its files itself
    function, source = plugins.load(GENERATORS, config.name)
    try:
        given = deadline.within(config.seconds, lambda: function(request, dict(config.options)))
    except TimeoutError as error:
        raise UnavailableError(
            f"generator '{config.name}' of {source} did not answer within {config.seconds:g} s",
            help="give it longer: 'seconds' in [tool.asmith.generator]",
        ) from error
    except Exception as error:  # a stranger's function may raise anything
        raise UnavailableError(
            f"generator '{config.name}' of {source} failed",
            why=f"{type(error).__name__}: {error}",
            help="what it needs is up to that package; the build goes on without its answer",
        ) from error
    raw, facts = _checked(config.name, source, given)
    return raw, {**facts, "name": config.name, "package": source}


def _checked(name: str, source: str, given: Any) -> tuple[bytes, dict[str, str]]:
    """Return a generator's answer as bytes and texts; refuse any other shape."""
    match given:
        case (str() | bytes() as text, dict() as facts) if (
            all(isinstance(word, str) for pair in facts.items() for word in pair) and text.strip()
        ):
            return text.encode() if isinstance(text, str) else text, facts
    raise UnavailableError(
        f"generator '{name}' of {source} returned no answer",
        why=f"expected (answer, facts): a text that says something and a dict of texts; "
        f"got {_shortened(repr(given))}",
        help="see docs/reference/own-generators.md",
    )


def _shortened(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
