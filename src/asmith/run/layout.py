"""Where everything lies in a project. Paths are relative to its root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.store.state import Slot

if TYPE_CHECKING:
    from pathlib import Path

BUILD = "build"
STATE = "build/state"
LOCK = "build/lock"
INDEX = "build/index"
KNOWN = "build/known"  # what the index adds to
GROUPS = "build/groups"  # objects joined for the final link of large products
STUBS = "build/stubs"  # what links read instead of the C library
SCRATCH = "build/tmp"
HYPOTHESIS = "build/hypothesis"  # tables that it computes once
KEPT = ".asmith"
INTENT = ".asmith/adopting"  # not below build/: modules/ depends on it
BATCH = ".asmith/batch.json"
ITERATIONS = ".asmith/iterations.sqlite"
REVIEW = ".asmith/review"
MODULES = "modules"
MODULE_TESTS = "tests/modules"
_SLOTS = {Slot.BASE: "build", Slot.STAGE: "build/stage"}


def source(module: str) -> str:
    """Return the path of a module's text."""
    return f"modules/{module}.asm"


def record(module: str) -> str:
    """Return the path of a module's record."""
    return f"modules/{module}.json"


def staged(path: str) -> str:
    """Return where a candidate for `modules/...` waits until it is adopted."""
    return f"build/stage/{path}"


def replaces(module: str) -> str:
    """Return the file that says which text a candidate was made to replace."""
    return staged(f"modules/{module}.replaces")


def review(module: str) -> str:
    """Return the file that lets a candidate wait for a person's word."""
    return f"{REVIEW}/{module}.json"


def output(slot: Slot, name: str) -> str:
    """Return the path of a step's output in a slot; `name` is like `obj/json_escape.o`."""
    return f"{_SLOTS[slot]}/{name}"


def is_read(name: str) -> bool:
    """Tell whether anything reads a step's output; generated includes are for people alone."""
    return not name.startswith("include/")


def benchmark(module: str) -> str:
    """Return the path of a module's benchmark."""
    return f"{MODULE_TESTS}/bench_{module}.py"


def test_files(root: Path, module: str) -> tuple[str, ...]:
    """Return the files of a module's own tests: its test file, what is in its folder, conftest."""
    from asmith.host import files

    own = f"{MODULE_TESTS}/test_{module}.py"
    if not (root / own).exists():
        return ()
    found = [own]
    if (root / MODULE_TESTS / "conftest.py").exists():
        found.append(f"{MODULE_TESTS}/conftest.py")
    found += [p.relative_to(root).as_posix() for p in files.below(root / MODULE_TESTS / module)]
    return tuple(sorted(found))
