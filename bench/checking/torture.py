"""A seeded generator of C that is hard to follow once compiled: `source(seed, count)`.

Every function has external linkage, so that each one is emitted, and is written by one of the
kinds of `kinds_flow`, `kinds_calls` and `kinds_data`. The text needs nothing but libc's headers and
compiles with gcc and clang. It is compiled and checked, never run.
"""

from __future__ import annotations

import random

from checking import kinds_calls, kinds_data, kinds_flow
from checking.expressions import HEADER, Writer

KINDS = (*kinds_flow.KINDS, *kinds_calls.KINDS, *kinds_data.KINDS)


def source(seed: int, count: int) -> str:
    """Return a translation unit with at least `count` functions; all kinds take their turn."""
    rng = random.Random(seed)  # noqa: S311 -- reproducible, no secret
    writer = Writer(rng, f"t{seed}")
    parts = []
    order = list(KINDS)
    while writer.functions < count:
        rng.shuffle(order)
        for kind in order:
            parts.append(f"/* {kind.__name__} */\n{kind(writer)}")
            if writer.functions >= count:
                break
    return HEADER + "\n".join(parts)
