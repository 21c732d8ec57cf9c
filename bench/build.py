"""Builds against ninja with the same commands, in turns in one run.

./dev bench build [--sizes 100,1000] [--rounds 7] [--full-rounds 1] [--ninja PROGRAM] [--linker lld]

A synthetic project of N modules with about three imports each. One module is edited in two ways: so
that nothing moves in the program, and with an instruction of another length. Each row gives the
median wall time of asmith and of ninja, their ratio, and in parentheses the CPU time of each with
all its children: on a busy machine that is the steadier of the two. The load average stands in
front. At the end stands how each of asmith's times grew from the size before. ninja comes from PyPI
(pip install ninja==1.13.0) or from PATH. asmith links by the fastest linker that it finds, ninja by
--linker.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from synthetic import EDITS, Synthetic, edit

if TYPE_CHECKING:
    from collections.abc import Callable

ASMITH = Path(sys.executable).with_name("asmith")
DOIT = Path(sys.executable).with_name("doit")
IMPORTS = "import doit.control, doit.dependency, doit.runner, doit.task"  # as `asmith build` does


@dataclass(frozen=True)
class Cost:
    """What one command took: seconds of wall time, and of CPU time with its children."""

    wall: float
    cpu: float


def run(command: list[str | Path], cwd: Path) -> Cost:
    """Run a command that must succeed."""
    start = time.perf_counter()
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    child = subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    )
    assert child.stdout is not None
    said = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if status:
        sys.exit(f"{command} failed:\n{said.decode()}")
    return Cost(wall, usage.ru_utime + usage.ru_stime)


def costs_of(command: list[str | Path], cwd: Path) -> Callable[[int], Cost]:
    """Return what runs a command."""
    return lambda _: run(command, cwd)


def turns(rounds: int, **commands: Callable[[int], Cost]) -> dict[str, Cost]:
    """Run commands in turns; return the median of each."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(rounds):
        for name, command in commands.items():
            costs[name].append(command(number))
    return {n: _median(c) for n, c in costs.items()}


def _median(costs: list[Cost]) -> Cost:
    return Cost(statistics.median(c.wall for c in costs), statistics.median(c.cpu for c in costs))


