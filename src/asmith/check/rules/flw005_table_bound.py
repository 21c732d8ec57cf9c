"""The index of a jump table may lie beyond its end.

Reported in hand-written code for a jump through a table when the comparison or the mask before it
lets an index pass for which the table has no entry, and when nothing on the way to the jump bounds
the index. A compiler may know better (`default: __builtin_unreachable()`).

Why: behind a table lie other constants; the jump goes wherever they say.

Mend it by comparing the index, unsigned, with the number of entries: `cmp eax, N` and `jae` to
where there is no entry. Better, let the assembler count: `N equ ($ - table) / 8`.

Fails:

```nasm fails
        default rel
        section .data.rel.ro write align=8
.steps: dq      counter_next.none, counter_next.one
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, [rdi + t_counter.count]
        cmp     rax, 2
        ja      .none
        lea     rdx, [rel .steps]
        jmp     [rdx + rax * 8]
.one:   inc     rax
.none:  ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```

Passes:

```nasm passes
        default rel
        section .data.rel.ro write align=8
.steps: dq      counter_next.none, counter_next.one
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, [rdi + t_counter.count]
        cmp     rax, 2
        jae     .none
        lea     rdx, [rel .steps]
        jmp     [rdx + rax * 8]
.one:   inc     rax
.none:  ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Beyond
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "FLW005"
LEVEL = Level.CODE
PROFILES = {Profile.PROJECT: Severity.ERROR, Profile.ASM: Severity.ERROR}


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each table that is too short for its index."""
    for outcome, event in subject.events(Beyond):
        reach = f"may be {event.high}" if event.high is not None else "may be anything"
        if event.high is None and event.low:
            reach = f"is {event.low} or more"
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{outcome.function.name} jumps through a table of {event.entries} entries, and its"
                f" index {reach}",
                "behind the table's end lies no address to go on at",
                f"go elsewhere unless the index is below {event.entries}: `cmp` and `jae`",
                f"the index {reach}",
            ),
        )
