"""The clock: wall time for records, monotonic time for measuring."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> str:
    """Return the time as RFC 3339 in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pause(seconds: float) -> None:
    """Let some time pass."""
    time.sleep(seconds)


def monotonic() -> float:
    """Return seconds since some fixed moment, for durations alone."""
    return time.perf_counter()
