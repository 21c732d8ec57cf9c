"""Reading an object without pyelftools says what reading it with pyelftools does, or nothing."""

from __future__ import annotations

import random
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from asmith.errors import UsageError
from asmith.model.objects import LineEntry, ObjectFacts
from asmith.toolchain import elf, elf_tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = """\
        default rel
LIMIT   equ 5
        extern other
        section .rodata
text:   db "a text", 0
        section .data.rel.ro write align=8
table:  dq f, other, text
        section .bss
room:   resb 16
        section .init_array write align=8
        dq f
        section .text align=16
        global f:function (f.end - f)
        global datum:data hidden (8)
        global g:function weak
f:      lea rax, [text]
        mov eax, LIMIT
        call other wrt ..plt
        mov rax, [other wrt ..got]
        ret
.end:
g:      jmp f
        section .data
datum:  dq 0
        section .note.GNU-stack noalloc noexec nowrite progbits
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return an object with a bit of everything that nasm writes."""
    directory: Path = tmp_path_factory.mktemp("objects")
    (directory / "t.asm").write_text(TEXT)
    command = ["nasm", "-f", "elf64", "-g", "-F", "dwarf", "-o", "t.o", "t.asm"]
    subprocess.run(command, cwd=directory, check=True)
    return (directory / "t.o").read_bytes()


def test_both_readers_agree(made: bytes) -> None:
    quick, slow = elf._quickly(made), elf._read_slowly(made, "t.o")
    assert quick == slow
    assert quick is not None
    assert len(quick[0].relocations) > 5


def test_damage_is_never_read_as_something_else(made: bytes) -> None:
    chosen = random.Random(3)  # noqa: S311 -- reproducible
    agreed = 0
    for _ in range(1500):
        place = chosen.randrange(len(made))
        data = bytearray(made)
        data[place] ^= 1 << chosen.randrange(8)
        damaged = bytes(data[: chosen.randrange(len(data))] if chosen.random() < 0.1 else data)
        quick = elf._quickly(damaged)
        if quick is not None:
            try:
                slow = elf._read_slowly(damaged, "t.o")
            except UsageError as error:
                pytest.fail(f"read though {error.why}, byte {place}")
            assert quick == slow, place
            agreed += 1
    assert agreed > 100


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"#!/bin/sh\n" * 20])
def test_what_is_no_object_is_left_to_pyelftools(data: bytes) -> None:
    assert elf._quickly(data) is None


def test_usual_numbers_have_the_names_that_pyelftools_gives_them() -> None:
    for usual, names in zip(elf_tables.USUAL, elf._names(), strict=True):
        assert usual.items() <= names.items()


def test_lines_are_read_when_they_are_asked_for(made: bytes) -> None:
    facts = elf.read_object(made, "t.o")
    assert facts.lines[0].line == 16
    assert len(facts.lines) == len(facts.lines[:])
    assert facts == elf.read_object(made, "t.o")
    assert hash(facts.lines) == hash(tuple(facts.lines))


def test_the_row_of_a_place_is_found_without_reading_them_all() -> None:
    class Counted(list[LineEntry]):
        asked = 0

        def __getitem__(self, index: Any) -> Any:
            self.asked += 1
            return super().__getitem__(index)

        def __iter__(self) -> Iterator[LineEntry]:
            self.asked += len(self)
            return super().__iter__()

    rows = Counted(
        LineEntry(section, offset * 4, "a.asm", offset)
        for section in (1, 3)
        for offset in range(50_000)
    )
    rows.insert(7, LineEntry(1, 24, "b.asm", 1))
    facts = ObjectFacts("a.o", (), (), (), rows)
    assert facts.line_at(1, 27) == LineEntry(1, 24, "a.asm", 6)  # of two rows the first
    assert facts.line_at(3, 4003) == LineEntry(3, 4000, "a.asm", 1000)
    assert facts.line_at(1, 10**9) == LineEntry(1, 199_996, "a.asm", 49_999)
    assert facts.line_at(2, 10**9) is facts.line_at(0, 0) is None
    assert rows.asked < 200
