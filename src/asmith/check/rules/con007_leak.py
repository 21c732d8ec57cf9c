r"""What a call gave is never released.

Reported at a `ret` when the result of a call whose contract says `asm acquires \result by F` may
still be owned: it was not null, not passed to F or to whoever takes it over, not stored, and is not
returned.

Why: nobody else knows of it; it is lost for good.

Mend it by calling F on every path after the result is no longer needed.

Fails:

```nasm fails
        default rel
        extern  calloc, free
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx                     ; rsp = 0 mod 16
        mov     edi, 1
        mov     esi, t_counter_size
        call    calloc wrt ..plt
        test    rax, rax
        jz      .done
        inc     qword [rax + t_counter.count]
.done:
        mov     eax, 1
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```

Passes:

```nasm passes
        default rel
        extern  calloc, free
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx                     ; rsp = 0 mod 16
        mov     edi, 1
        mov     esi, t_counter_size
        call    calloc wrt ..plt
        test    rax, rax
        jz      .done
        mov     rbx, [rax + t_counter.count]
        mov     rdi, rax
        call    free wrt ..plt
        mov     rax, rbx
.done:
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Leak
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "CON007"
LEVEL = Level.CODE
PROFILES = {Profile.PROJECT: Severity.ERROR, Profile.ASM: Severity.WARNING}


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each exit that leaves something owned behind."""
    for outcome, event in subject.events(Leak):
        name = subject.callee(outcome, event.call)
        releaser = subject.releaser(name)
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{outcome.function.name} returns without releasing what {name} gave it at"
                f" {subject.place(event.call)}",
                f"the result of {name} is to be released by {releaser}",
                f"call {releaser} on every path to here, store the result, or return it",
                "still owned on a path to here",
            ),
        )
