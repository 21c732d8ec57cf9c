"""Every way to fail has its message, with the line of the assembly."""

from __future__ import annotations

import pytest
from verify_project import HERE, Project, Ran

SOURCE = (HERE / "modules/bad.asm").read_text().splitlines()

# test: what the first line of the message says, and the instruction that it points to
CRASHES = {
    "test_read_beyond": (
        "SIGSEGV: read_beyond read 1 byte past the end of parameter 'a' (3 bytes)",
        "movzx   eax, byte [rdi + rsi]",
    ),
    "test_read_far_beyond": (
        "SIGSEGV: read_beyond read 998 bytes past the end of parameter 'a' (3 bytes)",
        "movzx   eax, byte [rdi + rsi]",
    ),
    "test_write_beyond": (
        "SIGSEGV: write_beyond wrote 1 byte past the end of module.memory(16)",
        "mov     byte [rdi + rsi], 0",
    ),
    "test_write_before_guard": (
        "SIGSEGV: write_before wrote 1 byte before the beginning of module.memory(16)",
        "mov     byte [rdi - 1], 0",
    ),
    "test_write_argument": (
        "SIGSEGV: write_argument wrote at offset 0 of parameter 'a' (3 bytes), which is read-only",
        "mov     byte [rdi], 0",
    ),
    "test_plain[write_constant]": (
        "SIGSEGV: write_constant wrote read-only data of the module itself (address 0x",
        "mov     qword [fixed], 2",
    ),
    "test_read_null": (
        "SIGSEGV: read_null read through a null pointer (address 0x0)",
        "mov     eax, [rdi]",
    ),
    "test_keeps_pointer": (
        "SIGSEGV: keeps_pointer read parameter 'a' (3 bytes), which no longer exists",
        "movzx   eax, byte [rax]",
    ),
    "test_endless": (
        "SIGXCPU: endless did not end within 1 s of processor time",
        "jmp     .again",
    ),
    "test_asleep": ("SIGALRM: asleep did not end within 0.3 s", "syscall"),
    "test_plain[undefined]": (
        "SIGILL: undefined ran an instruction that this processor does not have",
        "ud2",
    ),
    "test_plain[breakpoint]": ("SIGTRAP: breakpoint ran a breakpoint", "int3"),
    "test_plain[privileged]": (
        "SIGSEGV: privileged ran an instruction that only the kernel may run",
        "cli",
    ),
    "test_divide": (
        "SIGFPE: divide divided by zero, or the quotient does not fit",
        "idiv    esi",
    ),
    "test_plain[recurses]": ("SIGSEGV: recurses used up the stack", "call    recurses"),
    "test_plain[unaligned]": (
        "SIGSEGV: unaligned accessed memory that is not aligned as the instruction demands",
        "movaps  [rsp - 24 + 8], xmm0",
    ),
    "test_plain[uses_junk]": (
        "SIGSEGV: uses_junk used r10 = 0xdeadc0debaadf00d in an address, which no address is",
        "mov     eax, [r10]",
    ),
    "test_upper_half": (
        "SIGSEGV: trusts_upper_half used rsi = 0xdeadc0de00000001 in an address",
        "movzx   eax, byte [rdi + rsi]",
    ),
    "test_plain[jumps_wild]": (
        "SIGSEGV: jumps_wild jumped to 0x1234567, where no code is",
        "call    rax",
    ),
    "test_plain[calls_junk]": (
        "SIGSEGV: calls_junk used r11 = 0xdeadc0debaadf00d in an address, which no address is",
        "jmp     r11",
    ),
    "test_plain[unbalanced]": (
        "SIGSEGV: unbalanced returned to 0xb1b15e17000000b1, where no code is",
        "ret",
    ),
    "test_calls_strlen": (
        "SIGSEGV: code that calls_strlen called read through a null pointer (address 0x1)",
        "call    strlen wrt ..plt",
    ),
    "test_plain[aborts]": (
        "SIGABRT: aborts called abort",
        "call    abort wrt ..plt",
    ),
}

