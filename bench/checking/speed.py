"""The speed leg: instructions and functions in a second, memory; one core, a fresh process.

Cold: a process that has checked nothing before; its start and the import of the checker are not
counted, reading the ELF file is. Processor time of a busy machine is longer than that of a quiet
one; the rate of an empty Python loop, taken before and after, says how busy it was. What must hold
holds with the accelerators in C; the rates of Python alone stand beside them.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from checking.archive import handwritten, has_code, members
from checking.cache import static_library
from checking.libraries import COMPILED
from checking.subject import judged

WANTED = {"instructions": 120_000, "functions": 1_500, "megabytes": 300}
LIBRARIES = COMPILED[1:4]
GROWTH = (250, 500, 1000, 2000, 4000)


def main(*, smoke: bool) -> bool:
    """Print the rates of each library and of a growing function; tell whether all are reached."""
    held = True
    for library in LIBRARIES[:1] if smoke else LIBRARIES:
        path = static_library(library.package, library.name)
        whole = measured(str(path), 1)
        quarter = measured(str(path), 4)
        ratio = whole["instructions"] / quarter["instructions"]
        print(f"{library.name}: {_line(whole)}; rate of the whole to that of a quarter {ratio:.2f}")
        alone = measured(str(path), 1, python=True)
        print(
            f"  in Python alone: {alone['instructions']:,.0f} instructions/s, "
            f"{alone['functions']:,.0f} functions/s, empty loop {alone['loop'] / 1e6:.0f} M/s"
        )
        held &= whole["instructions"] >= WANTED["instructions"]
        held &= whole["functions"] >= WANTED["functions"]
        held &= whole["megabytes"] < WANTED["megabytes"]
    return linear(GROWTH[:3] if smoke else GROWTH) and held


def _line(rates: dict[str, float]) -> str:
    return (
        f"{rates['instructions']:,.0f} instructions/s, {rates['functions']:,.0f} functions/s, "
        f"{rates['count']:,.0f} instructions in {rates['seconds']:.2f} s of processor time, "
        f"peak {rates['megabytes']:.0f} MB, empty loop {rates['loop'] / 1e6:.0f} M/s"
    )


def measured(path: str, part: int, *, python: bool = False) -> dict[str, float]:
    """Return the rates of every `part`-th compiled member of an archive, or of an object.

    With what was built in C, if it was, or in Python alone.
    """
    command = [sys.executable, "-m", "checking.speed", path, str(part)]
    done = subprocess.run(
        command,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "ASMITH_PURE_PYTHON": "1" if python else ""},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def linear(sizes: tuple[int, ...]) -> bool:
    """Print the time per instruction of functions of growing size; tell whether it stays."""
    costs = []
    with tempfile.TemporaryDirectory(prefix="asmith-speed-") as scratch:
        for size in sizes:
            path = grown(Path(scratch), size)
            rates = measured(str(path), 1)
            costs.append(1e6 / rates["instructions"])
            print(
                f"one function of {rates['count']:,.0f} instructions: "
                f"{costs[-1]:.1f} us an instruction"
            )
    return costs[-1] <= 2 * min(costs)


def grown(directory: Path, size: int) -> Path:
    """Return an object with one function of `size` branches, loops, calls and spilled values."""
    steps = "\n".join(
        f"if (p[{i % 64}] > {i}) p[{(i * 7) % 64}] += out(p[{i % 61}]); "
        f"for (long j = 0; j < p[{i % 5}]; j++) p[j & 63] ^= {i};"
        for i in range(size)
    )
    source = directory / f"grown{size}.c"
    source.write_text(f"long out(long);\nlong grown(long *p) {{\n{steps}\nreturn *p;\n}}\n")
    path = source.with_suffix(".o")
    command = ["gcc", "-O1", "-fno-tree-vectorize", "-c", str(source), "-o", str(path)]
    subprocess.run(command, check=True)
    return path


def _child(path: Path, part: int) -> None:
    """Check in this process, on one core, and print the rates as JSON."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if path.suffix == ".a":
        chosen = [(m.path, m.data) for m in members(path) if not handwritten(m)][::part]
    else:
        chosen = [(path.name, path.read_bytes())]
    import asmith.check.flow.analysis  # noqa: F401 -- the checker is imported before the clock runs
    from asmith.check.rules import all_rules
    from asmith.toolchain import decode

    judged(b"", "warm the imports", "compiled")
    all_rules()
    decode.warm()
    functions = 0
    loop = _loop()
    begin = time.process_time()
    for name, data in chosen:
        functions += judged(data, name, "compiled").functions
    seconds = time.process_time() - begin
    loop = min(loop, _loop())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    count = sum(_instructions(name, data) for name, data in chosen)
    print(
        json.dumps(
            {
                "seconds": seconds,
                "count": count,
                "instructions": count / seconds,
                "functions": functions / seconds,
                "megabytes": peak,
                "loop": loop,
            }
        )
    )


def _loop() -> float:
    """Return how many turns of an empty loop this interpreter makes in a second."""
    turns = 3_000_000
    begin = time.process_time()
    for _ in range(turns):
        pass
    return turns / (time.process_time() - begin)


def _instructions(name: str, data: bytes) -> int:
    """Return how many instructions an object has, by a plain decode after the measurement."""
    import iced_x86

    from asmith.toolchain import elf

    facts = elf.read_object(data, name)
    if not has_code(facts):
        return 0
    return sum(
        sum(1 for _ in iced_x86.Decoder(64, section.data))
        for section in facts.sections
        if section.has(section.EXEC)
    )


if __name__ == "__main__":
    _child(Path(sys.argv[1]), int(sys.argv[2]))
