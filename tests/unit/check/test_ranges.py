"""Which numbers can be passed where a contract asks something of them."""

from __future__ import annotations

import itertools
import random

import pytest
from check_support import counter, subject

from asmith.check.engine import check_object
from asmith.check.flow import arcs
from asmith.check.numbers import FALSE, TRUE, extent
from asmith.contract.reader import read_interfaces
from asmith.model.contract import Predicate
from asmith.model.names import InterfaceName

DECLARED = """
/*@ requires 1 <= n <= 100; assigns \\nothing; @*/
void few(long n);
/*@ requires -8 <= n && n < 8; assigns \\nothing; @*/
void small(int n);
/*@ requires p != \\null && n > 0; assigns \\nothing; @*/
void both(char *p, unsigned long n);
/*@ requires n == 0 || \\valid_read(s + (0 .. n-1)); assigns \\nothing; @*/
void row(const char *s, unsigned long n);
/*@ requires a + b >= 10; assigns \\nothing; @*/
void sum(unsigned a, unsigned b);
/*@ requires n <= 7; assigns \\nothing; @*/
void bounded(unsigned long n);
"""
CODE = """
        default rel
        extern few, small, both, row, sum, bounded
        section .text align=16
        global  counter_next:function (counter_next.end - counter_next)
counter_next:
        push    rbx
        mov     rbx, [rdi + t_counter.count]
        mov     rsi, [rdi + t_counter.limit]
        {code}
.out:
        mov     eax, 0
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
"""


def found(code: str) -> list[str]:
    """Return the messages of CON001 about some code, in which rbx and rsi are any numbers."""
    lines = code.format(rbx="mov rdi, rbx; mov esi, 1").split("; ")
    given = subject(CODE.format(code="\n        ".join(lines)), interface=counter(DECLARED))
    return [f.message for f in check_object(given).findings if f.rule == "CON001"]


FAILS = {
    "a constant": "mov edi, 0; call few",
    "a mask": "mov rdi, rbx; and edi, 7; add edi, 101; call few",
    "a mask of what is too large": "movzx edi, bl; add rdi, 200; call few",
    "a comparison": "cmp rbx, 100; jle .out; mov rdi, rbx; call few",
    "a comparison with a sign": "cmp ebx, 8; jl .out; mov edi, ebx; call small",
    "a comparison of 8 bits": "and ebx, 63; cmp bl, 8; jb .out; mov edi, ebx; call bounded",
    "a comparison of 16 bits": "movzx ebx, bl; cmp bx, 8; jb .out; mov edi, ebx; call bounded",
    "8 bits that are 0": "and ebx, 63; test bl, bl; jnz .out; mov edi, ebx; call few",
    "a copy that was compared": "mov rdi, rbx; cmp rbx, 0; jg .out; call few",
    "null on this path": "{rbx}; test rdi, rdi; jnz .out; call both",
    "null by a register": "xor eax, eax; cmp rbx, rax; jne .out; {rbx}; call both",
    "a row at null": "xor edi, edi; test rsi, rsi; jz .out; call row",
    "a sum": "mov edi, ebx; and edi, 3; and esi, 3; call sum",
    "a shift": "mov rdi, rbx; shr rdi, 60; add rdi, 8; call bounded",
    "one of two": "mov eax, 200; mov edi, 300; test rbx, rbx; cmove edi, eax; call few",
    "a condition": "xor edi, edi; test rbx, rbx; sete dil; add edi, 8; call bounded",
    "two paths": "mov edi, 8; test rbx, rbx; jz .go; mov edi, 9; .go:; call bounded",
    "a loop": "xor ebx, ebx; .go:; lea rdi, [rbx + 8]; call bounded; inc ebx; cmp ebx, 9; jb .go",
    "a multiple": "and ebx, 3; add ebx, 40; imul edi, ebx, 3; call few",
    "a call in its place": "pop rbx; xor edi, edi; jmp few",
}
PASSES = {
    "a constant": "mov edi, 1; call few",
    "any number": "mov rdi, rbx; call few",
    "a mask": "mov rdi, rbx; and edi, 7; call few",
    "the other way": "cmp rbx, 100; ja .out; mov rdi, rbx; call few",
    "only 8 bits were compared": "cmp bl, 8; jb .out; mov rdi, rbx; call bounded",
    "8 bits with a sign": "movzx ebx, bl; cmp bl, 0; jge .out; mov edi, ebx; call few",
    "only the low half was compared": "test ebx, ebx; jnz .out; {rbx}; call both",
    "no null": "{rbx}; test rdi, rdi; jz .out; call both",
    "changed after it was compared": "test rbx, rbx; jnz .out; mov rbx, [rsi]; {rbx}; call both",
    "an empty row at null": "xor edi, edi; test rsi, rsi; jnz .out; call row",
    "a row that may be empty": "xor edi, edi; call row",
    "one of two": "mov eax, 200; mov edi, 30; test rbx, rbx; cmove edi, eax; call few",
    "two paths": "mov edi, 7; test rbx, rbx; jz .go; mov edi, 9; .go:; call bounded",
    "a loop": "xor ebx, ebx; .next:; mov rdi, rbx; call bounded; inc ebx; cmp ebx, 9; jb .next",
    "a loop without end": "xor ebx, ebx; .go:; lea rdi, [rbx + 8]; call bounded; inc ebx; jnz .go",
    "below zero": "mov edi, ebx; or edi, -8; call small",
    "after a call": "xor ebx, ebx; mov edi, 1; call few; call few",
    "another number": "mov rax, rbx; mov rbx, [rsi]; test rax, rax; jne .out; {rbx}; call both",
}  # fmt: skip


