"""The judge of the mutants, judged by functions that are known to be right or wrong."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from checking.cache import UnableError
from checking.execution import Executed, build, executed
from checking.operators import Mutation
from checking.subject import Contracts
from checking.subjects import Unit

if TYPE_CHECKING:
    from pathlib import Path

RIGHT = """
        push    rbx
        mov     rbx, rsi
        call    out_long
        add     rax, rbx
        pop     rbx
        ret
"""
WRONG = {
    "a callee-saved register is changed": "mov rbx, rdi\n mov eax, 1\n ret",
    "control left the code": "push rdi\n mov eax, 1\n ret",
    "the stack pointer is not restored": "pop rcx\n add rsp, 8\n mov eax, 1\n jmp rcx",
    "the stack pointer left the stack": "sub esp, 8\n push rax\n ret",
    "the caller's frame is overwritten": "mov [rsp+24], rdi\n mov eax, 1\n ret",
    "the stack is misaligned at a call": "call out_long\n ret",
    "the direction flag is set at a call": "push rax\n std\n call out_long\n cld\n pop rcx\n ret",
    "the direction flag is set at return": "std\n mov eax, 1\n ret",
    "MXCSR is changed": "mov dword [rsp-8], 0x9fc0\n ldmxcsr [rsp-8]\n mov eax, 1\n ret",
    "the x87 control word is changed": "mov word [rsp-8], 0x27f\n fldcw [rsp-8]\n mov eax, 1\n ret",
    "x87 registers are in use at return": "movq mm0, rdi\n mov eax, 1\n ret",
    "the outcome depends on junk": "lea rax, [rdi+r9]\n ret",
    "how it ends depends on junk": "mov rax, [rdx]\n ret",
}
JUNK = {
    "what a call destroys": "push rsi\n call out_long\n pop rsi\n mov rax, r8\n ret",
    "an argument": "push rsi\n mov rdi, r9\n call out_long\n pop rsi\n mov eax, 1\n ret",
    "a slot below the stack": "mov rax, [rsp-64]\n ret",
    "a slot of the caller": "mov rax, [rsp+40]\n ret",
    "the entry value of rbx": "lea rax, [rbx+rdi]\n ret",
    "a condition": "mov eax, 1\n jc .l\n inc eax\n.l: ret",
    "a signed condition": "mov eax, 1\n jl .l\n inc eax\n.l: ret",
    "the flags after a call": "push rax\n call out_long\n pop rcx\n mov eax, 0\n adc eax, 0\n ret",
    "the low byte of a register": "movzx eax, r9b\n ret",
    "a byte before a buffer that is filled": """
        extern  out_void
        sub     rsp, 24
        lea     rdi, [rsp + 1]
        call    out_void
        mov     rax, [rsp]
        add     rsp, 24
        ret
""",
    "the sign of a byte": "mov eax, 1\n test r9b, r9b\n js .l\n inc eax\n.l: ret",
    "a loop that does not end": "lea rdi, [rsi+r9]\n push rax\n.l: call out_long\n jmp .l",
}
DEFINED = {
    "a buffer that is filled from an odd place on, in part": """
        extern  out_void
        push    rbx
        sub     rsp, 32
        mov     [rsp + 9], edi
        lea     rdi, [rsp + 3]
        call    out_void
        mov     rax, [rsp + 8]
        xor     rax, [rsp + 16]
        add     rsp, 32
        pop     rbx
        ret
""",
    "numbers that look like junk now and then": """
        extern  out_void
        sub     rsp, 24
        mov     [rsp], rdi
        mov     [rsp + 8], rsi
        mov     rdi, rsp
        call    out_void
        mov     rax, [rsp]
        xor     rax, [rsp + 8]
        add     rsp, 24
        ret
""",
    "a stack that is too small": "push rdi\n call $$\n pop rdi\n ret",
    "a number that is too large": "mov rax, rdi\n mov rax, [rax]\n ret",
    "a buffer where a call has left the flags, filled by another": """
        extern  out_void
        push    rbx
        call    out_long
        sub     rsp, 16
        mov     rdi, rsp
        call    out_void
        mov     rax, [rsp + 8]
        add     rsp, 16
        pop     rbx
        ret
