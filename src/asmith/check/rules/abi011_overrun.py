"""An index or a size that is computed reaches beyond its part of the frame.

Reported for an access that was counted from the start of a part of the frame whose size is
computed, and that can end above it; for a store through an index that can reach the place of a
saved register or the return address; for an rsp that goes above these, or further than any frame;
and for a load from such a part before anything is stored there, or of a number of which only some
bytes were stored. It can if there are numbers for the arguments, of 256 or more where the function
takes as many, that fit every comparison on the way: with them both the size and the place of the
access are worked out. An array of fixed size is looked at only where constants or a mask bound the
index.

Why: what lies above the part is the caller's or holds what the caller gets back (System V psABI
3.2.1, 3.2.2); nothing there is the function's to read or to overwrite in this way.

Mend it by making the size of the part fit the largest index: add what rounding down takes away.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbp                     ; rsp = 0 mod 16
        mov     rbp, rsp
        mov     rcx, [rdi + t_counter.count]
        lea     rax, [rcx * 8]
        and     rax, -16                ; one entry too few for an odd number
        sub     rsp, rax
        mov     [rsp + rcx * 8 - 8], rdi
        mov     rax, [rsp + rcx * 8 - 8]
        mov     rax, [rax + t_counter.count]
        leave
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
        push    rbp                     ; rsp = 0 mod 16
        mov     rbp, rsp
        mov     rcx, [rdi + t_counter.count]
        lea     rax, [rcx * 8 + 15]
        and     rax, -16
        sub     rsp, rax
        mov     [rsp + rcx * 8 - 8], rdi
        mov     rax, [rsp + rcx * 8 - 8]
        mov     rax, [rax + t_counter.count]
        leave
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Overrun
from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity
from asmith.toolchain.decode import NAMES, RSP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "ABI011"
LEVEL = Level.CODE
PROFILES = {Profile.PROJECT: Severity.ERROR, Profile.ASM: Severity.ERROR}


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each access or rsp that can go too far."""
    for outcome, event in subject.events(Overrun):
        what, label = _words(event)
        yield subject.report(
            ID,
            event.address,
            Text(
                f"{outcome.function.name} {what}",
                "above a part of the frame lies what is the caller's, or what it gets back (System"
                " V psABI 3.2.1, 3.2.2)",
                "make the part as large as its largest index needs, before it is rounded",
                label,
            ),
        )


def _words(event: Overrun) -> tuple[str, str]:
    saved = "the return address" if event.register == RSP else f"the saved {_name(event)}"
    verb = "writes" if event.stores else "reads"
    what, label = _WORDS[event.what]
    known = {"verb": verb, "saved": saved, "by": event.by}
    return what.format_map(known), label.format_map(known)


_WORDS = {
    "part": ("{verb} beyond a part of its frame", "can end {by} bytes above it"),
    "below": ("{verb} below rsp, from a part of its frame", "can begin {by} bytes below it"),
    "saved": ("{verb} {saved} through an index", "can reach {saved}"),
    "blank": ("reads of a part of its frame what it never wrote", "nothing is stored here"),
    "hole": ("loads a number of which it has stored only some bytes", "the rest is not set"),
    "rsp": ("moves rsp above {saved}", "rsp can be {by} bytes above it"),
    "size": ("moves rsp further than any frame is large", "by {by} bytes"),
}


def _name(event: Overrun) -> str:
    return NAMES[event.register] if event.register >= 0 else "registers"
