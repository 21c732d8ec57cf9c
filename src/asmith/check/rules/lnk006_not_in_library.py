"""The library does not export a symbol that its interface declares.

Reported when an object imports a name through an external interface whose library is linked, and
that library has no such dynamic symbol. Names that exist only under an old, hidden version do not
count: the link editor does not bind to them.

Why: the interface of a library is a copy of what its header says; the installed library may be
older, or built without the feature.

Mend it by installing a version that has the symbol, or by removing it from the interface.

Fails:

```json fails
{"objects": [{"module": "main", "needs": ["PQsendPipelineSync"]}],
 "external": {"pq": {"library": "libpq", "functions": ["PQsendPipelineSync"]}},
 "libraries": {"libpq": ["PQconnectStart"]}}
```

Passes:

```json passes
{"objects": [{"module": "main", "needs": ["PQconnectStart"]}],
 "external": {"pq": {"library": "libpq", "functions": ["PQconnectStart"]}},
 "libraries": {"libpq": ["PQconnectStart"]}}
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

ID = "LNK006"
LEVEL = Level.LINK
PROFILES = {Profile.PROJECT: Severity.ERROR}


def check(subject: LinkInput) -> Iterator[Finding]:
    """Yield a finding for each import that its own library does not export."""
    defined = providers(subject)
    for module, facts, _ in subject.objects:
        for symbol in needed(facts):
            interface = interface_of(subject, module, symbol)
            library = library_of(subject, interface)
            if symbol in defined or library is None or library not in subject.libraries:
                continue
            if symbol not in subject.libraries[library]:
                yield finding(
                    ID,
                    facts.path,
                    Text(
                        f"{module} refers to {symbol}, and library {library} does not export it",
                        f"interface {interface} declares it, the installed {library} lacks it",
                        f"install a {library} that has {symbol}, or remove it from interface"
                        f" {interface}",
                    ),
                )
