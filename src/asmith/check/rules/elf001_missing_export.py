"""A function or object of the contract is not exported.

Reported when the object has no global definition of a name that its interface declares.

Why: callers are generated and linked against the interface alone; a name that is missing there
ends the link of every product (gABI, "Symbol Table": only STB_GLOBAL and STB_WEAK symbols are
visible to other objects).

Mend it by declaring the label `global`, with its type and its size, or by defining it.

Fails: the label exists and is not global.

```nasm fails
        default rel
        section .text align=16
counter_next:
        mov     eax, 1
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
        mov     eax, 1
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.inputs import Level, Profile
from asmith.check.places import Text, anywhere, at_line, finding, label_line
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.inputs import ObjectInput
    from asmith.model.finding import Finding

ID = "ELF001"
LEVEL = Level.OBJECT
PROFILES = {
    Profile.PROJECT: Severity.ERROR,
    Profile.ASM: Severity.ERROR,
    Profile.COMPILED: Severity.ERROR,
}


def check(subject: ObjectInput) -> Iterator[Finding]:
    """Yield a finding for each declared name that the object does not define."""
    if subject.interface is None:
        return
    exported = {symbol.name for symbol in subject.facts.exports()}
    for name in (*subject.interface.functions, *subject.interface.data):
        if name in exported:
            continue
        line = label_line(subject, name)
        kind = "function" if name in subject.interface.functions else "data"
        told = "is defined but not exported" if line is not None else "is not defined"
        spot = anywhere(subject) if line is None else at_line(subject, line, name)
        yield finding(
            ID,
            subject,
            spot,
            Text(
                f"{name} {told}",
                f"interface {subject.interface.name} declares it, and callers link against it"
                " (gABI, symbol table)",
                f"write `global {name}:{kind} ({name}.end - {name})`"
                + ("" if line is not None else f" and define {name}"),
                "this label is local to the object" if line is not None else "",
            ),
        )