@pytest.mark.parametrize("code", [pytest.param(c, id=name) for name, c in FAILS.items()])
def test_what_no_passed_number_fulfils_is_found(code: str) -> None:
    assert found(code)


@pytest.mark.parametrize("code", [pytest.param(c, id=name) for name, c in PASSES.items()])
def test_what_some_passed_number_fulfils_is_not(code: str) -> None:
    assert found(code) == []


def test_the_numbers_are_told() -> None:
    (message,) = found(FAILS["a mask"])
    assert message == "counter_next calls few against its contract: 'n' is 101 to 108"


# ---- arcs ----------------------------------------------------------------------------------------

WIDTH = 4
ARCS = [(low, span) for low in range(16) for span in (0, 1, 2, 5, 9, 14, 15)]


def held(arc: arcs.Arc | None) -> set[int]:
    return set() if arc is None else {(arc[0] + n) % 16 for n in range(arc[1] + 1)}


def test_arcs_hold_all_that_can_be() -> None:
    for one, other in itertools.product(ARCS, ARCS):
        a, b = held(one), held(other)
        assert a | b <= held(arcs.joined(one, other, WIDTH))
        assert a & b <= held(arcs.common(one, other, WIDTH))
        assert {(x + y) % 16 for x in a for y in b} <= held(arcs.added(one, other, WIDTH))
        for name, holds in ORDERS.items():
            left = {x for x in a if any(holds(x, y) for y in b)}
            assert left <= held(arcs.that(name, one, other, WIDTH)), (name, one, other)
    for one, factor in itertools.product(ARCS, range(-3, 4)):
        assert {x * factor % 16 for x in held(one)} <= held(arcs.times(one, factor, WIDTH))


def _signed(number: int) -> int:
    return number - 16 if number > 7 else number


ORDERS = {
    "je": lambda x, y: x == y,
    "jne": lambda x, y: x != y,
    "jb": lambda x, y: x < y,
    "jae": lambda x, y: x >= y,
    "ja": lambda x, y: x > y,
    "jbe": lambda x, y: x <= y,
    "jl": lambda x, y: _signed(x) < _signed(y),
    "jge": lambda x, y: _signed(x) >= _signed(y),
    "jg": lambda x, y: _signed(x) > _signed(y),
    "jle": lambda x, y: _signed(x) <= _signed(y),
}


def test_a_predicate_is_decided_only_where_all_numbers_agree() -> None:
    rng = random.Random(3)  # noqa: S311 -- reproducible
    predicates = [
        "a < b && b <= 5", "a + 2 * b == 7 || a >= 3", "!(a == b) && a - b < 4", "a ==> b > 2",
        "a != b", "-a > b", "1 <= a <= 3",
    ]  # fmt: skip
    for words in predicates:
        header = f"/*@ requires {words}; assigns \\nothing; @*/\nvoid f(int a, int b);\n"
        name = InterfaceName("x")
        clause, *_ = (
            read_interfaces({name: ("interfaces/x.h", header.encode())})[name]
            .functions["f"]
            .clauses
        )
        assert isinstance(clause.body, Predicate)
        for _ in range(200):
            a, b = sorted(rng.choices(range(-6, 9), k=2)), sorted(rng.choices(range(-6, 9), k=2))
            said = extent(clause.body.term, {"a": (a[0], a[1]), "b": (b[0], b[1])})
            each = {
                extent(clause.body.term, {"a": (x, x), "b": (y, y)})
                for x in range(a[0], a[1] + 1)
                for y in range(b[0], b[1] + 1)
            }
            assert each <= {TRUE, FALSE}
            assert said not in (TRUE, FALSE) or each == {said}
