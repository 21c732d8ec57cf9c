"""Where values that nobody defined, or of another precision, are seen in hand-written code."""

from __future__ import annotations

import pytest
from check_support import COUNTER, LIBC, LIBC_HEADER, assemble, counter, libc
from test_flow import HEAD, NOTE, rules

from asmith.check.engine import ObjectInput, Profile, check_object
from asmith.contract.reader import read_interfaces
from asmith.toolchain.elf import read_object

SCAN = """
    push rbx
    xor  ebx, ebx
    {load}
.l: test esi, esi
    jne  .n
    mov  ebx, {junk}
.n: {asked}
    jne  .x
    cmp  ebx, 2
    jne  .l
.x: mov  eax, ebx
    pop  rbx
    ret"""
LOCAL = """
    movq mm0, rdi
    call g
    {end}
    mov  eax, 1
    ret
.end:
g:  {body}
    ret"""


def found(code: str) -> list[str]:
    return rules(code, Profile.ASM)


def test_a_branch_on_loaded_data_has_nothing_to_do_with_the_way_to_it() -> None:
    fresh = SCAN.format(load="nop", junk="r11d", asked="cmp byte [rdi], 0")
    kept = SCAN.format(load="mov al, [rdi]", junk="r11d", asked="cmp al, 0")
    sound = SCAN.format(load="nop", junk="esi", asked="cmp byte [rdi], 0")
    assert "VAL001" in found(fresh)
    assert "VAL001" not in found(kept)  # it may say by which way control has come
    assert found(sound) == []


def test_what_follows_a_call_that_may_not_return_is_left_alone() -> None:
    code = """
        push rbx
        push r12
        sub  rsp, 8
        mov  r12, rsi
        test rdi, rdi
        je   .d
        mov  ebx, 1
        jmp  .n
    .d: call out wrt ..plt
        {}
    .n: cmp  byte [r12], 0
        jne  .x
        cmp  ebx, 2
        je   .x
        nop
    .x: mov  eax, 1
        add  rsp, 8
        pop  r12
        pop  rbx
        ret"""
    assert found(code.format("")) == []
    assert "VAL001" in found(code.format("mov eax, 1"))


@pytest.mark.parametrize(
    ("body", "end", "reported"),
    [("nop", "nop", True), ("nop", "emms", False), ("emms", "nop", False)],
)
def test_mmx_registers_stay_in_use_over_a_local_call(
    body: str, end: str, *, reported: bool
) -> None:
    assert ("ABI007" in found(LOCAL.format(body=body, end=end))) == reported


@pytest.mark.parametrize(("at", "reported"), [(0, False), (1, True), (-8, True)])
def test_a_number_is_no_part_of_a_saved_register(at: int, *, reported: bool) -> None:
    code = f"""
        push rbx
        sub  rsp, 16
        movsd [rsp + 8], xmm0
        mov  rbx, rdi
        movsd xmm0, [rsp + {8 + at}]
        mulsd xmm0, xmm0
        movsd [rdi], xmm0
        add  rsp, 16
        pop  rbx
        ret"""
    assert bool(found(code)) == reported


def test_arithmetic_on_a_vector_register_that_holds_nothing_is_found() -> None:
    code = "sub rsp, 24\n mulps xmm0, {}\n movaps [rsp], xmm0\n mov rax, [rsp]\n add rsp, 24\n ret"
    assert "VAL001" in found(code.format("xmm12"))
    assert found(code.format("xmm7")) == []


@pytest.mark.parametrize(
    ("last", "callee", "reported"),
    [
        ("cvtsi2sd xmm0, rdi", "sin", False),
        ("cvtsi2ss xmm0, rdi", "sin", True),
        ("cvtsi2sd xmm0, rdi", "sinf", True),
        ("cvtsi2sd xmm0, rdi\n cvtsd2ss xmm0, xmm0", "sinf", False),
        ("cvtsi2ss xmm0, rdi\n mov eax, 1\n cvtss2sd xmm0, xmm0\n mov ecx, 1", "sin", False),
        ("movss xmm0, [rdi]", "sin", True),
        ("pabsd xmm0, xmm0", "sinf", False),  # no number of either precision
        ("cvtsi2ss xmm0, rdi\n jmp .l\n .l: nop", "sin", False),  # not looked for so far
    ],
)
def test_a_float_is_no_double(last: str, callee: str, *, reported: bool) -> None:
    head = HEAD.format(declared="global counter_next:function (counter_next.end - counter_next)")
    code = f"sub rsp, 8\n xorps xmm0, xmm0\n {last}\n call {callee} wrt ..plt\n add rsp, 8\n ret"
    text = f"extern sin, sinf\n{head}counter_next:\n {code}\n.end:{NOTE}"
    known = libc("double sin(double x);\nfloat sinf(float x);")
    result = check_object(
        ObjectInput(
            facts=read_object(assemble(text, include="", debug=False), "a.o"),
            interface=counter(),
            visible={LIBC: known},
            profile=Profile.ASM,
        )
    )
    assert ("CON010" in [f.rule for f in result.findings]) == reported


