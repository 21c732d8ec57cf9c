"""What runs on chosen arguments show, and what they keep silent about."""

from __future__ import annotations

import pytest
from check_support import COUNTER, LIBC, LIBC_HEADER, assemble

from asmith.check.engine import ObjectInput, Profile, check_object
from asmith.contract.reader import read_interfaces
from asmith.toolchain.elf import read_object

HEAD = "default rel\nextern out, fill\nglobal f:function (f.end - f)\nsection .text\nf:\n"
NOTE = "\n.end:\nsection .note.GNU-stack noalloc noexec nowrite progbits\n"
CALLED = "long out(long x);\n/*@ ensures 0 <= \\result <= n; */\nlong fill(long *p, long n);\n"


def found(prototype: str, code: str, profile: Profile = Profile.ASM) -> list[tuple[str, str]]:
    """Return rules and messages for a function `f`."""
    own = f"{LIBC_HEADER}{prototype}\n"
    known = read_interfaces(
        {
            COUNTER: ("interfaces/counter.h", own.encode()),
            LIBC: ("interfaces/libc.h", f"{LIBC_HEADER}{CALLED}".encode()),
        }
    )
    facts = read_object(assemble(f"{HEAD}{code}{NOTE}", include="", debug=False), "a.o")
    subject = ObjectInput(facts=facts, interface=known[COUNTER], visible=known, profile=profile)
    return [(f.rule, f.message) for f in check_object(subject).findings]


TABLE = """
    sub  rsp, 24
    mov  [rsp], rdi
    mov  [rsp + {second}], rsi
    and  edi, {mask}
    mov  rax, [rsp + rdi * 8]
    add  rsp, 24
    ret"""
ONE_PATH = """
    {first}
    cmp  rdi, {named}
    jne  .other
    lea  rax, [rcx + rdi]
    ret
.other:
    mov  rax, rdi
    ret"""
THROUGH = """
    sub  rsp, 8
    mov  rax, rdi
    mov  rdi, {given}
    call rax
    add  rsp, 8
    ret"""
LANES = """
    {clear}
    movdqu xmm0, [rdi]
    punpckldq xmm0, xmm1
    movq [rsi], xmm0
    ret"""
COUNT = """
    push rbx
    sub  rsp, 16
    mov  rdi, rsp
    mov  esi, {room}
    call fill wrt ..plt
    xor  ebx, ebx
    test rax, rax
    je   .done
    mov  rbx, [rsp]
.done:
    mov  rax, rbx
    add  rsp, 16
    pop  rbx
    ret"""
ROUNDED = """
    push rbp
    mov  rbp, rsp
    lea  rax, [rdi * 8 + 15]
    and  rax, -16
    sub  rsp, rax
    mov  rcx, rsp
    xor  edx, edx
.next:
    mov  [rcx + rdx * 8], rdx
    inc  rdx
    cmp  rdx, rdi
    jl   .next
    mov  rax, [rcx + rdi * 8 - {last}]
    leave
    ret"""
KEPT = """
    push rbx
    mov  rbx, rdi
    call out wrt ..plt
    cmp  rbx, 1000
    je   .odd
    pop  rbx
    ret
.odd:
    {undo}
    ret"""
INDEX = """
    sub  rsp, 40
    mov  [rsp], rdi
    mov  [rsp + 8], rdi
    mov  rax, [rsp + rdi * 8]
    add  rsp, 40
    ret"""
TWO = "long f(long a, long b);"
POINTER = "long f(long (*g)(long), long x);"
ARRAYS = "void f(const int *p, long *q);"


@pytest.mark.parametrize(
    ("prototype", "code"),
    [
        (TWO, TABLE.format(second=8, mask=1)),
        (TWO, ONE_PATH.format(first="xor ecx, ecx", named=4711)),
        (POINTER, THROUGH.format(given="rsi")),
        (ARRAYS, LANES.format(clear="pxor xmm1, xmm1")),
        ("long f(void);", COUNT.format(room=2)),
        ("long f(long n);", ROUNDED.format(last=8)),
        ("long f(long n);", KEPT.format(undo="pop rbx")),
        (
            "long f(long n);",
            INDEX,
        ),
    ],
    ids=["table", "path", "pointer", "lanes", "count", "rounded", "kept", "index of the caller"],
)
def test_what_no_argument_makes_wrong_is_clean(prototype: str, code: str) -> None:
    assert found(prototype, code) == []


