"""Code holds an absolute address, or data an address narrower than a pointer.

Reported for R_X86_64_64, 32, 32S, 16 and 8 in an executable section, and for the narrow ones in
any allocated section.

Why: a shared object or a position-independent executable is loaded at an address that the link
does not know, so the instruction would have to be patched at load time, and 32 bits do not hold
it (psABI 3.5, "Coding Examples", and 4.4.1). The link fails, or the code pages become writable.

Mend it with `default rel`, `lea reg, [rel symbol]` for an address, and `call symbol`.

Fails:

```nasm fails
        default rel
        section .rodata align=8
steps:  dq      1, 2
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, steps
        mov     rax, [rax]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```

Passes:

```nasm passes
        default rel
        section .rodata align=8
steps:  dq      1, 2
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        lea     rax, [rel steps]
        mov     rax, [rax]
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

ID = "ELF006"
LEVEL = Level.OBJECT
PROFILES = {
    Profile.PROJECT: Severity.ERROR,
    Profile.ASM: Severity.ERROR,
    Profile.COMPILED: Severity.ERROR,
}

_NARROW = frozenset({"R_X86_64_32", "R_X86_64_32S", "R_X86_64_16", "R_X86_64_8"})
_ABSOLUTE = _NARROW | {"R_X86_64_64"}


def check(subject: ObjectInput) -> Iterator[Finding]:
    """Yield a finding for each absolute relocation that no load address can satisfy."""
    for relocation in subject.facts.relocations:
        if relocation.type not in _ABSOLUTE:
            continue
        section = subject.facts.section(relocation.section)
        if section is None or not section.has(Section.ALLOC):
            continue
        code = section.has(Section.EXEC)
        if relocation.type in (_ABSOLUTE if code else _NARROW):
            holder = "code holds the" if code else f"{section.name} holds the narrow"
            target = target_name(subject, relocation) or "nothing"
            yield finding(
                ID,
                subject,
                at_reference(subject, relocation),
                Text(
                    f"{holder} absolute address of {target} ({relocation.type})",
                    "the load address is unknown until run time (psABI 3.5 and 4.4.1)",
                    "use `default rel` and `lea reg, [rel symbol]`"
                    if code
                    else "store a difference of labels (`dd symbol - base`), or 8 bytes in"
                    " .data.rel.ro",
                    "absolute",
                ),
            )
