"""The object refers to a name that its spec does not let it use.

Reported for an undefined symbol that is declared in no interface under `uses` of the module's
spec, and for one that is declared there while the module's record does not trace it.

Why: the trace of imports decides what is stale when an interface changes. A name outside of it is
a dependency that nobody sees: its contract could change and the module would stay as it is. The
link alone would not tell, since it knows names only (gABI, "Symbol Table", SHN_UNDEF).

Mend it by calling only what the spec allows, or by adding the interface to `uses` in the spec.

Fails: `uses` allows `puts`.

```nasm fails
        default rel
        extern  printf
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        call    printf wrt ..plt
        add     rsp, 8
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```

Passes:

```nasm passes
        default rel
        extern  puts
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        sub     rsp, 8                  ; rsp = 0 mod 16
        call    puts wrt ..plt
        mov     eax, 1
        add     rsp, 8
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.inputs import Level, Profile
from asmith.check.places import Spot, Text, anywhere, at_line, at_reference, finding, line_naming
from asmith.errors import did_you_mean
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.inputs import ObjectInput
    from asmith.model.finding import Finding

ID = "ELF004"
LEVEL = Level.OBJECT
PROFILES = {Profile.PROJECT: Severity.ERROR}

LINKER_DEFINED = frozenset({"_GLOBAL_OFFSET_TABLE_"})
"""Names that the link editor itself defines (psABI 3.2)."""

_WHY = "imports that no interface and no record holds would never make the module stale"


def check(subject: ObjectInput) -> Iterator[Finding]:
    """Yield a finding for each undefined symbol outside `uses` or outside the trace."""
    own = subject.interface
    declared = {} if own is None else {**own.functions, **own.data}
    offered: dict[str, str] = {}
    for name in sorted(subject.visible, reverse=True):
        interface = subject.visible[name]
        for symbol in (*interface.functions, *interface.data):
            offered[symbol] = f"{name}.{symbol}"
    for symbol in subject.facts.undefined():
        if symbol in LINKER_DEFINED or symbol in declared:
            continue  # a name of its own that is missing is for ELF001 to tell
        if symbol not in offered:
            uses = ", ".join(str(use) for use in subject.uses) or "nothing"
            near = did_you_mean(symbol, tuple(offered))
            text = Text(
                f"{symbol} is referred to, and no interface under `uses` declares it{near}",
                _WHY,
                f"call what the spec allows ({uses}), or add the interface of {symbol} to `uses`",
                "referred to here",
            )
            yield finding(ID, subject, _spot(subject, symbol), text)
        elif subject.imports is not None and offered[symbol] not in subject.imports:
            text = Text(
                f"{offered[symbol]} is referred to, and the module's record does not trace it",
                _WHY,
                "accept the module again, so that its record is made from what it refers to",
                "referred to here",
            )
            yield finding(ID, subject, _spot(subject, symbol), text)


def _spot(subject: ObjectInput, symbol: str) -> Spot:
    """Return the first reference to an undefined symbol, else its declaration."""
    for relocation in subject.facts.relocations:
        if relocation.symbol == symbol:
            return at_reference(subject, relocation)
    line = line_naming(subject, symbol)
    return anywhere(subject) if line is None else at_line(subject, line)