@pytest.mark.parametrize(
    ("prototype", "code", "words"),
    [
        (TWO, TABLE.format(second=9, mask=1), "f depends on what nothing has set with a ="),
        (TWO, TABLE.format(second=8, mask=3), "f depends on what nothing has set with a ="),
        (POINTER, THROUGH.format(given="r8"), "f depends on what nothing has set with x ="),
        (ARRAYS, LANES.format(clear="movq xmm1, xmm2"), "f depends on what nothing has set"),
        ("long f(long n);", ROUNDED.format(last=0), "f depends on what nothing has set with n ="),
    ],
    ids=["hole", "mask", "pointer", "lanes", "beyond"],
)
def test_arguments_are_named_with_which_it_goes_wrong(
    prototype: str, code: str, words: str
) -> None:
    told = found(prototype, code)
    assert len(told) == 1
    assert told[0][0] in ("ABI011", "ABI012", "VAL001", "VAL002")
    if told[0][0] == "ABI012":
        assert told[0][1].startswith(words)


def test_each_number_that_the_code_names_is_tried() -> None:
    code = ONE_PATH.format(first="test edi, edi\n js .other\n xor ecx, ecx", named=4711)
    assert found(TWO, code) == []
    odd = code.replace("jne  .other", "jne  .other\n mov rcx, [rsp - 8]")
    assert [rule for rule, _ in found(TWO, odd)] != []


def test_requirements_are_kept() -> None:
    clause = "/*@ requires 0 <= n <= {}; */\nlong f(long n);"
    assert found(clause.format(1), INDEX) == []
    code = INDEX.replace("rdi * 8]", "rdi * 8 + 16]")  # whatever it is
    assert [rule for rule, _ in found(clause.format(1), code)] == ["ABI012"]


@pytest.mark.parametrize(
    ("clause", "reported"),
    [
        ("", False),
        ("/*@ requires \\true; */", True),
        ("/*@ requires n >= 0; */", True),
        ("/*@ requires 0 <= n <= 1; */", False),
        ("/*@ asm stack 40; */", False),
    ],
)
def test_an_index_is_the_callers_if_no_contract_says_what_callers_see_to(
    clause: str, *, reported: bool
) -> None:
    told = [rule for rule, _ in found(f"{clause}\nlong f(long n);", INDEX)]
    assert told == (["ABI012"] if reported else [])


def test_an_address_of_32_bits_is_not_followed() -> None:
    """The upper half of an `int` is not looked at: the address is cut."""
    assert "ABI012" not in [rule for rule, _ in found("long f(int x);", "lea rax, [edi]\nret")]


CONVERTED = """
    fld   qword [rdi]
    fnstcw [rsp - 2]
    mov   ax, [rsp - 2]
    or    ah, {rounding}
    mov   [rsp - 4], ax
    fldcw [rsp - 4]
    fistp qword [rsp - 16]
    fldcw [rsp - 2]
    fld   qword [rdi]
    fistp qword [rsp - 24]
    mov   rcx, [rsp - 16]
    sub   rcx, [rsp - 24]
    neg   rcx
    mov   [rsp - 40], rdi
    and   ecx, 1
    mov   rax, [rsp + rcx * 8 - 40]
    ret"""


@pytest.mark.parametrize(("rounding", "reported"), [("0Ch", True), ("00h", False)])
def test_numbers_become_integers_as_the_control_word_says(rounding: str, *, reported: bool) -> None:
    """Rounded both ways a number becomes the same, or the second of two slots is read, unset."""
    code = CONVERTED.format(rounding=rounding)
    rules = [rule for rule, _ in found("long f(const double *x);", code, Profile.PROJECT)]
    assert ("ABI012" in rules) == reported, rules


@pytest.mark.parametrize(("least", "reported"), [("or rdi, 1", False), ("nop", True)])
def test_arguments_of_zero_are_tried(least: str, *, reported: bool) -> None:
    code = f"{least}\nbsf rax, rdi\nret"
    assert ("ABI012" in [rule for rule, _ in found("long f(long x);", code)]) == reported


SIZED = """
    push rbp
    mov  rbp, rsp
    lea  rax, [rdi + 15]
    and  rax, -16
    sub  rsp, rax
    mov  rsi, rdi
    mov  rdi, rsp
    call fill wrt ..plt
    movzx eax, byte [rsp]
    leave
    ret"""


@pytest.mark.parametrize(("profile", "reported"), [(Profile.ASM, False), (Profile.PROJECT, True)])
def test_an_array_has_a_size_if_callers_see_to_it(profile: Profile, *, reported: bool) -> None:
    """With a size of zero its first byte would be the caller's."""
    rules = [rule for rule, _ in found("long f(unsigned long n);", SIZED, profile)]
    assert ("ABI012" in rules) == reported


