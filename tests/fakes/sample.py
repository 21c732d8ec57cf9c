"""A small project on disk for tests: three modules in a row, built by the fake generator.

leaf uses the types of `shape`, mid calls leaf, top calls mid; `sum` is a library that offers top.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from asmith.run import build, events

GENERATOR = Path(__file__).with_name("generator.py")

CONFIG = """\
[tool.asmith.products.sum]
kind = "library"
offers = ["top"]

[tool.asmith.generator]
name = "command"
command = ["{python}", "-S", "-E", "{generator}"]
"""
KEYLESS = """\
[tool.asmith.products.sum]
kind = "library"
offers = ["top"]
"""
FUNCTION = """\
#include <stdint.h>

/*@ assigns \\nothing;
  @ asm stack 32;
  @*/
uint64_t {0}(uint64_t x);
"""
SHAPE = """\
#include <stdint.h>

#define LIMIT 5

struct shape {
    uint64_t first;
    uint64_t second;
};
"""
SPEC = """\
---
module: {0}
uses: [{1}]
---
# {0}: a sum

## Requirements

### {0}
- **FR-001**: {0} MUST {2}.

## Notes
Nothing here matters to anybody.
"""
TEST = """\
def test_it_adds(module):
    assert module.{0}(1) - module.{0}(0) >= 1
"""


@dataclass
class Sample:
    """The project and what a test does to it."""

    root: Path

    def write(self, path: str, text: str) -> None:
        """Replace a file."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def read(self, path: str) -> str:
        """Return a file's text."""
        return (self.root / path).read_text(encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace the one occurrence of `old`."""
        text = self.read(path)
        assert text.count(old) == 1, (path, old, text)
        self.write(path, text.replace(old, new))

    def remove(self, path: str) -> None:
        """Remove a file or a directory."""
        target = self.root / path
        shutil.rmtree(target) if target.is_dir() else target.unlink()

    def build(self, *targets: str, **options: object) -> build.Outcome:
        """Build in this process."""
        asked = build.Options(targets=targets, **options)  # type: ignore[arg-type]
        return build.build(self.root, asked, events.nobody)

    def ran(self, *targets: str, **options: object) -> list[str]:
        """Build, which must succeed, and return exactly the steps that ran, in order."""
        outcome = self.build(*targets, **options)
        assert not outcome.errors, "\n".join(e.render() for e in outcome.errors)
        return [str(s) for s in outcome.executed]

    def top(self, x: int) -> int:
        """Call the product."""
        copy = self.root / f"copy{len(list(self.root.glob('copy*')))}.so"  # never loaded before
        shutil.copy(self.root / "build/bin/libsum.so", copy)
        function = ctypes.CDLL(str(copy)).top
        function.restype, function.argtypes = ctypes.c_uint64, [ctypes.c_uint64]
        return int(function(x))

    def tree(self, *directories: str) -> dict[str, bytes]:
        """Return all files below some directories with their bytes."""
        found = {}
        for directory in directories:
            for path in sorted((self.root / directory).rglob("*")):
                if path.is_file():
                    found[path.relative_to(self.root).as_posix()] = path.read_bytes()
        return found


def make(root: Path, *, tests: bool = True) -> Sample:
    """Write the project; nothing is built yet."""
    sample = Sample(root)
    sample.write("pyproject.toml", CONFIG.format(python=sys.executable, generator=GENERATOR))
    sample.write("interfaces/shape.h", SHAPE)
    for name in ("leaf", "mid", "top"):
        sample.write(f"interfaces/{name}.h", FUNCTION.format(name))
        if tests:
            sample.write(f"tests/modules/test_{name}.py", TEST.format(name))
    says = "add 1 and use LIMIT and use t_shape.second"
    sample.write("specs/leaf.md", SPEC.format("leaf", "shape", says))
    sample.write("specs/mid.md", SPEC.format("mid", "leaf", "call leaf and add 10"))
    sample.write("specs/top.md", SPEC.format("top", "mid", "call mid and add 100"))
    return sample


def requirement(text: str, identity: str = "FR-001") -> str:
    """Return the text of a requirement in a spec."""
    found = re.search(rf"\*\*{identity}\*\*: (.*)", text)
    assert found
    return found[1]
