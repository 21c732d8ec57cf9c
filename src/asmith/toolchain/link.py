"""Linking through the C driver: products, test libraries and, for many objects, groups.

Paths are relative to the project and objects sorted, so the same objects give the same bytes in
every directory.
"""

from __future__ import annotations

import shlex
from functools import lru_cache
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass
from asmith.errors import StepFailedError, UnavailableError
from asmith.host import files, process
from asmith.toolchain.driver import filled, linking

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Commands = Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[str]]]

FLAGS = (
    "-Wl,-z,relro,-z,now", "-Wl,-z,noexecstack", "-Wl,-z,defs", "-Wl,-z,text",
    "-Wl,--fatal-warnings", "-Wl,--build-id=none", "-Wl,--hash-style=gnu",
)  # fmt: skip
DIRECT = 256  # objects up to which one link takes them all
# The fastest first, by what the link of an edit takes: gold starts in no time.
_FAST = ("gold", "mold", "lld")
_PROVIDED_BY_DRIVER = {"libc": "libc.so.6", "libm": "libm.so.6"}


@dataclass(frozen=True, slots=True)
class Library:
    """A resolved system library: link arguments and the shared object that it names."""

    name: str
    arguments: tuple[str, ...]
    path: Path

    def identity(self) -> str:
        """Return what changes when the library is replaced: size and time of change."""
        status = self.path.stat()
        return f"{status.st_size}:{status.st_mtime_ns}"


@lru_cache(maxsize=1)
def version() -> str:
    """Return the first line of the C driver's and the linker's version."""
    from pathlib import Path

    driver = process.run(["cc", "--version"], cwd=Path("/"), install="gcc")
    linker = process.run(["ld", "--version"], cwd=Path("/"), install="binutils")
    lines = [d.stdout.decode("utf-8", "replace").split("\n")[0] for d in (driver, linker)]
    return "; ".join(lines)


@lru_cache(maxsize=1)
def fastest() -> tuple[tuple[str, ...], str]:
    """Return the driver's arguments for the fastest linker that it can run, and its version."""
    from pathlib import Path

    for name in _FAST:
        if process.find(f"ld.{name}") is None:
            continue
        flag = f"-fuse-ld={name}"
        done = process.run(["cc", flag, "-Wl,--version"], cwd=Path("/"), install="gcc")
        if done.ok:
            return (flag,), done.stdout.decode("utf-8", "replace").split("\n")[0]
    return (), version()


@lru_cache(maxsize=64)
def resolve(name: str, package: str) -> Library:
    """Return a system library: libc and libm by the driver, others through pkg-config."""
    from pathlib import Path

    if name in _PROVIDED_BY_DRIVER and not package:
        flags = () if name == "libc" else ("-l" + name.removeprefix("lib"),)
        return Library(name, flags, _file(_PROVIDED_BY_DRIVER[name], ()))
    done = process.run(
        ["pkg-config", "--libs", package or name], cwd=Path("/"), install="pkg-config"
    )
    if not done.ok:
        raise UnavailableError(
            f"library '{name}' is not installed",
            why=done.errors().strip().split("\n")[0],
            help=f"install its development package, or set its pkg-config name: "
            f'[tool.asmith.libraries] {name} = "..."',
        )
    arguments = tuple(shlex.split(done.stdout.decode()))
    stem = next((a[2:] for a in arguments if a.startswith("-l")), name.removeprefix("lib"))
    return Library(name, arguments, _file(f"lib{stem}.so", arguments))


def _file(soname: str, arguments: Sequence[str]) -> Path:
    from pathlib import Path

    for argument in arguments:
        candidate = Path(argument[2:]) / soname
        if argument.startswith("-L") and candidate.exists():
            return candidate.resolve()
    done = process.run(["cc", f"-print-file-name={soname}"], cwd=Path("/"), install="gcc")
    found = Path(done.stdout.decode().strip())
    if not found.is_absolute():
        raise UnavailableError(f"the C driver finds no '{soname}'", help="install its library")
    return found.resolve()


def by_driver(arguments: Sequence[str], libraries: Sequence[str]) -> Sequence[Sequence[str]]:
    """Return the one command by which the driver links."""
    return (linking(arguments, libraries),)


def program(
    objects: Sequence[str],
    libraries: Sequence[Library],
    *,
    root: Path,
    out: Path,
    commands: Commands = by_driver,
) -> None:
    """Link a position-independent program that exports no symbol, in a directory of our own.

    `commands` says how to link, given the driver's own arguments and those of libraries: the first
    that succeeds is it, the last says what is wrong.
    """
    _link(objects, libraries, "{ local: *; };\n", root=root, out=out, how=(commands, "-pie"))


def shared(
    objects: Sequence[str],
    libraries: Sequence[Library],
    exports: Sequence[str],
    *,
    root: Path,
    out: Path,
    commands: Commands = by_driver,
) -> None:
    """Link a shared library that exports exactly those symbols.

    It has the name of the file `out`. (Without one gold writes the file's path into it.)
    """
    names = "".join(f" {e};" for e in sorted(exports))
    script = f"{{ global:{names} local: *; }};\n" if names else "{ local: *; };\n"
    how = (commands, "-shared", "-Wl,-Bsymbolic", f"-Wl,-soname={out.name}")
    _link(objects, libraries, script, root=root, out=out, how=how)


def _link(
    objects: Sequence[str],
    libraries: Sequence[Library],
    script: str,
    *,
    root: Path,
    out: Path,
    how: tuple[Commands, *tuple[str, ...]],
) -> None:
    commands, *kind = how
    arguments = tuple(a for library in libraries for a in library.arguments)
    versions = out.with_name(f"{out.name}.map")
    files.write_atomic(versions, script.encode())
    said = ""
    for command in commands((*kind, *FLAGS), arguments):
        words = filled(command, objects, str(out), str(versions))
        done = process.run(words, cwd=root, install="gcc and binutils")
        if done.ok:
            return
        said = done.errors().strip()
    raise StepFailedError("the link failed", why=said)


def joiner(linker: Sequence[str]) -> str:
    """Return the program to join objects with where the driver's arguments choose that linker.

    gold starts faster than ld; the others take longer.
    """
    return "ld.gold" if "-fuse-ld=gold" in linker else "ld"


def join(objects: Sequence[str], *, program: str, root: Path, out: Path) -> None:
    """Join relocatable objects into one."""
    done = process.run([program, "-r", "-o", str(out), *objects], cwd=root, install="binutils")
    if not done.ok:
        raise StepFailedError(f"{program} -r failed", why=done.errors().strip())
