"""A control word of the floating-point units is not what it was at the entry.

Reported at an exit when MXCSR or the x87 control word was loaded from elsewhere than from where
this function saved it, on every path that leads there.

Why: the control bits of MXCSR and the x87 control word are callee-saved (System V psABI 3.2.1).
They hold the rounding mode and the exception masks of the whole thread.

Mend it by saving the word (`stmxcsr`, `fnstcw`) before changing it, and loading it again at the
end.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rax
        mov     dword [rsp], 0x1F80
        ldmxcsr [rsp]
        pop     rax
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
        sub     rsp, 8
        stmxcsr [rsp]
        mov     dword [rsp + 4], 0x1FC0
        ldmxcsr [rsp + 4]
        mov     rax, [rdi + t_counter.count]
        ldmxcsr [rsp]
        add     rsp, 8
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Exit
from asmith.check.flow.machine import FCW, MXCSR
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "ABI006"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each exit with a changed control word."""
    for outcome, event in subject.events(Exit):
        for place, word, restore in _WORDS:
            if event.registers[place] == CHANGED:
                yield subject.report(
                    ID,
                    event.address,
                    Text(
                        f"{outcome.function.name} is left with {word} changed",
                        f"the control bits of {word} are callee-saved (System V psABI 3.2.1)",
                        f"save {word} first and load it again with `{restore}` before every exit",
                        f"{word} is not the one of the entry here",
                    ),
                )


CHANGED = 1
_WORDS = ((MXCSR, "MXCSR", "ldmxcsr"), (FCW, "the x87 control word", "fldcw"))
