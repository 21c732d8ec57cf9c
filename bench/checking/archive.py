"""Members of a static library, and how hand-written ones are told from compiled ones.

Debian strips its static libraries of DWARF and of .comment, so no producer is written in them. What
is left is what each assembler and build writes and Debian's gcc does not:

- openssl's assembly has a .note.gnu.property section (Debian 12's gcc has no -fcf-protection);
- nasm makes neither .data nor .bss, the GNU assembler behind gcc always makes both;
- gmp's assembly has code and no .eh_frame, gcc gives every function a row there;
- glibc's assembly lies in sections named after instruction sets (.text.avx, .text.evex); three of
  these members are C with a section attribute.

`handwritten` is this criterion. The member names that it chooses are printed by the legs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asmith.toolchain import elf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from asmith.model.objects import ObjectFacts

_MAGIC = b"!<arch>\n"
_HEADER = 60
_ISA = re.compile(r"\.text\.(avx|evex|sse|ssse|atom)")
_C_IN_ISA_SECTIONS = {"strcspn-sse4.o", "strpbrk-sse4.o", "strspn-sse4.o"}


@dataclass(frozen=True, slots=True)
class Member:
    """One member; `name` is as ar prints it, and may occur more than once."""

    archive: str
    name: str
    data: bytes

    @property
    def path(self) -> str:
        """Return how messages name the member."""
        return f"{self.archive}({self.name})"


def members(path: Path) -> Iterator[Member]:
    """Yield the ELF members of a static library in order (the System V variant of ar)."""
    data = path.read_bytes()
    if not data.startswith(_MAGIC):
        raise ValueError(f"{path.name} is no archive")
    long_names, place = b"", len(_MAGIC)
    while place + _HEADER <= len(data):
        field = data[place : place + 16].rstrip(b" ")
        size = int(data[place + 48 : place + 58])
        body = data[place + _HEADER : place + _HEADER + size]
        place += _HEADER + size + size % 2
        if field == b"//":
            long_names = body
        elif body.startswith(b"\x7fELF"):
            if field[:1] == b"/":
                start = int(field[1:])
                field = long_names[start : long_names.index(b"\n", start)]
            yield Member(path.name, field.rstrip(b"/").decode(), body)


def has_code(facts: ObjectFacts) -> bool:
    """Tell whether any executable section holds bytes."""
    return any(s.size and s.has(s.EXEC) for s in facts.sections)


def handwritten(member: Member) -> bool:
    """Tell whether a member with code was written by hand, by the criterion above."""
    facts = elf.read_object(member.data, member.path)
    if not has_code(facts) or member.name in _C_IN_ISA_SECTIONS:
        return False
    names = {s.name for s in facts.sections}
    return (
        ".note.gnu.property" in names
        or not names & {".data", ".bss"}
        or ".eh_frame" not in names
        or any(_ISA.match(name) for name in names)
    )
