"""Measures edits of one module in a process that stays in memory; `build` runs it as its own.

python bench/in_memory.py PROJECT ROUNDS [moves]      prints one JSON object

Each round edits one module, as an editor would (synthetic.py), and says which file changed. The
clock starts there and stops when the product is linked, checked and adopted.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from pathlib import Path

from synthetic import edit

from asmith.run import build, events, layout, planning
from asmith.run.resident import Resident
from asmith.store import lock


def main(root: Path, rounds: int, *, moves: bool) -> None:
    at_home = Resident.open(root)
    names = sorted((root / "modules").glob("m*.asm"))
    planned, built, cpu = [], [], []
    for number in range(rounds + 2):  # the first two warm everything up
        path = names[len(names) * (number % 3 + 1) // 4]
        edit(path, 20000 + number, moves=moves)
        start, used = time.perf_counter(), time.process_time()
        at_home.changed([path.relative_to(root).as_posix()])
        planning.plan(at_home.session())
        middle = time.perf_counter()
        with lock.held(root / layout.LOCK):
            outcome = build.build_locked(root, build.Options(), events.nobody, resident=at_home)
        end = time.perf_counter()
        assert len(outcome.executed) == 3, outcome
        planned.append(middle - start)
        built.append(end - middle)
        cpu.append(time.process_time() - used)
    with lock.held(root / layout.LOCK):
        at_home.save()
    found = {"plan": planned[2:], "build": built[2:], "cpu": cpu[2:]}
    result = {name: statistics.median(times) for name, times in found.items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(result | {"memory": peak}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), moves="moves" in sys.argv[3:])
