"""Who answers when the store does not."""

from __future__ import annotations

import importlib
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

from asmith.errors import UnavailableError, UsageError
from asmith.generate.generators import ask, available
from asmith.project.config import GeneratorConfig, parse


def python(script: str, seconds: float = 30.0) -> GeneratorConfig:
    """Return the configuration of a generator in Python."""
    return GeneratorConfig("command", (sys.executable, "-S", "-E", "-c", script), seconds)


def test_a_command_gets_the_request_and_its_output_is_the_answer(tmp_path: Path) -> None:
    echo = python("import os, sys; print(sys.stdin.read().upper() + os.getcwd(), end='')")
    assert ask(echo, "a request, ä", tmp_path) == (
        f"A REQUEST, Ä{tmp_path}".encode(),
        {"name": "command", "program": sys.executable},
    )


@pytest.mark.parametrize(
    ("config", "key", "there"),
    [
        (python(""), "", True),
        (GeneratorConfig("replay"), "k", False),
        (GeneratorConfig("auto"), "", False),
        (GeneratorConfig("auto"), "k", True),
        (GeneratorConfig("anthropic"), "", False),
        (GeneratorConfig("anthropic"), "k", True),
        (GeneratorConfig("anthropic", compat=True), "", True),
    ],
)
def test_who_is_there_to_be_asked(
    config: GeneratorConfig, key: str, *, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    assert available(config) is there


@pytest.mark.parametrize(
    ("config", "message", "why"),
    [
        (python("raise SystemExit('no')"), "failed with status 1", "no"),
        (
            python("import os; os.kill(os.getpid(), 9)"),
            "was ended by SIGKILL",
            "it printed nothing",
        ),
        (python("import os; os.kill(os.getpid(), 35)"), "was ended by signal 35", "it printed no"),
        (python("import sys; sys.stderr.write('quota')"), "printed no answer", "quota"),
        (
            python(
                "import sys, time; sys.stderr.write('asking'); sys.stderr.flush(); time.sleep(9)",
                0.5,
            ),
            "did not answer within 0.5 s",
            "asking",
        ),
        (
            python("import sys; [print(n, file=sys.stderr) for n in range(22)]; sys.exit(2)"),
            "failed with status 2",
            "(2 earlier lines left out)\n      2\n      3\n",
        ),
        (
            GeneratorConfig("command", ("no-such",)),
            "there is no generator 'no-such'",
            "'command' in",
        ),
        (GeneratorConfig("command", ("/",)), "cannot run '/'", ""),
    ],
)
def test_a_command_that_gives_no_answer_is_told_with_its_own_words(
    config: GeneratorConfig, message: str, why: str, tmp_path: Path
) -> None:
    with pytest.raises(UnavailableError) as caught:
        ask(config, "", tmp_path)
    assert message in caught.value.what
    assert (caught.value.why or "").startswith(why)


# ---- entry points --------------------------------------------------------------------------------


PACKAGE = """\
import time

def answer(request, options):
    do = options.get("do", "")
    if do == "raise":
        raise ConnectionError("no route to the model")
    if do == "hang":
        time.sleep(9)
    return {
        "": (f"answer to {request}", {"model": options.get("model", "small")}),
        "empty": (" ", {}), "text": "text", "fact": ("text", {"n": 1}),
    }[do]
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package that offers the generators 'mine' and 'broken'."""
    (tmp_path / "my_generator.py").write_text(PACKAGE)
    described = tmp_path / "my_generator-1.5.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: my-generator\nVersion: 1.5\n")
    points = "[asmith.generators]\nmine = my_generator:answer\nbroken = my_generator:no_such\n"
    (described / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_generator", raising=False)


def configured(text: str) -> GeneratorConfig:
    return parse(f"[tool.asmith.generator]\n{text}".encode()).generator


@pytest.mark.usefixtures("mine")
def test_an_installed_generator_answers_by_its_name(tmp_path: Path) -> None:
    config = configured('name = "mine"\noptions = { model = "large" }')
    assert available(config)
    assert ask(config, "me", tmp_path) == (
        b"answer to me",
        {"name": "mine", "model": "large", "package": "my-generator 1.5"},
    )


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(
    ("text", "what", "why"),
    [
        ('"mine"\noptions.do = "raise"', "failed", "ConnectionError: no route to the model"),
        ('"mine"\noptions.do = "hang"\nseconds = 0.1', "did not answer within 0.1 s", ""),
        ('"mine"\noptions.do = "empty"', "returned no answer", "expected (answer, facts): a text"),
        ('"mine"\noptions.do = "text"', "returned no answer", "expected (answer, facts): a text"),
        ('"mine"\noptions.do = "fact"', "returned no answer", "expected (answer, facts): a text"),
        ('"broken"', "cannot load 'broken' of asmith.generators", "AttributeError"),
    ],
)
def test_an_installed_generator_that_gives_no_answer(
    text: str, what: str, why: str, tmp_path: Path
) -> None:
    with pytest.raises(UnavailableError) as caught:
        ask(configured(f"name = {text}"), "me", tmp_path)
    assert caught.value.what.endswith(what)
    assert (caught.value.why or "").startswith(why)


@pytest.mark.usefixtures("mine")
def test_a_name_that_no_package_offers_is_refused() -> None:
    with pytest.raises(UsageError, match=r"is 'min'; did you mean 'mine'\?"):
        configured('name = "min"')


def test_the_example_of_the_reference_is_a_generator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ten lines of docs/reference/own-generators.md, as they stand there."""
    page = (Path(__file__).parents[3] / "docs/reference/own-generators.md").read_text()
    files = dict(re.findall(r"`([\w./]+)`:\n\n```\w+\n(.*?)```", page, re.DOTALL))
    code, described = files["local_model.py"], tomllib.loads(files["pyproject.toml"])
    assert len(code.splitlines()) <= 10
    point = described["project"]["entry-points"]["asmith.generators"]["local"]
    module, _, function = point.partition(":")
    (tmp_path / f"{module}.py").write_text(code)
    program = tmp_path / "model"
    program.write_text("#!/bin/sh\nprintf 'an answer by %s: ' \"$2\"; cat\n")
    program.chmod(0o755)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    answer = getattr(importlib.import_module(module), function)
    assert answer("the request", {"model": "tiny"}) == (
        "an answer by tiny: the request",
        {"model": "tiny"},
    )
