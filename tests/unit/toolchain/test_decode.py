"""Instructions as the analysis gets them, against what the manuals say."""

from __future__ import annotations

import pytest

from asmith.check.flow.effects import bind
from asmith.toolchain.decode import FLAGS, Code, Flow, Insn, isa_level


def decoded(text: str) -> Insn:
    code = Code(bytes.fromhex(text), {}, {}, lambda _: None)
    code.sweep(0, len(code.data))
    return code.at[0]


@pytest.mark.parametrize(
    ("text", "name", "flow"),
    [
        ("c3", "ret", Flow.RETURN),
        ("e800000000", "call", Flow.CALL),
        ("ff1500000000", "call", Flow.INDIRECT_CALL),
        ("ebfe", "jmp", Flow.JUMP),
        ("ffe0", "jmp", Flow.INDIRECT_JUMP),
        ("74fe", "je", Flow.BRANCH),
        ("0f0b", "ud2", Flow.STOP),
        ("0f05", "syscall", Flow.NEXT),
        ("06", "", Flow.INVALID),
    ],
)
def test_where_control_goes(text: str, name: str, flow: int) -> None:
    insn = decoded(text)
    assert (insn.name, insn.flow) == (name, flow)


def test_targets_count_from_the_end_of_the_instruction() -> None:
    for text, distance in (("ebfe", -2), ("e8fbffffff", -5), ("0f8400010000", 256), ("67e310", 16)):
        data = bytes.fromhex(text)
        assert decoded(text).distance(data, len(data)) == distance


def test_a_memory_operand_is_described() -> None:
    insn = decoded("488b44cb10")  # mov rax, [rbx + rcx * 8 + 16]
    assert (insn.base, insn.index, insn.scale, insn.disp, insn.size) == (3, 1, 8, 16, 8)
    assert insn.operands == (("r", 0, 8), ("m",))


def test_a_relocated_field_is_found() -> None:
    insn = decoded("488d0d00000000")  # lea rcx, [rip]
    assert (insn.base, insn.disp, insn.disp_at) == (-2, 0, 3)


def test_what_is_read_and_written() -> None:
    insn = decoded("48f7e6")  # mul rsi
    assert (insn.reads, insn.writes) == (1 << 0 | 1 << 6, 1 << 0 | 1 << 2 | 1 << FLAGS)
    wide = decoded("c5fdfec1")  # vpaddd ymm0, ymm0, ymm1
    assert (wide.width, wide.vreads, wide.vwrites) == (32, 3, 1)
    narrow = decoded("c5f9fec1")  # vpaddd xmm0, xmm0, xmm1: the upper halves become zero
    assert narrow.width == 16


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("f30fb8c0", "x86-64-v2"),  # popcnt
        ("c5fdfec1", "x86-64-v3"),  # vpaddd ymm
        ("62f17d48fec1", "x86-64-v4"),  # vpaddd zmm
        ("660f38dcc0", "an extension of no level"),  # aesenc
        ("660ffec1", "x86-64"),  # paddd
    ],
)
def test_the_level_of_an_instruction(text: str, level: str) -> None:
    assert isa_level(decoded(text)) == level


def test_equal_bytes_are_described_once() -> None:
    code = Code(bytes.fromhex("4889d84889d8c3"), {}, {}, lambda _: None)
    code.decode(0, 7)
    assert code.at[0] is code.at[3]
    assert sorted(code.at) == [0, 3, 6]


@pytest.mark.parametrize(
    "texts",
    [
        ("488b4310", "488b43f0"),  # mov rax, [rbx + N]
        ("488b8300010000", "488b8300ffffff"),  # the same, four bytes
        ("488d0d10000000", "488d0df0ffffff"),  # lea rcx, [rip + N]
        ("48c7431000010000", "48c743f0ffffffff"),  # mov qword [rbx + N], M
        ("4883f910", "4883f9ff"),  # cmp rcx, N
        ("b810000000", "b8ffffffff"),  # mov eax, N
        ("c1e000", "c1e005"),  # shl eax, N: the flags stay as they are after N = 0
        ("0f1002", "0f104210"),  # movups xmm0, [rdx + N]
        ("740a", "74f0"),
        ("0f8410000000", "0f84f0ffffff"),
        ("e810000000", "e8f0ffffff"),
    ],
)
def test_what_differs_in_a_constant_is_described_as_if_alone(texts: tuple[str, str]) -> None:
    code = Code(bytes.fromhex("".join(texts)), {}, {}, bind)
    code.sweep(0, len(code.data))
    for text, insn in zip(texts, code.at.values(), strict=True):
        alone = decoded(text)
        bind(alone)
        assert {n: getattr(insn, n) for n in Insn.__slots__} == {
            n: getattr(alone, n) for n in Insn.__slots__
        }


def test_a_jump_that_is_cut_off_is_no_instruction() -> None:
    code = Code(bytes.fromhex("e8fbffffffe8fb"), {}, {}, bind)
    code.sweep(0, len(code.data))
    assert code.at[5].flow == Flow.INVALID
