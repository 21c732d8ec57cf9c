"""An argument contradicts a `requires` clause of the callee.

Reported when the argument of a call is certainly the null pointer, or a number below 4096, and the
callee's contract requires it to be valid or not null, whatever else holds. Reported too when
a `requires` clause is false for all numbers that can be passed: constants, and what masks, narrow
loads and the branches on every path to the call leave.

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

from asmith.check.flow.events import Passed
from asmith.check.inputs import Level, Profile
from asmith.check.numbers import FALSE, FIRST_PAGE, extent
from asmith.check.places import Text
from asmith.model.contract import Predicate
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.flow.contracts import Argument
    from asmith.check.flow.outcome import Outcome
    from asmith.check.followed import Followed
    from asmith.check.numbers import Extent
    from asmith.model.finding import Finding

ID = "CON001"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each argument that the callee's contract rules out."""
    constants = {
        name: (constant.value, constant.value)
        for interface in subject.object.interfaces
        for name, constant in interface.constants.items()
        if isinstance(constant.value, int)
    }
    for outcome, event in subject.events(Passed):
        null = {a.name for a in event.convention.arguments if a.not_null and _is_null(event, a)}
        for name in null:
            yield _of_null(subject, outcome, event, name)
        given = {name: found for name, found in event.given.items() if name not in null}
        function = event.convention.function
        for clause in function.clauses if function is not None and given else ():
            if clause.keyword != "requires" or not isinstance(clause.body, Predicate):
                continue
            if extent(clause.body.term, constants | given) == FALSE:
                words = ", ".join(f"'{name}' is {_words(found)}" for name, found in given.items())
                yield subject.report(
                    ID,
                    event.address,
                    Text(
                        f"{outcome.function.name} calls {event.convention.name} against its"
                        f" contract: {words}",
                        f"{event.convention.name} requires {clause.text}",
                        "pass what the contract asks for, or skip the call on this path",
                        f"`{clause.text}` does not hold",
                    ),
                )


def _is_null(event: Passed, argument: Argument) -> bool:
    low, high = event.given.get(argument.name, (-1, -1))
    return low >= 0 and high < FIRST_PAGE


def _of_null(subject: Followed, outcome: Outcome, event: Passed, name: str) -> Finding:
    low, high = event.given[name]
    words = f"the number {low}" if low == high else f"a number from {low} to {high}"
    given = words if high else "null"
    callee = event.convention.name
    return subject.report(
        ID,
        event.address,
        Text(
            f"{outcome.function.name} passes {given} as '{name}' of {callee}",
            f"{callee} requires '{name}' to be a valid pointer",
            "pass the address of an object, or skip the call on this path",
            f"'{name}' is {given} here",
        ),
    )


def _words(found: Extent) -> str:
    return str(found[0]) if found[0] == found[1] else f"{found[0]} to {found[1]}"
