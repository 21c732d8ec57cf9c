"""Who answers when the store does not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from asmith.errors import AsmithError, StepFailedError, UnavailableError
from asmith.generate.generators import ask, available
from asmith.project.config import GeneratorConfig

if TYPE_CHECKING:
    from pathlib import Path


def python(script: str, seconds: float = 30.0) -> GeneratorConfig:
    """Return the configuration of a generator in Python."""
    return GeneratorConfig("command", (sys.executable, "-S", "-E", "-c", script), seconds)


def test_a_command_gets_the_request_and_its_output_is_the_answer(tmp_path: Path) -> None:
    echo = python("import os, sys; print(sys.stdin.read().upper() + os.getcwd(), end='')")
    assert ask(echo, "a request, ä", tmp_path) == (
        f"A REQUEST, Ä{tmp_path}".encode(),
        {"name": "command", "program": sys.executable},
    )


def test_only_a_command_is_available() -> None:
    assert available(python(""))
    assert not available(GeneratorConfig("replay"))


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        (python("raise SystemExit('no')"), UnavailableError, "failed with status 1"),
        (python("import os; os.kill(os.getpid(), 9)"), UnavailableError, "failed with status -9"),
        (python("import time; time.sleep(9)", 0.2), StepFailedError, "did not end within 0.2 s"),
        (GeneratorConfig("command", ("no-such",)), UnavailableError, "no generator 'no-such'"),
        (GeneratorConfig("command", ("/",)), UnavailableError, "cannot run '/'"),
    ],
)
def test_a_command_that_gives_no_answer(
    config: GeneratorConfig, error: type[AsmithError], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error) as caught:
        ask(config, "", tmp_path)
    assert message in caught.value.what
