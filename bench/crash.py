"""Kills builds at random moments and compares every build after it with a clean one.

Usage: python bench/crash.py [--trials N] [--seed S]     default: 200 trials, seed 1
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fakes.crashes import Crashes


def main(trials: int, seed: int) -> int:
    """Run the trials, print what they came to, and return how much of it is wrong."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        crashes = Crashes(Path(directory), seed)
        for _ in range(trials):
            crashes.trial()
    tally = crashes.tally
    for line in (*tally.wrong, *tally.unreadable):
        print(line)
    print(f"{tally}, seed {seed}, {time.perf_counter() - start:.0f} s")
    return len(tally.wrong) + len(tally.unreadable)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--trials", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    sys.exit(bool(main(chosen.trials, chosen.seed)))
