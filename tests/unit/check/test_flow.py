"""What the flow analysis follows: idioms of compilers and of hand-written code."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from check_support import assemble, counter

from asmith.check.engine import CheckResult, ObjectInput, Profile, check_object
from asmith.check.flow.analysis import ObjectFlow
from asmith.check.flow.outcome import Outcome
from asmith.toolchain.elf import read_object

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "default rel\nextern out, stop, exit\n{declared}\nsection .text\n"
NOTE = "\nsection .note.GNU-stack noalloc noexec nowrite progbits\n"


def checked(
    code: str, profile: Profile = Profile.COMPILED, declared: str = "global f:function (f.end - f)"
) -> CheckResult:
    """Return what the checks say of `f`, the code up to its end."""
    body = code if ".end:" in code else f"{code}\n.end:\n"
    text = HEAD.format(declared=declared) + f"f:\n{body}{NOTE}"
    facts = read_object(assemble(text, include="", debug=False), "a.o")
    return check_object(ObjectInput(facts=facts, profile=profile))


def rules(code: str, profile: Profile = Profile.COMPILED, **more: str) -> list[str]:
    return [f.rule for f in checked(code, profile, **more).findings if f.rule[:3] != "ELF"]


CLEAN = {
    "a frame with rbp": """
        push rbp
        mov  rbp, rsp
        sub  rsp, 32
        mov  [rbp - 8], rdi
        call out wrt ..plt
        leave
        ret""",
    "a frame that is realigned to 32 bytes": """
        lea  r10, [rsp + 8]
        and  rsp, -32
        push qword [r10 - 8]
        push rbp
        mov  rbp, rsp
        push r10
        sub  rsp, 40
        call out wrt ..plt
        mov  r10, [rbp - 8]
        leave
        lea  rsp, [r10 - 8]
        ret""",
    "alloca, rounded up to 16": """
        push rbp
        mov  rbp, rsp
        lea  rax, [rdi + 15]
        and  rax, -16
        sub  rsp, rax
        mov  rdi, rsp
        call out wrt ..plt
        leave
        ret""",
    "alloca that probes each page": """
        push rbp
        mov  rbp, rsp
        push rbx
        push r12
        mov  rbx, rsi
        mov  rax, rsp
        and  rdi, -16
        sub  rax, rdi
.probe: cmp  rax, rsp
        jge  .done
        xor  qword [rsp], 0
        sub  rsp, 4096
        jmp  .probe
.done:  mov  rsp, rax
        mov  rdi, rsp
        call out wrt ..plt
        lea  rsp, [rbp - 16]
        pop  r12
        pop  rbx
        pop  rbp
        ret""",
    "a register that the local callee leaves alone": """
        mov  r8, rdi
        sub  rsp, 8
        call g
        add  rsp, 8
        mov  rax, [r8]
        ret
.end:
g:      mov  eax, 1
        ret""",
    "a vector register that the local callee leaves alone": """
        movsd xmm5, [rdi]
        push rbx
        mov  rbx, rdi
        call g
        movsd [rbx], xmm5
        pop  rbx
        ret
.end:
g:      mov  eax, 1
        ret""",
    "a call that ends the function does not return": """
        test rdi, rdi
        jz   .no
        ret
.no:    push rax
        call stop wrt ..plt""",
    "a call behind which another path goes on may be one that does not return": """
        push rbx
        test rdi, rdi
        jnz  .go
        call stop wrt ..plt
.go:    mov  rax, [rsi]
        pop  rbx
        ret""",
    "a frame that the path behind a call without return does not have": """
        cmp  edi, 2
        ja   .no
        sub  rsp, 24
        je   .two
        mov  rdi, rsp
        call out wrt ..plt
        add  rsp, 24
        ret
.two:   xor  edi, edi
        call stop wrt ..plt
.no:    mov  eax, edi
        ret""",
    "the rounding mode, saved and restored": """
        fld    tword [rsp + 8]
        fnstcw [rsp - 2]
        movzx  eax, word [rsp - 2]
        or     ah, 12
        mov    [rsp - 4], ax
        fldcw  [rsp - 4]
        fistp  qword [rsp - 16]
        fldcw  [rsp - 2]
        mov    rax, [rsp - 16]
        ret""",
    "the stack protector's canary": """
        sub  rsp, 24
        mov  rax, [fs:40]
        mov  [rsp + 8], rax
        xor  eax, eax
        mov  rdi, rsp
        call out wrt ..plt
        mov  rax, [rsp + 8]
        sub  rax, [fs:40]
        jne  .bad
        add  rsp, 24
        ret
