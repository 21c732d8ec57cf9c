"""The command line in this process, and what tests do around it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from asmith.cli.main import main
from fakes.sample import GENERATOR

if TYPE_CHECKING:
    import pytest

    from fakes.sample import Sample


class Said(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    def messages(self) -> list[str]:
        """Return the first line of each message that it printed."""
        lines = (self.out + self.err).splitlines()
        assert "Traceback" not in self.out + self.err, self.err
        return [line for line in lines if line.startswith(("error", "warning"))]


def error(code: int, *lines: str) -> Said:
    """Return what a command says that prints one message on standard error and nothing else."""
    return Said(code, "", "\n".join(lines) + "\n")


class Command:
    """`asmith` for tests: `asmith(sample, "build", "-q")` runs it in the sample's project."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, sample: Sample, *arguments: str) -> Said:
        """Run it in a sample's project."""
        return self.bare(*arguments, "-C", str(sample.root))

    def bare(self, *arguments: str) -> Said:
        """Run it without naming a project."""
        self._capsys.readouterr()
        code = main(arguments)
        return Said(code, *self._capsys.readouterr())


def without_generator(sample: Sample) -> None:
    """Leave nobody to ask but the store and people."""
    config = sample.read("pyproject.toml")
    sample.write("pyproject.toml", config.split("[tool.asmith.generator]")[0])


def generator_script(sample: Sample, script: str) -> None:
    """Let a Python script answer from now on."""
    without_generator(sample)
    sample.write("answer.py", script)
    config = (
        '[tool.asmith.generator]\nname = "command"\n'
        f'command = ["{sys.executable}", "-S", "-E", "answer.py"]\n'
    )
    sample.write("pyproject.toml", sample.read("pyproject.toml") + config)


def generator_that(sample: Sample, special: str) -> None:
    """Let the fake generator answer, but where `special`, a piece of Python, prints and exits.

    It may read `name`, the module's, and `request`.
    """
    generator_script(
        sample,
        "import io, re, runpy, sys\n"
        "request = sys.stdin.read()\n"
        'name = re.search(r"^# The module: (\\w+)", request, re.M)[1]\n'
        f"{special}\n"
        "sys.stdin = io.StringIO(request)\n"
        f"runpy.run_path({str(GENERATOR)!r}, run_name='__main__')\n",
    )


def answer_to(request: str) -> str:
    """Return what the fake generator answers to a request."""
    done = subprocess.run(
        [sys.executable, "-S", "-E", str(GENERATOR)],
        input=request,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def in_a_process(sample: Sample, *arguments: str, **environment: str) -> Said:
    """Run `asmith` as a program of its own, with nothing but `environment`."""
    done: subprocess.CompletedProcess[Any] = subprocess.run(
        [sys.executable, "-m", "asmith.cli.main", *arguments],
        cwd=sample.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)
