"""A privileged instruction, or a call of the kernel.

Reported for instructions that only the kernel may execute, and for `syscall`, `sysenter` and `int`.

Why: a privileged instruction ends the process with a signal; a system call made directly goes past
the C library and past every contract.

Mend it by calling the function of libc that does it.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     eax, 39
        syscall
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
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "CON005"
LEVEL = Level.CODE
PROFILES = {Profile.PROJECT: Severity.ERROR}


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each such instruction."""
    for outcome in subject.outcomes:
        for address in sorted(outcome.code) if not outcome.reason else ():
            insn = outcome.code[address]
            if insn.privileged or insn.name in _KERNEL:
                what = "calls the kernel by" if insn.name in _KERNEL else "uses the privileged"
                yield subject.report(
                    ID,
                    address,
                    Text(
                        f"{outcome.function.name} {what} `{insn.name}`",
                        "modules reach the system through contracts only",
                        "call the function of libc that does it",
                    ),
                )


_KERNEL = frozenset({"syscall", "sysenter", "int"})
