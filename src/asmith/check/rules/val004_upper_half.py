"""The upper half of a narrow value is used.

Reported with contracts, when an argument or a result of at most 32 bits is used with all 64 bits of
its register: in an address, in a 64-bit comparison, as a 64-bit argument or as a 64-bit result.
In hand-written code also when straight code leaves a float in a vector register and an instruction
takes it for a double.

Why: of an argument or result that is narrower than 64 bits only its own bits are defined; what
is above them in the register is whatever was there (System V psABI 3.2.3).

Mend it by extending first: `movsxd rax, edi` for signed values, `mov eax, edi` for unsigned ones.

Fails:

```nasm fails
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx                     ; rsp = 0 mod 16
        mov     rbx, rdi
        mov     rdi, [rbx + t_counter.count]
        call    puts wrt ..plt
        mov     rax, [rbx + rax]
        pop     rbx
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
        mov     rdi, [rbx + t_counter.count]
        call    puts wrt ..plt
        movsxd  rcx, eax
        mov     rax, [rbx + rcx]
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Narrow
from asmith.check.flow.machine import FIRST_VECTOR
from asmith.check.flow.precision import floats_as_doubles
from asmith.check.flow.values import is_part
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.check.wording import LOW_HALVES, register_name
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "VAL004"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each use of an undefined upper half."""
    for outcome, event in subject.events(Narrow):
        name = register_name(event.register)
        bits = event.value >> 4 if is_part(event.value) else 32
        half = _extended(event.register, bits)
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{outcome.function.name} uses all 64 bits of {name} as {_USES[event.use]}, but"
                f" only the low {bits} are defined",
                "an argument or result of at most 32 bits leaves the rest of its register undefined"
                " (System V psABI 3.2.3), as writing 8 or 16 bits of one does",
                f"extend it first: {half}",
                f"{name} is undefined above bit {bits - 1}",
            ),
        )

    if subject.profile != Profile.COMPILED:
        yield from _floats(subject)


def _floats(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each float that an instruction for doubles takes."""
    for outcome in subject.outcomes:
        start, convention = outcome.function.start, outcome.convention
        for address, register in floats_as_doubles(outcome.code, start, convention):
            name = register_name(FIRST_VECTOR + register)
            yield subject.report(
                ID,
                address,
                Text(
                    f"{outcome.function.name} uses the low 64 bits of {name} as a double, but only"
                    " the low 32 are defined",
                    "a float leaves the rest of its register undefined (System V psABI 3.2.3)",
                    f"convert it first: `cvtss2sd {name}, {name}`",
                    f"{name} holds a float here",
                ),
            )


def _extended(register: int, bits: int) -> str:
    """Return how to extend a register whose low bits are defined."""
    if not 0 <= register < len(LOW_HALVES) or bits not in (8, 16, 32):
        return "with `movzx`, `movsx` or `movsxd`"
    name, half = register_name(register), LOW_HALVES[register]
    if bits == HALF:
        return f"`movsxd {name}, {half}`, or `mov {half}, {half}` if unsigned"
    return f"`movzx {half}, ...` from its low {bits} bits, or clear it before they are written"


HALF = 32


_USES = {
    "address": "part of an address",
    "comparison": "an operand of a comparison",
    "argument": "an argument",
    "needed": "an argument",
    "vectors": "the count of vector registers",
    "call": "the function to call",
    "jump": "the place to jump to",
    "result": "the result",
    "store": "a value to store",
    "part": "a value to store",
    "operand": "an operand",
}
