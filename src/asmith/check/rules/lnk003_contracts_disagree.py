"""Caller and callee were made for different contracts.

Reported when the contract text that one object's stamp records for an import differs from the
text that the provider's stamp offers; and, where no module provides a name (a type, a constant),
when two importers recorded different texts of it.

Why: a stamp holds what the contract said when the module's answer was accepted. Two modules that
disagree on it call each other with different arguments, layouts or promises, and the link editor,
which knows only names, would not tell.

Mend it by regenerating or revalidating the side that is behind.

Fails:

```json fails
{"objects": [
  {"module": "main", "imports": {"counter.counter_next": "long counter_next(counter *c)"}},
  {"module": "counter", "offers": {"counter.counter_next": "int counter_next(counter *c)"}}]}
```

Passes:

```json passes
{"objects": [
  {"module": "main", "imports": {"counter.counter_next": "long counter_next(counter *c)"}},
  {"module": "counter", "offers": {"counter.counter_next": "long counter_next(counter *c)"}}]}
```
"""

from __future__ import annotations

from difflib import unified_diff
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

ID = "LNK003"
LEVEL = Level.LINK
PROFILES = {Profile.PROJECT: Severity.ERROR}


def check(subject: LinkInput) -> Iterator[Finding]:
    """Yield a finding for each import whose recorded contract is not the provider's."""
    reference: dict[str, tuple[ModuleName, str, str]] = {}
    for module, _, stamp in subject.objects:
        for name, traced in stamp.offers.items() if stamp else ():
            reference.setdefault(name, (module, "offers", traced.text))
    for module, facts, stamp in subject.objects:
        for name, traced in sorted(stamp.imports.items()) if stamp else ():
            other, verb, text = reference.setdefault(name, (module, "imports", traced.text))
            if text == traced.text:
                continue
            diff = _difference(traced.text, text, f"{module} imports", f"{other} {verb}")
            yield finding(
                ID,
                facts.path,
                Text(
                    f"{module} imports {name} under another contract than {other} {verb}",
                    "each side keeps the contract that it was accepted with:\n" + diff,
                    f"regenerate {module} or {other}, or revalidate the one that is behind",
                ),
            )


def _difference(old: str, new: str, old_title: str, new_title: str) -> str:
    """Return the unified difference of two canonical texts, indented, without line numbers."""
    lines = unified_diff(old.splitlines(), new.splitlines(), old_title, new_title, lineterm="", n=1)
    return "\n".join(f"      {line}" for line in lines if not line.startswith("@@"))
