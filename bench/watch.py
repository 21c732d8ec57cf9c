"""`asmith watch` from a saved edit to the linked, tested and served program.

./dev bench watch [--rounds N] [--sizes 100,1000,10000] [--taskify] [--handover N]

For each size: a synthetic project of so many modules with about three imports each (synthetic.py),
in which one module is edited again and again: so that nothing moves in the program, then with an
instruction of another length. Reported are medians of what watch says: from the last event of the
edit, the debounce left out, to the linked and adopted program with all checks, and the stages of
that; and from outside: from before the save until watch has told of it, the debounce of 20 ms
included. CPU time is that of watch with its children: on a busy machine it is the steadier figure,
and the load average stands beside. In turns with each edit the same edit is built cold by `asmith
build` in a copy. Then, while watch runs and nothing is to be done, `asmith build` and plain `doit`,
which it serves, in turns with what the interpreter and doit cost alone.

With --taskify: in a copy of this project `asmith watch --run taskify` runs while the body that GET
/health has without a database is changed by hand, and with it what tests expect. Clients keep on
asking over new connections; the exit code is 1 if any request failed while it was replaced. With
--handover the same without the tests of modules and the cold builds: N replacements, and requests.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Self

from synthetic import EDITS, Synthetic, edit

from asmith.run import layout
from asmith.store.iterations import Log
from taskify import serve

ROOT = Path(__file__).parents[1]
ASMITH, DOIT = (Path(sys.executable).with_name(name) for name in ("asmith", "doit"))
OLD, NEW = '"ok","database":"unavailable"', '"up","database":"unavailable"'
CLIENTS = 4
DEBOUNCE = 0.02  # seconds


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--rounds", type=int, default=7)
    reader.add_argument("--sizes", default="100,1000")
    reader.add_argument("--taskify", action="store_true")
    reader.add_argument("--handover", type=int, default=0, metavar="N")
    options = reader.parse_args()
    for size in map(int, options.sizes.split(",") if options.sizes else ()):
        synthetic(size, options.rounds)
    failed = taskify(options.rounds) if options.taskify else 0
    return failed or (handover(options.handover) if options.handover else 0)


def synthetic(count: int, rounds: int) -> None:
    """Edit one module of many, warm and cold in turns."""
    with tempfile.TemporaryDirectory() as holder:
        warm, cold = Path(holder) / "warm", Path(holder) / "cold"
        made = Synthetic(warm, count)
        subprocess.run([*asmith(warm, "build"), "-q", "-n", "2"], check=True)
        shutil.copytree(warm, cold)
        subprocess.run([*asmith(cold, "build"), "-q"], check=True)
        path = f"modules/{made.names[count // 2]}.asm"
        print(f"N={count}: load average {os.getloadavg()[0]:.2f}", flush=True)
        with Watched(warm) as watching:
            watching.iteration()
            time.sleep(1.0)  # it loads what the first edit needs
            for moves in EDITS:
                edits(watching, warm / path, cold / path, rounds, moves=moves)
                stages(warm, rounds)
            memory = watching.memory()
            served(warm, rounds)
        print(f"  memory of watch: {memory} MB; load average {os.getloadavg()[0]:.2f}", flush=True)


def edits(watching: Watched, warm: Path, cold: Path, rounds: int, *, moves: bool) -> None:
    """Edit one module again and again where watch runs, and in turns where it does not."""
    built, watched, outside = [], [], []
    work = 0.0
    for number in range(rounds):
        edit(cold, 5000 + number, moves=moves)
        start = time.perf_counter()
        subprocess.run([*asmith(cold.parents[1], "build"), "-q"], check=True)
        built.append(time.perf_counter() - start)
        before, start = watching.work(), time.perf_counter()
        edit(warm, 5000 + number, moves=moves)
        watched.append(watching.iteration())
        outside.append(time.perf_counter() - start)
        work += watching.work() - before
    print(f"{rounds} edits of one module {EDITS[moves]}, medians (worst):")
    tell("watch: last event -> linked", [w["linked"] for w in watched])
    tell("watch: last event -> adopted", [w["total"] for w in watched])
    tell("watch: save -> told, less 20 ms", [seconds - DEBOUNCE for seconds in outside])
    print(f"  {'watch: CPU with its children':<32} {work / rounds * 1000:7.1f} ms (mean)")
    tell("asmith build, cold, to its end", built)


def stages(project: Path, rounds: int) -> None:
    """Print what each stage of the last iterations took."""
    rows = [r for r in Log(project / layout.ITERATIONS).read() if r.command == "watch"][-rounds:]
    waited = statistics.median(row.waited or 0.0 for row in rows) * 1000
    found = [f"waited {waited:.1f}"]
    for stage in rows[-1].stages:
        took = statistics.median(row.stages.get(stage, 0.0) for row in rows) * 1000
        found.append(f"{stage} {took:.1f}")
    print(f"    of that: {', '.join(found)} ms")


def served(project: Path, rounds: int) -> None:
    """Print what commands cost that watch answers, with nothing to do."""
    time.sleep(1.0)
    commands: dict[str, list[str | Path]] = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "asmith build, served": [ASMITH, "build"],
        "python -c 'import doit.doit_cmd'": [sys.executable, "-c", "import doit.doit_cmd"],
        "doit, served": [DOIT],
    }
    took: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            start = time.perf_counter()
            done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
            took[name].append(time.perf_counter() - start)
            assert "served" not in name or done.stdout.startswith("nothing to do: "), done
    print("nothing to do beside watch, medians (worst):")
    for name, seconds in took.items():
        tell(name, seconds)


def taskify(rounds: int) -> int:
    """Edit the running example; return 1 if a request failed."""
    with tempfile.TemporaryDirectory() as holder:
        cold, warm = Path(holder) / "cold", Path(holder) / "warm"
        ignored = shutil.ignore_patterns(
            ".venv", ".git", ".taskify", ".asmith", "stage", "tmp", "*.log"
        )
        for project in (cold, warm):
            shutil.copytree(ROOT, project, ignore=ignored)
            subprocess.run([*asmith(project, "build"), "-q"], check=True)
        return measure(cold, warm, rounds)


def handover(count: int) -> int:
    """Replace the running example again and again; return 1 if a request failed."""
    with tempfile.TemporaryDirectory() as holder:
        project = Path(holder) / "project"
        ignored = shutil.ignore_patterns(".*", "build", "tests", "node_modules")
        shutil.copytree(ROOT, project, ignore=ignored)
        subprocess.run([*asmith(project, "build"), "-q"], check=True)
        served = []
        with Watched(project, run=True) as watching:
            watching.iteration()
            watching.until_served(OLD)
            for number in range(count):
                old, new = (OLD, NEW) if number % 2 == 0 else (NEW, OLD)
                exchange(project, old, new)
                start = time.perf_counter()
                watching.iteration()
                served.append(watching.until_served(new) - start)
            time.sleep(1.0)  # the last one that was replaced ends
    tell(f"{count} replacements: saved -> served", served)
    return told_of_failures(watching)


def told_of_failures(watching: Watched) -> int:
    """Print how many requests failed; return 1 if any did."""
    failed = [a for a in watching.answers if a not in (OLD, NEW)]
    print(
        f"  {len(watching.answers)} requests of {CLIENTS} clients meanwhile, {len(failed)} failed "
        f"{failed[:3] or ''}; load average {os.getloadavg()[0]:.2f}"
    )
    return int(bool(failed))


def measure(cold: Path, warm: Path, rounds: int) -> int:
    """Edit both copies in turns, and print what it took; return 1 if a request failed."""
    built, watched, served = [], [], []
    with Watched(warm, run=True) as watching:
        watching.iteration()
        watching.until_served(OLD)
        for _ in range(rounds):
            for old, new in ((OLD, NEW), (NEW, OLD)):
                exchange(cold, old, new)
                start = time.perf_counter()
                subprocess.run([*asmith(cold, "build"), "-q"], check=True)
                built.append(time.perf_counter() - start)
                exchange(warm, old, new)
                start = time.perf_counter()
                watched.append(watching.iteration())
                served.append(watching.until_served(new) - start)
    print(f"{len(watched)} edits of one of {modules(warm)} modules, medians (worst):")
    tell("watch: last event -> linked", [w["linked"] for w in watched])
    tell("watch: last event -> tested", [w["tested"] for w in watched])
    tell("watch: saved -> served", served)
    tell("asmith build, cold, to its end", built)
    return told_of_failures(watching)


def tell(what: str, seconds: list[float]) -> None:
    """Print a row."""
    middle, worst = statistics.median(seconds) * 1000, max(seconds) * 1000
    print(f"  {what:<32} {middle:7.1f} ms ({worst:.1f})", flush=True)


def modules(project: Path) -> int:
    """Return how many modules a project has."""
    return len(list((project / "modules").glob("*.asm")))


def asmith(project: Path, command: str) -> list[str]:
    """Return the command line of asmith in a project."""
    return [sys.executable, "-m", "asmith.cli.main", command, "-C", str(project)]


def exchange(project: Path, old: str, new: str) -> None:
    """Change the body, tests first: all within one debounce."""
    files = [*sorted((project / "tests/modules").glob("*.py")), project / "modules/health.asm"]
    changed = {f: f.read_text().replace(old, new) for f in files if old in f.read_text()}
    for path, text in changed.items():
        path.write_text(text)


class Watched:
    """A running `asmith watch`, with the program and clients that ask it all the time."""

    def __init__(self, project: Path, *, run: bool = False) -> None:
        self.port = serve.free_port()
        self.answers: list[str] = []
        self._over = threading.Event()
        self._clients = [threading.Thread(target=self._ask_on) for _ in range(CLIENTS)]
        program = ["--run", "taskify", "--", "--port", str(self.port)] if run else []
        self._child = subprocess.Popen(
            [*asmith(project, "watch"), "--json", *program],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for client in self._clients:
            if client.is_alive():
                client.join()
        self._child.send_signal(signal.SIGINT)
        self._child.wait()

    def iteration(self) -> dict[str, Any]:
        """Return the next iteration that it tells of, which must be adopted."""
        assert self._child.stdout is not None
        for line in self._child.stdout:
            value: dict[str, Any] = json.loads(line)
            if value["event"] == "iteration" and value["result"] != "cancelled":
                assert value["result"] == "adopted", value
                return value
        sys.exit("asmith watch ended")

    def work(self) -> float:
        """Return the seconds of CPU time that it and its children have taken, to 10 ms."""
        stat = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Return its resident memory in megabytes."""
        status = Path(f"/proc/{self._child.pid}/status").read_text()
        line = next(one for one in status.splitlines() if one.startswith("VmRSS:"))
        return int(line.split()[1]) // 1024

    def until_served(self, body: str) -> float:
        """Return when the program answers with a body; clients ask from the first time on."""
        while self._ask() != body:
            time.sleep(0.001)
        now = time.perf_counter()
        if not self._clients[0].is_alive():
            for client in self._clients:
                client.start()
        return now

    def _ask_on(self) -> None:
        while not self._over.is_set():
            self.answers.append(self._ask())
            time.sleep(0.002)

    def _ask(self) -> str:
        try:
            text = serve.ask(self.port, "/health").text
        except OSError as error:
            return f"{type(error).__name__}: {error}"
        return next((b for b in (OLD, NEW) if b in text), text or "no answer")


if __name__ == "__main__":
    sys.exit(main())
