"""A symbol of the product has more than one provider.

Reported when two objects define one global symbol, and when an object defines a symbol that a
library of the product exports as well. Weak definitions give way and are not counted.

Why: two strong definitions end the link (gABI, "Symbol Table", STB_GLOBAL). One in an object and
one in a library do not: the library's own calls may then reach the module's function.

Mend it by binding one implementation of the interface in the product, or by another name.

Fails: two modules implement one interface.

```json fails
{"objects": [{"module": "counter", "defines": ["counter_next"]},
             {"module": "counter_avx", "defines": ["counter_next"]}]}
```

Passes:

```json passes
{"objects": [{"module": "counter", "defines": ["counter_next"]}]}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.inputs import Level, Profile
from asmith.check.links import finding, providers
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.inputs import LinkInput
    from asmith.model.finding import Finding

ID = "LNK002"
LEVEL = Level.LINK
PROFILES = {Profile.PROJECT: Severity.ERROR, Profile.ASM: Severity.ERROR}


def check(subject: LinkInput) -> Iterator[Finding]:
    """Yield a finding for each symbol that two providers define."""
    paths = {module: facts.path for module, facts, _ in subject.objects}
    for symbol, modules in sorted(providers(subject).items()):
        sources = [f"module {module}" for module in modules]
        sources += [
            f"library {library}"
            for library, names in sorted(subject.libraries.items())
            if symbol in names
        ]
        if len(sources) > 1:
            yield finding(
                ID,
                paths[modules[-1]],
                Text(
                    f"{symbol} is defined by {' and by '.join(sources)}",
                    "one name has one meaning in a product (gABI, STB_GLOBAL)",
                    f"keep one of them in product {subject.product}, or rename {symbol}",
                ),
            )
