"""Compares Taskify with its C++ twin, or throws malformed requests at it.

Usage: python bench/serve.py [--pairs N] [--requests N]   program and twin in turns, N pairs
       python bench/serve.py --malformed N [--seed S]     N malformed requests; both must agree

The program is build/bin/taskify; --program PATH or TASKIFY_PROGRAM names another one. The twin is
built from bench/twin with g++ and libpq. PostgreSQL is one of its own in a temporary directory.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent / "twin"))

from malformed import Requests, conversation, differ

from taskify import migrate
from taskify.database import Database
from taskify.errors import TaskifyError
from taskify.serve import Server, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECT = Path(__file__).parents[1]
TWIN = PROJECT / "bench/twin"
BUILT = PROJECT / "build/twin"
CONNECTIONS = 32
TRACED = 3200  # requests under strace
TARGETS = [f"/api/tasks/{number}" for number in range(1, 23)]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the load: what a request cost the server, and how many came a second."""

    cpu: float  # microseconds a request, user and system
    rate: float  # requests a second


def build() -> tuple[Path, Path]:
    """Build the twin and the load client where they are out of date; return their paths."""
    BUILT.mkdir(parents=True, exist_ok=True)
    flags = ["-std=c++20", "-O3", "-march=native", "-Wall", "-Wextra"]
    pg = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libpq"], capture_output=True, text=True, check=True
    ).stdout
    parts = ["http_parse", "http_write", "db", "net", "main"]
    for name, sources in {"twin": parts, "load": ["load"]}.items():
        files = [TWIN / f"{part}.cpp" for part in sources]
        newest = max(path.stat().st_mtime for path in (*files, *TWIN.glob("*.hpp")))
        target = BUILT / name
        if not target.exists() or target.stat().st_mtime < newest:
            command = ["g++", *flags, "-o", str(target), *map(str, files), *shlex.split(pg)]
            subprocess.run(command, check=True)
    return BUILT / "twin", BUILT / "load"


@contextlib.contextmanager
def servers(*programs: Path) -> Iterator[list[Server]]:
    """Start the programs on one database; end them all."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        database = Database(directory, durable=False)
        stack.callback(database.stop)
        database.start()
        migrate.migrate(database.tools.bin / "psql", database.url, migrate.read())
        started = []
        for number, program in enumerate(programs):
            log = directory / f"{number}.log"
            server = Server(program, free_port(), database.url, log=log)
            stack.callback(server.stop)
            server.wait_until_ready()
            started.append(server)
        yield started


def cpu(pid: int) -> float:
    """Return the CPU time of a process of one thread in seconds.

    The scheduler counts in nanoseconds (schedstat); without it utime and stime, in ticks.
    """
    with contextlib.suppress(OSError, ValueError):
        if (run := int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])) > 0:
            return run / 1e9
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> int:
    """Return the resident memory of a process in KiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") // 1024


