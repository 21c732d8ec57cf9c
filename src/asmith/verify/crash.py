"""A signal explained: which instruction, what it touched, and what that probably means."""

from __future__ import annotations

import re
import signal
import struct
from itertools import pairwise
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass
from asmith.verify.call import JUNK
from asmith.verify.failure import Spot, finding
from asmith.verify.memory import count
from asmith.verify.pages import PAGE

if TYPE_CHECKING:
    from asmith.model.finding import Finding
    from asmith.verify.library import Lines
    from asmith.verify.memory import Arena, Block
    from asmith.verify.record import Fault

_LIMITS = (signal.SIGXCPU, signal.SIGALRM)
_KERNEL = 0x80  # si_code SI_KERNEL: the processor gave no address
_GENERAL_PROTECTION = 13  # exception numbers (Intel SDM volume 3, table 6-1)
_PAGE_FAULT = 14
_WRITE, _FETCH = 0x2, 0x10  # page fault error code (Intel SDM volume 3, section 4.7)
_INT3 = 3
_HALF = 32  # bits
_SYSCALL = b"\x0f\x05"
_NEAR_STACK = 1 << 20  # bytes around the end of the stack that count as it
_CALL_LENGTHS = range(2, 8)  # bytes of a near call, `call [base + index*8 + disp32]` the longest
_OPERAND = re.compile(r"\[([^\]]*)\]")
_REGISTER = re.compile(r"\b(r(?:[a-d]x|[sd]i|[sb]p|\d+))\b")
_ORDER = (
    ("rax", "rbx", "rcx", "rdx"),
    ("rsi", "rdi", "rbp", "rsp"),
    ("r8", "r9", "r10", "r11"),
    ("r12", "r13", "r14", "r15"),
    ("rip", "rflags"),
)


@dataclass(frozen=True, slots=True)
class _Cause:
    """What happened in words: after the function's name, under its line, why, what to do."""

    what: str
    label: str
    why: str
    help: str


def explain(fault: Fault, lines: Lines, arena: Arena | None, *, limit: str = "") -> Finding:
    """Return what to tell of a signal.

    `arena` names the memory of the test; None where its process is gone. `limit` says which limit
    ended the test, for the two signals that mean one.
    """
    spot, called = _locate(fault, lines)
    actor = spot.function or "the test itself, outside of the module,"
    name = signal.Signals(fault.signal).name
    if fault.signal in _LIMITS:
        cause = _limit(fault, name, limit)
    elif fault.signal in (signal.SIGSEGV, signal.SIGBUS):
        cause = _memory(fault, spot, arena)
    else:
        cause = _instruction(fault)
    if called and not _is_fetch(fault) and fault.signal != signal.SIGABRT:
        what = f"code that {actor} called {cause.what}"
        label = f"{cause.label}, in what this line called"
        cause = _Cause(what, label, cause.why, cause.help)
        message = f"{name}: {cause.what}"
    else:
        message = f"{name}: {actor} {cause.what}"
    rule = "RUN002" if fault.signal in _LIMITS else "RUN001"
    return finding(rule, message, spot, label=cause.label, why=cause.why, help=cause.help)


def registers(fault: Fault) -> str:
    """Return the registers as text, four to a line; rsp also modulo 16."""
    rows = ["registers:"]
    for names in _ORDER:
        cells = (f"{name:>6} {fault.registers[name]:016x}" for name in names)
        rows.append("  " + " ".join(cells))
    rows.append(f"     rsp is {fault.registers['rsp'] % 16} modulo 16")
    return "\n".join(rows)


# ---- where ---------------------------------------------------------------------------------------


def _locate(fault: Fault, lines: Lines) -> tuple[Spot, bool]:
    """Return the place in the library, and whether it is a call that led out of it."""
    rip = fault.registers["rip"]
    if fault.in_text(rip):
        return lines.at(rip - _behind(fault, lines) - fault.load_address), False
    if not fault.in_call:
        return Spot(), False
    back = _return_address(fault, lines)
    if back is None:
        return Spot(function=fault.function), False
    return lines.at(back - 1 - fault.load_address), True


