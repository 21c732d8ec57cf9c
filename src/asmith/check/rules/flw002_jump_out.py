"""A jump leads into another function.

Reported for a jump to an address inside another function's extent that is not its start, and for
one between the bytes of an instruction (but for the one that skips a lock prefix).

Why: what the code there expects of registers and stack is known to its own function only; no
contract covers it.

Mend it by calling the other function, by jumping to its start as a tail call, or by repeating the
code that is wanted.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
        static  other:function (other.end - other)
counter_next:
        mov     rax, [rdi + t_counter.count]
        test    rax, rax
        jz      other.tail
        ret
.end:
                align   16
        other:
        xor     eax, eax
.tail:
        inc     eax
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
        test    rax, rax
        jz      .tail
        ret
.tail:
        mov     eax, 1
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import JumpOut, Split
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "FLW002"
LEVEL = Level.CODE
PROFILES = {
    Profile.PROJECT: Severity.ERROR,
    Profile.ASM: Severity.WARNING,
    Profile.COMPILED: Severity.ERROR,
}


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each jump into another function, or into an instruction."""
    for outcome, event in subject.events(JumpOut):
        goal = subject.inside(event.target)
        if goal:
            yield subject.report(
                ID,
                event.address,
                Text(
                    f"{outcome.function.name} jumps into the middle of {goal}",
                    "no contract says what the code there expects of registers and stack",
                    f"call {goal}, jump to its start, or repeat the code that is wanted here",
                    f"the target is {goal}'s",
                ),
            )
    for outcome, split in subject.events(Split):
        yield subject.report(
            ID,
            split.address,
            Text(
                f"{outcome.function.name} jumps into the middle of an instruction",
                "its bytes are read in two ways, so nobody can tell what is meant",
                "jump to the start of an instruction",
                f"{split.within} bytes behind the start of an instruction",
            ),
        )