""",
}
SELDOM = "mov rax, rdi\n mov rcx, rdi\n shr rcx, 45\n dec rcx\n jnz .l\n {}\n.l: ret"
MUTANTS = {
    "same": ("lea rax, [rdi+rsi+8]\n nop\n ret", b"\x90", 5),
    "other": ("lea rax, [rdi+rsi+8]\n ret", bytes.fromhex("488d443709"), 0),
    "unreached": ("mov rax, rdi\n ret\n nop", b"\xcc", 4),
    "endless": ("mov rax, rdi\n nop\n nop\n ret", b"\xeb\xfe", 3),
    "violates": ("push rbx\n mov rax, rdi\n pop rbx\n ret", b"\x90", 4),
}
BODIES = [
    RIGHT,
    *WRONG.values(),
    *JUNK.values(),
    *DEFINED.values(),
    *(body for body, _, _ in MUTANTS.values()),
    SELDOM.format("mov rax, r9"),
    SELDOM.format("mov rax, rsi"),
]

Runner = tuple["Path", dict[str, int]]


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """Return a runner around all bodies, each as `long f(long, long)`, and their places in it."""
    directory = tmp_path_factory.mktemp("judge")
    units = []
    for number, body in enumerate(BODIES):
        name = f"f{number}"
        (directory / f"{name}.asm").write_text(
            f"extern out_long\nglobal {name}:function ({name}.end - {name})\nsection .text\n"
            f"{name}:\n{body}\n.end:\nsection .note.GNU-stack noalloc noexec nowrite progbits\n"
        )
        command = ["nasm", "-f", "elf64", "-o", f"{name}.o", f"{name}.asm"]
        subprocess.run(command, cwd=directory, check=True)
        functions = {name: ("l", "ll")}
        units.append(Unit(name, "a test", directory / f"{name}.o", "asm", functions, Contracts()))
    try:
        return build(units, directory), {body: number for number, body in enumerate(BODIES)}
    except UnableError as error:
        pytest.skip(str(error))


def judged(runner: Runner, body: str) -> Executed:
    """Return what execution says of one body."""
    program, places = runner
    return next(iter(executed(program, [(places[body], None, 0)])))


def test_a_right_function_holds(runner: Runner) -> None:
    assert judged(runner, RIGHT).verdict in ("same", "other")


@pytest.mark.parametrize("why", WRONG)
def test_a_wrong_function_violates_as_it_should(runner: Runner, why: str) -> None:
    found = judged(runner, WRONG[why])
    assert (found.verdict, found.detail.partition(" (")[0]) == ("violates", why)


@pytest.mark.parametrize("name", JUNK)
def test_junk_is_in_every_place_that_a_function_may_not_read(runner: Runner, name: str) -> None:
    found = judged(runner, JUNK[name])
    assert found.verdict == "violates"
    assert found.detail.startswith("the outcome depends on junk")


@pytest.mark.parametrize("name", DEFINED)
def test_a_program_that_is_merely_wrong_breaks_no_promise(runner: Runner, name: str) -> None:
    assert judged(runner, DEFINED[name]).verdict in ("same", "other")


@pytest.mark.parametrize("verdict", MUTANTS)
def test_a_mutant_is_judged_beside_its_original(runner: Runner, verdict: str) -> None:
    body, data, at = MUTANTS[verdict]
    program, places = runner
    mutation = Mutation("test", 1, at, data, "")
    original, mutant = executed(program, [(places[body], None, 0), (places[body], mutation, at)])
    assert original.verdict in ("same", "other")
    assert mutant.verdict == verdict


def test_what_the_usual_inputs_do_not_reach_is_tried_with_others(runner: Runner) -> None:
    program, places = runner
    assert judged(runner, SELDOM.format("mov rax, r9")).verdict == "violates"
    right = places[SELDOM.format("mov rax, rsi")]
    mutation = Mutation("test", 1, 15, bytes.fromhex("4c89c8"), "")  # mov rax, r9
    original, mutant = executed(program, [(right, None, 0), (right, mutation, 15)])
    assert original.verdict == "same"
    assert mutant.verdict == "violates"
