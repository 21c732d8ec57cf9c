"""A result was never set.

Reported with the function's contract, at a `ret` when the register of the result holds nothing on
some path that ends there.

Why: the result is returned in rax (and rdx), a floating-point one in xmm0 (and xmm1) (System V
psABI 3.2.3); the caller reads it whatever path was taken.

Mend it by setting the result on every path.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rcx, [rdi + t_counter.count]
        test    rcx, rcx
        jz      .zero
        mov     rax, rcx
.zero:
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
        mov     rcx, [rdi + t_counter.count]
        xor     eax, eax
        test    rcx, rcx
        jz      .zero
        mov     rax, rcx
.zero:
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

ID = "VAL003"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each exit without a result."""
    for outcome, event in subject.events(Junk):
        if event.use == "result":
            name = register_name(event.register)
            yield subject.report(
                ID,
                event.address,
                Text(
                    f"{outcome.function.name} returns {name}, but {origin(subject, event.value)}",
                    "the caller takes the result from rax, rdx, xmm0 or xmm1"
                    " (System V psABI 3.2.3)",
                    f"set {name} on every path to here",
                    f"{name} holds no result on a path to here",
                ),
            )
