"""What a test may use, and the system calls that hold it to that."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass, fields
from asmith.errors import did_you_mean
from asmith.host import files
from asmith.verify import pages

if TYPE_CHECKING:
    from collections.abc import Mapping

_MIB = 1 << 20
_PR_SET_PDEATHSIG = 1
_GRACE = 1  # seconds of CPU time between SIGXCPU and SIGKILL


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one test; its process is killed or refused beyond them."""

    cpu: int = 10  # seconds of processor time
    wall: float = 30.0  # seconds
    memory: int = 512 * _MIB  # bytes of address space besides what Python has at the start
    file: int = 16 * _MIB  # bytes in any one file
    processes: int = 0  # that it may start; root is not held to it

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Limits:
        """Return the limits that a marker names, the others as they are; raises ValueError."""
        known = tuple(f.name for f in fields(cls))
        for name, value in given.items():
            if name not in known:
                raise ValueError(f"asmith_limits has no '{name}'{did_you_mean(name, known)}")
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise ValueError(f"asmith_limits takes numbers from 0 up, got {name}={value!r}")
        return cls(**given)  # type: ignore[arg-type]


def apply(limits: Limits, parent: int) -> None:
    """Hold this process to `limits` from now on, and let it die with process `parent`."""
    os.setpgid(0, 0)
    pages.libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)
    used = int(files.read_bytes(Path("/proc/self/statm")).split()[0]) * pages.PAGE
    cpu = max(1, round(limits.cpu))
    _lower(resource.RLIMIT_AS, used + int(limits.memory))
    _lower(resource.RLIMIT_FSIZE, int(limits.file))
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NPROC, int(limits.processes))
    _lower(resource.RLIMIT_CPU, cpu, grace=_GRACE)


def _lower(kind: int, value: int, *, grace: int = 0) -> None:
    """Set a limit, unless the one in force is lower already."""
    _, hard = resource.getrlimit(kind)
    top = value + grace if hard == resource.RLIM_INFINITY else min(value + grace, hard)
    resource.setrlimit(kind, (min(value, top), top))
