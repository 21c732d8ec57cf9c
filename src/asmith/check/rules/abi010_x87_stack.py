"""The x87 register stack is not as the caller expects it.

Reported at a call or an exit when values are left on the register stack of the x87 unit (at an exit
other than the result: a `long double` is returned in st0), and where more is taken from that stack
than is on it, or more put on it than its eight registers hold.

Why: all x87 registers are caller-saved, and st0 (and st1) hold nothing but a result (System V psABI
3.2.1 and 3.2.3). What is left on the stack makes a later load overflow: it gives not a number, in
code that is right.

Mend it by as many pops as pushes on every path: `fstp` for what `fld` has loaded, `fstp st0` for
what is not needed.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        fild    qword [rdi + t_counter.count]
        mov     rax, [rdi + t_counter.count]
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
        fild    qword [rdi + t_counter.count]
        fistp   qword [rdi + t_counter.limit]
        mov     rax, [rdi + t_counter.count]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Call, StackFault
from asmith.check.flow.machine import NOBODY_KNOWS, X87
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.flow.events import Exit
    from asmith.check.flow.outcome import Outcome
    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "ABI010"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each call or exit with a wrong stack, and each fault of the stack."""
    for outcome, event in subject.departures():
        if event.registers[X87] == NOBODY_KNOWS or (isinstance(event, Call) and event.is_local):
            continue
        if subject.profile == Profile.ASM and outcome.is_private:
            continue
        count = event.registers[X87]
        if count not in _allowed(outcome, event):
            yield subject.report(
                ID,
                event.address,
                Text(
                    f"{outcome.function.name} {event.verb} with {count} x87 registers in use",
                    "the x87 stack holds nothing but a result (System V psABI 3.2.1 and 3.2.3)",
                    "pop what was pushed on every path to here: `fstp`",
                    "the x87 stack is not as it must be",
                ),
            )
    for outcome, fault in subject.events(StackFault):
        way = "takes more from the x87 stack than is on it"
        if fault.depth > 0:
            way = "puts more on the x87 stack than it holds"
        yield subject.report(
            ID,
            fault.address,
            Text(
                f"{outcome.function.name} {way}",
                "the stack has eight registers, and is empty at the entry (System V psABI 3.2.1)",
                "count the loads and the pops on every path to here",
                "the x87 stack runs over or empty",
            ),
        )


def _allowed(outcome: Outcome, event: Call | Exit) -> tuple[int, ...]:
    """Return how many registers may be in use; without a contract a result may be there."""
    if isinstance(event, Call):
        return (0,)
    if event.kind == "jump":
        return (0,)
    return (0, 1, 2) if outcome.convention is None else (outcome.convention.x87_results,)
