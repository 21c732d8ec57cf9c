"""Compares layouts and places with gcc over random prototypes, by executing calls both ways.

Usage: python bench/abi_oracle.py [PROTOTYPES] [SEED]     default: 2000 prototypes
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from unit.abi.gcc_oracle import VECTORS, verdict
from unit.abi.random_headers import Headers

BATCH = 100


def main(count: int, seed: int) -> int:
    """Run `count` prototypes in batches; return how many batches gcc disagrees with."""
    start, failures = time.perf_counter(), 0
    for number in range(0, count, BATCH):
        headers = Headers(random.Random(seed + number), VECTORS)  # noqa: S311 -- reproducible
        text = headers.text(min(BATCH, count - number))
        with tempfile.TemporaryDirectory() as directory:
            said = verdict(text, headers.extra, Path(directory))
        if said:
            failures += 1
            print(f"seed {seed + number}: {said}")
    seconds = time.perf_counter() - start
    print(f"{count} prototypes, {failures} batches with differences, {seconds:.1f} s")
    return failures


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(bool(main(*(numbers + [2000, 1][len(numbers) :]))))
