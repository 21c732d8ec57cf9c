"""A register that belongs to the caller is not what it was.

Reported at a `ret` or at a jump to another function when rbx, rbp or r12 to r15 may hold something
else than at the entry. In hand-written objects (profile `asm`) a local function may have its own
convention: it is held to its callers instead.

Why: these six registers and rsp are callee-saved; the caller keeps values in them over calls
(System V psABI 3.2.1).

Mend it by saving the register on entry and restoring it on every path out, or by using one of rax,
rcx, rdx, rsi, rdi and r8 to r11.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rbx, rdi
        mov     rax, [rbx + t_counter.count]
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
        push    rbx
        mov     rbx, rdi
        mov     rax, [rbx + t_counter.count]
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Exit
from asmith.check.flow.summary import CALLEE_SAVED
from asmith.check.flow.values import ENTRY, KIND, entry
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity
from asmith.toolchain.decode import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.flow.outcome import Outcome
    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "ABI003"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each callee-saved register that an exit leaves changed."""
    for outcome, event in subject.events(Exit):
        if subject.profile == Profile.ASM and outcome.is_private:
            continue
        for register in CALLEE_SAVED:
            value = event.registers[register]
            if value != entry(register):
                yield _finding(subject, outcome, event, register)


def _finding(subject: Followed, outcome: Outcome, event: Exit, register: int) -> Finding:
    name = NAMES[register]
    written = outcome.writer(register)
    value = event.registers[register]
    exit_at = f"{'`ret`' if event.kind == 'ret' else 'the jump'} at {subject.place(event.address)}"
    label = f"written here; not restored before {exit_at}"
    address = written
    if written is None:
        address, label = event.address, f"{name} is not restored"
    if value & KIND == ENTRY and value >> 4 in CALLEE_SAVED:
        label = f"at {exit_at} it holds what {NAMES[value >> 4]} held at the entry"
    assert address is not None
    return subject.report(
        ID,
        address,
        Text(
            f"{outcome.function.name} {event.verb} with {name} changed",
            f"{name} belongs to the caller (System V psABI 3.2.1)",
            f"save {name} on entry and restore it before {exit_at}, or use r10 or r11",
            label,
        ),
    )