.bad:   call stop wrt ..plt""",
}

BROKEN = {
    "ABI001": """
        sub  rsp, 24
        call out wrt ..plt
        add  rsp, 16
        ret""",
    "ABI002": """
        push rbp
        mov  rbp, rsp
        mov  [rbp + 8], rdi
        pop  rbp
        ret""",
    "ABI003": """
        sub  rbx, rsi
        mov  rax, rdi
        ret""",
    "ABI004": """
        push rbp
        mov  rbp, rsp
        lea  rax, [rdi + 15]
        and  rax, -8
        sub  rsp, rax
        mov  rdi, rsp
        call out wrt ..plt
        leave
        ret""",
    "FLW003": """
        lea  rax, [rdi + rsi]
        jmp  rax""",
    "VAL001": """
        push rbx
        call out wrt ..plt
        mov  rax, [rdi]
        pop  rbx
        ret""",
}


@pytest.mark.parametrize("code", CLEAN.values(), ids=CLEAN.keys())
def test_what_compilers_write_is_clean(code: str) -> None:
    result = checked(code)
    assert [f.message for f in result.findings if f.rule[:3] != "ELF"] == []
    assert result.not_analysed == ()


@pytest.mark.parametrize(("rule", "code"), BROKEN.items())
def test_what_no_compiler_writes_is_found(rule: str, code: str) -> None:
    assert rules(code) == [rule]


@pytest.mark.parametrize(
    "code",
    [
        "sub rsp, 24\nje .two\ncall out wrt ..plt\nadd rsp, 24\nret\n.two: call out wrt ..plt",
        "sub rsp, 24\ncall stop wrt ..plt\nadd rsp, 16",
        "sub rsp, 24\ncall stop wrt ..plt\nxor eax, eax",
    ],
    ids=["who returns elsewhere", "another fault", "code that nothing else reaches"],
)
def test_a_call_is_not_taken_for_the_last_to_excuse_a_fault(code: str) -> None:
    assert rules(f"cmp edi, 2\nja .no\n{code}\n.no: mov eax, edi\nret") == ["ABI001"]


TABLE = """
        cmp  edi, 1
        ja   .none
        lea  rdx, [rel table{base}]
        movsxd rax, dword [rdx + rdi * 4{shift}]
        add  rax, rdx
        jmp  rax
.one:   mov  eax, 1
        ret
.two:   push rbx
        pop  rbx
.none:  ret
.end:
section .rodata
        dd   7
table:  dd   f.one - table, f.two - table, f.none - table
        dd   9
section .text
"""


@pytest.mark.parametrize(("base", "shift"), [("", ""), ("", " + 4")])
def test_a_jump_table_ends_where_its_entries_do(base: str, shift: str) -> None:
    code = TABLE.format(base=base, shift=shift)
    result = checked(code)
    assert (result.not_analysed, result.analysed) == ((), 1)
    assert rules(code) == []


def test_a_fault_behind_a_jump_table_is_found() -> None:
    code = TABLE.format(base="", shift="").replace("pop  rbx", "nop")
    assert rules(code) == ["ABI001"]


@pytest.mark.parametrize(("mask", "reported"), [(1, False), (3, False), (7, True)])
def test_a_mask_bounds_an_index_over_branches_that_ask_for_others(
    mask: int, *, reported: bool
) -> None:
    masked = f"and edi, {mask}\n test rsi, rsi\n js .none\n test rdx, rdx\n je .none"
    code = TABLE.format(base="", shift="").replace("cmp  edi, 1\n        ja   .none", masked)
    code = code.replace("dd   9", "")
    code = code.replace("f.none - table\n", "f.none - table, f.none - table\n")
    assert ("FLW005" in rules(code, Profile.ASM)) == reported


HELPER = """
        push rbx
        mov  rbx, rdi
        mov  r11, 5
        call help
        mov  rax, [rcx + r11]
        jc   .odd
        mov  rax, rbx
.odd:   pop  rbx
        ret
.end:
help:   lea  rcx, [rbx + r11]
        cmp  rcx, r10
        ret
