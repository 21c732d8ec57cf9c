"""One call of a function under test through the trampoline, and what it must leave as it found it.

The trampoline (trampoline.asm) runs the function between recognisable register values; here they
are compared. Registers that belong to the caller: System V psABI 3.2.1, figure 3.4.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

CALLEE_SAVED = ("rbx", "rbp", "r12", "r13", "r14", "r15")
SENTINELS = (
    0xB1B1_5E17_0000_00B1,
    0xB2B2_5E17_0000_00B2,
    0xC1C1_5E17_0000_0012,
    0xC2C2_5E17_0000_0013,
    0xC3C3_5E17_0000_0014,
    0xC4C4_5E17_0000_0015,
)
"""What callee-saved registers hold at the call: no addresses, so using one as such faults."""

JUNK = 0xDEAD_C0DE_BAAD_F00D
"""What everything holds at the call that a function must not rely on."""

_DIRECTION = 0x400  # rflags.DF
_MXCSR_CONTROL = 0xFFC0  # all but the six sticky exception flags, which are the callee's
_X87_CONTROL = 0x1F3F  # rounding, precision, masks; the rest is reserved
_INTEGER_REGISTERS = 6
_VECTOR_REGISTERS = 8


class Frame(ctypes.Structure):
    """`struc frame` of trampoline.asm, field by field."""

    _fields_ = [
        ("target", ctypes.c_uint64),
        ("keep_al", ctypes.c_uint64),
        ("empties_x87", ctypes.c_uint64),
        ("junk", ctypes.c_uint64),
        ("want", ctypes.c_uint64 * 6),
        ("got", ctypes.c_uint64 * 6),
        ("want_rsp", ctypes.c_uint64),
        ("got_rsp", ctypes.c_uint64),
        ("got_flags", ctypes.c_uint64),
        ("want_mxcsr", ctypes.c_uint32),
        ("want_fcw", ctypes.c_uint32),
        ("got_mxcsr", ctypes.c_uint32),
        ("got_fcw", ctypes.c_uint32),
        ("got_x87", ctypes.c_uint64),
        ("active", ctypes.c_uint64),
        ("crashed", ctypes.c_uint64),
        ("return_address", ctypes.c_uint64),
        ("saved", ctypes.c_uint64 * 6),
    ]


@dataclass(frozen=True, slots=True)
class Violation:
    """Something of the caller's that a function changed."""

    subject: str  # "rbx", "the direction flag", ...
    want: str
    got: str
    why: str
    help: str


def spare_arguments() -> tuple[Any, ...]:
    """Return what to pass after the last argument, so that unused argument registers hold junk.

    The callee of a function without `...` cannot tell; what exceeds the registers lies in stack
    slots beyond its own arguments, where it has no business either.
    """
    integers = [ctypes.c_uint64(JUNK)] * _INTEGER_REGISTERS
    return (
        *integers,
        *[ctypes.c_double.from_buffer_copy(ctypes.c_uint64(JUNK))] * _VECTOR_REGISTERS,
    )


class Caller:
    """Calls functions of one test library; calls may nest through callbacks."""

    def __init__(self, entry: int, current: Any) -> None:
        """Take the trampoline's address and the `c_void_p` that is its `asmith_verify_frame`."""
        self._entry = entry
        self._current = current
        self._pending: BaseException | None = None

    def call(
        self, target: int, result: Any, arguments: Sequence[Any], *, variadic: bool
    ) -> tuple[Any, Frame]:
        """Call `target` with ctypes values; return what ctypes made of the result, and the frame.

        The result means nothing if `frame.crashed` is set. An exception that a callback raised
        is raised again here.
        """
        frame = Frame()
        frame.target, frame.junk, frame.keep_al = target, JUNK, variadic
        frame.empties_x87 = result is not ctypes.c_longdouble
        frame.want[:] = SENTINELS
        function = ctypes.CFUNCTYPE(result, use_errno=True)(self._entry)
        before = self._current.value
        self._current.value = ctypes.addressof(frame)
        try:
            value = function(*arguments)
        finally:
            self._current.value = before
        if self._pending is not None:
            error, self._pending = self._pending, None
            raise error
        return value, frame

    def callback(self, prototype: Any, function: Callable[..., Any], default: Any) -> Any:
        """Return `function` as a C function pointer; it returns `default` after an exception.

        While it runs no function under test does, so a fault in it is not taken for one's.
        """

        def enter(*arguments: Any) -> Any:
            frame, self._current.value = self._current.value, None
            try:
                return function(*arguments)
            except BaseException as error:  # noqa: BLE001 -- C cannot carry it; `call` raises it
                self._pending = self._pending or error
                return default
            finally:
                self._current.value = frame

        return prototype(enter)


def violations(frame: Frame) -> Iterator[Violation]:
    """Yield what a call that returned did not leave as the psABI demands."""
    for name, want, got in zip(CALLEE_SAVED, frame.want, frame.got, strict=True):
        if want != got:
            yield Violation(
                name,
                f"{want:#018x}",
                f"{got:#018x}",
                f"{name} belongs to the caller (System V psABI 3.2.1)",
                f"push {name} on entry and pop it before every `ret`, or use r10 or r11",
            )
    if frame.got_rsp != frame.want_rsp:
        yield Violation(
            "rsp",
            f"{frame.want_rsp:#x}",
            f"{frame.got_rsp:#x}",
            "the stack pointer belongs to the caller, arguments included (System V psABI 3.2.1)",
            "return with plain `ret`: the caller removes its own arguments",
        )
    if frame.got_flags & _DIRECTION:
        yield Violation(
            "the direction flag",
            "0",
            "1",
            "the direction flag must be clear on entry and on return (System V psABI 3.2.1)",
            "cld after the last backward string instruction",
        )
    yield from _floating_point(frame)


def _floating_point(frame: Frame) -> Iterator[Violation]:
    words = (
        ("MXCSR", _MXCSR_CONTROL, frame.want_mxcsr, frame.got_mxcsr, "stmxcsr", "ldmxcsr"),
        ("the x87 control word", _X87_CONTROL, frame.want_fcw, frame.got_fcw, "fnstcw", "fldcw"),
    )
    for name, mask, want, got, save, restore in words:
        if (want ^ got) & mask:
            yield Violation(
                name,
                f"{want & mask:#06x}",
                f"{got & mask:#06x}",
                "its control bits belong to the caller (System V psABI 3.2.1)",
                f"save it with {save} and restore it with {restore}",
            )
    allowed = 0 if frame.empties_x87 else 1
    used = int(frame.got_x87).bit_count()
    if used != allowed:
        yield Violation(
            "the x87 stack",
            f"{allowed} registers in use",
            f"{used}",
            "it is empty at calls and returns but for a long double result; MMX code fills it too "
            "(System V psABI 3.2.1, 3.2.3)",
            "emms after MMX code; pop what was pushed with fstp",
        )
