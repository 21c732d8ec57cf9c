"""A register is used that holds nothing.

Reported when a register was last changed by a call that leaves nothing in it, or was never set at
all, and its value reaches a place where it counts: an address, a 64-bit comparison, a branch, an
indirect call or jump, or a store outside of the function's frame. Where paths meet, a value is
undefined if it is so on each of them; in modules (profile `project`) also if it is used right where
they meet. Saving and moving such a value is harmless, so only its use is reported; in compilers'
code (profile `compiled`) that includes a copy out of the frame, since structures and unions are
copied whole whatever of them is set.

Why: after a call rax, rcx, rdx, rsi, rdi, r8 to r11, the vector registers and the flags hold
whatever the callee left there, but for the result (System V psABI 3.2.1); at the entry only the
arguments' registers hold something (3.2.3).

Mend it by keeping the value in a callee-saved register or in the frame over the call.

Fails:

```nasm fails
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        call    puts wrt ..plt
        mov     rax, [rdi + t_counter.count]
        add     rsp, 8
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```

Passes:

```nasm passes
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx                     ; rsp = 0 mod 16
        mov     rbx, rdi
        call    puts wrt ..plt
        mov     rax, [rbx + t_counter.count]
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asmith.check.flow.events import Blank, Junk
from asmith.check.flow.machine import FIRST_VECTOR
from asmith.check.flow.values import ENTRY, KIND, STALE, UNDEF
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.check.wording import origin, register_name
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.flow.outcome import Outcome
    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "VAL001"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each use of what nobody defined."""
    for outcome, event in subject.events(Junk):
        if event.use not in _USES:
            continue
        saved = event.use == "store" and event.value & KIND == ENTRY
        if subject.profile == Profile.ASM and saved and outcome.convention is None:
            continue  # setjmp and the like save the caller's registers for others
        if subject.profile == Profile.COMPILED and _is_copied(outcome, event):
            continue
        name = register_name(event.register)
        verb = "hold" if name == "the flags" else "holds"
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{outcome.function.name} uses {name} as {_USES[event.use]}, but"
                f" {origin(subject, event.value)}",
                _why(event),
                "set the register first; keep values over calls in rbx, rbp, r12 to r15 or in"
                " the frame",
                f"{name} {verb} nothing here",
            ),
        )


_USES = {
    "address": "an address",
    "comparison": "an operand of a comparison",
    "condition": "a condition",
    "branch": "a condition",
    "call": "the function to call",
    "jump": "the place to jump to",
    "store": "a value to store",
    "part": "a value to store",
    "operand": "an operand",
}


def _is_copied(outcome: Outcome, event: Junk) -> bool:
    """Tell whether a value is stored as it was loaded from the frame, where nothing had set it.

    So compilers copy a structure or a union of which this path has set another part.
    """
    if event.use not in ("store", "part"):
        return False
    if not outcome.of(Blank):
        return False
    loads = {at: e for at, e in outcome.code.items() if e.memory and _LOAD.match(e.name)}
    if not any(blank.address in loads for blank in outcome.of(Blank)):
        return False
    if event.register >= FIRST_VECTOR:
        bit = 1 << event.register - FIRST_VECTOR
        writes = [at for at, e in outcome.code.items() if e.vwrites & bit and at < event.address]
        return bool(writes) and max(writes) in loads
    return event.value & KIND == UNDEF and event.value >> 4 in loads


_LOAD = re.compile(r"v?mov")


def _why(event: Junk) -> str:
    if event.value & KIND == STALE:
        return "a call may change every register but rbx, rbp, rsp and r12 to r15 (psABI 3.2.1)"
    return "at the entry only the arguments' registers hold something (System V psABI 3.2.3)"
