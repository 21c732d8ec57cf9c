"""The section .data.rel.ro holds pointers and is not writable or not aligned for them.

Reported when a section `.data.rel.ro` with 8-byte relocations lacks SHF_WRITE or has an alignment
below 8. NASM gives it neither by itself.

Why: the loader writes the pointers before it makes the pages read-only, so without SHF_WRITE they
become text relocations (gABI, DT_TEXTREL); the alignment of a pointer is 8 (psABI 3.1.2).

Mend it by writing the whole directive:
`section .data.rel.ro progbits alloc noexec write align=8`.

Fails:

```nasm fails
        default rel
        section .data.rel.ro
table:  dq      counter_next
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, [rel table]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```

Passes:

```nasm passes
        default rel
        section .data.rel.ro progbits alloc noexec write align=8
table:  dq      counter_next
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, [rel table]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.inputs import Level, Profile
from asmith.check.places import Text, at_section, finding
from asmith.check.rules.elf007_text_relocation import RELRO
from asmith.model.finding import Severity
from asmith.model.objects import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.inputs import ObjectInput
    from asmith.model.finding import Finding

ID = "ELF010"
LEVEL = Level.OBJECT
PROFILES = {
    Profile.PROJECT: Severity.ERROR,
    Profile.ASM: Severity.ERROR,
    Profile.COMPILED: Severity.ERROR,
}

_POINTER = 8  # alignment in bytes


def check(subject: ObjectInput) -> Iterator[Finding]:
    """Yield a finding for each relro section whose flags or alignment do not suit pointers."""
    pointed = {r.section for r in subject.facts.relocations if r.type == "R_X86_64_64"}
    for section in subject.facts.sections:
        if section.index not in pointed or not section.name.startswith(RELRO):
            continue
        lacks = []
        if not section.has(Section.WRITE):
            lacks.append("write")
        if section.align < _POINTER:
            lacks.append(f"align={_POINTER}")
        if lacks:
            yield finding(
                ID,
                subject,
                at_section(subject, section.name),
                Text(
                    f"section {section.name} holds pointers and lacks {' and '.join(lacks)}",
                    "the loader writes them, then protects the pages (gABI, DT_TEXTREL;"
                    " psABI 3.1.2)",
                    f"write `section {section.name} progbits alloc noexec write align=8`",
                    f"lacks {' and '.join(lacks)}",
                ),
            )
