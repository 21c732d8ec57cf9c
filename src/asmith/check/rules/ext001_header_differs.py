r"""A declaration of an external interface differs from the real header.

Reported for a function or an object of another type, or one whose name the header binds to another
symbol; for a constant of another value; for a struct or union of another size; for a member of
another type or at another offset; and for a name that the header does not declare. The C compiler
compares, one construct at a time, with the library's own flags.

Why: the library was compiled with its headers. A call with other arguments, or an access with
another layout, reads and writes what it does not mean to, and no tool tells (System V psABI 3.1.2
and 3.2.3).

Mend it by writing what the header says; `asmith import-header` drafts it. What a header declares
only under `_GNU_SOURCE` counts as declared.

Fails: the real `puts` takes a pointer.

```json fails
{"interface": "//@ asm library \"libc\" header \"stdio.h\";\nint puts(int s);",
 "differences": {"puts": "the header declares another type: int puts(const char *s)"},
 "missing": []}
```

Passes:

```json passes
{"interface": "//@ asm library \"libc\" header \"stdio.h\";\nint puts(const char *s);",
 "differences": {}, "missing": []}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.inputs import Level, Profile
from asmith.model.finding import Severity
from asmith.toolchain.header import findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.inputs import HeaderInput
    from asmith.model.finding import Finding

ID = "EXT001"
LEVEL = Level.HEADER
PROFILES = {Profile.PROJECT: Severity.ERROR}


def check(subject: HeaderInput) -> Iterator[Finding]:
    """Yield a finding for each subject that differs."""
    yield from findings(subject.interface, subject.differences, ())
