"""Mutations by generic operators, and the objects that the checker sees of them."""

from __future__ import annotations

import random
import subprocess
from typing import TYPE_CHECKING

import pytest
from checking import operators
from checking.patching import patched

from asmith.toolchain import elf

if TYPE_CHECKING:
    from pathlib import Path

    from asmith.model.objects import ObjectFacts

TEXT = """
        extern puts
        global f:function (f.end - f)
        section .text
f:      push    rbx
        mov     rbx, [rdi+16]
        cmp     rbx, 5
        jle     .out
        add     rbx, rsi
        lea     rdi, [rel text]
        call    puts wrt ..plt
        rep movsb
.out:   mov     rax, rbx
        pop     rbx
        ret
.end:
        section .rodata
text:   db      'x', 0
"""


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    directory: Path = tmp_path_factory.mktemp("mutants")
    (directory / "f.asm").write_text(TEXT)
    subprocess.run(["nasm", "-f", "elf64", "-o", "f.o", "f.asm"], cwd=directory, check=True)
    return (directory / "f.o").read_bytes()


def of(facts: ObjectFacts) -> list[operators.Mutation]:
    symbol = next(s for s in facts.symbols if s.name == "f")
    found = operators.sites(facts, symbol.section or 0, 0, symbol.size)
    return operators.mutations(found, random.Random(1))  # noqa: S311 -- reproducible


def test_every_operator_finds_something_to_change(assembled: bytes) -> None:
    made = of(elf.read_object(assembled, "f.o"))
    assert {m.operator for m in made} == {*operators.TUNING, *operators.SCORE}
    texts = {(m.operator, m.text) for m in made}
    assert ("delete", "pop rbx -> (deleted)") in texts
    assert ("displacement +-8", "mov rbx,[rdi+10h] -> -8") in texts
    assert ("immediate +-1", "cmp rbx,5 -> +1") in texts
    assert ("swap neighbours", "mov rbx,[rdi+10h] <-> cmp rbx,5") in texts
    assert ("drop prefix", "rep movsb -> movsb") in texts


def test_no_operator_serves_both_uses() -> None:
    assert not set(operators.TUNING) & set(operators.SCORE)


def test_a_mutant_differs_from_its_original_in_its_bytes_alone(assembled: bytes) -> None:
    before = elf.read_object(assembled, "f.o")
    for mutation in of(before):
        after = elf.read_object(patched(assembled, mutation), "f.o")
        assert after.symbols == before.symbols
        for one, two in zip(before.sections, after.sections, strict=True):
            if one.index == mutation.section:
                end = mutation.offset + len(mutation.data)
                assert two.data[: mutation.offset] == one.data[: mutation.offset]
                assert two.data[mutation.offset : end] == mutation.data
                assert two.data[end:] == one.data[end:]


def test_a_deleted_call_loses_its_relocation(assembled: bytes) -> None:
    facts = elf.read_object(assembled, "f.o")
    call = next(m for m in of(facts) if m.operator == "delete" and m.text.startswith("call"))
    after = elf.read_object(patched(assembled, call), "f.o")
    assert {r.symbol for r in facts.relocations} == {"puts", ".rodata"}
    kept = {r.symbol for r in after.relocations if r.type != "R_X86_64_NONE"}
    assert kept == {".rodata"}
