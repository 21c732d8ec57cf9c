"""A store into memory that cannot be written.

Reported for a store to an address in a section of this object without write access: constants, or
code.

Why: the loader maps such sections without write permission (psABI 4.2, section flags), so the store
ends the process with a signal.

Mend it by moving the object to `.data` or `.bss`.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, [rdi + t_counter.count]
        mov     [rel counter_next], rax
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
        mov     [rdi + t_counter.limit], rax
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import ReadOnly
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "MEM001"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each such store."""
    for outcome, event in subject.events(ReadOnly):
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{outcome.function.name} writes to {event.section}, which is read-only",
                "sections without write access are mapped without it (psABI 4.2)",
                "move what is written to .data or .bss",
            ),
        )
