"""How the C driver links, asked once: its linker is then run without it.

`cc` starts collect2, and that starts the linker: two programs that take longer than a small link.
What they would run, start files, libraries and all, `cc -###` prints. The bytes of what is linked
are the same.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from asmith.host import process

if TYPE_CHECKING:
    from collections.abc import Sequence

OBJECTS, OUTPUT, SCRIPT = ":objects:", ":output:", ":script:"  # stand for them in a command
_RUNTIME = frozenset(("-lgcc", "-lgcc_s", "-lc", "--as-needed", "--push-state", "--pop-state"))
_DRIVER_ONLY = ("-fuse-ld=", "-fno-lto")  # what collect2 does not hand on to the linker


def linking(arguments: Sequence[str], libraries: Sequence[str]) -> tuple[str, ...]:
    """Return the command by which the driver links, with the names above for what varies.

    Where the driver does not say it in a way that is understood, that is the driver itself.
    """
    inputs = (f"-Wl,--version-script={SCRIPT}", "-o", OUTPUT, f"-Wl,{OBJECTS}", *libraries)
    asked = ["cc", "-###", "-fno-lto", "-fno-use-linker-plugin", *arguments, *inputs]
    done = process.run(asked, cwd=Path("/"), install="gcc")
    through_driver = ("cc", *arguments, *inputs[:3], OBJECTS, *libraries)
    lines = [line for line in done.errors().splitlines() if OBJECTS in line and line[:1] == " "]
    try:
        program, *rest = shlex.split(lines[-1])
    except (ValueError, IndexError):
        return through_driver
    if not done.ok or OUTPUT not in rest or OBJECTS not in rest:
        return through_driver
    if os.path.basename(program) == "collect2":
        program = _linker(arguments)
    return (program, *(a for a in rest if not a.startswith(_DRIVER_ONLY)))


def _linker(arguments: Sequence[str]) -> str:
    """Return the program that the driver's arguments choose as linker."""
    chosen = [a.partition("=")[2] for a in arguments if a.startswith("-fuse-ld=")]
    name = "ld" + "".join(f".{c}" for c in chosen[-1:])
    done = process.run(["cc", f"-print-prog-name={name}"], cwd=Path("/"), install="gcc")
    return done.stdout.decode("utf-8", "replace").strip() or name


def start_files(command: Sequence[str]) -> tuple[str, ...]:
    """Return the objects of the C runtime that a command of `linking` takes in."""
    return tuple(word for word in command if word.endswith(".o") and not word.startswith(":"))


def with_stub(command: Sequence[str], stub: str) -> tuple[str, ...] | None:
    """Return a command of `linking` with a stub instead of the C library and the compiler's own.

    None if it is not understood. The stub has less than the libraries that are linked need of the
    C library, so what these leave undefined is not asked for.
    """
    rest = list(command[command.index(OBJECTS) :])
    first = next((k for k, word in enumerate(rest) if word == "-lgcc"), len(rest))
    after = next((k for k, word in enumerate(rest) if "/crtend" in word), 0)
    if not first < after or not _RUNTIME.issuperset(rest[first:after]):
        return None
    start = command[: command.index(OBJECTS)]
    return (*start, *rest[:first], "--allow-shlib-undefined", stub, *rest[after:])


def filled(command: Sequence[str], objects: Sequence[str], output: str, script: str) -> list[str]:
    """Return a command of `linking` for these objects."""
    found: list[str] = []
    for word in command:
        if word == OBJECTS:
            found += objects
        else:
            found.append(word.replace(OUTPUT, output).replace(SCRIPT, script))
    return found
