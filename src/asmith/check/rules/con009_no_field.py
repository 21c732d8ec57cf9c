"""An access fits no field of the structure.

Reported, in a function whose contract declares the parameter, for an access of 1, 2, 4 or 8
bytes at a fixed place in what the parameter points to, when no field begins there, or none of that
width. Arrays of bytes may be accessed by any width.

Why: half a field, or the end of one and the start of the next, is no value that the contract speaks
of; a wrong width reads or overwrites the neighbour.

Mend it by the field's own name and width.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     eax, [rdi + t_counter.count]
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
        mov     rax, [rdi + t_counter.count]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Access
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.check.shapes import has_width, objects_at, pointed_aggregate
from asmith.model.contract import Named
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "CON009"
LEVEL = Level.CODE
PROFILES = {Profile.PROJECT: Severity.ERROR, Profile.ASM: Severity.WARNING}


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each access of no field."""
    types = {tag: a for i in reversed(subject.object.interfaces) for tag, a in i.types.items()}
    for outcome, event in subject.events(Access):
        convention = outcome.convention
        arguments = convention.arguments if convention is not None else ()
        for argument in arguments:
            found = pointed_aggregate(argument.type, types)
            if argument.registers != (event.register,) or found is None:
                continue
            if not 0 <= event.offset < found.size or event.size not in _WIDTHS:
                continue
            there = list(objects_at(Named(found.keyword, found.tag), event.offset, types))
            if any(has_width(o, event.size, types) for o in there):
                continue
            what = "of that width " if there else ""
            yield subject.report(
                ID,
                event.address,
                Text(
                    f"{outcome.function.name} accesses {event.size} bytes at {found.spelling} +"
                    f" {event.offset}, where no field {what}begins",
                    "a field is read and written as a whole",
                    "name the field that is meant, and use its width",
                    f"{argument.name} points to {found.spelling}",
                ),
            )


_WIDTHS = (1, 2, 4, 8)
