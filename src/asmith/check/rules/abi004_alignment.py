"""The stack is not aligned at a call.

Reported at a call when rsp is known not to be a multiple of 16, or was only rounded to one of 8,
or, in hand-written code, was moved by a number that nothing rounds, and the callee is another
object's, or unknown, or one of this object that needs the alignment: because it, or what it calls
in turn, calls out.

Why: at the entry of a function rsp + 8 is a multiple of 16, so before the call rsp is (System V
psABI 3.2.2). Callees place vectors in their frames and use movaps on them.

Mend it by counting: on entry rsp is 8 modulo 16, each push takes 8 bytes. An odd number of pushes
needs `sub rsp, 16*N`, an even number `sub rsp, 16*N + 8`.

Fails:

```nasm fails
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rdi, [rdi + t_counter.count]
        call    puts wrt ..plt
        mov     eax, 1
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
        mov     rdi, [rdi + t_counter.count]
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

from asmith.check.flow.events import Call
from asmith.check.flow.machine import RSP
from asmith.check.flow.values import EIGHTS, KIND, STACK, UNKNOWN, residue
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "ABI004"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each call with a misaligned stack."""
    for outcome, event in subject.events(Call):
        rsp = event.registers[RSP]
        if rsp & KIND != STACK or not event.summary.aligned:
            continue
        left = residue(rsp)
        if left == 0 or (left == UNKNOWN and subject.profile == Profile.COMPILED):
            continue
        words = {
            EIGHTS: "rounded to 8 bytes only",
            UNKNOWN: "where a number decides that nothing rounds",
        }.get(left, f"{left} modulo 16")
        callee = event.name or "a function by its address"
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{outcome.function.name} calls {callee} with rsp {words}, expected 0 modulo 16",
                "before a call rsp is a multiple of 16 (System V psABI 3.2.2)",
                "reserve 8 bytes more or less, or round variable sizes up to 16",
                f"rsp is {words} here",
            ),
        )
