"""A person at a terminal: who may be asked before money is spent."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from asmith.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

LOCK = threading.RLock()  # one writer at a time; a bar is not drawn over a question


def to_confirm() -> Callable[[str], bool] | None:
    """Return what asks the person there; None without a terminal, where nobody can answer."""
    if getattr(sys.stderr, "far", False):
        return _cannot_ask
    both = (sys.stdin, sys.stderr)
    if all(s is not None and not s.closed and s.isatty() for s in both):
        return _confirm
    return None


def _cannot_ask(question: str) -> bool:
    raise UnavailableError(
        "asmith watch runs this command, and cannot ask you before money is spent",
        why=question,
        help="say --yes, or ask = false in [tool.asmith.budget]",
    )


def _confirm(question: str) -> bool:
    with LOCK:
        sys.stderr.write(f"\r\x1b[K{question}\ngo on? [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")
