"""Reads hostile headers: each must end in an interface or in one message, within a second.

Usage: python bench/fuzz_headers.py [HEADERS] [SEED]     default: 100000 headers
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from unit.contract.header_fuzz import judged, mutated, sentence


def main(count: int, seed: int) -> int:
    """Read `count` headers, half of each kind; return how many ended in anything else."""
    start = time.perf_counter()
    ends: Counter[str] = Counter()
    slowest = 0.0
    for number in range(count):
        make = mutated if number % 2 else sentence
        text = make(random.Random(seed + number))  # noqa: S311 -- reproducible, no secret
        begin = time.perf_counter()
        try:
            ends[judged(text)] += 1
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is the finding
            ends["wrong"] += 1
            print(f"seed {seed + number}: {error!r}")
        slowest = max(slowest, time.perf_counter() - begin)
    seconds = time.perf_counter() - start
    print(f"{count} headers: {dict(ends)}, slowest {slowest * 1e3:.1f} ms, {seconds:.0f} s")
    return ends["wrong"]


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(bool(main(*(numbers + [100_000, 1][len(numbers) :]))))
