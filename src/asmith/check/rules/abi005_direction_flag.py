"""The direction flag is set at a call or at an exit.

Reported when DF may be 1 where control leaves the function.

Why: DF must be clear on entry to and return from every function (System V psABI 3.2.1); with it
set, the string instructions of whoever runs next go backwards.

Mend it with `cld` after the last string instruction that needs DF set.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        std
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
        std
        mov     rax, [rdi + t_counter.count]
        cld
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.machine import DF
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "ABI005"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each call or exit with DF set."""
    for outcome, event in subject.departures():
        if event.registers[DF]:
            yield subject.report(
                ID,
                event.address,
                Text(
                    f"{outcome.function.name} {event.verb} with the direction flag set",
                    "DF is clear whenever a function is entered or left (System V psABI 3.2.1)",
                    "add `cld` before this place",
                    "DF is 1 on a path to here",
                ),
            )
