"""Measures how long reading an interface takes, once the C parser is imported.

Usage: python bench/read_headers.py [ROUNDS]
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING

from asmith.abi import banner, include
from asmith.contract.reader import Cache, read_interfaces
from asmith.model.names import InterfaceName

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = rb"""#ifndef BUFFER_H
#define BUFFER_H
#include <stddef.h>
#define BUFFER_FULL -1
typedef struct buffer { char *data; size_t len, cap; } buffer;
/*@ requires \valid(out) && (n == 0 || \valid_read(s + (0 .. n-1)));
  @ assigns  *out, out->data[0 .. out->cap-1];
  @ ensures  \result == 0 || \result == BUFFER_FULL;
  @ asm outcome full: \result == BUFFER_FULL;
  @ asm stack 128;
  @*/
int json_string(buffer *out, const char *s, size_t n);
#endif
"""


def milliseconds(rounds: int, run: Callable[[], object]) -> float:
    """Return the median processor time of one run."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return statistics.median(times) * 1e3


def main(rounds: int) -> None:
    """Print the median times for a small header and for one with twenty functions."""
    name = InterfaceName("buffer")
    body = SMALL.rpartition(b"#endif")[0]
    block = body[body.index(b"/*@") :]
    functions = b"".join(block.replace(b"json_string", b"f%d" % n) for n in range(20))
    large = body.replace(block, b"") + functions + b"#endif\n"
    for label, data in (("small, one function", SMALL), ("twenty functions", large)):
        sources = {name: ("interfaces/buffer.h", data)}
        interface = read_interfaces(sources)[name]
        cache: Cache = {}
        read_interfaces(sources, cache=cache)
        runs = {
            "read": lambda s=sources: read_interfaces(s),
            "cached": lambda s=sources, c=cache: read_interfaces(s, cache=c),
            "banner": lambda i=interface: banner.render(i, "title"),
            "include": lambda i=interface: include.render(i.surface.values()),
        }
        times = [f"{what} {milliseconds(rounds, run):.3f} ms" for what, run in runs.items()]
        print(f"{label}: {', '.join(times)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
