"""The object does not say that its stack need not be executable.

Reported when the section `.note.GNU-stack` is missing or has SHF_EXECINSTR.

Why: a single object without the note makes the link editor ask for an executable stack for the
whole program (ld manual, `-z noexecstack`), and newer ones warn of it.

Mend it with the last line of every module:
`section .note.GNU-stack noalloc noexec nowrite progbits`.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     eax, 1
        ret
.end:
```

Passes:

```nasm passes
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     eax, 1
        ret
.end:
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

ID = "ELF008"
LEVEL = Level.OBJECT
PROFILES = {
    Profile.PROJECT: Severity.ERROR,
    Profile.ASM: Severity.ERROR,
    Profile.COMPILED: Severity.WARNING,
}

NOTE = ".note.GNU-stack"


def check(subject: ObjectInput) -> Iterator[Finding]:
    """Yield a finding unless the object renounces an executable stack."""
    note = next((s for s in subject.facts.sections if s.name == NOTE), None)
    if note is not None and not note.has(Section.EXEC):
        return
    told = "asks for an executable stack" if note else "does not renounce an executable stack"
    yield finding(
        ID,
        subject,
        at_section(subject, NOTE),
        Text(
            f"the object {told}: {NOTE} is {'executable' if note else 'missing'}",
            "one such object makes the stack of the whole program executable (ld, -z noexecstack)",
            f"end the module with `section {NOTE} noalloc noexec nowrite progbits`",
        ),
    )
