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

from asmith.toolchain import archive, elf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from asmith.model.objects import ObjectFacts

_ISA = re.compile(r"\.text\.(avx|evex|sse|ssse|atom)")
_C_IN_ISA_SECTIONS = {"strcspn-sse4.o", "strpbrk-sse4.o", "strspn-sse4.o"}


@dataclass(frozen=True, slots=True)
class Member:
    """One member; `path` is how messages name it: `libz.a(adler32.o)`."""

    path: str
    data: bytes

    @property
    def name(self) -> str:
        """Return the name as ar prints it; it may occur more than once in an archive."""
        return self.path.rpartition("(")[2].rstrip(")")


def members(path: Path) -> Iterator[Member]:
    """Yield the ELF members of a static library in order."""
    for name, data in archive.members(path.read_bytes(), path.name):
        yield Member(name, data)


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
