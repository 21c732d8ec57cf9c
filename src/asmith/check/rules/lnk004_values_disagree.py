"""Two objects were assembled with different values of one constant or field.

Reported when the stamps of two objects record different values for the same name: the value of a
constant, the offset and size of a field, or the size of a structure.

Why: the values are in the code of both. An object that was not assembled again after the change
reads a field where it no longer is, and nothing in the object file tells.

Mend it by assembling the older object again; no generation is needed.

Fails:

```json fails
{"objects": [{"module": "main", "values": {"counter.counter.limit": "8:8"}},
             {"module": "counter", "values": {"counter.counter.limit": "16:8"}}]}
```

Passes:

```json passes
{"objects": [{"module": "main", "values": {"counter.counter.limit": "16:8"}},
             {"module": "counter", "values": {"counter.counter.limit": "16:8"}}]}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.inputs import Level, Profile
from asmith.check.links import finding
from asmith.check.places import Text
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.inputs import LinkInput
    from asmith.model.finding import Finding
    from asmith.model.names import ModuleName

ID = "LNK004"
LEVEL = Level.LINK
PROFILES = {Profile.PROJECT: Severity.ERROR}


def check(subject: LinkInput) -> Iterator[Finding]:
    """Yield a finding for each value that differs from that of the first object that has it."""
    first: dict[str, tuple[ModuleName, str]] = {}
    for module, facts, stamp in subject.objects:
        for name, value in sorted(stamp.values.items()) if stamp else ():
            other, known = first.setdefault(name, (module, value))
            if value != known:
                yield finding(
                    ID,
                    facts.path,
                    Text(
                        f"{module} was assembled with {name} = {value}, {other} with {known}",
                        "the value is part of the code of both objects",
                        f"assemble {other} and {module} again",
                    ),
                )
