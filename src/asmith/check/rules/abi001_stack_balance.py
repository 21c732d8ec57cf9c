"""A function is left with rsp elsewhere than at its return address.

Reported at a `ret` or at a jump to another function when rsp is not where it was at the entry, on
some path that leads there, or when nobody can say where it is. Reported too is an instruction that
sets rsp to half of an address.

Why: `ret` takes the 8 bytes at rsp for the address to go on at, and the caller finds its own frame
through rsp (System V psABI 3.2.1 and 3.2.2). One push too many returns into a saved register.

Mend it by undoing on every path what the prologue did: as many pops as pushes, `add rsp, N` for
`sub rsp, N`.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, [rdi + t_counter.count]
        push    rbx
        test    rax, rax
        jz      .empty
        pop     rbx
.empty:
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
        push    rbx
        test    rax, rax
        jz      .empty
        inc     rax
.empty:
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Cut, Exit
from asmith.check.flow.machine import RSP
from asmith.check.flow.values import BASE, HALF_ADDRESS, KIND, RSP_AT_ENTRY, SHIFT, STACK
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "ABI001"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each exit with another rsp than at the entry."""
    for outcome, event in subject.events(Exit):
        rsp = event.registers[RSP]
        if rsp in (RSP_AT_ENTRY, HALF_ADDRESS):
            continue  # the latter is told where it is made
        name = outcome.function.name
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{name} {event.verb} with rsp {_distance(rsp)}",
                "rsp must point to the return address again (System V psABI 3.2.1)",
                "undo on every path to here what was pushed and subtracted, and no more",
                "rsp is not at the return address",
            ),
        )

    for outcome, cut in subject.events(Cut):
        yield subject.report(
            ID,
            cut.address,
            Text(
                f"{outcome.function.name} cuts rsp to 32 bits",
                "addresses in the frame have 64 bits (System V psABI 3.3)",
                "use the 64-bit registers for what goes into rsp",
                "the upper half of rsp is lost",
            ),
        )


def _distance(rsp: int) -> str:
    """Return in words where rsp is, counted from where it must be."""
    if rsp & KIND != STACK:
        return "set to something that is no address in the frame"
    if rsp & BASE != RSP_AT_ENTRY:
        return "where only the path to here decides"
    offset = (rsp - RSP_AT_ENTRY) >> SHIFT
    count = abs(offset)
    return f"{count} byte{'s' if count != 1 else ''} too {'low' if offset < 0 else 'high'}"
