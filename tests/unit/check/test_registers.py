"""Following an argument through a function: no false claim on any path."""

from __future__ import annotations

import pytest

from asmith.check.registers import Tracking, whole
from asmith.model.nasm import statements


def holding(code: str, escaped: frozenset[str] = frozenset()) -> set[str]:
    """Return the registers that still hold the argument at the `nop` of a function."""
    body = tuple(statements(f"f:\n{code}"))
    states = Tracking(body, {"rdi": "argument"}, escaped).states()
    return {reg for s, state in states if s.mnemonic == "nop" for reg in state}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("nop", {"rdi"}),
        ("mov rbx, rdi\nnop", {"rdi", "rbx"}),
        ("mov rbx, rdi\nmov rdi, [rbx]\nnop", {"rbx"}),
        ("mov ebx, edi\nnop", {"rdi"}),
        ("xor edi, edi\nnop", set()),
        ("mov dil, 1\nnop", set()),
        ("cmp rdi, 0\ntest rdi, rdi\npush rdi\nnop", {"rdi"}),
        ("mov [rdi], rax\nnop", {"rdi"}),
        ("xchg rax, rdi\nnop", set()),
        ("mov rbx, rdi\ncall g wrt ..plt\nnop", {"rbx"}),
        ("mov rdx, rdi\nmul rcx\nnop", {"rdi"}),
        ("mov rcx, rdi\nrep movsb\nnop", set()),
        ("mov r11, rdi\nsyscall\nnop", {"rdi"}),
        ("vmovaps ymm0{k1}, [rdi]\nnop", {"rdi"}),
        ("own_macro rdi\nnop", set()),
        ("%if 1\nmov rdi, rsi\n%endif\nnop", set()),
        ("inc pointer\nnop", set()),
        ("test rdi, rdi\njz .a\nmov rdi, rsi\n.a: nop", set()),
        ("test rdi, rdi\njz .a\nmov rbx, rdi\n.a: nop", {"rdi"}),
        (".a: mov rbx, rdi\nnop\ndec rax\njnz .a\nret", {"rdi", "rbx"}),
        (".a: nop\nmov rdi, [rdi + 8]\ntest rdi, rdi\njnz .a\nret", set()),
        (".a: nop\nmov rdi, [rdi + 8]\njmp near f.a", set()),
        ("jmp .b\n.a: nop\nret\n.b: mov rbx, rdi\nxor edi, edi\njmp .a", {"rbx"}),
        ("ret\nnop", set()),
        ("lea rax, [rel .a]\njmp rax\n.a: nop", set()),
        ("jmp [rel .t + rax * 8]\nsection .rodata\n.t: dq .a\nsection .text\n.a: nop", set()),
        ("nop\ndec rdi\njmp f", set()),
        ("loop .a\n.a: nop", {"rdi"}),
    ],
)
def test_a_register_holds_its_argument_only_where_every_path_agrees(
    code: str, expected: set[str]
) -> None:
    assert holding(code) == expected


def test_a_label_that_another_function_reaches_is_taken_for_unknown() -> None:
    assert holding("jmp .a\n.a: nop") == {"rdi"}
    assert holding("jmp .a\n.a: nop", frozenset({".a"})) == set()


@pytest.mark.parametrize(
    ("part", "register"),
    [("edi", "rdi"), ("DIL", "rdi"), ("ah", "rax"), ("r9d", "r9"), ("sp", "rsp"), ("xmm1", None)],
)
def test_parts_belong_to_their_register(part: str, register: str | None) -> None:
    assert whole(part) == register
