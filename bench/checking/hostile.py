"""The hostile leg: damaged objects; each ends in an error or in a result, and soon.

Workers check one object after the other, each object under a limit of time and all under one of
memory. A worker that is stuck, or dies, counts for its object and is replaced.
"""

from __future__ import annotations

import multiprocessing
import resource
import signal
from collections import Counter
from typing import TYPE_CHECKING

from checking.fuzz import hostile
from checking.subject import judged

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

LIMIT = 10  # seconds for one object
GRACE = 5  # more, until the worker itself is taken for stuck
MEMORY = 2 << 30
WHOLE = 10_000
SMOKE = 150
BAD = ("hang", "traceback", "died")


class _TooLongError(BaseException):
    """Raised in a worker by its alarm; no `except Exception` of the checker swallows it."""


def main(count: int, first: int = 0) -> bool:
    """Check `count` objects; print how they ended; tell whether none hung or crashed."""
    ends: Counter[str] = Counter()
    slowest = (0.0, 0)
    number = first
    while number < first + count:
        for ended, seconds, what in _worker(number, first + count):
            ends[ended] += 1
            slowest = max(slowest, (seconds, number))
            if ended in BAD:
                print(f"{ended}: object {number} ({hostile(number)[0]}): {what}", flush=True)
            number += 1
    print(
        f"{count} objects: {dict(sorted(ends.items()))}, "
        f"slowest {slowest[0]:.2f} s (object {slowest[1]})"
    )
    return not any(ends[bad] for bad in BAD)


def _worker(number: int, end: int) -> list[tuple[str, float, str]]:
    """Return how objects `number`.. ended, up to `end` or to one that ended the worker."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_work, args=(there, number, end))
    child.start()
    there.close()
    told = []
    try:
        while number + len(told) < end:
            if not here.poll(LIMIT + GRACE):
                told.append(("hang", float(LIMIT + GRACE), "the worker did not react"))
                break
            told.append(here.recv())
    except EOFError:
        child.join()
        told.append(("died", 0.0, f"the worker ended with {child.exitcode}"))
    finally:
        child.kill()
        child.join()
        here.close()
    return told


def _work(there: Connection, number: int, end: int) -> None:
    """Check objects and say how each ended."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, _too_long)
    for n in range(number, end):
        _, data = hostile(n)
        signal.alarm(LIMIT)
        try:
            verdict = judged(data, f"fuzz{n}.o", "asm" if n % 2 else "compiled")
        except _TooLongError:
            there.send(("hang", float(LIMIT), "over the limit"))
            continue
        finally:
            signal.alarm(0)
        if verdict.crash:
            ended = "traceback"
        elif verdict.error:
            ended = "error"
        elif verdict.lost:
            ended = "not analysed"
        else:
            ended = "analysed"
        there.send((ended, verdict.seconds, verdict.crash))


def _too_long(_number: int, _frame: object) -> None:
    raise _TooLongError


def reproduce(number: int, path: str) -> None:
    """Write one object to a file."""
    from pathlib import Path

    Path(path).write_bytes(hostile(number)[1])
