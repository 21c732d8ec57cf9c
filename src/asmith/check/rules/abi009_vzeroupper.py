"""The upper halves of the vector registers are left dirty.

Reported at an exit of a function that others call, and at a call of another object's function, when
a ymm or zmm register may have been written since the last `vzeroupper`. Silent where the prototype
passes or returns vectors wider than 16 bytes, and in compilers' code.

Why: SSE instructions that run with dirty upper halves are slowed down on many processors, each of
them or at every switch (optimisation manuals of Intel, "Mixing AVX and SSE"); callees compiled for
SSE do not expect them.

Mend it with `vzeroupper` before this place.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        vmovdqu ymm0, [rdi + t_counter.count]
        vmovq   rax, xmm0
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
        vmovdqu ymm0, [rdi + t_counter.count]
        vmovq   rax, xmm0
        vzeroupper
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Call
from asmith.check.flow.machine import UPPER
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.flow.contracts import Convention
    from asmith.check.flow.events import Exit
    from asmith.check.flow.outcome import Outcome
    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "ABI009"
LEVEL = Level.CODE
PROFILES = {Profile.PROJECT: Severity.WARNING, Profile.ASM: Severity.WARNING}


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each call or exit with dirty upper halves."""
    for outcome, event in subject.departures():
        if not event.registers[UPPER] or (isinstance(event, Call) and event.is_local):
            continue
        if outcome.is_private or _is_wide(_prototype(outcome, event)):
            continue
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{outcome.function.name} {event.verb} with dirty upper vector halves",
                "SSE instructions that run with them are slow, in the caller or in the callee",
                "add `vzeroupper` before this place",
                "a ymm or zmm register was written on a path to here",
            ),
        )


def _prototype(outcome: Outcome, event: Call | Exit) -> Convention | None:
    """Return the contract that says what vectors pass here."""
    return event.convention if isinstance(event, Call) else outcome.convention


def _is_wide(convention: Convention | None) -> bool:
    """Tell whether a prototype passes or returns vectors wider than 16 bytes."""
    if convention is None:
        return False
    wide = any(a.vectors and a.size > XMM for a in convention.arguments)
    return wide or (convention.vector_results != 0 and convention.result_size > XMM)


XMM = 16
