"""A name of a shared library is reached without the PLT or the GOT.

Reported for R_X86_64_PC32 against an undefined symbol that an external interface declares: a
function by `call f` instead of `call f wrt ..plt`, data by `[rel x]` instead of the pointer at
`[rel x wrt ..got]`.

Why: the symbol lives in another object at an unknown distance, so a 32-bit displacement needs the
PLT or the GOT in between (psABI 3.5.5 and 4.4.1). In a shared object the link fails; in an
executable, data is silently copied.

Mend it with `call f wrt ..plt`, or with `mov reg, [rel x wrt ..got]` for an address.

Fails:

```nasm fails
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        call    puts
        mov     eax, 1
        add     rsp, 8
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```

Passes:

```nasm passes
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        call    puts wrt ..plt
        mov     eax, 1
        add     rsp, 8
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.inputs import Level, Profile
from asmith.check.places import Text, at_reference, finding
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.inputs import ObjectInput
    from asmith.model.finding import Finding

ID = "ELF009"
LEVEL = Level.OBJECT
PROFILES = {Profile.PROJECT: Severity.ERROR, Profile.ASM: Severity.ERROR}


def check(subject: ObjectInput) -> Iterator[Finding]:
    """Yield a finding for each direct reference to a library's function or data."""
    external = {
        name: (interface, name in interface.functions)
        for interface in subject.visible.values()
        if interface.library is not None
        for name in (*interface.functions, *interface.data)
    }
    for relocation in subject.facts.relocations:
        name = relocation.symbol
        if relocation.type != "R_X86_64_PC32" or name not in external:
            continue
        if not subject.facts.symbols[relocation.index].undefined:
            continue
        interface, is_function = external[name]
        via = "PLT" if is_function else "GOT"
        form = f"`call {name} wrt ..plt`" if is_function else f"`mov reg, [rel {name} wrt ..got]`"
        yield finding(
            ID,
            subject,
            at_reference(subject, relocation),
            Text(
                f"{name} of {interface.name} is reached without the {via}",
                "it lies in a shared library, at a distance that the link does not know"
                " (psABI 3.5.5)",
                f"write {form}",
                f"not through the {via}",
            ),
        )