def measure(load: Path, server: Server, requests: int) -> Run:
    """Send the load; every answer is compared with the first one of its task."""
    before = cpu(server.pid)
    command = [str(load), str(server.port), str(requests), str(CONNECTIONS), *TARGETS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    spent = cpu(server.pid) - before
    if done.returncode != 0:
        raise TaskifyError("the load did not get its answers", why=done.stdout + done.stderr)
    return Run(spent / requests * 1e6, requests / float(done.stdout.split()[0]))


def calls(load: Path, server: Server) -> dict[str, float]:
    """Return the system calls a request by name, the most frequent first."""
    with tempfile.TemporaryDirectory() as directory:
        table = Path(directory) / "calls"
        command = [
            "strace",
            "-c",
            "-f",
            "-U",
            "calls,name",
            "-o",
            str(table),
            "-p",
            str(server.pid),
        ]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
            assert tracer.stderr is not None
            tracer.stderr.readline()  # "Process N attached"
            measure(load, server, TRACED)
            tracer.send_signal(signal.SIGINT)
        rows = re.findall(r"^\s*(\d+)\s+(\w+)$", table.read_text(), re.MULTILINE)
    return {name: int(count) / TRACED for count, name in rows if name != "total"}


def interval(ratios: list[float], rounds: int = 10_000) -> tuple[float, float, float]:
    """Return the median of the ratios and its 95 % bootstrap interval."""
    dice = random.Random(1)  # noqa: S311 -- a resampling that can be repeated
    medians = sorted(statistics.median(dice.choices(ratios, k=len(ratios))) for _ in range(rounds))
    return statistics.median(ratios), medians[rounds // 40], medians[-rounds // 40 - 1]


def compare(program: Path, pairs: int, requests: int) -> int:
    """Run program and twin in turns and print what it came to."""
    twin, load = build()
    with servers(program, twin) as both:
        for server in both:
            measure(load, server, 4000)  # warm
        runs: tuple[list[Run], list[Run]] = ([], [])
        for number in range(pairs):
            for which in (0, 1) if number % 2 == 0 else (1, 0):
                runs[which].append(measure(load, both[which], requests))
        traced = [calls(load, server) for server in both] if shutil.which("strace") else []
        sizes = [memory(server.pid) for server in both]
    print(
        f"GET /api/tasks/{{id}}: {pairs} pairs of {requests} requests, "
        f"{CONNECTIONS} connections, {os.cpu_count()} CPUs\n"
    )
    print(f"{'':30}{'program':>12}{'C++ twin':>12}  program/twin, 95 % interval")
    for label, pick in _FIGURES.items():
        values = [[pick(run) for run in side] for side in runs]
        middle, low, high = interval([a / b for a, b in zip(*values, strict=True)])
        mine, other = map(statistics.median, values)
        print(f"{label:30}{mine:12,.2f}{other:12,.2f}  {middle:.3f}  [{low:.3f}, {high:.3f}]")
    for name in dict.fromkeys(name for side in traced for name in side):
        mine, other = (side.get(name, 0.0) for side in traced)
        if max(mine, other) >= 0.005:
            print(f"{'  ' + name + ' a request':30}{mine:12.2f}{other:12.2f}")
    if traced:
        mine, other = (sum(side.values()) for side in traced)
        print(f"{'system calls a request':30}{mine:12.2f}{other:12.2f}  {mine / other:.3f}")
    print(f"{'resident memory, KiB':30}{sizes[0]:12,}{sizes[1]:12,}")
    return 0


_FIGURES: dict[str, Callable[[Run], float]] = {
    "server CPU, us a request": lambda run: run.cpu,
    "requests a second": lambda run: run.rate,
}


def attack(program: Path, count: int, seed: int) -> int:
    """Send the same malformed requests to program and twin; print and count what is wrong."""
    twin, _ = build()
    requests = Requests(seed)
    wrong: list[str] = []
    tally: dict[str, int] = {}
    start = time.perf_counter()
    with servers(program, twin) as both:
        first = 0
        for number in range(count):
            data = next(requests)
            mine, other = (conversation(server.port, data) for server in both)
            if complaint := differ(mine, other):
                wrong.append(f"request {number}: {complaint}\n  {data[:300]!r}")
            for status, _ in mine or ((0, False),):
                key = str(status or "no answer")
                tally[key] = tally.get(key, 0) + 1
            if both[0].status() is not None:
                wrong.append(f"request {number}: the program ended\n  {data[:300]!r}")
                break
            if number == count // 10:
                first = memory(both[0].pid)
        last = memory(both[0].pid) if both[0].status() is None else 0
    for line in wrong[:20]:
        print(line)
    grown = last - first
    print(
        f"{count} requests, seed {seed}, {time.perf_counter() - start:.0f} s: {len(wrong)} wrong; "
        f"memory {first:,} KiB after a tenth, {last:,} KiB at the end"
    )
    print("answers: " + ", ".join(f"{key} x {tally[key]}" for key in sorted(tally)))
    return len(wrong) + (grown > 256)


def main() -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    built = os.environ.get("TASKIFY_PROGRAM", PROJECT / "build/bin/taskify")
    options.add_argument("--program", type=Path, default=Path(built))
    options.add_argument("--pairs", type=int, default=10)
    options.add_argument("--requests", type=int, default=20_000)
    options.add_argument("--malformed", type=int, metavar="N")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    try:
        if chosen.malformed:
            return attack(chosen.program.resolve(), chosen.malformed, chosen.seed)
        return compare(chosen.program.resolve(), chosen.pairs, chosen.requests)
    except TaskifyError as error:
        print(error.render(), file=sys.stderr)
        return error.exit_code
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        print(f"error: the twin cannot be built\nwhy:  {error}", file=sys.stderr)
        print("help: apt-get install g++ pkg-config libpq-dev", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main() and 1)
