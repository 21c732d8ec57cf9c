"""The first lesson: a new project builds, tests green, and its first edit needs nobody."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from asmith.cli.main import main
from asmith.host import files
from asmith.run.scaffold import TEMPLATE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    directory = tmp_path / "hello"
    assert main(["init", str(directory)]) == 0
    return directory


def says(project: Path) -> str:
    done = subprocess.run([project / "build/bin/hello"], capture_output=True, check=True)
    return done.stdout.decode()


def edit(project: Path, old: str, new: str) -> None:
    spec = project / "specs/hello.md"
    spec.write_text(spec.read_text().replace(old, new))


def ran(captured: str) -> list[str]:
    return [line.split()[0] for line in captured.splitlines() if line]


def test_the_first_lesson(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = ["build", "-C", str(project)]
    assert main(build) == 0
    assert says(project) == "good morning\n"
    capsys.readouterr()
    edit(project, "good morning", "hello, world")
    assert main(build) == 0
    steps = ["generate:hello", "assemble:hello", "check:hello", "link:hello", "test:hello"]
    assert ran(capsys.readouterr().err) == steps
    assert says(project) == "hello, world\n"
    assert main(build) == 0
    assert capsys.readouterr().out == "nothing to do: 6 steps up to date\n"
    edit(project, "hello, world", "good morning")
    assert main(build) == 0
    assert says(project) == "good morning\n"


def test_another_edit_says_who_could_answer(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = ["build", "-C", str(project)]
    assert main(build) == 0
    capsys.readouterr()
    edit(project, "good evening", "good night")
    assert main(build) == 3
    captured = capsys.readouterr()
    assert captured.err == (
        "error: module 'hello' is stale and there is no answer for it\n"
        "  --> specs/hello.md:11\n"
        "why:  requirement-changed: hello:FR-002 (specs/hello.md:11)\n"
        "help: write one: asmith prompt hello > request, then asmith accept hello ANSWER; "
        "keep the old text if it still holds: asmith revalidate hello; "
        "ask a model: set ANTHROPIC_API_KEY, or name a generator in [tool.asmith.generator]; "
        "or revert the edit\n"
    )
    assert says(project) == "good morning\n"


def test_nothing_is_overwritten(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(project)]) == 2
    assert "is not empty" in capsys.readouterr().err


def test_the_template_is_whole() -> None:
    names = {p.relative_to(TEMPLATE).as_posix() for p in files.below(TEMPLATE)}
    assert {"specs/hello.md", "modules/hello.json", "dot-gitignore", "dodo.py"} <= names
    assert len([n for n in names if n.startswith("dot-asmith/store/candidates/")]) == 2
