"""A value is used after it was released.

Reported when the result of a call is used as an address or passed on after every path to there has
passed it to a function whose contract says `asm releases` or `asm takes`. So is what was borrowed
from it (`asm borrows`).

Why: its memory may belong to someone else by then.

Mend it by using the value first, or by taking what is needed of it before the release.

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
        mov     rbx, rax
        mov     rdi, rax
        call    free wrt ..plt
        mov     rax, [rbx + t_counter.count]
.done:
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

from asmith.check.flow.events import AfterRelease
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.check.wording import register_name
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "CON008"
LEVEL = Level.CODE
PROFILES = {Profile.PROJECT: Severity.ERROR, Profile.ASM: Severity.WARNING}


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each use of what was released."""
    for outcome, event in subject.events(AfterRelease):
        name = subject.callee(outcome, event.call)
        register = register_name(event.register)
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{outcome.function.name} uses {register} after releasing it",
                f"it is what {name} gave at {subject.place(event.call)}, or borrowed from that, and"
                " it was released since",
                "use it before the release, or keep what is needed of it",
                f"{register} was released on every path to here",
            ),
        )
