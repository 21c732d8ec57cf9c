"""Times the same calls of several libraries, in turns: `python -m asmith.verify.timing`.

Arguments: the result's file, the benchmark, the contract, the project's root, the number of rounds,
a seed, and the libraries. In each round every library is timed once, and the first one twice, each
in a child of its own under the limits of module tests and on inputs of that round's seed.

The result is JSON: `{"rounds": [[seconds a call, ...], ...]}`; `{"failed": [library, message]}` if
the calls of one failed; `{"broken": message}` if the benchmark itself did.
"""

from __future__ import annotations

import json
import runpy
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asmith.host import files
from asmith.verify import isolation
from asmith.verify.failure import ModuleFailure
from asmith.verify.limits import Limits
from asmith.verify.session import VerifySession

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SPAN = 0.004  # seconds of CPU time that one measurement takes at least
_REPEATS = 5  # measurements of which the least counts: what disturbs only adds


def main(arguments: Sequence[str]) -> int:
    """Measure and write the result."""
    result, bench, contract, root, rounds, seed, *libraries = arguments
    sessions = [VerifySession(Path(x), Path(contract), Path(root)) for x in libraries]
    found = _measure(sessions, bench, int(rounds), int(seed))
    files.write_atomic(Path(result), json.dumps(found).encode())
    return 0


def _measure(
    sessions: Sequence[VerifySession], bench: str, rounds: int, seed: int
) -> dict[str, Any]:
    lanes = [*range(len(sessions)), 0]
    measured = []
    for number in range(rounds):
        times = [0.0] * len(lanes)
        for turn in range(len(lanes)):
            lane = (turn + number) % len(lanes)
            said = _in_a_child(sessions[lanes[lane]], bench, seed + number)
            if "failed" in said:
                return {"failed": [lanes[lane], said["failed"]]}
            if "broken" in said:
                return said
            times[lane] = float(said["seconds"])
        measured.append(times)
    return {"rounds": measured}


def _in_a_child(session: VerifySession, bench: str, seed: int) -> dict[str, Any]:
    limits = Limits()
    session.record.clear()
    ended = isolation.run(lambda: json.dumps(_timed(session, bench, seed)).encode(), limits)
    if ended.overtime:
        return {"failed": f"the calls did not end within {limits.wall:g} s"}
    if ended.signal is not None or ended.exit_code != 0:
        return {"failed": f"the calls ended their process (signal {ended.signal})"}
    try:
        said = json.loads(ended.data)
        return said if "seconds" not in said or said["seconds"] > 0 else {"failed": "no time"}
    except (ValueError, TypeError):
        return {"failed": "the calls spoiled what their process handed over"}


def _timed(session: VerifySession, bench: str, seed: int) -> dict[str, Any]:
    """Return the CPU seconds of one call of what the benchmark returns, or what went wrong."""
    try:
        calls = runpy.run_path(bench).get("calls")
        if calls is None:
            return {"broken": "it has no function calls(module, seed)"}
        call = calls(session.module(), seed)
        if not callable(call):
            return {"broken": f"calls(module, seed) returned {call!r}, which cannot be called"}
        call()  # the first one also pays for caches
        seconds = min(_measured(call) for _ in range(_REPEATS))
    except (ModuleFailure, AssertionError) as error:
        return {"failed": str(error) or type(error).__name__}
    except Exception as error:  # noqa: BLE001 -- whatever a person's file raises
        return {"broken": f"{type(error).__name__}: {error}"}
    if session.record.failure is not None:
        return {"failed": str(session.record.failure)}
    return {"seconds": seconds}


def _measured(call: Callable[[], object]) -> float:
    """Return the CPU seconds of one call, over as many as take `_SPAN`."""
    count, start = 0, time.process_time()
    while (spent := time.process_time() - start) < _SPAN:
        call()
        count += 1
    return spent / count


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
