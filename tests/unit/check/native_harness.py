"""Instructions run by the processor of the machine, each from a state and to a state.

A case is a record of `SIZE` bytes: what FXSAVE saves, the upper halves of the vector registers,
general registers, flags, the signal that ended it, code and memory. A program in assembly reads
records, runs each from its state and writes the records back with the state behind it.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FX, UPPER, GENERAL, FLAGS, SIGNAL, CODE, MEMORY, SIZE = 0, 512, 768, 896, 904, 912, 960, 1472
"""Where in a record the parts are, in bytes, and where it ends."""
BLOCK = 0x5000_0000_0000
"""The address of the memory of a case."""
LONGEST = 16
"""Bytes of code that a case may have."""
NAMES = (
    *("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"),
    *(f"r{n}" for n in range(8, 16)),
)
_RUN = f"""\
        default rel
        extern  read, write, mmap, sigaction, sigaltstack
        global  main
        section .text
main:                                   ; with an argument: there are ymm registers
        push    rbp
        mov     rbp, rsp
        push    rbx
        push    r12
        push    r13
        push    r14
        push    r15
        sub     rsp, 8
        mov     [wide], edi
        mov     rdi, {BLOCK}
        mov     esi, 4096
        mov     edx, 3                  ; to read and write
        mov     ecx, 0x100022           ; MAP_FIXED_NOREPLACE, MAP_ANONYMOUS, MAP_PRIVATE
        mov     r8, -1
        xor     r9d, r9d
        call    mmap wrt ..plt
        mov     rcx, {BLOCK}
        cmp     rax, rcx
        jne     .failed
        xor     edi, edi
        mov     esi, 4096
        mov     edx, 7
        mov     ecx, 0x22
        mov     r8, -1
        xor     r9d, r9d
        call    mmap wrt ..plt
        mov     [page], rax
        mov     rdi, rax
        lea     rsi, [leave_case]
        mov     ecx, leave_case.end - leave_case
        add     rdi, {LONGEST}
        rep     movsb
        lea     rax, [finished]
        mov     [rdi], rax
        lea     rdi, [other]
        xor     esi, esi
        call    sigaltstack wrt ..plt
        irp_signal 4
        irp_signal 5
        irp_signal 7
        irp_signal 8
        irp_signal 11
.next:
        lea     r12, [state]
        mov     r13d, {SIZE}
.more:
        xor     edi, edi
        mov     rsi, r12
        mov     rdx, r13
        call    read wrt ..plt
        test    rax, rax
        jle     .over
        add     r12, rax
        sub     r13, rax
        jne     .more
        call    run
        lea     r12, [state]
        mov     r13d, {SIZE}
.put:
        mov     edi, 1
        mov     rsi, r12
        mov     rdx, r13
        call    write wrt ..plt
        test    rax, rax
        jle     .failed
        add     r12, rax
        sub     r13, rax
        jne     .put
        jmp     .next
.over:
        xor     eax, eax
        jmp     .out
.failed:
        mov     eax, 1
.out:
        add     rsp, 8
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbx
        pop     rbp
        ret
leave_case:
        jmp     [rel .end]              ; the address stands behind
.end:
caught:                                 ; of the machine context, rip is at 168
        mov     [state + {SIGNAL}], edi
        lea     rax, [finished]
        mov     [rdx + 168], rax
        ret
back:
        mov     eax, 15                 ; rt_sigreturn
        syscall
run:
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        lea     rsi, [state + {CODE}]
        mov     rdi, [page]
        mov     ecx, {LONGEST}
        rep     movsb
        lea     rsi, [state + {MEMORY}]
        mov     rdi, {BLOCK}
        mov     ecx, {SIZE - MEMORY}
        rep     movsb
        fxrstor64 [state]
        cmp     dword [wide], 1
        jle     .narrow
@LOADS@
.narrow:
        mov     [own], rsp
        push    qword [state + {FLAGS}]
        popfq
@FROM@
        jmp     [page]
finished:
@TO@
        mov     rsp, [own]
        pushfq
        pop     qword [state + {FLAGS}]
        cld
        fxsave64 [state]
        cmp     dword [wide], 1
        jle     .thin
@STORES@
        vzeroupper
.thin:
        fninit
        mov     rsi, {BLOCK}
        lea     rdi, [state + {MEMORY}]
        mov     ecx, {SIZE - MEMORY}
        rep     movsb
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret
        section .data align=64
action: dq      caught
        times 16 dq 0
        dd      0x0C000004              ; SA_ONSTACK, SA_RESTORER, SA_SIGINFO
        dd      0
        dq      back
other:  dq      room
        dq      0
        dq      65536
        section .bss align=64
state:  resb    {SIZE}
        alignb  64
room:   resb    65536
own:    resq    1
page:   resq    1
wide:   resd    1
        section .note.GNU-stack noalloc noexec nowrite progbits
"""
_MACRO = """\
%macro irp_signal 1
        mov     edi, %1
        lea     rsi, [action]
        xor     edx, edx
        call    sigaction wrt ..plt
%endmacro
"""


def _text() -> str:
    """Return the program."""
    vectors = [(n, UPPER + 16 * n) for n in range(16)]
    general = [(name, GENERAL + 8 * n) for n, name in enumerate(NAMES)]
    parts = {
        "LOADS": [f"vinsertf128 ymm{n}, ymm{n}, [state + {at}], 1" for n, at in vectors],
        "STORES": [f"vextractf128 [state + {at}], ymm{n}, 1" for n, at in vectors],
        "FROM": [f"mov {name}, [state + {at}]" for name, at in general],
        "TO": [f"mov [state + {at}], {name}" for name, at in general],
    }
    text = _MACRO + _RUN
    for word, lines in parts.items():
        text = text.replace(f"@{word}@", "\n".join(lines))
    return text


def build(directory: Path) -> Path:
    """Assemble and link the program."""
    (directory / "native.asm").write_text(_text())
    commands = (
        ["nasm", "-f", "elf64", "-Werror", "-o", "native.o", "native.asm"],
        ["gcc", "-o", "native", "native.o"],
    )
    for command in commands:
        done = subprocess.run(command, cwd=directory, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
    return directory / "native"


def run(program: Path, records: list[bytes], *, wide: bool) -> list[bytes]:
    """Run the cases in one process; return the records that it leaves."""
    command = [str(program), *(["wide"] if wide else [])]
    done = subprocess.run(command, input=b"".join(records), capture_output=True, check=False)
    assert done.returncode == 0, done.returncode
    assert len(done.stdout) == SIZE * len(records)
    return [done.stdout[n : n + SIZE] for n in range(0, len(done.stdout), SIZE)]