class Bench:
    """One size: the project, the ninja build beside it, and the rows that are measured."""

    grown: ClassVar[dict[str, list[tuple[int, float]]]] = {}  # title -> sizes and values

    def __init__(self, root: Path, count: int, ninja: str, linker: str) -> None:
        self.project = root / "project"
        self.beside = root / "ninja"
        self.made = Synthetic(self.project, count)
        self.made.write_ninja(self.beside, linker)
        self.ninja = ninja
        self.count = count

    def row(self, title: str, costs: dict[str, Cost], *, minus: Cost = Cost(0.0, 0.0)) -> None:
        """Print one row; the ratio is of the first two columns, `minus` taken off the first."""
        cells = [f"{n} {c.wall * 1e3:.1f} ms ({c.cpu * 1e3:.1f})" for n, c in costs.items()]
        first, second = list(costs.values())[:2]
        ratio = (first.wall - minus.wall) / second.wall, (first.cpu - minus.cpu) / second.cpu
        self.note(f"{title}, {next(iter(costs))}", first.wall - minus.wall)
        print(f"load {os.getloadavg()[0]:<4.1f} N={self.count:<6} {title}: {', '.join(cells)}; "
              f"ratio {ratio[0]:.2f} ({ratio[1]:.2f})", flush=True)  # fmt: skip

    def note(self, title: str, value: float) -> None:
        """Take note of a value whose growth is told at the end."""
        self.grown.setdefault(title, []).append((self.count, value))

    def full(self, rounds: int) -> None:
        """Build everything from nothing, two at a time."""

        def asmith(_: int) -> Cost:
            shutil.rmtree(self.project / "build", ignore_errors=True)
            return run([ASMITH, "build", "-q", "-n", "2"], self.project)

        def ninja(_: int) -> Cost:
            self.forget()
            return run([self.ninja, "-j2"], self.beside)

        self.row("full build with all checks, -n 2", turns(rounds, asmith=asmith, ninja=ninja))

    def again(self, rounds: int) -> None:
        """Assemble and link everything, two at a time, where checks hold: the objects are gone."""

        def asmith(_: int) -> Cost:
            for name in ("obj", "include", "bin", "groups"):
                shutil.rmtree(self.project / "build" / name, ignore_errors=True)
            return run([ASMITH, "build", "-q", "-n", "2"], self.project)

        def ninja(_: int) -> Cost:
            self.forget()
            return run([self.ninja, "-j2"], self.beside)

        costs = turns(rounds, asmith=asmith, ninja=ninja)
        self.row("full build, assemble and link only, -n 2", costs)

    def forget(self) -> None:
        """Remove what ninja made."""
        for name in ("obj", ".ninja_log", ".ninja_deps", "program"):
            path = self.beside / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def nothing(self, rounds: int) -> None:
        """Nothing to do."""
        costs = turns(
            rounds,
            asmith=lambda _: run([ASMITH, "build"], self.project),
            ninja=lambda _: run([self.ninja], self.beside),
            python=lambda _: run([sys.executable, "-c", "pass"], self.project),
            doit=lambda _: run([DOIT], self.project),
        )
        self.row("nothing to do", costs)
        os.environ["ASMITH_PURE_PYTHON"] = "1"
        pure = turns(rounds, without_accelerator=costs_of([ASMITH, "build"], self.project),
                     ninja=costs_of([self.ninja], self.beside))  # fmt: skip
        del os.environ["ASMITH_PURE_PYTHON"]
        self.row("nothing to do", pure)
        more = costs["asmith"].wall - costs["python"].wall
        cpu = costs["asmith"].cpu - costs["python"].cpu
        print(f"N={self.count:<6} nothing to do: a bare python and {more * 1e3:.1f} ms "
              f"({cpu * 1e3:.1f} ms of CPU)")  # fmt: skip

    def one(self, rounds: int, *, moves: bool) -> None:
        """Edit one module and build to the linked program; nothing else is to be done."""
        name = self.made.names[self.count // 2]

        def asmith(number: int) -> Cost:
            edit(self.project / f"modules/{name}.asm", 5000 + number, moves=moves)
            return run([ASMITH, "build", "-q"], self.project)

        def ninja(number: int) -> Cost:
            edit(self.made.ninja_input(self.beside, name), 5000 + number, moves=moves)
            return run([self.ninja], self.beside)

        costs = turns(
            rounds,
            asmith=asmith,
            ninja=ninja,
            python=lambda _: run([sys.executable, "-c", "pass"], self.project),
            with_doit=lambda _: run([sys.executable, "-c", IMPORTS], self.project),
        )
        with_doit, python = costs.pop("with_doit"), costs.pop("python")
        doit = Cost(with_doit.wall - python.wall, with_doit.cpu - python.cpu)
        self.row(f"an edit {EDITS[moves]} to the linked program", costs)
        print(f"N={self.count:<6} doit's import: {doit.cpu * 1e3:.0f} ms of CPU")
        self.row(f"an edit {EDITS[moves]}, without doit's import", costs, minus=doit)

    def resident(self, rounds: int, *, moves: bool) -> None:
        """Edit one module in a process that stays in memory."""
        script = Path(__file__).with_name("in_memory.py")
        command = [sys.executable, script, self.project, str(rounds), *(["moves"] * moves)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
        for name in ("build", "plan", "memory"):
            self.note(f"in memory, an edit {EDITS[moves]}, {name}", found[name])
        print(f"N={self.count:<6} in memory, an edit {EDITS[moves]} to the linked program:"
              f" {found['build'] * 1e3:.1f} ms, of it CPU in this process {found['cpu'] * 1e3:.1f};"
              f" planned in {found['plan'] * 1e3:.1f} ms;"
              f" at most {found['memory'] / 1e6:.0f} MB", flush=True)  # fmt: skip


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--sizes", default="100,1000")
    reader.add_argument("--rounds", type=int, default=7)
    reader.add_argument("--full-rounds", type=int, default=1)
    reader.add_argument("--ninja", default=shutil.which("ninja") or "ninja")
    reader.add_argument("--linker", default="lld")
    options = reader.parse_args()
    for size in map(int, options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as holder:
            bench = Bench(Path(holder), size, options.ninja, options.linker)
            bench.full(options.full_rounds)
            bench.again(options.full_rounds)
            bench.nothing(options.rounds)
            for moves in EDITS:
                bench.one(options.rounds, moves=moves)
                bench.resident(options.rounds, moves=moves)
    for title, values in Bench.grown.items():
        for (fewer, before), (more, after) in pairwise(values):
            print(f"growth from {fewer} to {more}: {title}: x {after / before:.1f}")


if __name__ == "__main__":
    main()
