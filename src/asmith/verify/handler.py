"""Installs the trampoline's signal handler: sigaction(2) and sigaltstack(2) by libc."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from functools import lru_cache

from asmith.verify import pages

SIGNALS = (
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGILL,
    signal.SIGFPE,
    signal.SIGTRAP,
    signal.SIGABRT,
    signal.SIGXCPU,
    signal.SIGALRM,
)
"""Faults, abort(3), and the limits: CPU time by the kernel, wall time by the parent process."""

_SA_SIGINFO, _SA_ONSTACK = 0x4, 0x08000000
_STACK = 16 * pages.PAGE  # bytes: an AVX-512 signal frame takes 3 KiB
_UNLIMITED_STACK = 1 << 30  # bytes; where the stack has no limit, a GiB is called its end


class _Action(ctypes.Structure):
    """`struct sigaction` of glibc."""

    _fields_ = [
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_ubyte * 128),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    ]


class _Stack(ctypes.Structure):
    """`stack_t`."""

    _fields_ = [
        ("address", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("size", ctypes.c_size_t),
    ]


@lru_cache(maxsize=1)
def _alternate_stack() -> int:
    """Return the address of memory for the handler to run on, which is never given back."""
    address = pages.reserve(_STACK)
    pages.protect(address, _STACK, pages.READ | pages.WRITE)
    return address


def install(handler: int) -> None:
    """Let the code at address `handler` take all of `SIGNALS`, on a stack of its own."""
    libc = pages.libc()
    stack = _Stack(_alternate_stack(), 0, _STACK)
    action = _Action(handler=handler, flags=_SA_SIGINFO | _SA_ONSTACK)
    if libc.sigaltstack(ctypes.byref(stack), None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    for number in SIGNALS:
        if libc.sigaction(int(number), ctypes.byref(action), None) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def stack_end(top: int) -> int:
    """Return the lowest address that the stack whose mapping ends at `top` may grow to."""
    soft, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return top - (_UNLIMITED_STACK if soft == resource.RLIM_INFINITY else soft)
