"""What machine this is, and on which commit a directory stands: facts for a log, not for keys."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from asmith.errors import AsmithError
from asmith.host import files

if TYPE_CHECKING:
    from pathlib import Path


@lru_cache(maxsize=1)
def facts() -> dict[str, Any]:
    """Return processor, kernel and Python."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": f"{os.uname().sysname} {os.uname().release}",
        "python": sys.version.partition(" ")[0].removesuffix("+"),
    }


def load() -> float:
    """Return the mean number of runnable processes over the last minute."""
    return round(os.getloadavg()[0], 2)


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return os.uname().machine


def commit(root: Path) -> str:
    """Return the git commit that is checked out in or above a directory; empty if none."""
    try:
        git = next((d / ".git" for d in (root, *root.parents) if (d / ".git").exists()), None)
        if git is None:
            return ""
        if git.is_file():  # a worktree: "gitdir: PATH"
            git = git.parent / files.read_text(git).partition(":")[2].strip()
        return _resolved(git, files.read_text(git / "HEAD").strip())
    except (AsmithError, OSError):
        return ""


def _resolved(git: Path, head: str) -> str:
    if not head.startswith("ref:"):
        return head
    name = head.partition(":")[2].strip()
    common = files.read_if_exists(git / "commondir")
    home = git / common.decode().strip() if common else git
    if data := files.read_if_exists(home / name):
        return data.decode("ascii", "replace").strip()
    packed = (files.read_if_exists(home / "packed-refs") or b"").decode("ascii", "replace")
    lines = (line.split() for line in packed.splitlines())
    return next((words[0] for words in lines if words[1:] == [name]), "")
