"""The return address, or what the caller keeps above it, is overwritten.

Reported for a store that reaches the 8 bytes of the return address, and in a function whose
prototype is known for one above its own arguments on the stack.

Why: the frame of a function ends below its return address; what lies above belongs to the caller
but for the area of the arguments (System V psABI 3.2.2, figure 3.3).

Mend it by reserving the space first (`sub rsp, N`), and by counting offsets from the right end.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        mov     qword [rsp + 8], 0
        mov     rax, [rdi + t_counter.count]
        add     rsp, 8
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
        mov     qword [rsp + 8], 0
        mov     rax, [rsp + 8]
        add     rsp, 24
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Overwrite
from asmith.check.flow.machine import RETURN_SIZE
from asmith.check.flow.values import RETURN_ADDRESS
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "ABI002"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each store into what is not the function's."""
    for outcome, event in subject.events(Overwrite):
        if event.value == RETURN_ADDRESS and event.offset == 0:
            continue  # put back where it was
        limit = outcome.arguments_end
        if event.offset >= RETURN_SIZE and (limit is None or event.offset + event.size <= limit):
            continue
        what = "its return address" if event.offset < RETURN_SIZE else "its caller's frame"
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{outcome.function.name} overwrites {what}",
                "only the bytes below the return address, and the stack arguments, belong to a"
                " function (System V psABI 3.2.2)",
                "reserve the space with `sub rsp, N` first, or correct the offset",
                f"writes {event.size} bytes at {event.offset:+d} from the return address",
            ),
        )
