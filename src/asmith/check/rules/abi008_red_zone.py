"""Memory below the red zone is accessed.

Reported for a load or store in the frame more than 128 bytes below rsp.

Why: signal handlers run on the stack from rsp - 128 down; only the 128 bytes below rsp, the red
zone, are left alone (System V psABI 3.2.2).

Mend it by moving rsp below what is used: `sub rsp, N`.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     [rsp - 136], rdi
        mov     rax, [rdi + t_counter.count]
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
        mov     [rsp - 128], rdi
        mov     rax, [rdi + t_counter.count]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Below
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "ABI008"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each access below the red zone."""
    for outcome, event in subject.events(Below):
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{outcome.function.name} accesses the stack {event.distance} bytes below rsp",
                "signal handlers may overwrite what is more than 128 bytes below rsp"
                " (System V psABI 3.2.2)",
                "reserve the space with `sub rsp, N` first",
                "below the red zone",
            ),
        )
