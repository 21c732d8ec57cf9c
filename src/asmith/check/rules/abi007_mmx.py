"""MMX registers were used, and no emms follows.

Reported at an exit, and at a call of another object's function, when an MMX register may have been
written since the last `emms`.

Why: MMX registers are those of the x87 unit. The CPU is in x87 mode on entry and on return (System
V psABI 3.2.1); without emms the x87 stack counts as full and the next floating-point load fails.

Mend it with `emms` after the last MMX instruction, or use SSE registers.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        movq    mm0, [rdi + t_counter.count]
        movq    rax, mm0
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
        movq    mm0, [rdi + t_counter.count]
        movq    rax, mm0
        emms
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Call
from asmith.check.flow.machine import MMX
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "ABI007"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each call or exit in MMX mode."""
    for outcome, event in subject.departures():
        if isinstance(event, Call) and event.is_local:
            continue
        if subject.profile == Profile.ASM and outcome.is_private:
            continue
        if event.registers[MMX]:
            yield subject.report(
                ID,
                event.address,
                Text(
                    f"{outcome.function.name} {event.verb} after MMX instructions without emms",
                    "the x87 unit is empty whenever a function is entered or left"
                    " (System V psABI 3.2.1)",
                    "add `emms` before this place",
                    "mm registers were used on a path to here",
                ),
            )
