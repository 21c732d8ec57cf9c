"""Hostile objects: `hostile(number)` returns one, the same for the same number."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from checking import torture

if TYPE_CHECKING:
    from collections.abc import Callable

_STARTS = {
    "a loop that pushes": """
f:      xor     eax, eax
.next:  push    rax
        dec     edi
        jnz     .next
        ret
""",
    "a depth that depends on data": """
f:      lea     rcx, [rdi*8]
        sub     rsp, rcx
        test    edi, 1
        jz      f
        jmp     [rsp + rcx]
""",
    "calls of each other with growing frames": """
f:      sub     rsp, 24
        call    g
        add     rsp, 40
        jmp     f
g:      push    rdi
        jmp     f + 1
        ret     16
""",
    "a jump into an instruction": """
f:      mov     eax, 0x90c3c390
        jmp     f + 1
        call    f + 2
        jne     f + 3
        ret
""",
    "a gigantic table": """
f:      cmp     edi, 0x7fffffff
        ja      .out
        lea     rdx, [rel t]
        movsxd  rax, dword [rdx + rdi*4]
        add     rax, rdx
        jmp     rax
.out:   ret
        section .rodata
t:      times 4000 dd f - t
""",
    "a table of itself": """
f:      lea     rdx, [rel f]
.again: movsxd  rax, dword [rdx + rdi*4]
        add     rax, rdx
        jmp     rax
        jmp     .again
""",
    "a long chain of branches": """
f:
%assign i 0
%rep 600
        test    edi, i
        jz      .l %+ i
        push    rbx
        inc     edi
.l %+ i:
%assign i i + 1
%endrep
        ret
""",
    "enter, leave, iret, far calls": """
f:      enter   65535, 31
        leave
        lss     rsp, [rdi]
        mov     rsp, rax
        xchg    rsp, [rsi]
        pop     rsp
        retf    8
        iretq
""",
}


def hostile(number: int) -> tuple[str, bytes]:
    """Return what an object is, and its bytes."""
    rng = random.Random(number)  # noqa: S311 -- reproducible, no secret
    name, data = rng.choice(_bases())
    damage = rng.choice(_DAMAGES)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        data = damage(data, rng)
    return f"{name}, {damage.__name__.strip('_').replace('_', ' ')}", data


@cache
def _bases() -> list[tuple[str, bytes]]:
    """Return the objects to damage: odd assembly, and generated C of both compilers."""
    made = []
    with tempfile.TemporaryDirectory(prefix="asmith-fuzz-") as scratch:
        directory = Path(scratch)
        for name, text in _STARTS.items():
            source = directory / "a.asm"
            source.write_text(f"global f:function\nsection .text\n{text}")
            _run(directory, "nasm", "-f", "elf64", "-o", "a.o", "a.asm")
            made.append((name, (directory / "a.o").read_bytes()))
        for seed, level in ((1, "-O2"), (2, "-O0"), (3, "-Os")):
            (directory / "c.c").write_text(torture.source(seed, 12))
            for compiler in filter(shutil.which, ("gcc", "clang")):
                _run(directory, compiler, "-w", "-g", level, "-c", "c.c", "-o", "c.o")
                made.append((f"{compiler} {level}", (directory / "c.o").read_bytes()))
    return made


def _run(directory: Path, *command: str) -> None:
    subprocess.run(command, cwd=directory, check=True, capture_output=True)


# ---- damages -------------------------------------------------------------------------------------


def _truncated(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _any_byte(data: bytes, rng: random.Random) -> bytes:
    made = bytearray(data)
    for _ in range(rng.choice((1, 3, 20, 200)) if data else 0):
        made[rng.randrange(len(made))] = rng.randrange(256)
    return bytes(made)


def _header_field(data: bytes, rng: random.Random) -> bytes:
    """Change a field of the ELF header or of a section header to an extreme."""
    if len(data) < 64:
        return data
    made = bytearray(data)
    (table,) = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    place = rng.randrange(4, 64)
    if rng.random() < 0.85 and size == 64 and count:
        place = table + rng.randrange(count) * size + rng.randrange(16) * 4
    width = rng.choice((1, 2, 4, 8))
    _put(made, place, width, rng)
    return bytes(made)


def _table_entry(data: bytes, rng: random.Random) -> bytes:
    """Change a symbol or a relocation: its place, size, type, target or addend."""
    made = bytearray(data)
    tables = [s for s in _sections(data) if s[0] in (2, 4) and s[2] >= 24]
    if tables:
        _, start, size = rng.choice(tables)
        place = start + rng.randrange(size // 24) * 24 + rng.randrange(6) * 4
        _put(made, place, rng.choice((1, 2, 4, 8)), rng)
    return bytes(made)


def _code_bytes(data: bytes, rng: random.Random) -> bytes:
    """Put other instructions into the code: branches, stack changes, or noise."""
    made = bytearray(data)
    codes = [s for s in _sections(data) if s[0] == 1 and s[2] > 8]
    for _ in range(rng.choice((1, 4, 30)) if codes else 0):
        _, start, size = rng.choice(codes[:1] if rng.random() < 0.7 else codes)
        place = start + rng.randrange(size)
        piece = rng.choice(
            (
                bytes([0xEB, rng.randrange(256)]),
                bytes([0x70 | rng.randrange(16), rng.randrange(256)]),
                bytes([0x50 | rng.randrange(16)]),
                bytes([0x48, 0x83, rng.choice((0xEC, 0xC4, 0xE4)), rng.randrange(256)]),
                bytes([0xE8]) + struct.pack("<i", rng.randrange(-300, 300)),
                bytes([0xFF, 0x20 | rng.randrange(8) | rng.choice((0, 0xC0))]),
                bytes([0xC3]),
                rng.randbytes(rng.randrange(1, 16)),
            )
        )
        made[place : place + len(piece)] = piece[: len(made) - place]
    return bytes(made)


def _section_swapped(data: bytes, rng: random.Random) -> bytes:
    """Exchange two section headers, so that tables refer to the wrong sections."""
    made = bytearray(data)
    if len(data) < 64:
        return data
    (table,) = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    if size == 64 and count > 1 and table + count * 64 <= len(data):
        one, two = (table + rng.randrange(count) * 64 for _ in range(2))
        made[one : one + 64], made[two : two + 64] = data[two : two + 64], data[one : one + 64]
    return bytes(made)


_DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _truncated, _any_byte, _header_field, _table_entry, _code_bytes, _code_bytes, _code_bytes,
    _table_entry, _section_swapped,
)  # fmt: skip


def _put(made: bytearray, place: int, width: int, rng: random.Random) -> None:
    """Write an extreme or a near value of `width` bytes, if it fits."""
    if place + width > len(made):
        return
    old = int.from_bytes(made[place : place + width], "little")
    top = 1 << (8 * width)
    value = rng.choice((0, 1, top - 1, top // 2, old + 1, old - 1, old ^ 0x10, rng.randrange(top)))
    made[place : place + width] = (value % top).to_bytes(width, "little")


def _sections(data: bytes) -> list[tuple[int, int, int]]:
    """Return type, offset and size of the sections that lie inside the data."""
    if len(data) < 64:
        return []
    (table,) = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    found = []
    for index in range(count if size == 64 and table + count * size <= len(data) else 0):
        kind, start, length = struct.unpack_from("<I", data, table + index * 64 + 4) + (
            struct.unpack_from("<QQ", data, table + index * 64 + 24)
        )
        if start + length <= len(data):
            found.append((kind, start, length))
    return found
