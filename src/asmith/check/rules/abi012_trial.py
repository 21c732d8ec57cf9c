"""With certain arguments the function breaks the convention, or does what nothing defines.

Reported when the function was run by the checker, on arguments of the types of its prototype that
fit the requirements of its contract, and does what no argument can excuse: it changes a register
that it must keep, overwrites its caller's frame, goes where there is no code, calls with a
misaligned stack or passes an address below rsp; or its outcome is another one when only that is
another one which it must not rely on: registers that are no arguments, upper halves of narrow
arguments, what callees leave behind, the flags, what was never written of the stack. An outcome is
what it returns, what it stores outside of its frame, how it calls others, and how it ends.

The function is interpreted instruction by instruction; the processor never executes it. Of others
only the contract is known: their results are made up, and what they may fill in of the frame counts
as filled. Runs that fault, or that take too long, show nothing. It is told only of functions of
which no other rule reports an error.

Why: the named arguments are a proof. Nothing may depend on what the ABI leaves undefined (System V
psABI 3.2.1, 3.2.3), and what belongs to the caller comes back as it was (3.2.1, 3.2.2).

Mend it by following the function with these arguments from the place that is shown, where the runs
part, back to what nothing has set. If a caller never passes such arguments, say so in a `requires`.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 24                 ; rsp = 0 mod 16
        mov     rcx, [rdi + t_counter.count]
        mov     rdx, [rdi + t_counter.limit]
        mov     [rsp], rcx
        mov     [rsp + 9], rdx          ; one byte too high
        and     ecx, 1
        mov     rax, [rsp + rcx * 8]
        add     rsp, 24
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
        mov     rcx, [rdi + t_counter.count]
        mov     rdx, [rdi + t_counter.limit]
        mov     [rsp], rcx
        mov     [rsp + 8], rdx
        and     ecx, 1
        mov     rax, [rsp + rcx * 8]
        add     rsp, 24
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Broken
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity
from asmith.toolchain.decode import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "ABI012"
LEVEL = Level.CODE
PROFILES = {Profile.PROJECT: Severity.ERROR, Profile.ASM: Severity.ERROR}


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each function of which a run shows that it breaks the convention."""
    for outcome, event in subject.events(Broken):
        what, label = _WORDS[event.what]
        register = NAMES[event.register] if event.register >= 0 else ""
        given = f" with {event.given}" if event.given else ""
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{outcome.function.name} {what.format(register=register)}{given}",
                "nothing may depend on what is undefined, and what is the caller's comes back as it"
                " was (System V psABI 3.2.1 to 3.2.3)",
                "follow the function with these arguments from here back to what nothing has set;"
                " if no caller passes them, say so in a requires clause",
                label,
            ),
        )


_DEPENDS = ("depends on what nothing has set", "here two runs part that differ in this alone")
_WORDS = {
    "outcome": _DEPENDS,
    "saved": ("returns with another {register}", "it must hold what it held at the entry"),
    "caller": ("writes into its caller's frame", "this lies above its own frame"),
    "nowhere": ("goes where there is no code", "from here"),
    "below": ("passes an address below rsp", "the callee's own frame will be there"),
    "misaligned": ("calls a function while rsp is no multiple of 16", "at this call"),
    "direction": ("returns with the direction flag set", "the flag must be clear here"),
    "x87": ("leaves the x87 register stack with too much or too little on it", "seen here"),
}
