"""The code runs over the end of its function.

Reported when the last instruction of a function, by its symbol's size, is one that goes on.

Why: what stands behind is another function, padding or data; the extent of a function is all that
its contract, its checks and the debugger know of (gABI, "Symbol Table", st_size).

Mend it by ending every path with `ret`, with a jump, or with the call of a function that never
returns; and by putting `.end:` behind the last instruction.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, [rdi + t_counter.count]
        test    rax, rax
        jnz     .more
        ret
.more:
        dec     rax
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
        jnz     .more
        ret
.more:
        dec     rax
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Out
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "FLW001"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each path over the end."""
    for outcome, event in subject.events(Out):
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{outcome.function.name} runs over its end",
                "its symbol's extent ends here, and this instruction goes on behind it",
                "end the path with `ret` or a jump, or extend the function's size",
                "the last instruction of the function",
            ),
        )