def _behind(fault: Fault, lines: Lines) -> int:
    """Return how far rip is behind the instruction to name.

    int3 leaves it behind itself, other faults at the instruction (Intel SDM volume 3, section
    6.5); a system call that waits has it behind `syscall` already.
    """
    if fault.signal == signal.SIGTRAP and fault.registers["trap"] == _INT3:
        return 1
    if fault.signal == signal.SIGALRM:
        end = fault.registers["rip"] - fault.text_start + fault.text_offset
        return len(_SYSCALL) if lines.data[:end].endswith(_SYSCALL) else 0
    return 0


def _return_address(fault: Fault, lines: Lines) -> int | None:
    """Return the first word on the stack that is an address behind a call of the library."""
    usable = len(fault.stack) // 8 * 8
    for (word,) in struct.iter_unpack("<Q", fault.stack[:usable]):
        if not fault.in_text(word):
            continue
        end = word - fault.text_start + fault.text_offset
        before = lines.data[max(0, end - _CALL_LENGTHS[-1]) : end]
        if _ends_with_call(before):
            spot = lines.at(word - 1 - fault.load_address)
            return None if spot.function.startswith("asmith_verify_") else int(word)
    return None


def _ends_with_call(code: bytes) -> bool:
    """Tell whether bytes may end in a near call: E8 rel32, or FF /2 (Intel SDM 2, CALL)."""
    if code[-5:-4] == b"\xe8":
        return True
    tails = (code[-n:] for n in _CALL_LENGTHS if n <= len(code))
    return any(a == 0xFF and b >> 3 & 7 == 2 for a, b in (next(pairwise(t)) for t in tails))  # noqa: PLR2004


# ---- what ----------------------------------------------------------------------------------------


def _limit(fault: Fault, name: str, limit: str) -> _Cause:
    return _Cause(
        what=f"did not end within {limit or 'the limit'}",
        label=f"was here when {name} came",
        why="each test has a limit of CPU time and of wall time",
        help="end the loop, or give the test more: @pytest.mark.asmith_limits(cpu=...)"
        if fault.signal == signal.SIGXCPU
        else "end the wait, or give the test more: @pytest.mark.asmith_limits(wall=...)",
    )


def _memory(fault: Fault, spot: Spot, arena: Arena | None) -> _Cause:
    error, address = fault.registers["error"], fault.address
    if fault.code == _KERNEL or fault.registers["trap"] == _GENERAL_PROTECTION:
        return _protection(fault, spot)
    if _is_fetch(fault):
        return _lost(f"jumped to {address:#x}", f"left for {address:#x}")
    verb, done = ("wrote", "writes") if error & _WRITE else ("read", "reads")
    block = arena.find(address) if arena else None
    if block is not None:
        return _block(block, address, verb, done)
    if fault.load_address <= address < fault.image_end:
        return _Cause(
            what=f"{verb} read-only data of the module itself (address {address:#x})",
            label=f"{done} {address:#x}",
            why="code, .rodata and, after loading, .data.rel.ro cannot be written to",
            help="keep what changes in .data or .bss",
        )
    return _nowhere(fault, verb, done)


def _nowhere(fault: Fault, verb: str, done: str) -> _Cause:
    """Return the cause of a fault in memory that the test knows nothing of."""
    address, low = fault.address, fault.stack_end
    label = f"{done} {address:#x}"
    if low and low - _NEAR_STACK <= address < low + _NEAR_STACK:
        return _Cause(
            what="used up the stack",
            label=f"{label}, below the stack",
            why="the stack ended: recursion without an end, or a frame of its whole size",
            help="bound the depth of the recursion, or loop instead",
        )
    if address < PAGE:
        return _Cause(
            what=f"{verb} through a null pointer (address {address:#x})",
            label=label,
            why="nothing is mapped in the first page of memory",
            help="test the pointer before its use, or state `requires \\valid(...)`",
        )
    return _Cause(
        what=f"{verb} memory that nobody gave it (address {address:#x})",
        label=label,
        why="the address is not mapped, or not with this access",
        help="see which register of the operand holds what it should not",
    )


