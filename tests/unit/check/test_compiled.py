"""What compilers write that looks like a fault and is none, beside the fault that it looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from check_support import rules_of

from asmith.check.engine import Profile

if TYPE_CHECKING:
    from pathlib import Path


def found(tmp_path: Path, code: str, more: str = "", profile: Profile = Profile.COMPILED) -> str:
    return " ".join(sorted(set(rules_of(tmp_path, code, profile, more))))


COPY = "sub rsp, 40; mov dword ptr [rsp], 10; {0}; add rsp, 40; ret"
COPIES = {
    "a vector": "movups xmm1, [rsp + 16]; movups [rdi], xmm1",
    "a register": "mov rax, [rsp + 16]; mov [rdi], rax",
    "half of one": "mov eax, [rsp + 16]; mov [rdi], eax",
    "a byte": "movzx eax, byte ptr [rsp + 16]; mov [rdi], al",
    "through the frame": (
        "mov rax, [rsp + 16]; mov [rsp + 8], rax; movups xmm1, [rsp + 8]; movups [rdi], xmm1"
    ),
}
USES = {
    "an address": "mov rax, [rsp + 16]; mov eax, [rax]",
    "a sum": "mov rax, [rsp + 16]; add rax, rsi; mov [rdi], rax",
    "a sum with a constant": "mov rax, [rsp + 16]; add rax, 8; mov [rdi], rax",
    "a condition": "cmp qword ptr [rsp + 16], 0; sete al; mov [rdi], al",
    "a sum of vectors": "movups xmm1, [rsp + 16]; addpd xmm1, xmm1; movups [rdi], xmm1",
    "no copy": "push rdi; push rdi; call out; pop rdi; pop rdi; movups [rdi], xmm2",
}


@pytest.mark.parametrize("code", [pytest.param(c, id=name) for name, c in COPIES.items()])
def test_a_structure_is_copied_whole_whatever_is_set(tmp_path: Path, code: str) -> None:
    assert found(tmp_path, COPY.format(code)) == ""
    assert found(tmp_path, COPY.format(code), profile=Profile.ASM) == "VAL001"


@pytest.mark.parametrize("code", [pytest.param(c, id=name) for name, c in USES.items()])
def test_what_nobody_set_is_not_used_otherwise(tmp_path: Path, code: str) -> None:
    assert "VAL001" in found(tmp_path, COPY.format(code))


def test_a_vector_is_undefined_if_all_of_it_is(tmp_path: Path) -> None:
    code = "mov rax, [rsp + 32]; mov [rsp + 8], rax; {0}; movups xmm1, [rsp + 8]; addps xmm1, xmm1"
    code = COPY.format(f"{code}; movups [rdi], xmm1")
    assert found(tmp_path, code.format("mov [rsp + 16], rsi")) == ""
    assert found(tmp_path, code.format("mov [rsp + 16], rax")) == "VAL001"


DECIDED = (
    "sub rsp, 40; {0}; cmp rsi, [rdi]; je 1f; movups [rsi], xmm0; {1}; jne 1f;"
    " cmp qword ptr [rsp + 16], 0; je 1f; mov [rdi], rsi; 1: add rsp, 40; ret"
)
ASKED = "cmp dword ptr [rsp + 8], 11"
DECISIONS = {
    "in the frame": ("mov dword ptr [rsp + 8], 10", ASKED),
    "a byte": ("mov byte ptr [rsp + 8], 10", "cmp byte ptr [rsp + 8], 11"),
    "copied": ("mov dword ptr [rsp], 10; mov eax, [rsp]; mov [rsp + 8], eax", ASKED),
    "in a register": ("mov dword ptr [rsp + 8], 10", "mov eax, [rsp + 8]; cmp eax, 11"),
    "not zero": ("mov byte ptr [rsp + 8], 1", "movzx eax, byte ptr [rsp + 8]; test al, al"),
}
NO_DECISIONS = {
    "the other constant": ("mov dword ptr [rsp + 8], 11", ASKED),
    "no constant": ("mov [rsp + 8], esi", ASKED),
    "changed": ("mov dword ptr [rsp + 8], 10; mov [rsp + 8], esi", ASKED),
    "changed in part": ("mov dword ptr [rsp + 8], 10; mov [rsp + 9], sil", ASKED),
    "changed by an index": ("mov dword ptr [rsp + 8], 10; mov [rsp + rsi], edi", ASKED),
    "a sum": ("mov dword ptr [rsp + 8], 10", "mov eax, [rsp + 8]; add eax, esi; cmp eax, 11"),
    "on one path": ("test esi, esi; je 2f; mov dword ptr [rsp + 8], 10; 2:", ASKED),
}
NEVER_BLANK = ("changed by an index",)
"""The index may set anything."""


@pytest.mark.parametrize("case", [pytest.param(c, id=name) for name, c in DECISIONS.items()])
def test_code_that_a_constant_rules_out_is_not_judged(
    tmp_path: Path, case: tuple[str, str]
) -> None:
    assert found(tmp_path, DECIDED.format(*case)) == ""


@pytest.mark.parametrize("name", NO_DECISIONS)
def test_code_that_no_constant_rules_out_is_judged(tmp_path: Path, name: str) -> None:
    expected = "" if name in NEVER_BLANK else "VAL001"
    assert found(tmp_path, DECIDED.format(*NO_DECISIONS[name])) == expected


TABLE = """
        .section .rodata
        .align 8
