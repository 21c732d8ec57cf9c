"""The clock: wall time for records, monotonic time for measuring."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime


def now() -> str:
    """Return the time as RFC 3339 in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def nanoseconds() -> int:
    """Return the time in nanoseconds since 1970, as files count it."""
    return time.time_ns()


def pause(seconds: float) -> None:
    """Let some time pass."""
    time.sleep(seconds)


def monotonic() -> float:
    """Return seconds since some fixed moment, for durations alone."""
    return time.perf_counter()


def stamp() -> str:
    """Return the time as RFC 3339 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def time_of_day() -> str:
    """Return the local time for a person, to the second."""
    return datetime.now().astimezone().strftime("%H:%M:%S")


def wall() -> float:
    """Return seconds since 1970 in UTC, to compare with the times of files."""
    return time.time()


def age() -> float:
    """Return for how many seconds this process has existed, to about 10 ms."""
    try:
        with open("/proc/self/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[19])  # proc(5): starttime
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0
