"""What is built of the analysis says of all code what Python says of it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from check_support import assemble

from asmith.check.flow import analysis, joining, loops
from asmith.check.flow.analysis import ObjectFlow
from asmith.toolchain import decode
from asmith.toolchain.elf import read_object

if TYPE_CHECKING:
    from asmith.model.objects import ObjectFacts

WHOLE = ("rdi", "rdi", "rsi", "rax", "rax", "rcx", "rdx", "rbx", "rbp", "r9", "r12")
HALF = ("edi", "edi", "esi", "eax", "eax", "ecx", "edx", "ebx", "ebp", "r9d", "r12d")
BYTE = ("dil", "sil", "al", "cl", "dl", "bl", "r9b")
PLAIN = (
    "mov {q}, {q}", "mov {d}, {d}", "mov {q}, {m}", "mov {d}, {m}", "mov {m}, {q}", "mov {m}, {d}",
    "mov byte {m}, 1", "mov qword {m}, {n}", "mov {q}, {n}", "mov {b}, {b}", "movzx {d}, {b}",
    "movsxd {q}, {d}", "movzx {d}, byte {m}", "lea {q}, {m}", "lea {d}, {m}", "lea {q}, [rel data]",
    "add {q}, {n}", "add {q}, {q}", "sub {q}, {q}", "sub {d}, {n}", "and {d}, {n}", "shl {q}, 4",
    "imul {d}, {d}", "xor {d}, {d}", "neg {q}", "inc {d}", "cmp {q}, {q}", "cmp {d}, {n}",
    "cmp {m}, {d}", "cmp {q}, {m}", "test {q}, {q}", "test {d}, {d}", "sete {b}", "cmove {q}, {q}",
    "push {q}", "pop {q}", "xchg {q}, {q}", "add {m}, {d}", "sub rsp, 24", "add rsp, 24", "cdqe",
    "movups xmm1, {m}", "movups {m}, xmm1", "addsd xmm0, xmm1", "pxor xmm0, xmm0", "fld1", "cqo",
    "call out wrt ..plt", "call {f}", "mov {q}, [rsp + 8]", "mov [rsp + 16], {q}", "lea rbp, [rsp]",
    "lea rdi, [rdi + 8]", "lea rdi, [rdi + 16]", "add rdi, 8", "mov rsi, [rdi]", "mov [rdi], rsi",
)  # fmt: skip
ENDS = ("je {l}", "jne {l}", "jl {l}", "jmp {l}", "jrcxz {s}", "call {f}", "nop")


def written(seed: int, functions: int) -> str:
    """Return functions of random instructions: most of them break the ABI."""
    rng = random.Random(seed)  # noqa: S311 -- reproducible, no secret
    names = [f"f{n}" for n in range(functions)]
    lines = ["default rel", "extern out", "section .data", "data: dq 1, f0", "section .text"]

    def instruction(pattern: str, labels: list[str]) -> str:
        where = rng.choice(("rsp", "rbp", *WHOLE))
        index = rng.choice(("", "", "", f" + {rng.choice(WHOLE)} * {rng.choice((1, 4, 8))}"))
        memory = f"[{where}{index} + {rng.choice((0, 0, 8, 16, 24, -8, 40, 3, 88, 4096))}]"
        chosen = {
            "q": lambda: rng.choice(WHOLE), "d": lambda: rng.choice(HALF),
            "b": lambda: rng.choice(BYTE), "m": lambda: memory, "f": lambda: rng.choice(names),
            "n": lambda: str(rng.choice((0, 1, -1, 8, 16, 1000))),
            "l": lambda: rng.choice(labels), "s": lambda: labels[-1],
        }  # fmt: skip
        while "{" in pattern:
            before, _, rest = pattern.partition("{")
            pattern = before + chosen[rest[0]]() + rest[2:]
        return pattern

    for number, name in enumerate(names):
        kind = "global" if number % 2 else "static"
        lines += [f"{kind} {name}:function ({name}.end - {name})", f"{name}:", " push rbx"]
        size = rng.choice((0, 32, 144))
        lines.append(f" sub rsp, {size}")
        for block in range(rng.randrange(1, 7)):
            labels = [f".b{n}" for n in range(max(0, block - 1), block + 1)]
            lines.append(f".b{block}:")
            lines += [f" {instruction(rng.choice(PLAIN), labels)}" for _ in range(rng.randrange(7))]
            lines.append(f" {instruction(rng.choice(ENDS), labels)}")
        lines += [f" add rsp, {size}", " pop rbx", " ret", ".end:"]
    return "\n".join(lines) + "\nsection .note.GNU-stack noalloc noexec nowrite progbits\n"


def noted(facts: ObjectFacts, **how: bool) -> list[tuple[Any, ...]]:
    """Return everything that is noted of an object."""
    flow = ObjectFlow(facts, **how)
    flow.run()
    return [
        (o.function, o.reason, o.events, o.lowest, o.used, o.followed, sorted(o.code))
        for o in flow.counted()
    ]


@pytest.mark.skipif(loops.advance is loops.advance_in_python, reason="it is not built here")
@pytest.mark.parametrize("how", [{"compiled": True}, {"compiled": False}], ids=["compiled", "asm"])
def test_what_is_built_notes_what_python_notes(
    how: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = [
        read_object(assemble(written(seed, 60), include="", debug=False), "a.o")
        for seed in range(5)
    ]
    for strict in (False, True):
        with monkeypatch.context() as python:
            python.setattr(loops, "advance", loops.advance_in_python)
            python.setattr(loops, "registers", joining.registers)
            python.setattr(loops, "walk", loops.walk_in_python)
            python.setattr(loops, "leaving", loops.leaving_in_python)
            python.setattr(loops, "ordered", loops.ordered_in_python)
            python.setattr(decode, "accelerator", lambda: None)
            python.setattr(analysis, "_INTERNED", {})
            python.setattr(analysis, "_FORMS", {})
            expected = [noted(one, strict=strict, **how) for one in facts]
        assert sum(bool(events) for one in expected for _, _, events, *_ in one) > 200
        for one, wanted in zip(facts, expected, strict=True):
            assert noted(one, strict=strict, **how) == wanted
