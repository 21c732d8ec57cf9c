"""The templates leg: C++ that makes much of its standard library; every report is false.

What instances of templates do is not in the text: unions that are copied, tables of managers,
coroutines that hand control on, branches that are never taken. The large code model is among the
configurations, where calls and tables go through registers.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from checking.cache import UnableError, cached
from checking.subject import judged
from checking.tally import Tally, show

HERE = Path(__file__).parent / "cxx"
LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Os")
COMPILERS = ("g++", "clang++")
ONLY = {"coroutines.cc": "g++"}
"""What the other compiler cannot read: it has no coroutines and no ranges of this library."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much to compile and to check."""

    sources: tuple[str, ...]
    flags: tuple[tuple[str, ...], ...]


WHOLE = Size(
    tuple(sorted(p.name for p in HERE.glob("*.cc"))),
    (*((level,) for level in LEVELS), *((level, "-mcmodel=large") for level in LEVELS[1:4])),
)
SMOKE = Size(("variants.cc",), (("-O2",),))


def main(size: Size) -> bool:
    """Check what was compiled in each configuration; tell whether it holds."""
    missing = [name for name in COMPILERS if shutil.which(name) is None]
    if missing:
        raise UnableError(f"the leg needs {' and '.join(missing)} (apt-get install)")
    tallies = []
    for compiler in COMPILERS:
        for flags in size.flags:
            tally = Tally(" ".join((compiler, *flags)))
            for name in size.sources:
                if ONLY.get(name, compiler) == compiler:
                    data = _compiled(compiler, name, flags)
                    tally.add(judged(data, f"{name} {tally.name}", "compiled"))
            tallies.append(tally)
    return show("templates", tallies)


def _compiled(compiler: str, name: str, flags: tuple[str, ...]) -> bytes:
    """Return the object of a source in one configuration, compiled the first time."""
    command = [compiler, "-std=c++20", *flags, "-w", "-c", str(HERE / name), "-o", "unit.o"]

    def make(place: Path) -> None:
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UnableError(f"{' '.join(command)}: {done.stderr[:500]}")

    text = (HERE / name).read_text(encoding="utf-8")
    key = hashlib.sha256("".join([compiler, *flags, text]).encode()).hexdigest()[:16]
    return (cached(f"templates-{key}", make) / "unit.o").read_bytes()
