"""NASM source as text, held against what NASM itself makes of it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asmith.model.nasm import code_text, logical_lines, names_in, statements, without_comment

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
; a comment with 'one quote
        default rel
json:   mov     rax, [rdi + t_buffer.len]       ; it's the length; "quoted
.next:  lock inc dword [rax+8]
        db      'a;b', "c", `d\\`;e`, $wait, 0x1f
size    equ     3
tail    mov     eax, 1
        call    puts wrt ..plt
; a comment that goes on \\
        mov     rax, hidden
        mov     rdx, \\
                shown
"""


def statement_of(code: str) -> tuple[str, str, tuple[str, ...]]:
    (statement,) = statements(code)
    return statement.label, statement.mnemonic, statement.operands


def test_names_are_those_of_the_code() -> None:
    names = names_in(TEXT)
    assert {"t_buffer.len", "wait", "puts", "shown", "size"} <= names
    assert not names & {"quoted", "hidden", "comment", ".next", "..plt", "b", "e", "x1f"}


def test_code_text_keeps_neither_comments_nor_layout() -> None:
    assert code_text(TEXT).split("\n") == [
        "default rel",
        "json: mov rax, [rdi + t_buffer.len]",
        ".next: lock inc dword [rax+8]",
        "db 'a;b', \"c\", `d\\`;e`, $wait, 0x1f",
        "size equ 3",
        "tail mov eax, 1",
        "call puts wrt ..plt",
        "mov rdx, shown",
        "",
    ]


def test_blanks_in_strings_are_kept() -> None:
    assert code_text("  db   'a   b' ;  c\r\n") == "db 'a   b'\n"


@given(st.text(st.sampled_from("a9;:$.[]%\\ \t\r\x0b\x85\u2003é")))
def test_a_line_with_a_string_is_tidied_as_one_without(line: str) -> None:
    plain = code_text(line)
    blank = " " if plain and line[:1].isspace() else ""
    assert code_text(f"''{line}") == f"''{blank}{plain or chr(10)}"


def test_continued_lines_count_as_their_first() -> None:
    assert [number for number, _ in logical_lines(TEXT)] == [2, 3, 4, 5, 6, 7, 8, 11]


def test_a_line_keeps_its_layout_up_to_the_comment() -> None:
    assert without_comment("  mov  al, ';'  ; x") == "  mov  al, ';'"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("f:", ("f", "", ())),
        ("f: rep movsb", ("f", "movsb", ())),
        ("$eax: NOP", ("eax", "nop", ())),
        ("%%again: nop", ("%%again", "nop", ())),
        ("name ret", ("name", "ret", ())),
        ("name mov eax, 1", ("name", "mov", ("eax", "1"))),
        ("tab dq a, b", ("tab", "dq", ("a", "b"))),
        ("push rax", ("", "push", ("rax",))),
        ("push x - 4", ("", "push", ("x - 4",))),
        ("jmp short .next", ("", "jmp", ("short .next",))),
        ("call f wrt ..plt", ("", "call", ("f wrt ..plt",))),
        ("mov [fs:a], byte ','", ("", "mov", ("[fs:a]", "byte ','"))),
        ("section .text align=16", ("", "section", (".text align=16",))),
        ("global f:function (f.end - f)", ("", "global", ("f:function (f.end - f)",))),
        ("%define two(a,b) a", ("", "%define", ("two(a,b) a",))),
        ("vmovaps ymm0{k1}, [rdi]", ("", "vmovaps", ("ymm0{k1}", "[rdi]"))),
        ("times 4 db 0", ("", "times", ("4 db 0",))),
    ],
)
def test_a_statement_has_label_mnemonic_and_operands(
    code: str, expected: tuple[str, str, tuple[str, ...]]
) -> None:
    assert statement_of(code) == expected


def test_nasm_makes_the_same_bytes_of_the_code_text(tmp_path: Path) -> None:
    source = TEXT + "puts: hidden equ 1\nshown equ 2\nt_buffer.len equ 8\n$wait equ 7\n"
    source = source.replace("puts: hidden", "extern puts\nhidden")
    outputs = []
    for name, text in (("a", source), ("b", code_text(source))):
        (tmp_path / f"{name}.asm").write_text(f"bits 64\n{text}")
        command = ["nasm", "-f", "elf64", "-o", f"{name}.o", f"{name}.asm"]
        subprocess.run(command, cwd=tmp_path, check=True)
        outputs.append((tmp_path / f"{name}.o").read_bytes().replace(b"b.asm", b"a.asm"))
    assert outputs[0] == outputs[1]


@given(st.text(alphabet="ab.$;'\"`\\\n\t ,:[]()%0x#~", max_size=60))
@example("0\\ \na")
def test_no_text_is_too_odd_and_code_text_is_a_fixed_point(text: str) -> None:
    code = code_text(text)
    assert names_in(code) == names_in(text)
    assert code_text(code) == code
    list(statements(text))
