"""The object exports a name that no contract names.

Reported when a global or weak symbol of the object is not declared in its interface. An interface
has to be known for that.

Why: every global name is one namespace for the whole product (gABI, "Symbol Table"). A name that
no contract mentions may collide with a library's, and another module may come to call it without
a contract between them. `extern` and `struc` of one name is the silent way to get one: NASM then
exports an absolute symbol of value 0.

Mend it by dropping `global`, or by declaring the name in the interface if callers need it.

Fails: the helper is exported.

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        call    step
        add     rsp, 8
        ret
.end:
        global  step:function (step.end - step)
step:
        mov     eax, 1
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```

Passes: it is local.

```nasm passes
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        call    step
        add     rsp, 8
        ret
.end:
step:
        mov     eax, 1
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.inputs import Level, Profile
from asmith.check.places import Text, at_symbol, finding
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.inputs import ObjectInput
    from asmith.model.finding import Finding

ID = "ELF002"
LEVEL = Level.OBJECT
PROFILES = {
    Profile.PROJECT: Severity.ERROR,
    Profile.ASM: Severity.WARNING,
    Profile.COMPILED: Severity.WARNING,
}


def check(subject: ObjectInput) -> Iterator[Finding]:
    """Yield a finding for each exported symbol that the interface does not declare."""
    if subject.interface is None:
        return
    declared = {*subject.interface.functions, *subject.interface.data}
    for symbol in subject.facts.exports():
        if symbol.name not in declared:
            what = "an absolute symbol" if symbol.absolute else "a name"
            yield finding(
                ID,
                subject,
                at_symbol(subject, symbol),
                Text(
                    f"{symbol.name} is exported, {what} that interface"
                    f" {subject.interface.name} does not declare",
                    "global names of all objects share one namespace (gABI, symbol table)",
                    f"remove `global {symbol.name}`, or declare it in {subject.interface.path}",
                    "exported here",
                ),
            )
