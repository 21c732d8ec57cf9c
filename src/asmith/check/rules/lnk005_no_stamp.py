"""An object of a product has no contract stamp.

Reported for every object of the product without the note section `.asmith`.

Why: without a stamp it is unknown which contracts the object was made for, so a caller or callee
that moved on cannot be told from one that did not.

Mend it by building the object with asmith, which stamps it from the module's record.

Fails:

```json fails
{"objects": [{"module": "counter", "stamp": false}]}
```

Passes:

```json passes
{"objects": [{"module": "counter", "stamp": true}]}
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

ID = "LNK005"
LEVEL = Level.LINK
PROFILES = {Profile.PROJECT: Severity.ERROR}


def check(subject: LinkInput) -> Iterator[Finding]:
    """Yield a finding for each object without a stamp."""
    for module, facts, stamp in subject.objects:
        if stamp is None:
            yield finding(
                ID,
                facts.path,
                Text(
                    f"{module} has no contract stamp",
                    "the contracts that it was made for are unknown",
                    f"build {module} with asmith, from an accepted answer",
                ),
            )
