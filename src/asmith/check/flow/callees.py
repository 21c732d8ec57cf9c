"""What is known of callees by their names: which never return, which are called otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.summary import Summary
from asmith.check.flow.values import RSP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asmith.toolchain.decode import Code

NO_RETURN = frozenset({
    "abort", "exit", "_exit", "_Exit", "quick_exit", "longjmp", "_longjmp", "siglongjmp",
    "__longjmp_chk", "__stack_chk_fail", "__stack_chk_fail_local", "__fortify_fail", "__chk_fail",
    "__assert_fail", "__assert_perror_fail", "__assert", "_Unwind_Resume", "__cxa_throw",
    "__cxa_rethrow", "__cxa_bad_cast", "__cxa_bad_typeid", "__cxa_throw_bad_array_new_length",
    "__cxa_call_unexpected", "__cxa_call_terminate", "__cxa_deleted_virtual",
    "__cxa_throw_bad_array_length", "_ZSt9terminatev", "_ZSt10unexpectedv",
    "_ZSt21__glibcxx_assert_failPKciS0_S0_",
    "_ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE",
    "__cxa_pure_virtual", "pthread_exit", "thrd_exit",
    "err", "errx", "verr", "verrx", "__libc_fatal", "__libc_start_main", "execvp_fail",
    "rust_begin_unwind", "__builtin_unreachable", "__ubsan_handle_builtin_unreachable",
    "__asan_handle_no_return_fail", "__sigsetjmp_fail", "svc_exit", "obstack_alloc_failed",
    "OPENSSL_die", "ExceptionalCondition",
})  # fmt: skip
"""Functions of the C library, its start files and the compilers' runtimes that do not return."""


def no_return(names: Iterable[str]) -> set[str]:
    """Return the functions that do not return: those of the list, and who throws for C++ code."""
    return {*NO_RETURN, *(n for n in names if n.startswith("_Z") and "__throw_" in n)}


_PRESERVES = Summary(clobbers=(), aligned=False, vectors=0, vector_results=0)
TLS_DESCRIPTOR = Summary(clobbers=(0,), aligned=False, vectors=0, vector_results=0)
"""A call through a TLS descriptor: only rax changes (RFC TLS Descriptors for x86, 3.1)."""
SPECIAL = {
    **dict.fromkeys(("mcount", "_mcount", "__fentry__", "__rust_probestack"), _PRESERVES),
    **dict.fromkeys(("__morestack", "__morestack_non_split"), Summary(aligned=False)),
}
"""Functions that are called at the entry of others, before their frame: profilers, which leave all
arguments alone, and who makes a stack grow."""
TWICE = frozenset({
    "setjmp", "_setjmp", "sigsetjmp", "__sigsetjmp", "savectx", "vfork", "__vfork", "getcontext",
})  # fmt: skip
"""Functions that may return once more, after their caller has changed its frame."""
RETURN_THUNK, INDIRECT_THUNK = "__x86_return_thunk", "__x86_indirect_thunk_"
"""What stands for `ret`, and for a jump to where a register, which the name ends with, points."""


def is_special(name: str) -> bool:
    """Tell whether a function is called otherwise than the platform says."""
    return name in SPECIAL or name in TWICE or name.startswith(INDIRECT_THUNK)


def thunk(code: Code, offset: int) -> str:
    """Return what a call of code in the same function does that takes its own return address away.

    That is "ret" if it drops it, "jmp" if it puts another one in its place, else nothing: so are
    returns and indirect jumps written that no processor guesses (retpolines).
    """
    if not 0 <= offset < len(code.data):
        return ""
    code.decode(offset, len(code.data))
    first = code.at[offset]
    last = code.at.get(offset + first.length)
    if last is None or last.name != "ret" or last.operands:
        return ""
    drops = first.base == RSP and first.index == -1 and first.disp == 8 and first.name == "lea"
    if first.operands[:1] == (("r", RSP, 8),):
        return "ret" if drops or (first.name == "add" and first.operands[1:] == (("i", 8),)) else ""
    puts = first.name == "mov" and first.operands[:1] == (("m",),) and first.base == RSP
    return "jmp" if puts and not first.disp and first.index == -1 else ""
