"""A function's address goes where it is called as another function.

Reported when the address of a function with a contract is passed as an argument, or stored in a
field, whose type is a pointer to a function that takes other arguments or returns another result: a
different number of them, in other registers, or more bytes of one than are passed.

Why: who calls through the pointer passes what its type says, in the places that follow from it
(System V psABI 3.2.3); what the function takes besides holds nothing.

Mend it by passing a function of the pointer's type: a small one that calls the other will do.

Fails:

```nasm fails
        default rel
        extern  atexit
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        lea     rdi, [counter_next]
        call    atexit wrt ..plt
        cdqe
        add     rsp, 8
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```

Passes:

```nasm passes
        default rel
        extern  atexit
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        lea     rdi, [at_exit]
        call    atexit wrt ..plt
        cdqe
        add     rsp, 8
        ret
.end:
at_exit:
        ret
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Handed
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "CON011"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each address of a function of another type."""
    from asmith.check.flow.passing import difference

    for outcome, event in subject.events(Handed):
        verb = "stores" if event.stored else "passes"
        words = difference(event.given, event.wanted)
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{outcome.function.name} {verb} the address of {event.given.name}, which {words},"
                f" as {event.wanted.name}",
                "it is called with what the pointer's type says (System V psABI 3.2.3)",
                "pass a function of the pointer's type, which may call this one",
                f"{event.given.name} {words}",
            ),
        )
