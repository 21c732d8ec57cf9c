"""gcc as the oracle for layouts and places: calls are executed both ways and compared byte by byte.

For every prototype `f` of a header three things are made: a NASM function `f`, which records all
registers and the stack and returns a known result; a NASM function `call_f`, which puts known
values where `places` says and calls `g_f`, the same prototype in C; and C code that calls both.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asmith.abi.places import places
from asmith.contract.basic import SCALARS
from asmith.contract.basic import VECTORS as BASIC_VECTORS
from asmith.contract.layout import size_of
from asmith.contract.reader import read_interfaces
from asmith.contract.render import declare
from asmith.model.contract import Array, Class, CType, Named, Pointer, Scalar
from asmith.model.names import InterfaceName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from asmith.abi.places import Location, Places
    from asmith.model.contract import Function, Interface

SLOT = 1024
"""Bytes reserved for one value; larger ones are only measured, not passed."""
WINDOW = 8192
"""Bytes of the stack that a callee records."""
GENERAL = ("rax", "rdi", "rsi", "rdx", "rcx", "r8", "r9")
CPU = Path("/proc/cpuinfo").read_text()
VECTOR, WIDTH = ("zmm", 64) if " avx512f " in CPU else ("ymm", 32)
FLAGS = ("-std=gnu11", "-O1", "-w", "-fno-stack-protector")
TARGET = "-mavx512f" if VECTOR == "zmm" else "-mavx2"
VECTORS = ("__m128", "__m128d", "__m128i", "__m256", "__m256i")
if VECTOR == "zmm":
    VECTORS += ("__m512", "__m512d")


@dataclass(frozen=True)
class Call:
    """One prototype with its places; `values` are the types passed, unnamed ones included."""

    function: Function
    places: Places
    values: tuple[CType, ...]

    @property
    def name(self) -> str:
        """Return the name of the function."""
        return self.function.name


def interface_of(text: str) -> Interface:
    """Return the interface that a header's text says."""
    name = InterfaceName("oracle")
    return read_interfaces({name: ("oracle.h", text.encode())})[name]


def verdict(text: str, extra: Mapping[str, Sequence[str]], directory: Path) -> str:
    """Return what gcc and the executed calls disagree with; empty if with nothing.

    `extra` tells the spelled types of the unnamed arguments of variadic functions.
    """
    interface = interface_of(text)
    calls = list(_calls(interface, extra))
    (directory / "oracle.h").write_text(text)
    (directory / "o.asm").write_text("\n".join(_assembly(calls)))
    (directory / "o.c").write_text("\n".join(_program(interface, calls)))
    for command in (
        ("nasm", "-felf64", "-w-all", "-o", "asm.o", "o.asm"),
        ("gcc", *FLAGS, TARGET, "-no-pie", "-o", "oracle", "o.c", "asm.o"),
        ("./oracle",),
    ):
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"{command[0]}: {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def _calls(interface: Interface, extra: Mapping[str, Sequence[str]]) -> Iterator[Call]:
    types = interface.types
    for function in interface.functions.values():
        more = tuple(_spelled(s) for s in extra.get(function.name, ()))
        found = places(function, types, more)
        values = (*(p.type for p in function.parameters), *more)
        if all(place.size <= SLOT for place in (*found.arguments, found.result) if place):
            yield Call(function, found, values)


def _spelled(text: str) -> CType:
    if text in BASIC_VECTORS:
        return BASIC_VECTORS[text]
    return Pointer(SCALARS["void"]) if text.endswith("*") else SCALARS[text]


# ---- bytes that carry a value --------------------------------------------------------------------


def leaves(
    ctype: CType, types: Mapping[str, object], base: int = 0
) -> Iterator[tuple[int, int, str]]:
    """Yield offset, bytes and kind of every scalar in a value: padding belongs to none."""
    match ctype:
        case Scalar(name, size, _, kind):
            extent = 10 if kind is Class.X87 else size
            yield base, extent, "bool" if name == "_Bool" else str(kind)
        case Pointer():
            yield base, 8, "integer"
        case Array(element, count):
            step = size_of(element, types)
            for n in range(count or 0):
                yield from leaves(element, types, base + n * step)
        case Named(keyword="enum"):
            yield base, 4, "integer"
        case Named(_, tag):
            for one in types[tag].fields:
                yield from leaves(one.type, types, base + one.offset)


