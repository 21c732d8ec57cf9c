"""What the machine must offer, and what it does: the facts behind `asmith doctor`."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass
from asmith.errors import AsmithError
from asmith.toolchain import link, nasm

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that is needed: what was found, or what to do about it."""

    name: str
    found: str  # empty: missing
    help: str = ""


def examine() -> tuple[Need, ...]:
    """Return all needs, in a fixed order."""
    machine = f"{platform.system()} {platform.machine()}"
    fits = machine == "Linux x86_64"
    return (
        Need("machine", machine if fits else "", "asmith builds on Linux x86-64 only"),
        _tool("nasm", nasm.version, "install nasm (2.15 or later)"),
        _tool("cc and ld", link.version, "install gcc and binutils"),
        Need("python", platform.python_version()),
        *(_package(n) for n in ("doit", "networkx", "pycparser", "pyelftools", "pytest")),
        *(_package(n) for n in ("anthropic", "watchdog", "iced-x86")),
    )


def _tool(name: str, ask: Callable[[], str], help_text: str) -> Need:
    try:
        return Need(name, ask())
    except AsmithError:
        return Need(name, "", help_text)


def _package(name: str) -> Need:
    from importlib import metadata

    try:
        return Need(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Need(name, "", f"pip install {name}")
