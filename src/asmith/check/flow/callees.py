"""What is known of callees by their names alone: which never return, which are special."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

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
