"""Interrupts builds in every way and compares each build after it with a clean one.

./dev bench crash [--trials N] [--seed S] [--kinds kill,damage,disk]

kill     a command is killed with all its children at a random moment: a build from nothing, one
         after an edit, `asmith accept`, or a build that writes the iteration log
damage   outputs and the state are deleted, truncated or edited from outside
disk     the disk gets full during a build (needs root, for a file system of its own)

Each trial is followed by a random edit, a revert or nothing, and a build. N trials of each kind;
`--trials 1000` makes the long run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fakes.crashes import Crashes

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = {
    "kill": Crashes.any_trial,
    "damage": Crashes.damage_trial,
    "disk": Crashes.disk_trial,
}


def main(kind: str, trials: int, seed: int) -> int:
    """Run the trials of a kind, print what they came to, and return how much of it is wrong."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as directory, disk(directory, small=kind == "disk"):
        crashes = Crashes(Path(directory), seed)
        tally = crashes.tally
        for number in range(1, trials + 1):
            KINDS[kind](crashes)
            if number % 50 == 0 and number < trials:
                print(f"{kind}: {tally} so far", file=sys.stderr, flush=True)
    for line in (*tally.wrong, *tally.unreadable):
        print(line)
    print(f"{kind}: {tally}, seed {seed}, {time.perf_counter() - start:.0f} s", flush=True)
    return len(tally.wrong) + len(tally.unreadable)


@contextlib.contextmanager
def disk(directory: str, *, small: bool) -> Iterator[None]:
    """Let a directory be on a disk of 64 MiB."""
    if not small:
        yield
        return
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "none", directory]
    subprocess.run(command, check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", directory], check=True)


if __name__ == "__main__":
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--trials", type=int, default=50)
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--kinds", default=",".join(KINDS))
    chosen = reader.parse_args()
    kinds = chosen.kinds.split(",")
    if "disk" in kinds and os.geteuid():
        print("disk: not run, since mounting a file system needs root")
        kinds.remove("disk")
    sys.exit(bool(sum(main(kind, chosen.trials, chosen.seed) for kind in kinds)))
