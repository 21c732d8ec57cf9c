"""The C library in links: a stub of what a product may refer to, instead of the library itself.

That takes a third off a small link. Stubs are derived and no step's output, like groups: each is
verified when it is used. What is linked does the same; where a stub is not enough the link is made
without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.host import files
from asmith.model.contract import EntryKind
from asmith.model.names import digest_bytes, digest_of
from asmith.run import layout
from asmith.toolchain import driver, elf

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asmith.model.names import InterfaceName
    from asmith.run.session import Session

_LIBRARY = "libc"


def functions(session: Session, interfaces: Iterable[InterfaceName]) -> tuple[str, ...] | None:
    """Return the functions that a stub has for a product, sorted; None for a link without one.

    `interfaces` are those of libraries that the modules of the product use. What a stub has bears
    on the order of symbols in what is linked, so these names are an input of the link.
    """
    if "-fuse-ld=gold" not in session.tools.linker()[0]:
        return None  # others order symbols by more than their names
    names: set[str] = set()
    for interface in interfaces:
        if session.library(interface) == _LIBRARY:
            for entry in session.workspace.interfaces[interface].surface.values():
                if entry.kind is EntryKind.DATA:
                    return None  # a variable may be copied, for which its place counts
                if entry.kind is EntryKind.FUNCTION:
                    names.add(entry.subject)
    return tuple(sorted(names))


def commands(
    session: Session, interfaces: Iterable[InterfaceName], command: tuple[str, ...]
) -> tuple[tuple[str, ...], ...]:
    """Return the commands of `toolchain.driver` that make a link, the quickest first."""
    names = functions(session, interfaces)
    quick = None if names is None else driver.with_stub(command, _stub(session, names, command))
    return (command,) if quick is None else (quick, command)


def _stub(session: Session, names: Sequence[str], command: Sequence[str]) -> str:
    """Return the path of a stub with those functions, and what start files need."""
    packages = session.workspace.config.libraries
    library = session.tools.library(_LIBRARY, packages.get(_LIBRARY, ""))
    starts = driver.start_files(command)
    key = digest_of("stub", [str(library.path), library.identity(), names, starts])
    path = f"{layout.STUBS}/{key}.so"
    there = files.read_if_exists(session.root / path)
    if there is None or digest_bytes(there) != session.tools.known.get(f"stub {key}"):
        wanted = {*names}.union(*map(_undefined, starts))
        made = elf.make_stub(files.read_bytes(library.path), str(library.path), wanted)
        files.write_atomic(session.root / path, made)
        session.tools.known[f"stub {key}"] = digest_bytes(made)
    return path


def _undefined(path: str) -> set[str]:
    """Return the names that an object leaves undefined."""
    from pathlib import Path

    symbols = elf.read_object(files.read_bytes(Path(path)), path).symbols
    return {s.name for s in symbols if s.undefined and s.name}
