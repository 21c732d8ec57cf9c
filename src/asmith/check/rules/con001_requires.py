"""An argument contradicts a `requires` clause of the callee.

Reported when the argument of a call is certainly the null pointer, or a number below 4096, and the
callee's contract requires it to be valid or not null, whatever else holds. Reported too when
numbers that are certainly passed make a `requires` clause false.

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
from asmith.check.flow.values import CONST, KIND, TOP, number
from asmith.check.inputs import Level, Profile
from asmith.check.numbers import as_type, known
from asmith.check.places import Text
from asmith.model.contract import Predicate
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.flow.outcome import Outcome
    from asmith.check.followed import Followed
    from asmith.model.contract import Function
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
        if convention is not None and convention.function is not None:
            yield from _numbers(subject, outcome, event, convention.function)


def _numbers(
    subject: Followed, outcome: Outcome, event: Call, callee: Function
) -> Iterator[Finding]:
    """Yield a finding for each clause that numbers make false."""
    assert event.convention is not None
    passed = {}
    for argument in event.convention.arguments:
        value = event.registers[argument.registers[0]] if len(argument.registers) == 1 else TOP
        given = as_type(value >> 4, argument.type) if value & KIND == CONST else None
        if given is not None:
            passed[argument.name] = given
    clauses = [c for c in callee.clauses if c.keyword == "requires"] if passed else []
    constants = {
        name: constant.value
        for interface in subject.object.interfaces
        for name, constant in interface.constants.items()
        if isinstance(constant.value, int)
    }
    for clause in clauses:
        if isinstance(clause.body, Predicate) and known(clause.body.term, constants | passed) == 0:
            words = ", ".join(f"'{name}' is {n}" for name, n in passed.items())
            yield subject.report(
                ID,
                event.address,
                Text(
                    f"{outcome.function.name} calls {callee.name} against its contract: {words}",
                    f"{callee.name} requires {clause.text}",
                    "pass what the contract asks for, or skip the call on this path",
                    f"`{clause.text}` does not hold",
                ),
            )


FIRST_PAGE = 4096
