"""A symbol of the product has no provider.

Reported for an undefined symbol, and for a name that the product must export, which no object of
the product defines and no library of it exports.

Why: the link fails, or in a shared object the first call does (gABI, "Symbol Table", SHN_UNDEF).
Undefined weak symbols may stay undefined.

Mend it by adding to the product the module that implements the interface, or the library.

Fails: no module has `counter_reset`.

```json fails
{"objects": [{"module": "main", "defines": ["main"], "needs": ["counter_reset"]}],
 "entry_points": ["main"]}
```

Passes:

```json passes
{"objects": [{"module": "main", "defines": ["main"], "needs": ["counter_reset"]},
             {"module": "counter", "defines": ["counter_reset"]}],
 "entry_points": ["main"]}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.inputs import Level, Profile
from asmith.check.links import finding, interface_of, library_of, needed, providers
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.inputs import LinkInput
    from asmith.model.finding import Finding

ID = "LNK001"
LEVEL = Level.LINK
PROFILES = {Profile.PROJECT: Severity.ERROR, Profile.ASM: Severity.ERROR}

_WHY = "a symbol that stays undefined ends the link (gABI, SHN_UNDEF)"


def check(subject: LinkInput) -> Iterator[Finding]:
    """Yield a finding for each needed symbol without a provider."""
    defined = providers(subject)
    exported = frozenset[str]().union(*subject.libraries.values())
    for name in subject.entry_points:
        if name not in defined:
            help_ = f"add the module that defines {name} to product {subject.product}"
            text = Text(f"product {subject.product} has no {name}", _WHY, help_)
            yield finding(ID, subject.product, text)
    for module, facts, _ in subject.objects:
        for symbol in needed(facts):
            interface = interface_of(subject, module, symbol)
            library = library_of(subject, interface)
            elsewhere = library in subject.libraries  # then LNK006 tells
            if symbol not in defined and symbol not in exported and not elsewhere:
                yield finding(
                    ID,
                    facts.path,
                    Text(
                        f"{module} refers to {symbol}, and nothing in product"
                        f" {subject.product} provides it",
                        _WHY,
                        _help(subject, symbol, interface, library),
                    ),
                )


def _help(subject: LinkInput, symbol: str, interface: str | None, library: str | None) -> str:
    if library is not None:
        return f"add library {library}, which implements interface {interface}, to the product"
    if interface is not None:
        return f"add a module that implements interface {interface} to product {subject.product}"
    return f"add the module or the library that defines {symbol} to product {subject.product}"