def _block(block: Block, address: int, verb: str, done: str) -> _Cause:
    """Return the cause of a fault in memory of the test or beside it."""
    inside = block.start <= address < block.start + block.size
    if block.state == "free":
        why = "what a test passes for one call is gone after it"
        help_text = "copy what is needed later; a test that lends memory keeps it: module.memory"
    elif inside:
        why = "the contract passes it as a pointer to const"
        help_text = "work on a copy, or drop `const` from the parameter"
    else:
        why = f"it is {count(block.size)} at {block.start:#x}; the page beside it is nobody's"
        help_text = "compare the index with the length before the access"
    what = f"{verb} {block.describe(address)}"
    return _Cause(what, f"{done} {address:#x}", why, help_text)


def _protection(fault: Fault, spot: Spot) -> _Cause:
    """Return the cause of a general protection fault, whose address the processor keeps."""
    mnemonic, _, operands = spot.code.strip().rpartition(":")[2].strip().partition(" ")
    if mnemonic in ("ret", "retn"):
        return _lost(f"returned to 0x{fault.stack[7::-1].hex()}", "returns there")
    inside = operands if mnemonic in ("call", "jmp") else " ".join(_OPERAND.findall(operands))
    wild = [r for r in _REGISTER.findall(inside) if not _canonical(fault.registers[r])]
    if wild:
        return _wild(wild[0], fault.registers[wild[0]])
    if spot.code and not inside:
        return _Cause(
            what="ran an instruction that only the kernel may run",
            label="privileged",
            why="hlt, cli, in, out and the like fault in a program (Intel SDM volume 3, 5.9)",
            help="see that no path runs into data; programs ask the kernel through syscall",
        )
    return _Cause(
        what="accessed memory that is not aligned as the instruction demands",
        label="needs an aligned address",
        why="movaps, movdqa and the memory operands of SSE instructions need a multiple of 16 "
        "(Intel SDM volume 1, section 10.4.1.1); rsp is 8 modulo 16 at a function's entry",
        help="align the data, use movups, or correct the prologue so that rsp is aligned",
    )


def _lost(what: str, label: str) -> _Cause:
    """Return the cause of going where no code is."""
    return _Cause(
        what=f"{what}, where no code is",
        label=label,
        why="a call or jump through a wrong pointer, or `ret` with rsp off by some push or pop",
        help="check the pointer; balance push and pop on every path to `ret`",
    )


def _wild(register: str, value: int) -> _Cause:
    """Return the cause of an address in `register` that no memory can have."""
    narrow = value >> _HALF == JUNK >> _HALF and value != JUNK
    if narrow:
        why = "bits 32 to 63 of a 32-bit argument are garbage (System V psABI 3.2.3)"
        help_text = "extend it first: movsxd for int, `mov` of the 32-bit register for unsigned"
    else:
        why = (
            "bits 47 to 63 of an address are equal (Intel SDM volume 1, section 3.3.7.1); "
            "in tests, registers without a meaning at the call hold such values"
        )
        help_text = f"set {register} before its use"
    what = f"used {register} = {value:#x} in an address, which no address is"
    return _Cause(what, f"{register} holds {value:#x}", why, help_text)


def _is_fetch(fault: Fault) -> bool:
    """Tell whether the processor could not read the instruction itself."""
    page_fault = fault.registers["trap"] == _PAGE_FAULT
    return page_fault and bool(fault.registers["error"] & _FETCH)


def _canonical(address: int) -> bool:
    return address >> 47 in (0, (1 << 17) - 1)


def _instruction(fault: Fault) -> _Cause:
    match fault.signal:
        case signal.SIGILL:
            return _Cause(
                "ran an instruction that this processor does not have",
                "no such instruction",
                "ud2, data executed as code, or an instruction set that is missing here",
                "see that no path runs into data or ud2; declare `asm isa` and dispatch",
            )
        case signal.SIGFPE:
            return _Cause(
                "divided by zero, or the quotient does not fit",
                "divides",
                "div and idiv fault on both (Intel SDM volume 2, DIV, IDIV)",
                "test the divisor; clear or sign-extend rdx before the division",
            )
        case signal.SIGTRAP:
            return _Cause(
                "ran a breakpoint",
                "traps",
                "int3, or padding between functions that was executed",
                "end every path with `ret` or a jump",
            )
        case _:
            return _Cause(
                "called abort",
                "aborts",
                "abort, a failed assertion, or a corrupt heap that the C library noticed",
                "see standard error for what the C library said",
            )
