"""Entry points of installed packages: their names, and what they load. Looked up when needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def names(group: str) -> tuple[str, ...]:
    """Return the names in a group of entry points, sorted."""
    from importlib.metadata import entry_points  # slow to import, rarely needed

    return tuple(sorted(entry_points(group=group).names))


def load(group: str, name: str) -> tuple[Callable[..., Any], str]:
    """Return what an entry point names, and the package and version that it is from."""
    from importlib.metadata import entry_points

    found = next(iter(entry_points(group=group, name=name)), None)
    if found is None:
        raise UnavailableError(
            f"no installed package has '{name}' in {group}",
            help="install it into the environment that asmith runs in",
        )
    source = f"{found.dist.name} {found.dist.version}" if found.dist else found.value
    try:
        return found.load(), source
    except Exception as error:  # a stranger's module may raise anything
        raise UnavailableError(
            f"cannot load '{name}' of {group}",
            why=f"{type(error).__name__}: {error}",
            help=f"it is {found.value} of {source}: repair or reinstall that package",
        ) from error
