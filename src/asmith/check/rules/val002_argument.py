"""An argument of a call was never set.

Reported with the callee's contract, for a call (or a jump in tail position) when the register of an
argument holds nothing: what an earlier call left there, or what no one has written; for the
argument's own bytes only. Arguments on the stack count alike, and al for a variadic callee. Of a
callee in the same object that has no contract those registers count that it was seen to read.

Why: integers and pointers are passed in rdi, rsi, rdx, rcx, r8 and r9, floating-point values in
xmm0 to xmm7, and al holds an upper bound of the vector registers that a variadic call uses (System
V psABI 3.2.3). A call leaves none of these registers as they were (3.2.1).

Mend it by loading every argument right before the call; `xor eax, eax` before a variadic one that
passes no floating-point values.

Fails:

```nasm fails
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx                     ; rsp = 0 mod 16
        mov     rbx, rdi
        mov     rdi, [rbx + t_counter.count]
        call    puts wrt ..plt
        call    puts wrt ..plt
        mov     rax, rbx
        pop     rbx
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
        push    rbx                     ; rsp = 0 mod 16
        mov     rbx, rdi
        mov     rdi, [rbx + t_counter.count]
        call    puts wrt ..plt
        mov     rdi, [rbx + t_counter.count]
        call    puts wrt ..plt
        mov     rax, rbx
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Junk
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.check.wording import origin, register_name
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "VAL002"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each argument that holds nothing."""
    for outcome, event in subject.events(Junk):
        if event.use == "vectors":
            message = f"{outcome.function.name} calls a variadic function, but al was never set"
            help_ = "set al to the number of vector registers used, `xor eax, eax` for none"
        elif event.use in ("argument", "needed"):
            name = register_name(event.register)
            message = f"{outcome.function.name} passes {name}, but {origin(subject, event.value)}"
            help_ = f"load {name} after the last call before this one"
        else:
            continue
        yield subject.report(
            ID,
            event.address,
            Text(
                message,
                "arguments are in rdi, rsi, rdx, rcx, r8, r9 and xmm0 to xmm7; no call leaves them"
                " as they were (System V psABI 3.2.1 and 3.2.3)",
                help_,
                "an argument of this call holds nothing",
            ),
        )
