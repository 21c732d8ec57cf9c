"""What the legs read from outside: packages, fetched once into build/bench and only unpacked there.

Nothing is installed; deleting build/bench costs the downloads.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CACHE = Path(__file__).parents[2] / "build" / "bench"


class UnableError(Exception):
    """A leg cannot run here; its message says why."""


def run(command: Sequence[str], directory: Path, *, why: str) -> None:
    """Run a command in a directory; raise `UnableError` with its last words if it fails."""
    if shutil.which(command[0]) is None:
        raise UnableError(f"{why}: there is no {command[0]}")
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        raise UnableError(f"{why}: {' '.join(command[:3])}: {words[-1]}")


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """Return build/bench/`name`, a directory that `make` fills the first time."""
    place = CACHE / name
    if not place.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            filled = Path(scratch) / "filled"
            filled.mkdir()
            make(filled)
            filled.rename(place)
    return place


def debian(package: str) -> Path:
    """Return the unpacked tree of a Debian package in the version that apt has."""

    def make(place: Path) -> None:
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            directory = Path(scratch)
            directory.chmod(0o755)
            why = f"the Debian package {package} cannot be had"
            run(["apt-get", "download", "-qq", package], directory, why=f"{why} (apt-get update?)")
            (file,) = directory.glob("*.deb")
            run(["dpkg-deb", "-x", str(file), str(place)], directory, why=why)

    return cached(f"debian-{package}", make)


def static_library(package: str, name: str) -> Path:
    """Return the path of a static library of a Debian package."""
    found = sorted(debian(package).rglob(name))
    if not found:
        raise UnableError(f"the Debian package {package} has no {name}")
    return found[0]


def npm(package: str) -> Path:
    """Return the unpacked tree of an npm package."""

    def make(place: Path) -> None:
        why = f"the npm package {package} cannot be had"
        run(["npm", "pack", "--silent", package], place, why=why)
        (file,) = place.glob("*.tgz")
        run(["tar", "xzf", file.name], place, why=why)

    return cached(f"npm-{package.replace('/', '-').lstrip('@')}", make)


def pypi(package: str) -> Path:
    """Return a directory to put on `sys.path`, with a PyPI package and what it needs."""

    def make(place: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "-q", "--target", str(place), package]
        run(pip, place, why=f"the PyPI package {package} cannot be had")

    return cached(f"pypi-{package}", make)
