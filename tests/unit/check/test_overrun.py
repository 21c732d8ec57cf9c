"""What is seen of indexes and sizes: of parts of computed size, and of arrays in the frame."""

from __future__ import annotations

import time

import pytest
from test_flow import rules

from asmith.check.engine import Profile
from asmith.check.flow.sums import RSP0, Ranges, Sum, Symbols, moved, plus, times

VLA = """
    push rbp
    mov  rbp, rsp
    movsxd rcx, edi
    lea  rax, [rcx * 8 + {size}]
    and  rax, -16
    sub  rsp, rax
    mov  rbx, rsp
    {body}
    leave
    ret"""
FILLED = "mov rdi, rbx\n call out wrt ..plt"
LOOP = """
    push rbp
    mov  rbp, rsp
    push rbx
    sub  rsp, 40
    mov  rbx, rdi
    mov  eax, {start}
.l: mov  [rbp + rax * 8 - 48], rbx
    add  rax, {step}
    cmp  rax, 4
    jne  .l
    mov  rax, [rbp - 48]
    add  rsp, 40
    pop  rbx
    pop  rbp
    ret"""
MASKED = """
    push rbx
    sub  rsp, 32
    mov  rbx, rdi
    and  edi, {mask}
    mov  [rsp + rdi * 8], rbx
    mov  rax, [rsp]
    add  rsp, 32
    pop  rbx
    ret"""


def overruns(code: str) -> list[str]:
    return [rule for rule in rules(code, Profile.ASM) if rule == "ABI011"]


def vla(body: str, size: int = 15) -> str:
    return VLA.format(size=size, body=body).replace("rbx", "r8")


@pytest.mark.parametrize(
    "code",
    [
        vla("mov [r8 + rcx * 8 - 8], rcx"),
        vla("mov [r8], rcx\n mov rax, [r8 + rcx * 8 - 8]"),
        vla("mov [r8], rcx\n mov rax, [r8 + rsi * 8]"),  # another number: a caller may see to it
        vla("mov [r8 + 256], rcx"),
        vla("lea rdi, [r8]\n push rdi\n push rcx\n pop rcx\n pop rdi\n mov rax, [rdi]"),
        LOOP.format(start=0, step=1),
        LOOP.format(start=0, step=2),
        MASKED.format(mask=3),
        MASKED.format(mask=255),  # a byte of a structure, perhaps
        MASKED.replace("and  edi, {mask}", "mov edi, edi"),
    ],
)
def test_an_index_that_fits_is_clean(code: str) -> None:
    assert overruns(code) == []


@pytest.mark.parametrize(
    "code",
    [
        vla("mov [r8 + rcx * 8], rcx"),
        vla("mov [r8 + rcx * 8 - 8], rcx", size=7),
        vla("mov [r8], rcx\n mov rax, [r8 + rcx * 8]"),
        vla("mov rax, [r8 + rcx * 8 - 8]"),  # nothing was stored there
        vla("shl rcx, 4\n mov [r8 + rcx - 8], rcx"),
        LOOP.format(start=1, step=2),  # it misses its end
        LOOP.format(start=0, step=3),
        MASKED.format(mask=7),
    ],
)
def test_an_index_that_reaches_beyond_is_found(code: str) -> None:
    assert overruns(code)


def test_a_number_of_which_a_part_was_stored_is_found() -> None:
    code = vla("movsd [rbp - {}], xmm0\n mov [r8], rcx\n movsd xmm0, [rbp - 16]")
    code = code.replace("sub  rsp, rax", "sub  rsp, 32\n sub rsp, rax")
    assert overruns(code.format(17))
    assert not overruns(code.format(16))


def test_rsp_moves_by_no_more_than_a_frame_has() -> None:
    code = "push rbx\n mov ebx, 1\n mov eax, {}\n shl rax, {}\n sub rsp, rax\n {}pop rbx\n ret"
    assert overruns(code.format(1, 60, "add rsp, rax\n "))
    assert not overruns(code.format(1, 5, "add rsp, rax\n "))
    up = "push rbx\n sub rsp, 16\n mov ebx, 1\n mov rax, -32\n sub rsp, rax\n mov eax, ebx\n ret"
    assert overruns(up)


def test_a_mask_that_leaves_no_address_in_rsp_is_found() -> None:
    code = "push rbp\n mov rbp, rsp\n and rsp, {}\n push rdi\n leave\n ret"
    assert "ABI001" in rules(code.format("127"), Profile.ASM)
    assert rules(code.format("-128"), Profile.ASM) == []


def test_rsp_from_a_register_that_holds_nothing_is_found() -> None:
    assert "VAL001" in rules("mov rsp, r11\n ret", Profile.ASM)


def test_sums_cancel_and_are_worked_out() -> None:
    symbols = Symbols()
    n = symbols.fresh()
    size = symbols.rounded(moved(times(n, 8), 15), 16)
    low = plus(Sum(-8, ((RSP0, 1),)), size, -1)
    end = plus(low, times(n, 8))
    beyond = plus(end, Sum(-8, ((RSP0, 1),)), -1)
    assert symbols.bases(beyond) == {n.terms[0][0]}
    assert {symbols.value(beyond, {n.terms[0][0]: k}) for k in range(16)} == {-8, 0}
    ranges = Ranges(symbols, {})
    ranges.limited(moved(n, -3), 0, 4)
    assert ranges.of(times(n, 2)) == (6, 14)
    assert ranges.of(beyond) == (-15, 0)


@pytest.mark.parametrize(
    "body",
    [
        ".l: mov rdx, rax\n shr rdx, 1\n and eax, 5\n add rax, rdx\n dec ecx\n jne .l",
        ".l: add rax, [rdi + rcx * 8]\n dec ecx\n jne .l",
        ".l: mov rdx, rax\n and rdx, -16\n sub rsp, rdx\n mov [rsp + rdx], rax\n dec ecx\n jne .l",
        ".l: shr rax, 1\n sub rsp, rax\n mov [rsp + rax * 8], rax\n dec ecx\n jne .l",
    ],
)
def test_sums_that_grow_come_to_an_end(body: str) -> None:
    began = time.process_time()
    head = "push rbp\n mov rbp, rsp\n sub rsp, rsi\n mov rax, rdi\n mov ecx, 200"
    rules(f"{head}\n {body}\n mov [rsp + rax * 8], rdi\n leave\n ret", Profile.ASM)
    assert time.process_time() - began < 5  # seconds
