"""A function uses more of the stack than its contract says.

Reported when the frame of a function (all that it pushes and reserves, without the return addresses
of the calls it makes) is larger than `asm stack N` allows, or has no bound that can be computed.

Why: callers add up these bounds to know how deep a call may go.

Mend it by a smaller frame, or by a larger bound in the interface.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 40                 ; rsp = 0 mod 16
        mov     [rsp + 8], rdi
        mov     rax, [rsp + 8]
        add     rsp, 40
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```

Passes:

```nasm passes
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 24                 ; rsp = 0 mod 16
        mov     [rsp + 8], rdi
        mov     rax, [rsp + 8]
        add     rsp, 24
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.values import RSP_AT_ENTRY, SHIFT
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "CON003"
LEVEL = Level.CODE
PROFILES = {Profile.PROJECT: Severity.ERROR}


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each function whose frame exceeds its bound."""
    for outcome in subject.outcomes:
        convention = outcome.convention
        if convention is None or convention.stack is None or outcome.reason:
            continue
        size = (RSP_AT_ENTRY - outcome.lowest) >> SHIFT if outcome.lowest else 0
        if outcome.bounded and size <= convention.stack:
            continue
        used = f"uses {size} bytes of stack" if outcome.bounded else "uses stack without a bound"
        yield subject.report(
            ID,
            outcome.function.start,
            Text(
                f"{convention.name} {used}, expected at most {convention.stack}",
                "`asm stack` bounds the frame of the function, all paths together",
                "reserve less, or raise the bound in the interface",
            ),
        )
