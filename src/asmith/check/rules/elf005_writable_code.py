"""A section is writable and executable.

Reported for every allocated section that has both SHF_WRITE and SHF_EXECINSTR.

Why: the loader would map it writable and executable at once (gABI, "Sections", sh_flags), and
whoever can write there runs what they like. Nothing that asmith builds writes code at run time.

Mend it by keeping code in `.text` and data in `.data` or `.bss`.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     eax, 1
        ret
.end:
        section .patch progbits alloc exec write align=16
        ret
        section .note.GNU-stack noalloc noexec nowrite progbits
```

Passes:

```nasm passes
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     eax, [rel start]
        ret
.end:
        section .data align=8
start:  dd      1
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.inputs import Level, Profile
from asmith.check.places import Text, at_section, finding
from asmith.model.finding import Severity
from asmith.model.objects import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.inputs import ObjectInput
    from asmith.model.finding import Finding

ID = "ELF005"
LEVEL = Level.OBJECT
PROFILES = {
    Profile.PROJECT: Severity.ERROR,
    Profile.ASM: Severity.ERROR,
    Profile.COMPILED: Severity.ERROR,
}


def check(subject: ObjectInput) -> Iterator[Finding]:
    """Yield a finding for each section that may be written and executed."""
    for section in subject.facts.sections:
        if all(map(section.has, (Section.ALLOC, Section.WRITE, Section.EXEC))):
            yield finding(
                ID,
                subject,
                at_section(subject, section.name),
                Text(
                    f"section {section.name} is writable and executable",
                    "it would be mapped with both rights at once (gABI, sh_flags)",
                    "drop `write` from a code section, or `exec` from a data section",
                    "both `write` and `exec`",
                ),
            )
