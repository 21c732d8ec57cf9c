"""An aligned access to vectors at an address that is less aligned.

Reported for an instruction that needs its operand at a multiple of 16, 32 or 64 bytes (`movaps`,
`movdqa`, `movntps`; without a VEX prefix also `paddd xmm0, [rdi]` and the like) when the address is
known not to be one: in the frame, or in a section of this object. With the function's contract also
for what a parameter points to, when the alignment of its type and the offset promise less.

Why: the processor faults on such an operand (Intel SDM volume 1, 4.1.1). A pointer is only known to
be aligned as its type is (System V psABI 3.1.2); rsp is 8 modulo 16 at the entry (3.2.2).

Mend it by `movups` or `movdqu`, which cost nothing where the address is aligned after all, or by
aligning the section or the frame.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        movdqa  xmm0, [rdi + t_counter.count]
        movq    rax, xmm0
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
        movdqu  xmm0, [rdi + t_counter.count]
        movq    rax, xmm0
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Access, Misaligned
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.contract.layout import IncompleteError, align_of
from asmith.model.contract import Pointer, Scalar
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.flow.outcome import Outcome
    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "MEM002"
LEVEL = Level.CODE
PROFILES = dict.fromkeys(Profile, Severity.ERROR)


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each access that is less aligned than its instruction needs."""
    for outcome, event in subject.events(Misaligned):
        words = f"that is {event.left} modulo {event.needed}"
        yield _finding(subject, outcome, event.address, event.needed, words)
    for outcome, access in subject.events(Access):
        needed = outcome.code[access.address].b if access.size >= XMM else 0
        known = _guaranteed(subject, outcome, access) if needed else None
        if known is not None and known < needed:
            words = f"of which only a multiple of {known} is guaranteed"
            yield _finding(subject, outcome, access.address, needed, words)


def _finding(subject: Followed, outcome: Outcome, address: int, needed: int, words: str) -> Finding:
    return subject.report(
        ID,
        address,
        Text(
            f"{outcome.function.name} accesses an aligned vector at an address {words}",
            f"the instruction faults unless its operand is at a multiple of {needed}"
            " (Intel SDM volume 1, 4.1.1)",
            "use movups or movdqu, or align what is accessed",
            f"needs a multiple of {needed}",
        ),
    )


def _guaranteed(subject: Followed, outcome: Outcome, event: Access) -> int | None:
    """Return what the contract says an accessed address is a multiple of; None: nothing."""
    types = {tag: a for i in reversed(subject.object.interfaces) for tag, a in i.types.items()}
    convention = outcome.convention
    for argument in convention.arguments if convention is not None else ():
        if argument.registers != (event.register,) or not isinstance(argument.type, Pointer):
            continue
        target = argument.type.target
        if isinstance(target, Scalar) and not target.size:
            return None
        try:
            aligned = align_of(target, types)
        except IncompleteError:
            return None
        return min(aligned, event.offset & -event.offset or aligned)
    return None


XMM = 16