def pattern(ctype: CType, types: Mapping[str, object], seed: int) -> tuple[bytes, bytes]:
    """Return a value's bytes and the mask of those that count, both padded to `SLOT`."""
    data = bytearray((seed * 37 + n * 11 + 5) % 251 + 1 for n in range(SLOT))
    mask = bytearray(SLOT)
    for offset, size, kind in leaves(ctype, types):
        mask[offset : offset + size] = b"\xff" * size
        if kind == "bool":
            data[offset] &= 1
        elif kind == "x87":
            data[offset + 7] |= 0x80
            data[offset + 8 : offset + 10] = b"\x00\x40"
    for offset, _, kind in leaves(ctype, types):  # unions: a bool byte stays a bool
        if kind == "bool":
            data[offset] &= 1
    return bytes(data), bytes(mask)


# ---- NASM ----------------------------------------------------------------------------------------


def _assembly(calls: list[Call]) -> Iterator[str]:
    yield "default rel\nbits 64\nextern seen_general, seen_vector, seen_stack, result_pattern"
    yield "section .text"
    yield "record:"  # rsp + 8 is where the function's rsp was
    for n, register in enumerate(GENERAL):
        yield f" mov [seen_general + {8 * n}], {register}"
    for n in range(8):
        yield f" vmovups [seen_vector + {WIDTH * n}], {VECTOR}{n}"
    yield f" lea rsi, [rsp + 8]\n lea rdi, [seen_stack]\n mov ecx, {WINDOW}\n cld\n rep movsb"
    yield " mov rdi, [seen_general + 8]\n ret"
    for call in calls:
        yield from _callee(call)
        yield from _caller(call)
    yield "section .note.GNU-stack noalloc noexec nowrite progbits"


def _callee(call: Call) -> Iterator[str]:
    """Record everything, then return the known result where `places` says."""
    yield f"global {call.name}\n{call.name}:\n call record\n lea r11, [result_pattern]"
    if call.places.hidden:
        assert call.places.result is not None
        yield " mov r10, rdi\n mov rsi, r11"
        yield f" mov ecx, {call.places.result.size}\n rep movsb\n mov rax, r10"
    elif call.places.result is not None:
        yield from _load(call.places.result, "r11")
    yield " ret"


