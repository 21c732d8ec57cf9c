"""An instruction is not part of the function's instruction set.

Reported for an instruction above the level that `asm isa` gives the function: x86-64 (the default),
x86-64-v2, x86-64-v3 or x86-64-v4. A function with `asm dispatch` looks at CPUID itself and is left
out.

Why: on a processor without the extension the instruction is invalid (psABI 3.1.1, table of
micro-architecture levels).

Mend it by instructions of the level, or by raising `asm isa` in the interface.

Fails:

```nasm fails
        default rel
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        mov     rax, [rdi + t_counter.count]
        movq    xmm0, rax
        aesenc  xmm0, xmm0
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
        mov     rax, [rdi + t_counter.count]
        popcnt  rax, rax
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.inputs import Level, Profile
from asmith.check.places import Text
from asmith.model.finding import Severity
from asmith.toolchain.decode import BASELINE, LEVELS, isa_level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

ID = "CON004"
LEVEL = Level.CODE
PROFILES = {Profile.PROJECT: Severity.ERROR}


def check(subject: Followed) -> Iterator[Finding]:
    """Yield a finding for each instruction above the level of its function."""
    for outcome in subject.outcomes:
        convention = outcome.convention
        if outcome.reason or (convention is not None and convention.dispatch):
            continue
        allowed = convention.isa if convention is not None and convention.isa else BASELINE
        for address in sorted(outcome.code):
            insn = outcome.code[address]
            level = isa_level(insn) if insn.isa else BASELINE
            if LEVELS.index(level) > LEVELS.index(allowed if allowed in LEVELS else BASELINE):
                yield subject.report(
                    ID,
                    address,
                    Text(
                        f"{outcome.function.name} uses `{insn.name}` of {level}, expected"
                        f" {allowed}",
                        "a processor of the function's level need not have it (psABI 3.1.1)",
                        f"use instructions of {allowed}, or say `asm isa {level}` in the interface",
                    ),
                )
