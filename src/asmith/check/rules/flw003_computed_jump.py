"""An indirect jump goes to a computed address.

Reported for a jump through a value that was computed and that no jump table explains. In
hand-written objects outside of a project (profile `asm`) such a function counts as not analysed.

Why: a jump table is read as a whole entry, or as a distance that is added to the table's own
address; and a tail call goes to an address as it was found. Anything else leads nowhere.

Mend it by adding the address of the table to the distance that was read from it, in 64 bits.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        lea     rdx, [rel counter_next]
        mov     rax, [rdi + t_counter.count]
        add     eax, edx
        jmp     rax
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
        jmp     rax
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Computed
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "FLW003"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each jump to a computed address."""
    for outcome, event in subject.events(Computed):
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{outcome.function.name} jumps to an address that no table explains",
                "the target was computed otherwise than from an entry of a table and its address",
                "add the table's own address to the distance that was read from it",
                "goes to a computed address",
            ),
        )
