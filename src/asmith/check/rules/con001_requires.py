"""An argument contradicts a `requires` clause of the callee.

Reported when the argument of a call is certainly the null pointer, or a number below 4096, and the
callee's contract requires it to be valid or not null, whatever else holds.

Why: the callee may rely on its `requires` clauses and checks nothing; the first page of memory is
never mapped.

Mend it by passing an object's address, or by not calling on that path.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        xor     edi, edi
        call    counter_next
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
        sub     rsp, 24                 ; rsp = 8 mod 16, less the slot of 16 bytes: 0
        mov     qword [rsp], 0
        mov     qword [rsp + 8], 1
        mov     rax, [rdi + t_counter.count]
        test    rax, rax
        jz      .done
        lea     rdi, [rsp]
        call    counter_next
.done:
        add     rsp, 24
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Call
from asmith.check.flow.values import CONST, KIND, number
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "CON001"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each argument that the callee's contract rules out."""
    for outcome, event in subject.events(Call):
        convention = event.convention
        for argument in convention.arguments if convention is not None else ():
            if not argument.not_null or len(argument.registers) != 1:
                continue
            value = event.registers[argument.registers[0]]
            if value & KIND != CONST or not 0 <= number(value) < FIRST_PAGE:
                continue
            assert convention is not None
            given = "null" if number(value) == 0 else f"the number {number(value)}"
            yield subject.report(
                ID,
                event.address,
                Text(
                    f"{outcome.function.name} passes {given} as '{argument.name}' of"
                    f" {convention.name}",
                    f"{convention.name} requires '{argument.name}' to be a valid pointer",
                    "pass the address of an object, or skip the call on this path",
                    f"'{argument.name}' is {given} here",
                ),
            )


FIRST_PAGE = 4096
