"""The directories in which a name that comes or goes matters, as an index keeps them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from asmith.host import signature
from asmith.store import index

if TYPE_CHECKING:
    from asmith.host.signature import Signature
    from asmith.store.index import Head, Listings

WAITING = ("build/stage/modules", ".asmith/review")  # what no build has adopted yet, by module
TESTS = "tests/modules"


def listings(root: str) -> Listings:
    """Return the directories of a project in which a new name matters, as they are now."""
    wanted = [("specs", ".md"), ("interfaces", ".h"), *((path, "") for path in WAITING)]
    tests = [path for path, _, _ in os.walk(f"{root}/{TESTS}") if "__pycache__" not in path]
    wanted += [(os.path.relpath(path, root), "") for path in tests] or [(TESTS, "")]
    return {path: list_one(root, path, suffix) for path, suffix in wanted}


def waiting(root: str, head: Head) -> set[str]:
    """Return the modules of which something waits now, or waited when the head was made."""
    now = (name for path in WAITING for name in index.listing(f"{root}/{path}", ""))
    before = (name for path in WAITING for name in head.listings[path][2])
    return {name.rpartition(".")[0] for name in (*now, *before)}


def list_one(root: str, path: str, suffix: str) -> tuple[Signature, str, tuple[str, ...]]:
    """Return one directory's entry: stat data that can be trusted, suffix, names."""
    there = f"{root}/{path}"
    now = index.file_clock()
    seen = signature.of(there)
    shown = signature.SPOILT if seen is None else index.trusted(seen, now)
    return shown, suffix, index.listing(there, suffix)
