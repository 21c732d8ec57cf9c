"""Builds that are killed at random moments, and what must be true of the build after each."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asmith.errors import AsmithError, ExitCode
from asmith.run import layout
from asmith.store.iterations import Log
from fakes import data as datas
from fakes import edits
from fakes.sample import CONFIG, GENERATOR, Sample

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fakes.data import Data

OUTPUTS = ("build/obj", "build/bin", "modules")
_POLL = 0.001  # seconds
_WRITING = 0.02  # seconds that the log is being written for, and somewhat more
_ROOM = (0, 4096, 8192, 16384, 32768, 65536, 131072)  # bytes left on a disk before a build
_MOMENTS = ((b"", 0.5), (b":", 0.3), (b"\nlink:", 0.08))  # seen in the progress, seconds after it


@dataclass
class Tally:
    """What came of some trials."""

    trials: int = 0
    killed: int = 0  # commands that were not over when the signal came
    full: int = 0  # builds that ended for want of disk space
    wrong: list[str] = field(default_factory=list)  # what differed from a clean build
    unreadable: list[str] = field(default_factory=list)  # builds afterwards that failed
    repeated: int = 0  # steps that a killed build had ended, run again though nothing was edited

    def __str__(self) -> str:
        """Return one line."""
        return (
            f"{self.trials} trials, {self.killed} killed, {self.full} out of disk space, "
            f"{len(self.wrong)} wrong outputs, "
            f"{len(self.unreadable)} unreadable states, {self.repeated} repeated steps"
        )


class Crashes:
    """A project whose builds are killed, one after another."""

    def __init__(self, root: Path, seed: int) -> None:
        """Write the project and build it once."""
        self.root = root
        self.random = random.Random(seed)  # noqa: S311 -- reproducible
        self.data = datas.start().without_tests()
        self.history = [self.data]
        self.tally = Tally()
        self.sample = Sample(root / "project")
        self._clean: dict[str, dict[str, bytes]] = {}
        _write(self.sample, self.data)
        self._child().wait()

    def any_trial(self) -> None:
        """Kill a build from nothing or after an edit, an acceptance, or the writing of the log."""
        self.random.choice([self.clean_trial, self.trial, self.accept_trial, self.log_trial])()

    def clean_trial(self) -> None:
        """Do what `trial` does, where nothing is built yet."""
        shutil.rmtree(self.sample.root / "build", ignore_errors=True)
        self.trial()

    def log_trial(self) -> None:
        """Do what `trial` does, with the kill while the iteration log is written."""
        self.trial(until=self._wait_for_the_log)
        try:
            Log(self.sample.root / layout.ITERATIONS).read()
        except AsmithError as error:
            self.tally.unreadable.append(f"trial {self.tally.trials}: the log: {error}")

    def trial(self, until: Callable[[subprocess.Popen[bytes]], None] | None = None) -> None:
        """Edit, build, kill, edit or not, build: everything must be as after a clean build."""
        self._edit()
        jobs = self.random.choice([1, 2])
        child = self._child("build", "-n", str(jobs))
        (until or self._wait)(child)
        self._kill(child)
        told = (self.root / "progress").read_text(encoding="utf-8").split("\n")
        ended = {line.split()[0] for line in told[:-1] if ":" in line.split(" ")[0]}
        ended -= {line.split()[0] for line in told[-2:-1] if line}  # the last one had only begun
        what = self.random.choice([self._nothing, self._edit, self._revert, self._damage])
        what()
        ran = self._hold()
        if ran is not None and what == self._nothing and jobs == 1:  # of two, either may go on
            self.tally.repeated += len(ended & set(ran))

    def accept_trial(self) -> None:
        """Kill `asmith accept` of an answer, edit or not, build: as after a clean build."""
        module = edits.random_module(self.random, self.data).name
        self._edit()
        request = self._run("prompt", module)
        answer = subprocess.run(
            [sys.executable, "-S", "-E", GENERATOR], input=request, capture_output=True, check=False
        )
        (self.root / "ANSWER").write_bytes(answer.stdout)
        child = self._child("accept", module, str(self.root / "ANSWER"))
        time.sleep(self.random.uniform(0, 1))
        self._kill(child)
        self.random.choice([self._nothing, self._edit, self._revert])()
        self._hold()

    def damage_trial(self) -> None:
        """Delete, truncate or edit some outputs, edit or not, build: as after a clean build."""
        self.tally.trials += 1
        self.random.choice([self._nothing, self._edit, self._revert])()
        for _ in range(self.random.choice([1, 2, 4])):
            self._damage()
        self._hold()

    def disk_trial(self) -> None:
        """Build on a disk that gets full on the way, make room, build: as after a clean build.

        The directory must be on a small file system of its own.
        """
        self.tally.trials += 1
        self._edit()
        room = os.statvfs(self.root)
        free = room.f_bavail * room.f_bsize
        filler = self.root / "filler"
        with filler.open("wb") as file:
            file.truncate()
            os.posix_fallocate(file.fileno(), 0, max(1, free - self.random.choice(_ROOM)))
        child = self._child()
        self.tally.full += child.wait() == ExitCode.UNAVAILABLE
        filler.unlink()
        self.random.choice([self._nothing, self._edit, self._revert])()
        self._hold()

    def _kill(self, child: subprocess.Popen[bytes]) -> None:
        """Kill a command with its children, or alone: then these must end by themselves."""
        kill = self.random.choice([os.kill, os.killpg])
        with contextlib.suppress(ProcessLookupError):
            kill(child.pid, signal.SIGKILL)
        self.tally.killed += child.wait() == -signal.SIGKILL
        self.tally.trials += 1

    def _hold(self) -> list[str] | None:
        """Build, and compare everything with a clean build; return the steps that ran."""
        try:
            ran = self.sample.ran()
            again = self.sample.ran()
        except (AsmithError, AssertionError) as error:
            self.tally.unreadable.append(f"trial {self.tally.trials}: {error}")
            self.sample.remove("build")
            return None
        if again:
            self.tally.wrong.append(f"trial {self.tally.trials}: a second build ran {again}")
        self._compare()
        self.history.append(self.data)
        return ran

    # ---- edits -----------------------------------------------------------------------------------

    def _nothing(self) -> None:
        """Leave everything as the kill left it."""

    def _edit(self) -> None:
        for _ in range(self.random.choice([1, 2, 4])):
            self.data = edits.edited(self.random, self.data)[1]
        _write(self.sample, self.data)

    def _revert(self) -> None:
        self.data = self.random.choice(self.history[-3:])
        _write(self.sample, self.data)

    def _damage(self) -> None:
        """Delete, truncate or edit a file below build/, or delete all of it."""
        found = sorted(p for p in (self.sample.root / "build").rglob("*") if p.is_file())
        if not found or self.random.random() < 0.1:
            shutil.rmtree(self.sample.root / "build", ignore_errors=True)
            return
        path = self.random.choice(found)
        content = path.read_bytes()
        match self.random.randrange(3):
            case 0:
                path.unlink()
            case 1:
                path.write_bytes(content[: self.random.randrange(len(content) + 1)])
            case _:
                place = self.random.randrange(len(content) + 1)
                path.write_bytes(content[:place] + b"\0garbage" + content[place + 8 :])

    # ---- the child -------------------------------------------------------------------------------

    def _run(self, *words: str) -> bytes:
        command = [sys.executable, "-m", "asmith.cli.start", words[0], "-C", str(self.sample.root)]
        return subprocess.run([*command, *words[1:]], capture_output=True, check=False).stdout

    def _child(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command in a process group of its own; what it says of steps goes to a file."""
        word, *rest = words or ("build",)
        command = [sys.executable, "-m", "asmith.cli.start", word, "-C", str(self.sample.root)]
        with (self.root / "progress").open("wb") as progress:
            return subprocess.Popen(
                [*command, *rest],
                stdout=progress,
                stderr=progress,
                process_group=0,
            )

    def _wait(self, child: subprocess.Popen[bytes]) -> None:
        """Wait for a random moment: of the whole build, of its steps, or of link and adoption."""
        sign, at_most = self.random.choice(_MOMENTS)
        while child.poll() is None and sign not in (self.root / "progress").read_bytes():
            time.sleep(_POLL)
        time.sleep(self.random.uniform(0, at_most))

    def _wait_for_the_log(self, child: subprocess.Popen[bytes]) -> None:
        """Wait for a random moment from the one at which SQLite has opened its own journal."""
        journal = self.sample.root / f"{layout.ITERATIONS}-wal"
        while child.poll() is None and not journal.exists():
            pass
        time.sleep(self.random.uniform(0, _WRITING))

    # ---- the truth -------------------------------------------------------------------------------

    def _compare(self) -> None:
        got, expected = products_of(self.sample), self._clean_build()
        for path in sorted({*got, *expected}):
            if got.get(path) != expected.get(path):
                self.tally.wrong.append(f"trial {self.tally.trials}: {path}")

    def _clean_build(self) -> dict[str, bytes]:
        key = repr(sorted(datas.files(self.data).items()))
        if key not in self._clean:
            clean = Sample(self.root / "clean")
            _write(clean, self.data)
            clean.ran()
            self._clean[key] = products_of(clean)
            shutil.rmtree(clean.root)
        return self._clean[key]


def products_of(sample: Sample) -> dict[str, bytes]:
    """Return every object, product and module text; anything else in modules/ by name alone."""
    found = sample.tree(*OUTPUTS)
    return {p: b"" if p.endswith(".json") else data for p, data in found.items()}


def _write(sample: Sample, data: Data) -> None:
    """Write a project, but for files that say the same already."""
    generator = CONFIG.format(python=sys.executable, generator=GENERATOR)
    generator = generator[generator.index("[tool.asmith.generator]") :]
    texts = datas.files(data) | {"pyproject.toml": datas.products(data) + generator}
    for path, text in texts.items():
        target = sample.root / path
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            sample.write(path, text)
