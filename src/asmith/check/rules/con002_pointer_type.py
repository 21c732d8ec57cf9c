"""A pointer to one structure is passed where another one is expected.

Reported when the argument of a call is certainly a parameter of the calling function, or a fixed
place in what it points to, and nothing of the type that the callee wants begins there. Pointers to
void and to characters take everything, and a structure's first member is at its own address.

Why: the callee reads and writes fields of another layout.

Mend it by passing the right object.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        add     rdi, 8
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
        sub     rsp, 8                  ; rsp = 0 mod 16
        call    counter_next
        add     rsp, 8
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Call
from asmith.check.flow.values import parameter_place
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.check.shapes import objects_at, pointed_aggregate
from asmith.model.contract import Named
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "CON002"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each argument of a wrong structure."""
    types = {tag: a for i in reversed(subject.object.interfaces) for tag, a in i.types.items()}
    for outcome, event in subject.events(Call):
        own = outcome.convention
        if own is None or event.convention is None:
            continue
        given = {a.registers[0]: a for a in own.arguments if len(a.registers) == 1}
        for argument in event.convention.arguments:
            wanted = pointed_aggregate(argument.type, types)
            if wanted is None or len(argument.registers) != 1:
                continue
            place = parameter_place(event.registers[argument.registers[0]])
            source = given.get(place[0]) if place is not None else None
            if place is None or source is None:
                continue
            found = pointed_aggregate(source.type, types)
            if found is None or not 0 <= place[1] < found.size:
                continue
            there = objects_at(Named(found.keyword, found.tag), place[1], types)
            if any(isinstance(o, Named) and o.tag == wanted.tag for o in there):
                continue
            at = f" + {place[1]}" if place[1] else ""
            yield subject.report(
                ID,
                event.address,
                Text(
                    f"{outcome.function.name} passes {source.name}{at}, in {found.spelling}, as"
                    f" '{argument.name}' of {event.convention.name}",
                    f"{event.convention.name} expects a pointer to {wanted.spelling}",
                    f"pass the address of a {wanted.spelling}",
                    f"no {wanted.spelling} begins there",
                ),
            )
