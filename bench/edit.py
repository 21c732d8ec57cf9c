"""The time from saving one edited requirement to the changed answer of the running program.

./dev bench edit [--rounds N]

In a copy of the project: the body that GET /health has without a database is changed in
specs/health.md (and what tests expect with it), the answer that a generator would give is handed
in, the program is built with checks, link and all tests that link the module, and started anew;
the clock stops when the new body is served.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from taskify import serve

ROOT = Path(__file__).parents[1]
OLD, NEW = '"ok","database":"unavailable"', '"up","database":"unavailable"'


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--rounds", type=int, default=3)
    rounds = reader.parse_args().rounds
    with tempfile.TemporaryDirectory() as holder:
        project = Path(holder) / "taskify"
        ignored = shutil.ignore_patterns(".venv", ".git", ".taskify", ".asmith", "stage", "tmp")
        shutil.copytree(ROOT, project, ignore=ignored)
        asmith(project, "build")
        times = [one(project, *pair) for _ in range(rounds) for pair in ((OLD, NEW), (NEW, OLD))]
    print(f"{len(times)} edits of one requirement, from save to the changed answer:")
    for name, column in zip(("answered", "built", "served"), zip(*times, strict=True), strict=True):
        print(f"  {name:<9} median {statistics.median(column):.2f} s, worst {max(column):.2f} s")


def one(project: Path, old: str, new: str) -> tuple[float, float, float]:
    """Return the seconds until the answer was handed in, the program adopted, the body served."""
    for test in sorted((project / "tests/modules").glob("*.py")):
        if old in test.read_text():
            change(test, old, new)
    start = time.perf_counter()
    change(project / "specs/health.md", old, new)
    text = (project / "modules/health.asm").read_text().replace(old, new)
    answered = time.perf_counter() - start
    answer = project / "ANSWER"
    answer.write_text(f"```nasm\n{text}```\n")
    said = asmith(project, "accept", "health", str(answer))
    assert "adopted: health" in said, said
    built = time.perf_counter() - start
    port = serve.free_port()
    program = [str(project / "build/bin/taskify"), "--port", str(port)]
    server = subprocess.Popen(program, stderr=subprocess.DEVNULL)
    try:
        while new not in ask(port):
            time.sleep(0.001)
        return answered, built, time.perf_counter() - start
    finally:
        server.terminate()
        server.wait()


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, path
    path.write_text(text.replace(old, new))


def asmith(project: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "asmith.cli.main", "-C", str(project), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return done.stdout


def ask(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return str(error.read().decode())
    except OSError:
        return ""


if __name__ == "__main__":
    main()