PASSED = """
    push rbx
    mov  rbx, rdi
    push rbx
    push rbx
    call g
    add  rsp, 16
    call out wrt ..plt
    sub  rsp, 16
    {again}
    call g
    add  rsp, 16
    pop  rbx
    ret
.end:
g:  lea  rcx, [rsp + 8]
    mov  rdi, [rcx]
    lea  rax, [rdi + 1]
    ret"""


@pytest.mark.parametrize(("again", "reported"), [("mov [rsp], rbx", False), ("", True)])
def test_a_call_leaves_junk_below_the_stack(again: str, *, reported: bool) -> None:
    """What is passed on the stack has to be stored again if it lay there."""
    told = found("long f(long x);", PASSED.format(again=again))
    assert ("ABI012" in [rule for rule, _ in told]) == reported


JUMP = """
    lea  rax, [rel .table]
    {load}
    add  rdx, {base}
    jmp  rdx
.one:
    lea  rax, [rdi + 1]
    ret
.two:
    lea  rax, [rdi + 2]
    ret
    align 4
.table: dd .one - .table, .two - .table"""


@pytest.mark.parametrize(("base", "reported"), [("rax", False), ("rsi", True)])
def test_a_jump_that_cannot_be_followed_is_run(base: str, *, reported: bool) -> None:
    load = "and edi, 1\n movsxd rdx, dword [rax + rdi * 4]"
    rules = [rule for rule, _ in found(TWO, JUMP.format(load=load, base=base))]
    assert ("ABI012" in rules) == reported, rules


def test_a_jump_into_a_row_of_code_is_left_alone() -> None:
    code = """
    and  edi, 3
    lea  rdi, [rdi * 4]
    lea  rdx, [rel .row]
    sub  rdx, rdi
    mov  eax, 1
    jmp  rdx
    inc  rax
    nop
    inc  rax
    nop
    inc  rax
    nop
.row: ret"""
    assert "ABI012" not in [rule for rule, _ in found(TWO, code)]


ROW = """
    push rbp
    mov  rbp, rsp
    lea  rax, [rdi * 8 + 15]
    and  rax, -16
    sub  rsp, rax
    xor  edx, edx
.next:
    mov  [rsp + rdx * 8], rdx
    add  rdx, {step}
    cmp  rdx, rdi
    jne  .next
    mov  rax, [rsp]
    leave
    ret"""


@pytest.mark.parametrize(
    ("clause", "step", "reported"),
    [
        ("", 1, False),
        ("", 2, False),
        ("/*@ requires 1 <= n <= 100; */", 1, False),
        ("/*@ requires 1 <= n <= 100; */", 2, True),
    ],
)
def test_an_even_number_may_be_what_callers_see_to(
    clause: str, step: int, *, reported: bool
) -> None:
    rules = [rule for rule, _ in found(f"{clause}\nlong f(long n);", ROW.format(step=step))]
    assert ("ABI012" in rules) == reported


def test_a_realigned_frame_has_no_size() -> None:
    code = "mov rdx, rsp\n and rsp, -32\n sub rsp, 64\n{}\n mov rsp, rdx\n ret"
    inner = INDEX[INDEX.index("mov") : INDEX.index("add")]
    assert found("long f(long n);", code.format(inner)) == []


@pytest.mark.parametrize(("moved", "reported"), [("mov rax, rdi", False), ("mov eax, edi", True)])
def test_half_of_a_function_pointer_is_none(moved: str, *, reported: bool) -> None:
    """The upper half is kept beside it, so that nothing else could tell."""
    code = f"""
    sub  rsp, 24
    {moved}
    mov  [rsp], eax
    shr  rax, 32
    mov  [rsp + 4], eax
    mov  rdi, rsi
    mov  rax, [rsp]
    call rax
    add  rsp, 24
    ret"""
    told = found(POINTER, code)
    assert bool(told) == reported, told


@pytest.mark.parametrize(("most", "reported"), [(999, False), (1000, True)])
def test_the_limits_of_what_is_required_are_tried(most: int, *, reported: bool) -> None:
    code = """
    mov  [rsp - 16], rdi
    lea  rcx, [rdi - 1000]
    xor  eax, eax
    test rcx, rcx
    sete al
    mov  rax, [rsp + rax * 8 - 16]
    ret"""
    told = found(f"/*@ requires 0 <= n <= {most}; */\nlong f(long n);", code)
    assert ("ABI012" in [rule for rule, _ in told]) == reported, told
