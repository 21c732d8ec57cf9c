"""The corpus leg: generated C in every configuration of gcc and clang; every report is false."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from checking import torture
from checking.cache import UnableError, cached
from checking.subject import judged
from checking.tally import Tally, show

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMPILERS = ("gcc", "clang")
LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Os")
MACHINES = ("x86-64", "x86-64-v3", "x86-64-v4")
EXTRA = (
    ("-O2", "-fPIC", "-fstack-protector-strong", "-fcf-protection"),
    ("-O2", "-fno-plt", "-fPIC", "-fno-omit-frame-pointer", "-ffunction-sections"),
    ("-O2", "-fstack-clash-protection", "-fexceptions", "-g"),
    ("-O1", "-mcmodel=large", "-fno-jump-tables"),
)
"""Flags beside the matrix: those of distributions' builds."""

UNIT = 200  # functions in a translation unit


@dataclass(frozen=True, slots=True)
class Size:
    """How much of the corpus to make and to check."""

    functions: int
    levels: tuple[str, ...] = LEVELS
    machines: tuple[str, ...] = MACHINES
    extra: tuple[tuple[str, ...], ...] = EXTRA


WHOLE = Size(2600)
SMOKE = Size(60, ("-O2",), ("x86-64-v3",), ())


def main(size: Size) -> bool:
    """Check the corpus; print a line for each configuration; tell whether it holds."""
    return show("corpus", list(tallies(size)))


def tallies(size: Size) -> Iterator[Tally]:
    """Yield the tally of each configuration."""
    for flags in configurations(size):
        tally = Tally(" ".join(flags).replace("-march=", ""))
        for path in compiled(size.functions, flags):
            tally.add(judged(path.read_bytes(), f"{path.stem} {tally.name}", "compiled"))
        yield tally


def configurations(size: Size) -> list[tuple[str, ...]]:
    """Return compiler and flags of each configuration; raise `UnableError` without compilers."""
    missing = [name for name in COMPILERS if shutil.which(name) is None]
    if missing:
        raise UnableError(f"the corpus needs {' and '.join(missing)} (apt-get install)")
    matrix = [(level, f"-march={m}") for level in size.levels for m in size.machines]
    return [(name, *flags) for name in COMPILERS for flags in (*matrix, *size.extra)]


def compiled(functions: int, flags: tuple[str, ...]) -> list[Path]:
    """Return the objects of the corpus in one configuration, compiled the first time."""

    def make(place: Path) -> None:
        for seed, text in enumerate(_sources(functions), 1):
            source = place / f"unit{seed}.c"
            source.write_text(text, encoding="utf-8")
            command = [*flags, "-w", "-c", source.name, "-o", f"unit{seed}.o"]
            done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
            if done.returncode:
                raise UnableError(f"{' '.join(command)}: {done.stderr[:500]}")

    key = hashlib.sha256("".join([*flags, *_sources(functions)]).encode()).hexdigest()[:16]
    return sorted(cached(f"corpus-{key}", make).glob("*.o"))


@cache
def _sources(functions: int) -> tuple[str, ...]:
    """Return the translation units of the corpus."""
    seeds = range(1, -(-functions // UNIT) + 1)
    return tuple(torture.source(seed, min(UNIT, functions)) for seed in seeds)