"""


def test_a_local_helper_of_hand_written_code_has_its_own_convention() -> None:
    assert rules(HELPER, Profile.ASM) == []
    assert set(rules(HELPER)) == {"VAL001"}


def test_running_into_the_next_function_is_no_fault_of_hand_written_code() -> None:
    code = "mov eax, 1\n.end:\ng: ret\n.end:\n"
    both = "global f:function (f.end - f)\nglobal g:function (g.end - g)"
    assert rules(code, Profile.ASM, declared=both) == []
    assert rules(code, declared=both) == ["FLW001"]


def test_what_is_taken_from_memory_for_rsp_is_not_followed() -> None:
    code = "mov rsp, [rdi]\nret"
    (lost,) = checked(code, Profile.ASM).not_analysed
    assert lost.reason == "nobody knows where rsp is at the exit at +0x3"
    assert rules(code) == ["ABI001"]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("vmovdqu ymm1, [rdi]", ["ABI009"]),
        ("vmovdqu32 ymm16, [rdi]", []),  # SSE knows no such register
        ("vmovdqu32 ymm16, [rdi]\nvextracti32x4 xmm1, ymm16, 1", []),
        ("vmovdqu ymm1, [rdi]\nvextracti128 xmm0, ymm1, 1\nvzeroupper", []),
    ],
)
def test_only_what_is_written_gets_an_upper_half(code: str, found: list[str]) -> None:
    assert rules(f"{code}\nret", Profile.ASM) == found


def test_half_of_a_stack_address_is_none() -> None:
    assert rules("sub esp, 8\nadd esp, 8\nret", Profile.ASM) == ["ABI001"]


def test_functions_need_neither_type_nor_size() -> None:
    result = checked("push rbx\nret", Profile.ASM, declared="global f")
    assert (result.functions, result.analysed) == (1, 1)
    assert "ABI001" in [f.rule for f in result.findings]


def test_code_that_no_symbol_names_is_not_passed_as_clean() -> None:
    result = checked("push rbx\nret", Profile.ASM, declared="")
    assert [n.reason for n in result.not_analysed] == [
        ".text has 2 bytes of code that no symbol names"
    ]


def test_bytes_that_are_no_instruction_are_not_followed() -> None:
    (lost,) = checked("mov eax, 1\ndb 6\nret", Profile.ASM).not_analysed
    assert lost.reason == "its code is no instruction at +0x5"


def test_a_stack_that_grows_in_a_loop_ends() -> None:
    code = "mov rcx, rdi\n.more: push rcx\ndec rcx\njnz .more\nret"
    assert rules(code) == ["ABI001"]


def test_contracts_tell_which_registers_hold_something() -> None:
    text = HEAD.format(declared="global counter_next:function (counter_next.end - counter_next)")
    source = f"{text}counter_next:\n        lea rax, [rdi + r9]\n        ret\n.end:{NOTE}"
    facts = read_object(assemble(source, include="", debug=False), "a.o")
    bare = check_object(ObjectInput(facts=facts, profile=Profile.COMPILED))
    known = check_object(ObjectInput(facts=facts, interface=counter(), profile=Profile.COMPILED))
    assert [f.rule for f in bare.findings] == []
    assert [f.rule for f in known.findings] == ["VAL003"]


def test_a_symbol_in_a_section_that_is_none_is_followed_as_far_as_it_goes() -> None:
    text = HEAD.format(declared="global f:function (f.end - f)")
    source = f"{text}f:\n        lea rax, [rel out]\n        jmp rax\n.end:{NOTE}"
    facts = read_object(assemble(source, include="", debug=False), "a.o")
    wrong = tuple(s._replace(section=99) if s.name == "out" else s for s in facts.symbols)
    result = check_object(ObjectInput(facts=replace(facts, symbols=wrong), profile=Profile.ASM))
    assert (result.functions, len(result.findings)) == (1, 0)


def test_source_lines_come_from_the_file_beside_the_object(tmp_path: Path) -> None:
    (tmp_path / "q.asm").write_text(
        "section .text\nglobal f:function (f.end - f)\nf:      mov rbx, rdi\n        ret\n.end:\n"
    )
    made = ["nasm", "-g", "-F", "dwarf", "-f", "elf64", "q.asm", "-o", "q.o"]
    subprocess.run(made, cwd=tmp_path, check=True)
    told = subprocess.run(
        [sys.executable, "-m", "asmith.cli.main", "check", "--object", "q.o"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert "3 | f:      mov rbx, rdi" in told.stdout
    assert "written here; not restored before `ret` at line 4" in told.stdout


def test_where_paths_meet_nothing_is_run_again() -> None:
    body = """
        test edi, edi
        jz   .behind
        call out wrt ..plt
.ahead: xor  eax, eax
        ret
.behind:
        mov  ecx, 5
        test esi, esi
        jz   .ahead
        mov  edx, 6
        jmp  .ahead
.end:"""
    text = HEAD.format(declared="global f:function (f.end - f)") + f"f:\n{body}{NOTE}"
    flow = ObjectFlow(
        read_object(assemble(text, include="", debug=False), "a.o"), compiled=True, strict=True
    )
    (function,) = flow.roster.functions.values()
    graph, _ = flow._interpreted(function, Outcome(function))
    assert [block.runs for block in graph.in_order()] == [1] * 5
