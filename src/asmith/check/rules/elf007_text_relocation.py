"""A read-only section holds an address that the loader must fill in.

Reported for R_X86_64_64 in an allocated section that is neither writable nor executable, such as
`dq symbol` in `.rodata`.

Why: the dynamic linker would have to write to a read-only page, which makes the page private and
writable (gABI, "Dynamic Section", DT_TEXTREL); hardened systems refuse to load that.

Mend it by moving the table to `.data.rel.ro`, which is made read-only after relocation, with the
flags that NASM does not give it: `section .data.rel.ro progbits alloc noexec write align=8`.
Differences of labels (`dd symbol - table`) need no relocation at all.

Fails:

```nasm fails
        default rel
        section .rodata align=8
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
from asmith.check.places import Text, at_reference, finding, target_name
from asmith.model.finding import Severity
from asmith.model.objects import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.inputs import ObjectInput
    from asmith.model.finding import Finding

ID = "ELF007"
LEVEL = Level.OBJECT
PROFILES = {
    Profile.PROJECT: Severity.ERROR,
    Profile.ASM: Severity.ERROR,
    Profile.COMPILED: Severity.ERROR,
}

RELRO = ".data.rel.ro"


def check(subject: ObjectInput) -> Iterator[Finding]:
    """Yield a finding for each pointer in a section that the loader may not write."""
    for relocation in subject.facts.relocations:
        if relocation.type != "R_X86_64_64":
            continue
        section = subject.facts.section(relocation.section)
        if section is None:
            continue
        writable = section.has(Section.WRITE) or section.has(Section.EXEC)
        if section.has(Section.ALLOC) and not writable and not section.name.startswith(RELRO):
            yield finding(
                ID,
                subject,
                at_reference(subject, relocation),
                Text(
                    f"{section.name}+{relocation.offset:#x} holds the address of"
                    f" {target_name(subject, relocation)}, which only the loader knows",
                    "writing it there needs a text relocation (gABI, DT_TEXTREL)",
                    f"move it to `section {RELRO} progbits alloc noexec write align=8`",
                    "an address in a read-only section",
                ),
            )
