"""A result is used as if the call could not have failed.

Reported when a pointer that a call returned is used as an address, or passed where the callee
requires it to be valid, and no comparison has looked at it before, although the call's contract has
an outcome whose result is null. Reported too when a number that a call returned is used in an
address or as an argument, and an outcome says that it may be a failure.

Why: every `asm outcome` is a failure that the caller must survive; memory does run out.

Mend it by `test rax, rax` and a branch before the first use.

Fails:

```nasm fails
        default rel
        extern  calloc, free
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx                     ; rsp = 0 mod 16
        mov     edi, 1
        mov     esi, t_counter_size
        call    calloc wrt ..plt
        mov     rbx, [rax + t_counter.count]
        mov     rdi, rax
        call    free wrt ..plt
        mov     rax, rbx
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```

Passes:

```nasm passes
        default rel
        extern  calloc, free
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx                     ; rsp = 0 mod 16
        mov     edi, 1
        mov     esi, t_counter_size
        call    calloc wrt ..plt
        test    rax, rax
        jz      .done
        mov     rbx, [rax + t_counter.count]
        mov     rdi, rax
        call    free wrt ..plt
        mov     rax, rbx
.done:
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Call, Unchecked
from asmith.check.flow.owned import call_of
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.check.wording import register_name
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.flow.outcome import Outcome
    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "CON006"
LEVEL = Level.CODE
PROFILES = {Profile.PROJECT: Severity.ERROR, Profile.ASM: Severity.WARNING}


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each use of a result that was not looked at."""
    for outcome, event in subject.events(Unchecked):
        call = call_of(event.value)
        name = subject.callee(outcome, call)
        null = _fails_with_null(outcome, call)
        if null and event.use == "argument":
            continue  # the callee may take null
        failure = "null" if null else "a failure"
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{outcome.function.name} uses the result of {name} without a check",
                f"{name} may return {failure} (its contract has an outcome that says so)",
                f"compare the result of the call at {subject.place(call)} with {failure} first",
                f"{register_name(event.register)} may be {failure} here",
            ),
        )


def _fails_with_null(outcome: Outcome, call: int) -> bool:
    """Tell whether the failure of the call at an address is the null pointer."""
    conventions = [c.convention for c in outcome.of(Call) if c.address == call]
    return any(c is not None and c.fails_with_null for c in conventions)