t:      .quad 1f - ., 2f - . + 8, 3f - . + 16
        .text
"""
LARGE = (
    "push rbx; cmp edi, 2; ja 3f; mov edi, edi; lea rax, t[rip]; add rax, [rax + rdi * 8]; jmp rax;"
    " 1: mov eax, esi; pop rbx; ret; 2: lea eax, [rsi + 1]; pop rbx; ret; 3: xor eax, eax; {0} ret"
)


def test_a_table_of_the_large_code_model_is_followed(tmp_path: Path) -> None:
    more = TABLE.replace("1f", "1b").replace("2f", "2b").replace("3f", "3b")
    assert found(tmp_path, LARGE.format("pop rbx;"), more) == ""
    assert found(tmp_path, LARGE.format(""), more) == "ABI001"


def test_a_distance_from_the_global_offset_table_is_an_address(tmp_path: Path) -> None:
    code = "{0} movabs rax, offset out@PLTOFF; add rax, r10; {1} jmp rax"
    assert found(tmp_path, code.format("", "")) == ""
    assert "ABI003" in found(tmp_path, code.format("xor ebx, ebx;", ""))


def test_an_address_of_either_origin_is_one(tmp_path: Path) -> None:
    code = "test rdi, rdi; je 1f; mov rax, [rdi]; jmp 2f; 1: mov rax, p[rip]; 2: jmp rax"
    more = ".data; p: .quad out"
    assert found(tmp_path, code, more) == ""


COLD = """
        .section .text.unlikely, "ax", @progbits
        .type   f.cold, @function
f.cold: {0}
        .size   f.cold, . - f.cold
        .type   g, @function
g:      ret
        .size   g, . - g
        .text
"""


def test_a_jump_to_an_empty_part_never_happens(tmp_path: Path) -> None:
    code = "push rbx; cmp edi, 4; ja f.cold; pop rbx; ret"
    assert found(tmp_path, code, COLD.format("")) == ""
    assert found(tmp_path, code, COLD.format("ret")) == "ABI001"


def test_one_of_two_distances_is_one_of_two_addresses(tmp_path: Path) -> None:
    code = (
        "test edi, edi; je 1f; movabs rax, offset out@PLTOFF; jmp 2f;"
        " 1: movabs rax, offset exit@PLTOFF; 2: {0} add rax, r10; jmp rax"
    )
    assert found(tmp_path, code.format("")) == ""
    assert found(tmp_path, code.format("xor ebx, ebx;")) == "ABI003"


KEPT = (
    "push rbx; push r12; sub rsp, 24; lea rbx, t[rip]; mov [rsp + 8], {0}; mov r12d, edi;"
    " 4: cmp r12d, 2; ja 3f; mov eax, r12d; movsxd rax, [rbx + rax * 4]; add rax, rbx; jmp rax;"
    " 1: call out; mov r12d, eax; mov rbx, [rsp + 8]; jmp 4b;"
    " 2: call out; mov r12d, eax; jmp 4b; 3: {1} pop r12; pop rbx; ret"
)


def test_a_table_is_found_again_that_was_kept_over_a_call(tmp_path: Path) -> None:
    table = ".section .rodata; t: .long 1b - t, 2b - t, 3b - t; .text"
    assert found(tmp_path, KEPT.format("rbx", "add rsp, 24;"), table) == ""
    assert found(tmp_path, KEPT.format("rbx", ""), table) != ""
    assert found(tmp_path, KEPT.format("rsi", "add rsp, 24;"), table) == "FLW003"


def test_the_place_that_offsets_count_from_is_no_label(tmp_path: Path) -> None:
    code = "push rbx; 1: lea rax, 1b[rip]; mov rcx, [rdi]; add rcx, rcx; pop rbx; jmp rcx"
    assert found(tmp_path, code) == "FLW003"


NO_RETURN = "push rbx; movabs rax, offset die; call rax; mov eax, [rcx]; pop rbx; ret"


def test_what_is_called_last_through_a_register_does_not_return(tmp_path: Path) -> None:
    more = ".globl g; .type g, @function; g: push rax; movabs rax, offset die; {0} call rax; {1}"
    end = ".size g, . - g"
    assert found(tmp_path, NO_RETURN, f"{more.format('nop;', '')} {end}") == ""
    assert found(tmp_path, NO_RETURN, f"{more.format('', 'pop rax; ret;')} {end}") == "VAL001"
