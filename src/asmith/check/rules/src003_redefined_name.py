"""The text defines a name that belongs to a contract.

Reported for `equ`, `%define`, `%xdefine`, `%assign` (and their case-insensitive forms) and for
`struc` where the name is a constant, field, structure, function or object of a visible interface.

Why: constants and offsets reach a module through the include that is generated from the
interface. A second definition in the text would keep its value when the contract changes, so the
module would be assembled from two truths.

Mend it by removing the definition: every module is assembled behind the generated includes of
the interfaces that it may use.

Fails:

```nasm fails
        default rel
COUNTER_STEP equ 1
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     eax, COUNTER_STEP
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
        mov     eax, COUNTER_STEP
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asmith.check.inputs import Level, Profile
from asmith.check.places import Text, at_line, finding
from asmith.model.contract import EntryKind
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.inputs import ObjectInput
    from asmith.model.finding import Finding
    from asmith.model.nasm import Statement

ID = "SRC003"
LEVEL = Level.OBJECT
PROFILES = {Profile.PROJECT: Severity.ERROR}

_DEFINES = re.compile(r"%i?(?:define|xdefine|assign|macro|rmacro|defstr|deftok|strlen|substr)$")


def check(subject: ObjectInput) -> Iterator[Finding]:
    """Yield a finding for each definition of a name that an interface owns."""
    owners = dict(_owned(subject))
    for statement in subject.statements:
        for name in _defined(statement):
            if name in owners:
                yield finding(
                    ID,
                    subject,
                    at_line(subject, statement.line),
                    Text(
                        f"{name} is defined here, and belongs to interface {owners[name]}",
                        "this value would stay as it is when the contract changes",
                        f"remove it: the generated include of {owners[name]} defines {name}",
                        "a second definition",
                    ),
                )


def _owned(subject: ObjectInput) -> Iterator[tuple[str, str]]:
    """Yield (NASM name, interface), the names of whole structures included."""
    for nasm, entry in subject.entries().items():
        yield nasm, entry.interface
        if entry.kind is EntryKind.FIELD and "." in nasm:
            yield nasm.split(".", 1)[0], entry.interface


def _defined(statement: Statement) -> tuple[str, ...]:
    """Return the name that a statement gives a meaning other than an address."""
    if statement.mnemonic == "equ":
        return (statement.label,)
    if statement.operands and (statement.mnemonic == "struc" or _DEFINES.match(statement.mnemonic)):
        name = re.match(r"\$?[\w.?@~#$]+", statement.operands[0])
        return (name.group().removeprefix("$"),) if name else ()
    return ()
