r"""The banner does not say what the contract says.

Reported when the `;@` lines of a module lack a function of the interface, have one that it does
not declare, or differ from the prototype, the argument places and the clauses of the contract.

Why: the banner is what a reader of the assembly takes the contract from. It is rendered from the
interface, so a banner that differs was written for another version of it.

Mend it by copying the banner that is part of the module's prompt (`asmith prompt MODULE`).

Fails: the register is not the argument's.

```nasm fails
; counter -- counts.
;
;@ unsigned long counter_next(struct counter *c)
;@   in    rsi = c
;@   out   rax
;@   requires \valid(c)
;@   assigns c->count
;@   stack 32
;@   isa   x86-64-v3
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     eax, 1
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```

Passes:

```nasm passes
; counter -- counts.
;
;@ unsigned long counter_next(struct counter *c)
;@   in    rdi = c
;@   out   rax
;@   requires \valid(c)
;@   assigns c->count
;@   stack 32
;@   isa   x86-64-v3
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
from asmith.check.places import Text, at_line, finding
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.inputs import ObjectInput
    from asmith.model.finding import Finding

ID = "SRC004"
LEVEL = Level.OBJECT
PROFILES = {Profile.PROJECT: Severity.ERROR}


def check(subject: ObjectInput) -> Iterator[Finding]:
    """Yield a finding for each difference between the banner and the contract."""
    from asmith.abi import banner  # with the layout of arguments, which no other rule of text needs

    if subject.interface is None or not subject.source:
        return
    for problem in banner.check(subject.source, subject.interface):
        yield finding(
            ID,
            subject,
            at_line(subject, _line(subject.source, problem)),
            Text(
                problem,
                "the banner is rendered from the interface; this one says something else",
                "replace the `;@` lines by the banner that `asmith prompt` prints",
            ),
        )


def _line(source: str, problem: str) -> int:
    """Return the line of the banner that a problem quotes, else that of the banner itself."""
    marked = [(n, x.rstrip()) for n, x in enumerate(source.splitlines(), 1) if x.startswith(";@")]
    quoting = (n for n, text in marked if f"'{text}'" in problem or f"'{text[3:]}'" in problem)
    return next(quoting, marked[0][0] if marked else 1)
