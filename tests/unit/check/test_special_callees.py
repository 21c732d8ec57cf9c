"""Functions that are called otherwise than the platform says, known by name or relocation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from check_support import rules_of

from asmith.check.engine import Profile

if TYPE_CHECKING:
    from pathlib import Path

STORED = (
    "push rbx; sub rsp, 16; lea rbx, x[rip]; call {0}; test eax, eax; jne 1f; mov [rsp + 8], rbx;"
    " call abort; 1: mov rax, [rsp + 8]; mov eax, [rax]; add rsp, 16; pop rbx; ret"
)
THUNK = "__x86_indirect_thunk_r11"
SPIN = "2: pause; lfence; jmp 2b"
PASSES = {
    "a profiler keeps the arguments": "call __fentry__; mov eax, [rdi]; ret",
    "a profiler through its address": "call [rip + mcount@GOTPCREL]; mov eax, [rdi]; ret",
    "a TLS descriptor keeps all but rax": (
        "sub rsp, 8; lea rax, x@tlsdesc[rip]; call [rax + x@tlscall]; add rax, rcx; add rsp, 8; ret"
    ),
    "a stack grows": "cmp rsp, fs:0x70; jae 1f; call __morestack; ret; 1: mov eax, [rdi]; ret",
    "a return by a thunk": "push rbx; mov ebx, 1; pop rbx; jmp __x86_return_thunk",
    "a call by a thunk": f"sub rsp, 8; mov r11, [rdi]; call {THUNK}; add rsp, 8; ret",
    "a return that is not guessed": f"call 1f; {SPIN}; 1: lea rsp, [rsp + 8]; ret",
    "a jump that is not guessed": f"mov rax, [rdi]; call 1f; {SPIN}; 1: mov [rsp], rax; ret",
    "a frame after a second return": STORED.format("_setjmp"),
    "a frame after a child": STORED.format("vfork"),
    "a frame after a second return with signals": STORED.format("__sigsetjmp"),
    "a frame after a context": STORED.format("getcontext"),
    "a jump by a thunk": f"push rbx; mov r11, [rdi]; pop rbx; jmp {THUNK}",
}
FAILS = {
    "no profiler keeps the flags": ("VAL001", "cmp edi, 1; call __fentry__; je 1f; 1: ret"),
    "no argument is kept by others": (
        "VAL001", "sub rsp, 8; call [rip + other@GOTPCREL]; mov eax, [rdi]; add rsp, 8; ret"
    ),
    "a TLS descriptor keeps no flags": (
        "VAL001",
        "push rcx; test edi, edi; lea rax, x@tlsdesc[rip]; call [rax + x@tlscall]; je 1f; 1: hlt",
    ),
    "a stack that grows is left": (
        "ABI001", "cmp rsp, fs:0x70; jae 1f; push rax; call __morestack; ret; 1: ret"
    ),
    "a return by a thunk": ("ABI003", "mov ebx, 1; jmp __x86_return_thunk"),
    "a call by a thunk": (
        "VAL001", f"sub rsp, 8; call out; call {THUNK}; add rsp, 8; ret"
    ),
    "a return that is not guessed": (
        "ABI001", f"push rax; call 1f; {SPIN}; 1: lea rsp, [rsp + 8]; ret"
    ),
    "a jump that is not guessed": (
        "ABI003", f"mov rbx, [rdi]; call 1f; {SPIN}; 1: mov [rsp], rbx; ret"
    ),
    "a frame that nothing has set": ("VAL001", STORED.format("other")),
    "a jump by a thunk": ("VAL001", f"push rbx; call out; pop rbx; jmp {THUNK}"),
    "a jump by a thunk out of a frame": ("ABI001", f"push rbx; mov r11, [rdi]; jmp {THUNK}"),
    "a register after a child": (
        "VAL001", "sub rsp, 8; mov rcx, rdi; call vfork; mov eax, [rcx]; add rsp, 8; ret"
    ),
    "a frame that a child leaves": ("ABI001", "push rbx; call vfork; ret"),
    "a register after a context": (
        "VAL001", "sub rsp, 8; mov rcx, rdi; call getcontext; mov eax, [rcx]; add rsp, 8; ret"
    ),
    "a register after a second return": (
        "VAL001", "sub rsp, 8; mov rcx, rdi; call _setjmp; mov eax, [rcx]; add rsp, 8; ret"
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", [pytest.param(c, id=name) for name, c in PASSES.items()])
@pytest.mark.parametrize("profile", [Profile.COMPILED, Profile.ASM])
def test_a_special_callee_is_known(tmp_path: Path, profile: Profile, code: str) -> None:
    assert rules_of(tmp_path, code, profile) == []


@pytest.mark.parametrize(
    ("rule", "code"), [pytest.param(*case, id=name) for name, case in FAILS.items()]
)
def test_what_a_special_callee_does_not_promise_is_rules_of(
    tmp_path: Path, rule: str, code: str
) -> None:
    assert rule in rules_of(tmp_path, code, Profile.COMPILED)
