"""An export is no sized function, or no typed object of the contract's size.

Reported when a function of the interface is not an STT_FUNC symbol in a code section, or when its
size is 0 or ends before its code does; and when data of the interface is not an STT_OBJECT symbol
whose size is that of its C type. What follows a function up to the next label of another name
must be padding.

Why: the extent of a function is what the instruction checker, backtraces and crash reports go by;
the size of an object is what a copy relocation copies (psABI 4.4; gABI, "Symbol Table", st_size).
Anything outside of an extent is code or data that no contract covers.

Mend it by giving `global` the type and the size: NASM computes it from a `.end` label.

Fails: no type and no size.

```nasm fails
        default rel
        section .text align=16
        global  counter_next
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

import re
from typing import TYPE_CHECKING

from asmith.check.inputs import Level, Profile
from asmith.check.places import Spot, Text, at_offset, at_symbol, finding
from asmith.model.finding import Severity
from asmith.model.objects import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.inputs import ObjectInput
    from asmith.model.contract import Interface
    from asmith.model.finding import Finding
    from asmith.model.objects import Symbol

ID = "ELF003"
LEVEL = Level.OBJECT
PROFILES = {Profile.PROJECT: Severity.ERROR, Profile.ASM: Severity.ERROR}

_WHY_FUNCTION = "a function's symbol tells where its code begins and ends (gABI, st_size)"
_WHY_DATA = "an object's symbol tells how many bytes a copy relocation moves (psABI 4.4)"
_PADDING = re.compile(
    rb"(?: [\x90\xcc\x00]"
    rb"  | \x66+\x90"
    rb"  | [\x66\x2e]*\x0f\x1f(?:[\x00-\x03] | \x40. | \x44.. | \x80.{4} | \x84.{5}) )*",
    re.VERBOSE | re.DOTALL,
)
"""nop and int3, zero bytes, and the longer forms of nop that assemblers align with."""


def check(subject: ObjectInput) -> Iterator[Finding]:
    """Yield a finding for each declared name whose symbol has the wrong type or extent."""
    if subject.interface is None:
        return
    for symbol in subject.facts.exports():
        if symbol.name in subject.interface.functions:
            yield from _function(subject, symbol)
        elif symbol.name in subject.interface.data:
            yield from _data(subject, subject.interface, symbol)


def _function(subject: ObjectInput, symbol: Symbol) -> Iterator[Finding]:
    name = symbol.name
    section = subject.facts.section(symbol.section)
    remedy = f"write `global {name}:function ({name}.end - {name})`"
    if symbol.type != "STT_FUNC" or section is None or not section.has(Section.EXEC):
        place = section.name if section is not None else "no section"
        message = (
            f"{name} is exported as {_kind(symbol)} in {place},"
            " expected a function in a code section"
        )
        yield finding(ID, subject, at_symbol(subject, symbol), Text(message, _WHY_FUNCTION, remedy))
    elif symbol.size == 0:
        message = f"{name} is exported as a function of size 0"
        yield finding(ID, subject, at_symbol(subject, symbol), Text(message, _WHY_FUNCTION, remedy))
    else:
        yield from _uncovered(subject, symbol, section)


def _uncovered(subject: ObjectInput, symbol: Symbol, section: Section) -> Iterator[Finding]:
    """Yield a finding if code follows the end of a function that belongs to no other label."""
    end = symbol.value + symbol.size
    if end > section.size:
        message = f"{symbol.name} ends {end - section.size} bytes beyond {section.name}"
        spot = at_symbol(subject, symbol)
        help_ = "compute its size from a label at its end"
        yield finding(ID, subject, spot, Text(message, _WHY_FUNCTION, help_))
        return
    limit = min(_starts_after(subject, symbol, end), default=section.size)
    rest = section.data[end:limit]
    padding = _PADDING.match(rest)
    begin = padding.end() if padding else 0
    if begin < len(rest):
        spot = at_offset(subject, section.index, end + begin)
        yield finding(
            ID,
            subject,
            Spot(symbol.name, end + begin - symbol.value, spot.file, spot.line, spot.excerpt),
            Text(
                f"{symbol.name} ends at +{symbol.size:#x}, and {len(rest) - begin} more bytes"
                " follow that belong to no function",
                _WHY_FUNCTION,
                f"put `.end:` after the last instruction of {symbol.name}, or give what follows a"
                " label of its own",
                "outside of every function",
            ),
        )


def _starts_after(subject: ObjectInput, symbol: Symbol, end: int) -> Iterator[int]:
    """Yield the offsets at or after `end` where something of another name begins."""
    for other in subject.facts.symbols:
        own = other.name.startswith(f"{symbol.name}.") or other.type == "STT_SECTION"
        if other.section == symbol.section and other.value >= end and not own:
            yield other.value


def _data(subject: ObjectInput, interface: Interface, symbol: Symbol) -> Iterator[Finding]:
    from asmith.contract.layout import size_of

    size = size_of(interface.data[symbol.name].type, interface.types)  # 0: an open array
    name = symbol.name
    remedy = f"write `global {name}:data ({name}.end - {name})`"
    if symbol.type != "STT_OBJECT":
        message = f"{name} is exported as {_kind(symbol)}, expected typed data"
    elif size and symbol.size != size:
        message = f"{name} is {symbol.size} bytes, expected the {size} bytes of its C type"
        remedy = f"define exactly {size} bytes, with `{name}.end:` behind them"
    else:
        return
    yield finding(ID, subject, at_symbol(subject, symbol), Text(message, _WHY_DATA, remedy))


def _kind(symbol: Symbol) -> str:
    """Return a symbol's type in words."""
    words = {"STT_NOTYPE": "an untyped symbol", "STT_FUNC": "a function", "STT_OBJECT": "data"}
    return words.get(symbol.type, symbol.type)
