"""The exceptions leg: generated C++, and C with cleanups, that throws; every report is false.

What runs after a throw is reached through the exception tables alone. The generator makes objects
with destructors at all depths, handlers that go on, leave, throw again or throw another, arguments
on the stack, aligned and variable-length arrays, and loops around all of it.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checking.cache import UnableError, cached
from checking.subject import judged
from checking.tally import Tally, show

if TYPE_CHECKING:
    from pathlib import Path

LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Os")
EXTRA = (
    ("-O2", "-march=x86-64-v3"),
    ("-O2", "-fno-omit-frame-pointer", "-fPIC", "-ffunction-sections"),
    ("-O2", "-fnon-call-exceptions", "-fstack-protector-all"),
    ("-O1", "-fno-asynchronous-unwind-tables", "-fcf-protection"),
)
SEEDS = 2
MOST_DEPTH = 2

HEADER = """\
#ifdef __cplusplus
extern "C" {
#endif
int call(int, void *);
int many(int, long, void *, int, int, int, long, int, void *);
double real(double, int);
void done(int *);
#ifdef __cplusplus
}
struct Held { int value; Held(int); ~Held(); };
struct Error { int code; Error(int); Error(const Error &); virtual ~Error(); };
struct Other : Error { long more; Other(int); };
int given(Held, int);
#define HELD(name, from) Held name(from)
#define ADDRESS(name) (&name.value)
#else
#define HELD(name, from) int name __attribute__((cleanup(done))) = from
#define ADDRESS(name) (&name)
#endif
"""


class Writer:
    """Writes one translation unit; `cxx` says whether it is C++ or C with cleanups."""

    def __init__(self, seed: int, *, cxx: bool) -> None:
        self.rng = random.Random(seed)  # noqa: S311 -- reproducible, no secret
        self.cxx = cxx
        self.names = 0

    def function(self, number: int) -> str:
        """Return a function."""
        body = self._block(0, ["a"])
        return f"int f{number}(int a, long b, double d)\n{{\nint t = a;\n{body}return t;\n}}\n"

    def _block(self, depth: int, seen: list[str]) -> str:
        seen = list(seen)
        return "".join(self._statement(depth, seen) for _ in range(self.rng.randrange(2, 5)))

    def _name(self, head: str) -> str:
        self.names += 1
        return f"{head}{self.names}"

    def _statement(self, depth: int, seen: list[str]) -> str:
        kinds = [self._held, self._held, self._call, self._call, self._array]
        if depth < MOST_DEPTH:
            kinds += [self._loop, self._choice, self._handled, self._handled]
        return self.rng.choice(kinds)(depth, seen)

    def _held(self, depth: int, seen: list[str]) -> str:
        del depth
        name = self._name("h")
        text = f"HELD({name}, {self.rng.choice(seen)});\n"
        seen.append(f"*ADDRESS({name})")
        return text

    def _call(self, depth: int, seen: list[str]) -> str:
        del depth
        x, y, z = (self.rng.choice(seen) for _ in range(3))
        forms = [
            f"t += call({x}, &t);\n",
            f"t += many({x}, b, &t, {y}, 4, 5, b + {z}, {y}, &t) + {z};\n",
            f"d += real(d, {x});\n",
            f"if ({x} > {y}) t += call({z}, &d);\n",
        ]
        if self.cxx:
            forms += [f"t -= given(Held({x}), {y});\n", f"if ({x} == 7) throw Error({y});\n"]
        return self.rng.choice(forms)

    def _array(self, depth: int, seen: list[str]) -> str:
        del depth
        name = self._name("v")
        size = self.rng.choice(("8", "40", "(t & 15) + 1"))
        aligned = (
            "__attribute__((aligned(32))) " if size == "40" and self.rng.random() < 0.5 else ""
        )
        return f"int {aligned}{name}[{size}]; t += call({self.rng.choice(seen)}, {name});\n"

    def _loop(self, depth: int, seen: list[str]) -> str:
        name = self._name("i")
        return (
            f"for (int {name} = 0; {name} < {self.rng.choice(seen)}; {name}++) {{\n"
            f"{self._block(depth + 1, [*seen, name])}}}\n"
        )

    def _choice(self, depth: int, seen: list[str]) -> str:
        cases = "".join(
            f"case {n}: {{\n{self._block(depth + 1, seen)}}} break;\n"
            for n in range(self.rng.choice((2, 3)))
        )
        return f"switch ({self.rng.choice(seen)}) {{\n{cases}}}\n"

    def _handled(self, depth: int, seen: list[str]) -> str:
        body = self._block(depth + 1, seen)
        if not self.cxx:
            return f"{{\n{body}}}\n"
        after = ("", "throw;\n", "return t;\n", f"throw Other({self.rng.choice(seen)});\n")
        handlers = [
            f"catch ({what}) {{\n"
            f"{self._block(depth + 1, [*seen, *given])}{self.rng.choice(after)}}}\n"
            for what, given in (
                ("int e", ("e",)), ("Other &o", ("o.code",)), ("const Error &c", ("c.code",)),
                ("...", ()),
            )
            if self.rng.random() < 0.5 or what == "..."
        ]  # fmt: skip
        return f"try {{\n{body}}}\n{''.join(handlers)}"


def source(seed: int, count: int, *, cxx: bool) -> str:
    """Return a translation unit of `count` functions."""
    writer = Writer(seed, cxx=cxx)
    return HEADER + "".join(writer.function(n) for n in range(count))


@dataclass(frozen=True, slots=True)
class Size:
    """How much to make and to check."""

    functions: int
    flags: tuple[tuple[str, ...], ...]


WHOLE = Size(40, (*((level,) for level in LEVELS), *EXTRA))
SMOKE = Size(10, (("-O2",),))
COMPILERS = {"g++": "cc", "clang++": "cc", "gcc": "c", "clang": "c"}


def main(size: Size) -> bool:
    """Check what was generated in each configuration; tell whether it holds."""
    missing = [name for name in COMPILERS if shutil.which(name) is None]
    if missing:
        raise UnableError(f"the leg needs {' and '.join(missing)} (apt-get install)")
    tallies = []
    for compiler, suffix in COMPILERS.items():
        for flags in size.flags:
            tally = Tally(" ".join((compiler, *flags)).replace("-march=", ""))
            for path in _compiled(compiler, suffix, flags, size.functions):
                tally.add(judged(path.read_bytes(), f"{path.stem} {tally.name}", "compiled"))
            tallies.append(tally)
    return show("exceptions", tallies)


def _compiled(compiler: str, suffix: str, flags: tuple[str, ...], functions: int) -> list[Path]:
    """Return the objects of one configuration, compiled the first time."""
    texts = [source(seed, functions, cxx=suffix == "cc") for seed in range(1, SEEDS + 1)]

    def make(place: Path) -> None:
        for seed, text in enumerate(texts, 1):
            written = place / f"unit{seed}.{suffix}"
            written.write_text(text, encoding="utf-8")
            command = [compiler, *flags, "-fexceptions", "-w", "-c", written.name]
            done = subprocess.run(
                [*command, "-o", f"unit{seed}.o"],
                cwd=place,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise UnableError(f"{' '.join(command)}: {done.stderr[:500]}")

    key = hashlib.sha256("".join([compiler, *flags, *texts]).encode()).hexdigest()[:16]
    return sorted(cached(f"exceptions-{key}", make).glob("*.o"))
