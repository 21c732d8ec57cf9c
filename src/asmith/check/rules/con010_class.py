"""An address is passed as a number, a number as an address, or a float as a double.

Reported, with the contracts of both functions, when the argument of a call is certainly an address
(of the frame, of this object, a pointer parameter or a pointer that a call returned) and the callee
expects an integer of fewer than 64 bits; and when a parameter that is an integer is passed on where
a pointer is expected. Also when what straight code leaves in a vector register is a number of the
other precision.

Why: the callee takes 32 bits of a register for its int (System V psABI 3.2.3), and an address has
64; an integer leads nowhere. Mostly the arguments are shifted by one place. The 32 bits of a float
are no number as the lower half of a double, and the lower half of a double is none as a float.

Mend it by counting the arguments: rdi, rsi, rdx, rcx, r8, r9 in the order of the prototype.

Fails:

```nasm fails
        default rel
        extern  strchr
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        mov     rsi, rdi
        call    strchr wrt ..plt
        add     rsp, 8
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```

Passes:

```nasm passes
        default rel
        extern  strchr
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        mov     esi, 47
        call    strchr wrt ..plt
        add     rsp, 8
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Call
from asmith.check.flow.precision import is_real, precisions
from asmith.check.flow.values import KIND, LOCAL, RESULT, STACK, parameter_place
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.contract import Class, Pointer, Scalar
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.flow.contracts import Argument
    from asmith.check.flow.outcome import Outcome
    from asmith.check.followed import Followed
    from asmith.model.contract import CType
    from asmith.model.finding import Finding

ID = "CON010"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each argument of another class."""
    for outcome, event in subject.events(Call):
        for argument in event.convention.arguments if event.convention is not None else ():
            words = ""
            if len(argument.vectors) == 1 and is_real(argument.type):
                made = _precision(outcome, event.address, argument.vectors[0])
                if made and argument.size in _PRECISIONS and made != argument.size:
                    words, wanted = f"a {_PRECISIONS[made]}", f"a {_PRECISIONS[argument.size]}"
                    yield _finding(subject, outcome, event, argument, words, wanted)
                continue
            if len(argument.registers) != 1:
                continue
            source = _source(outcome, event.registers[argument.registers[0]])
            if source == ADDRESS and _is_integer(argument.type, below=WHOLE):
                words, wanted = "an address", f"a number of {argument.size} bytes"
            elif source == NUMBER and isinstance(argument.type, Pointer):
                words, wanted = "a number", "an address"
            if not words:
                continue
            yield _finding(subject, outcome, event, argument, words, wanted)


def _finding(
    subject: Followed, outcome: Outcome, event: Call, argument: Argument, words: str, wanted: str
) -> Finding:
    assert event.convention is not None
    return subject.report(
        ID,
        event.address,
        Text(
            f"{outcome.function.name} passes {words} as '{argument.name}' of"
            f" {event.convention.name}",
            f"{event.convention.name} expects {wanted}",
            "convert it first: cvtss2sd, cvtsd2ss"
            if argument.vectors
            else "put the arguments in the order of the prototype: rdi, rsi, rdx, rcx, r8, r9",
            f"'{argument.name}' is {words} here",
        ),
    )


def _precision(outcome: Outcome, call: int, register: int) -> int:
    """Return the bytes of the number in a vector register before a call, or 0."""
    known = precisions(outcome.code, outcome.function.start, outcome.convention)
    return next((held.get(register, 0) for at, _, held in known if at == call), 0)


_PRECISIONS = {4: "float", 8: "double"}
WHOLE = 8
ADDRESS, NUMBER = "address", "number"


def _source(outcome: Outcome, value: int) -> str:
    """Return what a value certainly is, as far as contracts say so."""
    kind = value & KIND
    if kind in (STACK, LOCAL):
        return ADDRESS
    if kind == RESULT and not value >> 5 & 1:
        for call in outcome.of(Call):
            if call.address == value >> 7 and call.convention is not None:
                function = call.convention.function
                pointer = function is not None and isinstance(function.result, Pointer)
                return ADDRESS if pointer else ""
    place = parameter_place(value)
    own = outcome.convention
    for argument in own.arguments if own is not None and place is not None else ():
        if place is not None and argument.registers == (place[0],):
            if isinstance(argument.type, Pointer):
                return ADDRESS
            return NUMBER if _is_integer(argument.type) and not place[1] else ""
    return ""


def _is_integer(ctype: CType, *, below: int = 16) -> bool:
    return isinstance(ctype, Scalar) and ctype.kind is Class.INTEGER and ctype.size < below