@pytest.mark.parametrize(
    ("code", "reported"),
    [
        ("cvtsi2ss xmm0, rdi\n addsd xmm0, xmm1", True),
        ("cvtsi2ss xmm0, rdi\n movaps xmm2, xmm0\n addsd xmm1, xmm2", True),
        ("cvtsi2ss xmm0, rdi\n cvtss2sd xmm0, xmm0\n addsd xmm0, xmm1", False),
        ("cvtsi2ss xmm0, rdi\n cvtss2sd xmm3, xmm0\n ucomisd xmm3, xmm0", True),
        ("cvtsi2ss xmm0, rdi\n vaddsd xmm0, xmm1, xmm1", False),
        (
            "cvtsi2ss xmm0, rdi\n unpcklps xmm0, xmm0\n cvtps2pd xmm0, xmm0\n addsd xmm0, xmm1",
            False,
        ),
        ("cvtsi2ss xmm0, rdi\n jmp .l\n .l: addsd xmm0, xmm1", False),  # not followed so far
        ("cvtsi2ss xmm0, rdi\n addss xmm0, xmm1\n cvttss2si eax, xmm0", False),
    ],
)
def test_a_float_is_not_taken_for_a_double(code: str, *, reported: bool) -> None:
    assert ("VAL004" in found(f"xorps xmm0, xmm0\n {code}\n mov eax, 1\n ret")) == reported


@pytest.mark.parametrize(
    ("code", "reported"),
    [
        ("mov rax, rdi\ntest rdi, rdi\ncmovle rax, r13", True),  # the caller's r13
        ("test rdi, rdi\ncmovle r11, rsi\nmov rax, r11", True),
        ("mov rax, rdi\ntest rdi, rdi\ncmovle rax, rsi", False),
        ("test rdi, rdi\ncmovle r11, rsi\nmov eax, 1\ncmovle rax, r11", False),
        ("mov rax, rdi\ntest rdi, rdi\ncmovle r11, rsi\njg .out\nmov rax, r11\n.out:", False),
        ("mov rax, rdi\ntest rdi, rdi\ncmovle r11, rsi\ntest rdi, rdi\nmov rax, r11", True),
        ("mov rdx, rdi\nmulx rcx, rax, r13", True),
        ("mov rdx, rdi\nmulx rcx, rax, rsi", False),
        ("mulx rcx, rax, rsi", False),  # rdx may be an argument
    ],
)
def test_what_is_chosen_or_multiplied_must_be_defined(code: str, *, reported: bool) -> None:
    assert ("VAL001" in found(f"{code}\nmov rax, [rax]\nret")) == reported


@pytest.mark.parametrize(
    ("count", "reported"), [("mov cl, [rbx]", False), ("nop", True), ("mov cl, r11b", True)]
)
def test_a_shift_takes_a_byte_of_its_count(count: str, *, reported: bool) -> None:
    code = f"""
        push rbx
        mov  rbx, rdi
        call out wrt ..plt
        {count}
        sub  ecx, 43
        mov  edx, 1
        shl  rdx, cl
        test rdx, 0x109
        jne  .x
        inc  rax
    .x: pop  rbx
        ret"""
    assert ("VAL001" in found(code)) == reported


@pytest.mark.parametrize(
    ("body", "reported"), [("lea eax, [rdi + rsi * 2]", False), ("mov rax, [rdi + rsi * 2]", True)]
)
def test_an_address_of_which_half_is_kept_leads_nowhere(body: str, *, reported: bool) -> None:
    own = read_interfaces({COUNTER: ("c.h", f"{LIBC_HEADER}long f(int x, long y);\n".encode())})
    head = HEAD.format(declared="global f:function (f.end - f)")
    text = f"{head}f: call g\n ret\n.end:\ng: {body}\n ret{NOTE}"
    facts = read_object(assemble(text, include="", debug=False), "a.o")
    result = check_object(ObjectInput(facts=facts, interface=own[COUNTER], profile=Profile.ASM))
    assert ("VAL004" in [f.rule for f in result.findings]) == reported
