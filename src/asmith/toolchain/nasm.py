"""Assembling: NASM text in, a stamped relocatable object out.

The text goes to nasm as standard input (a file in memory, since nasm reads it once a pass). So what
is assembled is exactly the bytes whose digest was taken, and no directory of this machine enters
the debug information: the same text gives the same object everywhere. `%line` directives give
errors and line tables the real names.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass
from asmith.errors import UnavailableError
from asmith.host import files, process
from asmith.model.finding import Finding, Severity
from asmith.toolchain.stamping import with_section

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FLAGS = (
    "-f", "elf64", "-g", "-F", "dwarf", "--reproducible",
    "-w+all", "-w-reloc-abs-qword", "-w-reloc-rel-dword", "-w-reloc-abs-dword", "-w+error",
)  # fmt: skip
STAMP_SECTION = ".asmith"
_MESSAGE = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+): (?P<level>[\w ]+): (?P<text>.*)$")
_FIRST_VERSION = (2, 15)  # where `extern` alone no longer makes an undefined symbol


@dataclass(frozen=True, slots=True)
class Source:
    """A piece of the text to assemble: its bytes and the name that messages give it."""

    path: str
    data: bytes


@lru_cache(maxsize=1)
def version() -> str:
    """Return nasm's version as it prints it: part of every object's inputs."""
    from pathlib import Path

    done = process.run(["nasm", "-v"], cwd=Path("/"), install="nasm")
    found = re.search(r"NASM version (\d+)\.(\d+)(\S*)", done.stdout.decode("utf-8", "replace"))
    if not found or (int(found[1]), int(found[2])) < _FIRST_VERSION:
        raise UnavailableError(
            "this nasm is too old or is another program",
            why=f"'nasm -v' printed {done.stdout[:60]!r}",
            help=f"install NASM {_FIRST_VERSION[0]}.{_FIRST_VERSION[1]} or later",
        )
    return f"{found[1]}.{found[2]}{found[3]}"


def assemble(
    sources: Sequence[Source], stamp: bytes, *, root: Path, scratch: Path
) -> tuple[bytes | None, tuple[Finding, ...]]:
    """Return the object made of `sources` in order, carrying `stamp`; or the findings.

    Every warning is an error. `root` is where `incbin` looks for files.
    """
    text = b"".join(b"%line 0+1 " + s.path.encode() + b"\n" + s.data + b"\n" for s in sources)
    output = scratch / "object.o"
    command = ["nasm", *FLAGS, "-I", f"{root}/", "-o", str(output), "/dev/stdin"]
    done = process.run(command, cwd=scratch, stdin=text, install="nasm")
    if not done.ok or not output.exists():
        return None, _findings(done, sources)
    made = files.read_bytes(output)
    return with_section(made, STAMP_SECTION, stamp) if stamp else made, ()


def _findings(done: process.Completed, sources: Sequence[Source]) -> tuple[Finding, ...]:
    texts = {s.path: s.data.decode("utf-8", "replace").splitlines() for s in sources}
    found = []
    for line in done.errors().splitlines():
        match = _MESSAGE.match(line)
        if not match or match["level"] not in ("error", "fatal", "panic", "warning"):
            continue
        number = int(match["line"])
        lines = texts.get(match["file"], [])
        found.append(
            Finding(
                rule="ASM001",
                message=match["text"],
                why="nasm does not accept this line",
                help="correct the line; every warning of nasm counts as an error",
                file=match["file"],
                line=number,
                severity=Severity.ERROR,
                excerpt=lines[number - 1] if 0 < number <= len(lines) else "",
            )
        )
    if not found:
        what = done.errors().strip() or f"nasm ended with status {done.status}"
        found.append(Finding("ASM001", what, "nasm failed", "see asmith doctor"))
    return tuple(found)
