"""Keeps hypothesis out of the project's files, and its verdict the same from run to run."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from asmith.host import files

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_PROFILE = "asmith"


def keep_files_in(directory: Path) -> None:
    """Let hypothesis keep what it stores (tables of Unicode) below `directory`."""
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(directory / ".hypothesis"))


def quieten_hypothesis(path: Path, config: pytest.Config) -> None:
    """Load our profile if the test file at `path` may use hypothesis, before it is imported.

    No database, no deadline on a shared machine, and examples drawn from the test alone: a build
    step has one result. A profile that was asked for on the command line is left alone.
    """
    used = "hypothesis" in sys.modules or b"hypothesis" in (files.read_if_exists(path) or b"")
    if not used or config.getoption("--hypothesis-profile", None):
        return
    try:
        from hypothesis import Phase, settings
    except ImportError:
        return  # the test file's own import says so better
    phases = [p for p in Phase if p is not Phase.explain]  # it would explain lines of asmith
    settings.register_profile(
        _PROFILE, database=None, deadline=None, derandomize=True, phases=phases
    )
    settings.load_profile(_PROFILE)
