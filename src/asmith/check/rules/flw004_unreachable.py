"""Code that nothing reaches.

Reported for instructions inside a function to which no path leads from its entry; padding and traps
(`ud2`, `int3`) are left out.

Why: it is checked by nobody and tested by nobody, and a later edit may jump to it.

Mend it by removing it, or by the branch that was meant to lead there.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, [rdi + t_counter.count]
        ret
        inc     rax
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
        mov     rax, [rdi + t_counter.count]
        test    rax, rax
        jz      .zero
        ret
.zero:
        inc     rax
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Unreached
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "FLW004"
LEVEL = Level.CODE
PROFILES = {Profile.PROJECT: Severity.WARNING}


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each stretch of such code."""
    for outcome, event in subject.events(Unreached):
        count = event.size
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{outcome.function.name} has {count} bytes of code that nothing reaches",
                "no path from the entry leads here",
                "remove it, or add the branch that was meant to lead here",
            ),
        )