# test: rule, first line, a part of the reason
RULES = {
    "test_plain[clobbers_rbx]": (
        "RUN003",
        "clobbers_rbx returns with rbx changed",
        "expected 0xb1b15e17000000b1, got 0x0000000000000000",
    ),
    "test_plain[clobbers_r15]": (
        "RUN003",
        "clobbers_r15 returns with r15 changed",
        "expected 0xc4c45e1700000015, got 0x000000000000000f",
    ),
    "test_plain[leaves_direction]": (
        "RUN003",
        "leaves_direction returns with the direction flag changed",
        "expected 0, got 1",
    ),
    "test_plain[pops_arguments]": (
        "RUN003",
        "pops_arguments returns with rsp changed",
        "the stack pointer belongs to the caller",
    ),
    "test_plain[leaves_mmx]": (
        "RUN003",
        "leaves_mmx returns with the x87 stack changed",
        "expected 0 registers in use, got 8",
    ),
    "test_plain[changes_rounding]": (
        "RUN003",
        "changes_rounding returns with MXCSR changed",
        "expected 0x1f80, got 0x7f80",
    ),
    "test_write_before": (
        "RUN004",
        "write_before wrote 1 byte before the beginning of module.memory(16)",
        "only the bytes of the memory itself",
    ),
    "test_plain[odd_boolean]": (
        "RUN005",
        "odd_boolean returns 0x02 as _Bool",
        "bits 1 to 7 are zero",
    ),
}


@pytest.fixture(scope="module")
def ran(project: Project) -> Ran:
    cases = (HERE / "cases/bad_calls.py").read_text()
    return project.pytest("bad", project.write_test("test_bad.py", cases))


def test_every_bad_call_fails_and_none_ends_the_run(ran: Ran) -> None:
    assert ran.status == 1
    assert ran.result["passed"] == 0
    assert ran.result["failed"] == len(CRASHES) + len(RULES) + 2, ran.output
    assert "INTERNALERROR" not in ran.output


@pytest.mark.parametrize("test", CRASHES)
def test_a_crash_names_its_instruction(ran: Ran, test: str) -> None:
    message, instruction = CRASHES[test]
    failure = ran.failure(test)
    lines = failure["message"].splitlines()
    rule = "RUN002" if test in ("test_endless", "test_asleep") else "RUN001"
    assert lines[0].startswith(f"error[{rule}]: {message}")
    assert failure["file"] == "modules/bad.asm"
    number = failure["line"]
    assert SOURCE[number - 1].split(";")[0].strip() == instruction
    assert lines[1].startswith(f"  --> modules/bad.asm:{number} (")
    assert lines[2] == f"{number} |         {instruction}"
    assert lines[3].startswith(" " * len(str(number)) + " |         " + "^" * len(instruction))
    assert any(line.startswith("why:  ") for line in lines)
    assert any(line.startswith("help: ") for line in lines)
    assert "     rip " in failure["message"]


@pytest.mark.parametrize("test", RULES)
def test_a_broken_rule_says_what_was_expected(ran: Ran, test: str) -> None:
    rule, message, reason = RULES[test]
    failure = ran.failure(test)
    assert failure["message"].startswith(f"error[{rule}]: {message}")
    assert reason in failure["message"]
    assert failure["file"] == "modules/bad.asm"


def test_an_exit_of_the_module_is_a_failure(ran: Ran) -> None:
    failure = ran.failure("test_plain[quits]")
    assert "it exited with status 3" in failure["message"]
    assert failure["file"] == "test_bad.py"


def test_a_crash_that_the_test_swallows_still_fails(ran: Ran) -> None:
    failure = ran.failure("test_crash_swallowed")
    assert failure["message"].startswith("error[RUN001]: SIGSEGV: read_null read through a null")
    assert failure["file"] == "modules/bad.asm"
    assert "note: the test caught this and went on" in ran.output
