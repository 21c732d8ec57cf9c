r"""A library does not export what its interface declares.

Reported for each function and object of an external interface that is no dynamic symbol of the
library, used or not.

Why: the first module that uses it ends the link (gABI, "Symbol Table", SHN_UNDEF). Headers also
declare what is a macro, an inline function, or part of another library.

Mend it by removing the declaration, or by naming the library that exports it in `asm library`.

Fails: `sin` is in libm.

```json fails
{"interface": "//@ asm library \"libc\" header \"math.h\";\ndouble sin(double x);",
 "differences": {}, "missing": ["sin"]}
```

Passes:

```json passes
{"interface": "//@ asm library \"libm\" header \"math.h\";\ndouble sin(double x);",
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

ID = "EXT002"
LEVEL = Level.HEADER
PROFILES = {Profile.PROJECT: Severity.ERROR}


def check(subject: HeaderInput) -> Iterator[Finding]:
    """Yield a finding for each name that the library does not export."""
    yield from findings(subject.interface, {}, subject.missing)