def _caller(call: Call) -> Iterator[str]:
    """Place the known values (rdi: their slots), call, store the result (rsi: its slot)."""
    name, found = call.name, call.places
    room = -(-found.stack_bytes // 64) * 64
    yield f"global call_{name}\nextern g_{name}\ncall_{name}:"
    yield " push rbp\n mov rbp, rsp\n push rbx\n push r12\n mov rbx, rdi\n mov r12, rsi"
    yield f" sub rsp, {room}\n and rsp, -64"
    for n, place in enumerate(found.arguments):
        if place.stack is not None:
            for at in range(0, -(-place.size // 8) * 8, 8):
                yield f" mov rax, [rbx + {n * SLOT + at}]\n mov [rsp + {place.stack - 8 + at}], rax"
    for n, place in enumerate(found.arguments):
        yield from _load(place, f"rbx + {n * SLOT}")
    if found.hidden:
        yield " mov rdi, r12"
    yield f" mov eax, {found.vectors or 0}\n call g_{name}"
    if found.hidden:
        yield " cmp rax, r12\n je .same\n ud2\n.same:"
    elif found.result is not None:
        yield from _store(found.result)
    yield " lea rsp, [rbp - 16]\n pop r12\n pop rbx\n pop rbp\n vzeroupper\n ret"


def _load(place: Location, base: str) -> Iterator[str]:
    for piece in place.pieces:
        source = f"[{base} + {piece.offset}]"
        if piece.register == "st0":
            yield f" fld tword {source}"
        elif piece.register[1:3] == "mm":
            yield f" vmovups {piece.register}, {source}"
        else:
            yield f" mov {piece.register}, {source}"


def _store(place: Location) -> Iterator[str]:
    for piece in place.pieces:
        target = f"[r12 + {piece.offset}]"
        if piece.register == "st0":
            yield f" fstp tword {target}"
        elif piece.register[1:3] == "mm":
            yield f" vmovups {target}, {piece.register}"
        else:
            yield f" mov {target}, {piece.register}"


# ---- C -------------------------------------------------------------------------------------------

_PREAMBLE = r"""
#include <stddef.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <immintrin.h>
#include "oracle.h"
typedef unsigned char byte;
unsigned long seen_general[7];
byte seen_vector[512], seen_stack[WINDOW], result_pattern[SLOT];
static byte mask[32][SLOT], result_mask[SLOT];
static _Alignas(64) byte given[32][SLOT], result[SLOT];
static const char *now;
static void same(const char *what, const void *a, const void *b, const byte *m, int size)
{
    for (int n = 0; n < size; n++)
        if ((((const byte *)a)[n] ^ ((const byte *)b)[n]) & m[n]) {
            printf("%s: %s, byte %d of %d\n", now, what, n, size);
            return;
        }
}
static void fill(byte *to, const char *hex)
{
    for (int n = 0; hex[2 * n]; n++)
        sscanf(hex + 2 * n, "%2hhx", to + n);
}
"""


def _program(interface: Interface, calls: list[Call]) -> Iterator[str]:
    yield f"#define SLOT {SLOT}\n#define WINDOW {WINDOW}{_PREAMBLE}"
    yield from _layout(interface)
    for call in calls:
        yield from _checks(call, interface)
    yield "int main(void)\n{\n    volatile char room[2 * WINDOW];\n    room[0] = 0;"
    yield "    setvbuf(stdout, NULL, _IONBF, 0);"
    yield from (f"    test_{call.name}();" for call in calls)
    yield "    return 0;\n}"


def _layout(interface: Interface) -> Iterator[str]:
    for one in interface.aggregates.values():
        name = one.spelling
        yield f'_Static_assert(sizeof({name}) == {one.size}, "{name}");'
        yield f'_Static_assert(_Alignof({name}) == {one.align}, "{name}");'
        for f in one.fields:
            yield f'_Static_assert(offsetof({name}, {f.name}) == {f.offset}, "{name}.{f.name}");'
            yield f'_Static_assert(sizeof((({name} *)0)->{f.name}) == {f.size}, "{name}.{f.name}");'


def _checks(call: Call, interface: Interface) -> Iterator[str]:
    types, name, function = interface.types, call.name, call.function
    known = len(function.parameters)
    void = call.places.result is None
    result = declare(function.result)
    parameters = [declare(p.type, f"a{n}") for n, p in enumerate(function.parameters)]
    head = ", ".join((*parameters, "...") if function.variadic else parameters) or "void"
    yield f"{result} g_{name}({head})\n{{"
    if function.variadic:
        yield f"    va_list more;\n    va_start(more, a{known - 1});"
        for n, ctype in enumerate(call.values[known:], known):
            yield f"    {declare(ctype, f'a{n}')} = va_arg(more, {declare(ctype)});"
        yield "    va_end(more);"
    for n in range(len(call.values)):
        yield f'    same("argument {n} in C", &a{n}, given[{n}], mask[{n}], sizeof a{n});'
    if not void:
        yield f"    {declare(function.result, 'r')};\n    memcpy(&r, result_pattern, sizeof r);"
        yield "    return r;"
    yield f"}}\nvoid call_{name}(void *values, void *result);"
    yield f'static void test_{name}(void)\n{{\n    now = "{name}";'
    for n, ctype in enumerate(call.values):
        data, mask = pattern(ctype, types, n)
        yield f'    fill(given[{n}], "{data[: size_of(ctype, types) + 16].hex()}");'
        yield f"    memset(mask[{n}], 0, SLOT);"
        yield f'    fill(mask[{n}], "{mask[: size_of(ctype, types)].hex()}");'
        yield f"    {declare(ctype, f'a{n}')};\n    memcpy(&a{n}, given[{n}], sizeof a{n});"
    if not void:
        data, mask = pattern(function.result, types, 99)
        yield f'    fill(result_pattern, "{data[: size_of(function.result, types)].hex()}");'
        yield f'    fill(result_mask, "{mask[: size_of(function.result, types)].hex()}");'
    arguments = ", ".join(f"a{n}" for n in range(len(call.values)))
    yield f"    {'' if void else declare(function.result, 'r') + ' = '}{name}({arguments});"
    if not void:
        yield '    same("result from NASM", &r, result_pattern, result_mask, sizeof r);'
    yield from _seen(call)
    yield f"    memset(result, 0, SLOT);\n    call_{name}(given, result);"
    if not void:
        yield '    same("result from C", result, result_pattern, result_mask, sizeof r);'
    yield "}"


def _seen(call: Call) -> Iterator[str]:
    """Compare what the NASM callee saw with what C passed."""
    for n, place in enumerate(call.places.arguments):
        if place.stack is not None:
            where = f"seen_stack + {place.stack}"
            yield f'    same("argument {n} on the stack", {where}, &a{n}, mask[{n}], {place.size});'
        for piece in place.pieces:
            if piece.register in GENERAL:
                where = f"seen_general + {GENERAL.index(piece.register)}"
            else:
                where = f"seen_vector + {WIDTH * int(piece.register[3:])}"
            yield (
                f'    same("argument {n} in {piece.register}", {where}, '
                f"(byte *)&a{n} + {piece.offset}, mask[{n}] + {piece.offset}, {piece.size});"
            )
    if call.places.vectors is not None:
        few = f"(byte)seen_general[0] < {call.places.vectors}"
        yield f'    if ({few}) printf("{call.name}: al\\n");'
