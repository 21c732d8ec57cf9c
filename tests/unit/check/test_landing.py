"""Landing pads: what runs after a throw is followed, with what holds there."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from asmith.check.engine import ObjectInput, Profile, check_object
from asmith.check.flow.landing import Landing
from asmith.check.flow.symbols import Symbols
from asmith.toolchain.elf import read_object

if TYPE_CHECKING:
    from pathlib import Path

FUNCTION = """
        .text
        .globl  f
        .type   f, @function
f:      .cfi_startproc
        .cfi_personality 0x9b, DW.ref.__gcc_personality_v0
        .cfi_lsda 0x1b, table
        push    %rbx
        .cfi_def_cfa_offset 16
        .cfi_offset 3, -16
        mov     %rdi, %rbx
        {before}
begin:  call    may
end:    {after}
        pop     %rbx
        .cfi_remember_state
        ret
pad:    .cfi_restore_state
        {pad}
        .cfi_endproc
        .size   f, . - f
        .section .gcc_except_table, "a", @progbits
table:  .byte   0xff, 0xff, 1
        .uleb128 2f - 1f
1:      .uleb128 begin - f
        .uleb128 end - begin
        .uleb128 pad - f
        .uleb128 0
2:
        .data
DW.ref.__gcc_personality_v0:
        .quad   __gcc_personality_v0
        .section .note.GNU-stack, "", @progbits
"""


def made(tmp_path: Path, pad: str, before: str = "", after: str = "") -> bytes:
    """Return an object whose call of `may` has a landing pad."""
    (tmp_path / "f.s").write_text(FUNCTION.format(pad=pad, before=before, after=after))
    subprocess.run(["gcc", "-c", "f.s", "-o", "f.o"], cwd=tmp_path, check=True)
    return (tmp_path / "f.o").read_bytes()


def found(data: bytes, profile: Profile = Profile.COMPILED) -> list[str]:
    facts = read_object(data, "f.o")
    result = check_object(ObjectInput(facts=facts, profile=profile))
    return [f.rule for f in result.findings if f.rule[:3] != "ELF"]


RESUME = "mov %rax, %rdi; call _Unwind_Resume"


@pytest.mark.parametrize(
    "pad",
    [
        pytest.param(RESUME, id="the exception is passed on"),
        pytest.param(f"mov %rdx, (%rbx); {RESUME}", id="what callees save is used"),
        pytest.param("mov $1, %eax; pop %rbx; ret", id="it returns"),
    ],
)
@pytest.mark.parametrize("profile", [Profile.COMPILED, Profile.ASM, Profile.PROJECT])
def test_a_landing_pad_that_uses_what_holds_is_clean(
    tmp_path: Path, pad: str, profile: Profile
) -> None:
    assert found(made(tmp_path, pad), profile) == []


@pytest.mark.parametrize(
    ("rule", "pad"),
    [
        pytest.param("VAL001", f"mov %rax, (%rcx); {RESUME}", id="what a call destroys"),
        pytest.param("ABI003", "xor %ebx, %ebx; add $8, %rsp; ret", id="a register not restored"),
        pytest.param("ABI001", "ret", id="a frame that is not left"),
        pytest.param("ABI004", "push %rax; call _Unwind_Resume", id="a call not aligned"),
    ],
)
def test_a_fault_in_a_landing_pad_is_found(tmp_path: Path, rule: str, pad: str) -> None:
    assert rule in found(made(tmp_path, pad))


def test_arguments_that_were_pushed_are_gone_at_the_pad(tmp_path: Path) -> None:
    pushed = "push %rax; push %rax; .cfi_escape 0x2e, 0x10"
    assert found(made(tmp_path, RESUME, pushed, "add $16, %rsp")) == []
    kept = "push %rax; push %rax"
    assert "ABI001" in found(made(tmp_path, "pop %rbx; ret", kept, "add $16, %rsp"))


def test_tables_that_contradict_themselves_have_no_pads(tmp_path: Path) -> None:
    data = bytearray(made(tmp_path, RESUME))
    facts = read_object(bytes(data), "f.o")
    assert Landing(facts, Symbols(facts))
    for section in facts.sections:
        if section.name in (".gcc_except_table", ".eh_frame"):
            start = bytes(data).index(section.data)
            for place in range(start, start + section.size):
                for value in (0, 0x7F, 0xFF):
                    broken = bytearray(data)
                    broken[place] = value
                    changed = read_object(bytes(broken), "f.o")
                    Landing(changed, Symbols(changed))
