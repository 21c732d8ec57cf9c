"""Pointers to functions: what is called through them, and whose address goes there."""

from __future__ import annotations

import pytest
from check_support import counter, subject

from asmith.check.engine import check_object

DECLARED = """
struct node { long weight; long (*visit)(struct node *self, long depth); };
//@ requires depth > 0; assigns \\nothing;
long two(struct node *self, long depth);
//@ assigns \\nothing;
long one(struct node *self);
//@ assigns \\nothing;
long half(struct node *self, int depth);
//@ assigns \\nothing;
double real(struct node *self, long depth);
//@ assigns \\nothing;
void each(struct node *n, long (*visit)(struct node *self, long depth));
/*@ assigns n->visit; @*/
long work(struct node *n, long (*visit)(struct node *self, long depth));
"""
CODE = """
        default rel
        extern two, one, half, real, each
        section .text align=16
        global  work:function (work.end - work)
work:
        push    rbx
        mov     rbx, rdi
        {code}
        xor     eax, eax
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
"""
PASS, STORE = "lea rsi, [{0}]; call each", "lea rax, [{0}]; mov [rbx + 8], rax"
ASKED = ("CON011", "CON010", "VAL002", "CON002")


def found(code: str) -> list[str]:
    lines = "\n        ".join(code.split("; "))
    given = subject(CODE.format(code=lines), interface=counter(DECLARED))
    return [f"{f.rule} {f.message}" for f in check_object(given).findings if f.rule in ASKED]


@pytest.mark.parametrize("how", [PASS, STORE])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("one", "takes 1 arguments, and gets 2"),
        ("real", "returns its result in another place than it is looked for"),
    ],
)
def test_a_function_of_another_type_is_found(how: str, name: str, words: str) -> None:
    (message,) = found(how.format(name))
    assert message.startswith("CON011 ")
    assert f"{name}, which {words}, as the function at '" in message


@pytest.mark.parametrize("how", [PASS, STORE])
@pytest.mark.parametrize("name", ["two", "half"])
def test_a_function_that_gets_what_it_takes_is_none(how: str, name: str) -> None:
    assert found(how.format(name)) == []


@pytest.mark.parametrize(
    "call", ["call rsi", "call [rbx + 8]", "mov rax, rsi; mov rdi, rbx; mov esi, 1; call rax"]
)
def test_a_call_through_a_pointer_is_a_call_of_its_type(call: str) -> None:
    before = "" if "; " in call else "mov esi, 1; " if "rbx" in call else ""
    assert found(f"{before}{call}") == []


@pytest.mark.parametrize(
    "call", ["mov rsi, rcx; call [rbx + 8]", "mov rdx, rsi; mov rsi, rcx; call rdx"]
)
def test_an_argument_that_nobody_set_is_found(call: str) -> None:
    assert any("VAL002" in said for said in found(call))
