"""ELF facts, held against readelf and nm; digests, stamps, damage."""

from __future__ import annotations

import random
import re
import struct
import subprocess
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from asmith.errors import UnavailableError, UsageError
from asmith.model.names import ModuleName
from asmith.model.objects import ObjectFacts, Section
from asmith.model.record import Stamp
from asmith.model.stamp import render_stamp
from asmith.toolchain import stamping
from asmith.toolchain.elf import (
    address_to_line,
    dynamic_symbols,
    object_digests,
    read_object,
    read_stamp,
)
from asmith.toolchain.stamping import with_section

MODULE = """\
        default rel
        extern  puts, table
limit   equ     7
        section .rodata align=8
text:   db      "hello", 0
        section .data.rel.ro progbits alloc noexec write align=8
        global  pointers:data (pointers.end - pointers)
pointers:
        dq      first, table
.end:
        section .bss align=16
room:   resb    64
        section .text align=16
        global  first:function (first.end - first)
first:
        sub     rsp, 8                  ; rsp = 0 mod 16
        lea     rdi, [rel text]
        call    puts wrt ..plt
        call    helper
        add     rsp, 8
        mov     eax, limit
        ret
.end:
helper:
        ret
        section .text.cold progbits alloc exec nowrite align=16
        global  second:function hidden (second.end - second)
second:
        mov     rax, [rel room]
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
"""
COMPILED = """\
#include <stdio.h>
__attribute__((weak)) int weak_one = 3;
static int twice(int x) { return 2 * x; }
static int (*const table[])(int) = {twice};
__attribute__((section(".text.other"))) int other(int x) { return table[x & 0](x); }
int main(void) { puts("x"); return twice(weak_one) + other(1); }
"""


@lru_cache(maxsize=32)
def built(kind: str, source: str) -> bytes:
    """Return the object, or shared object, that nasm or gcc makes of a text."""
    with TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "modules").mkdir()
        (root / "modules/a.asm").write_text(source)
        (root / "a.c").write_text(source)
        command = {
            "nasm": "nasm -f elf64 -g -F dwarf -o out modules/a.asm",
            "plain": "nasm -f elf64 -o out modules/a.asm",
            "gcc": "gcc -c -O1 -g -ffunction-sections -o out a.c",
            "so": "sh -c 'nasm -f elf64 -g -F dwarf -o a.o modules/a.asm && gcc -shared -o out a.o"
            " -Wl,--unresolved-symbols=ignore-all'",
        }[kind]
        subprocess.run(command, shell=True, cwd=root, check=True)  # noqa: S602 -- fixed text
        return (root / "out").read_bytes()


OBJECTS = [
    pytest.param("nasm", MODULE, id="nasm"),
    pytest.param("plain", MODULE, id="without-debug"),
    pytest.param("gcc", COMPILED, id="gcc"),
    pytest.param("plain", "        section .text\n        ret\n", id="tiny"),
]


def facts(kind: str, source: str) -> ObjectFacts:
    return read_object(built(kind, source), "a.o")


def readelf(option: str, data: bytes, directory: Path) -> list[str]:
    path = directory / "a.o"
    path.write_bytes(data)
    command = ["readelf", "-W", *option.split(), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


# ---- against readelf -----------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "source"), OBJECTS)
def test_sections_are_those_of_readelf(kind: str, source: str, tmp_path: Path) -> None:
    letters = {"W": Section.WRITE, "A": Section.ALLOC, "X": Section.EXEC}
    expected = []
    for line in readelf("-S", built(kind, source), tmp_path):
        row = re.match(
            r"  \[ *(\d+)\] (\S+) +(\S+) +[0-9a-f]{16} [0-9a-f]+ ([0-9a-f]+) \S+ +([A-Za-z]*) "
            r"+\d+ +\d+ +(\d+)$",
            line,
        )
        if row and row[2] != "NULL":
            flags = sum(bit for letter, bit in letters.items() if letter in row[5])
            size, align = int(row[4], 16), int(row[6])
            expected.append((int(row[1]), row[2], f"SHT_{row[3]}", size, flags, align))
    mask = sum(letters.values())
    assert expected == [
        (s.index, s.name, s.type, s.size, s.flags & mask, s.align)
        for s in facts(kind, source).sections
    ]


@pytest.mark.parametrize(("kind", "source"), OBJECTS)
def test_symbols_are_those_of_readelf(kind: str, source: str, tmp_path: Path) -> None:
    expected = []
    for line in readelf("-s", built(kind, source), tmp_path):
        row = re.match(r" +\d+: ([0-9a-f]+) +(\d+) (\w+) +(\w+) +(\w+) +(\w+) ?(\S*)$", line)
        if row:
            size, home = int(row[2]), int(row[6]) if row[6].isdigit() else None
            expected.append(
                (int(row[1], 16), size, f"STT_{row[3]}", row[4].lower(), row[5], home, row[7])
            )
    assert expected == [
        (s.value, s.size, s.type, s.binding, s.visibility[4:], s.section, s.name)
        for s in facts(kind, source).symbols
    ]


@pytest.mark.parametrize(("kind", "source"), OBJECTS)
def test_relocations_are_those_of_readelf(kind: str, source: str, tmp_path: Path) -> None:
    expected = []
    for line in readelf("-r", built(kind, source), tmp_path):
        row = re.match(r"([0-9a-f]{16}) +[0-9a-f]{16} (\S+) +[0-9a-f]{16} (\S+) ([+-]) (\w+)", line)
        if row:
            addend = int(row[4] + row[5], 16)
            expected.append((int(row[1], 16), row[2], row[3], addend))
    read = facts(kind, source).relocations
    assert expected == [(r.offset, r.type, r.symbol, r.addend) for r in read]


@pytest.mark.parametrize(("kind", "source"), OBJECTS)
def test_lines_are_those_of_readelf(kind: str, source: str, tmp_path: Path) -> None:
    expected = set()
    for line in readelf("--debug-dump=decodedline", built(kind, source), tmp_path):
        row = re.match(r"(\S+) +(\d+) +(0x[0-9a-f]+|0)(?: |$)", line)
        if row:
            expected.add((row[1].rsplit("/", 1)[-1], int(row[2]), int(row[3], 16)))
    read = facts(kind, source).lines
    assert expected == {(r.file.rsplit("/", 1)[-1], r.line, r.offset) for r in read}


def test_each_line_has_its_own_section_and_the_path_as_given() -> None:
    read = facts("nasm", MODULE)
    names = {s.index: s.name for s in read.sections}
    rows = [(names[r.section], r.offset, r.line) for r in read.lines if r.line in (16, 25, 29, 30)]
    assert rows == [
        (".text", 0, 16),
        (".text", 31, 25),
        (".text.cold", 0, 29),
        (".text.cold", 7, 30),
    ]
    assert {r.file for r in read.lines} == {"modules/a.asm"}


# ---- digests and stamps --------------------------------------------------------------------------


def code(source: str, kind: str = "nasm") -> str:
    data = built(kind, source)
    return object_digests(data, read_object(data, "a.o")).code


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(("; rsp = 0 mod 16", "; aligned"), id="comment"),
        pytest.param(("limit   equ     7", "limit   equ     7\nunused  equ     9"), id="equ"),
        pytest.param(("helper", "assistant"), id="local-label"),
        pytest.param(("        default rel\n", "        default rel\n\n\n"), id="lines"),
    ],
)
def test_what_leaves_no_trace_in_the_code_leaves_its_digest(edit: tuple[str, str]) -> None:
    assert code(MODULE.replace(*edit)) == code(MODULE)


def test_debug_information_and_the_file_name_do_not_count() -> None:
    assert code(MODULE, "plain") == code(MODULE)
    data = built("nasm", MODULE)
    read = read_object(data, "a.o")
    assert object_digests(data, replace(read, path="b.o")) == object_digests(data, read)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(("limit   equ     7", "limit   equ     8"), id="immediate"),
        pytest.param(("hello", "Hello"), id="data"),
        pytest.param(("first, table", "second, table"), id="relocation-target"),
        pytest.param(("puts", "fputs"), id="import"),
        pytest.param(("function hidden", "function"), id="visibility"),
        pytest.param(("resb    64", "resb    65"), id="bss-size"),
        pytest.param(("section .bss align=16", "section .bss align=32"), id="alignment"),
        pytest.param(("noalloc noexec nowrite", "noalloc exec nowrite"), id="stack-note"),
        pytest.param(("second.end - second", "1"), id="extent"),
    ],
)
def test_what_changes_the_code_changes_its_digest(edit: tuple[str, str]) -> None:
    assert code(MODULE.replace(*edit)) != code(MODULE)


def stamped_by_objcopy(stamp: bytes, directory: Path) -> bytes:
    """Return the module's object with a section that objcopy added."""
    (directory / "stamp").write_bytes(stamp)
    (directory / "a.o").write_bytes(built("nasm", MODULE))
    flags = "--set-section-flags=.asmith=noload,readonly,exclude"
    command = ["objcopy", "--add-section=.asmith=stamp", flags, "a.o", "b.o"]
    subprocess.run(command, cwd=directory, check=True)
    return (directory / "b.o").read_bytes()


def test_a_stamp_is_read_from_its_section_and_is_no_part_of_the_code(tmp_path: Path) -> None:
    stamp = Stamp(ModuleName("a"), {}, {}, {}, {"i.K": "7"})
    data = with_section(built("nasm", MODULE), ".asmith", render_stamp(stamp))
    read = read_object(data, "b.o")
    assert read_stamp(read) == stamp
    assert read_stamp(facts("nasm", MODULE)) is None
    assert object_digests(data, read).code == code(MODULE)
    assert object_digests(data, read).full != object_digests(built("nasm", MODULE), read).full
    other = read_object(stamped_by_objcopy(render_stamp(stamp), tmp_path), "b.o")
    ours, theirs = read.sections[-1], next(s for s in other.sections if s.name == ".asmith")
    assert (ours.name, ours.type, ours.flags, ours.data) == (
        theirs.name, theirs.type, theirs.flags, theirs.data,
    )  # fmt: skip


def test_no_linker_takes_a_stamp_over(tmp_path: Path) -> None:
    (tmp_path / "a.o").write_bytes(with_section(built("nasm", MODULE), ".asmith", b"x" * 5))
    readelf = subprocess.run(
        ["readelf", "-SW", "a.o"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert readelf.stderr == ""
    assert " .asmith " in readelf.stdout
    for linker in ("bfd", "gold"):
        command = ["cc", f"-fuse-ld={linker}", "-shared", "-nostdlib", "-o", "a.so", "a.o"]
        subprocess.run([*command, "-Wl,-z,notext"], cwd=tmp_path, check=True)
        assert b".asmith" not in (tmp_path / "a.so").read_bytes()


def test_an_object_without_room_for_a_section_is_refused() -> None:
    data = bytearray(built("nasm", MODULE))
    data[60:62] = (0).to_bytes(2, "little")  # e_shnum of a file whose count stands elsewhere
    with pytest.raises(UnavailableError, match="the object cannot be stamped: it has 0 sections"):
        with_section(bytes(data), ".asmith", b"")


def sections(path: Path) -> list[list[str]]:
    """Return what readelf says of a file's sections, without places and numbers of others."""
    done = subprocess.run(["readelf", "-SW", str(path)], capture_output=True, text=True, check=True)
    assert not done.stderr
    rows = [re.sub(r"^ *\[ *\d+\] ", "", r).split() for r in done.stdout.splitlines() if "] ." in r]
    return sorted(
        [*r[:2], *r[4:6]] for r in rows if r[0] not in (".symtab", ".strtab", ".shstrtab")
    )


def test_a_section_is_added_as_objcopy_adds_it(tmp_path: Path) -> None:
    (tmp_path / "stamp").write_bytes(b"{}" * 100)
    (tmp_path / "a.o").write_bytes(built("nasm", MODULE))
    flags = "--set-section-flags=.asmith=noload,readonly,exclude"
    command = ["objcopy", "--add-section=.asmith=stamp", flags, "a.o", "theirs.o"]
    subprocess.run(command, cwd=tmp_path, check=True)
    made = stamping.with_section(built("nasm", MODULE), ".asmith", b"{}" * 100)
    (tmp_path / "ours.o").write_bytes(made)
    sizes = {"theirs.o": sections(tmp_path / "theirs.o"), "ours.o": sections(tmp_path / "ours.o")}
    assert sizes["ours.o"] == sizes["theirs.o"]
    theirs = read_object((tmp_path / "theirs.o").read_bytes(), "o")
    ours = read_object(made, "o")
    assert object_digests(made, ours).code == object_digests(made, theirs).code
    for name in ("ours", "theirs", "a"):
        link = ["ld", "-shared", "-o", f"{name}.so", f"{name}.o"]
        subprocess.run(link, cwd=tmp_path, check=True)
    linked = (tmp_path / "ours.so").read_bytes()
    assert linked == (tmp_path / "a.so").read_bytes()
    assert b"{}{}" not in linked


def test_no_section_is_added_to_what_is_no_object() -> None:
    with pytest.raises(struct.error):
        stamping.with_section(b"no object", ".asmith", b"")


# ---- linked objects ------------------------------------------------------------------------------


def test_dynamic_symbols_are_the_default_ones_of_nm() -> None:
    path = Path("/lib/x86_64-linux-gnu/libm.so.6")
    command = ["nm", "-D", "--defined-only", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [r for r in map(str.split, done.stdout.splitlines()) if r[1] != "A"]
    default = {name.split("@@")[0] for _, _, name in rows if not re.search(r"[^@]@[^@]", name)}
    old = {name.split("@")[0] for _, _, name in rows} - default
    names = dynamic_symbols(path.read_bytes(), str(path))
    assert names == default
    assert "pow" in names
    assert old


def test_an_address_leads_to_line_and_function(tmp_path: Path) -> None:
    data = built("so", MODULE)
    path = tmp_path / "a.so"
    path.write_bytes(data)
    done = subprocess.run(["nm", str(path)], capture_output=True, text=True, check=True)
    start = next(int(x.split()[0], 16) for x in done.stdout.splitlines() if x.endswith(" first"))
    assert address_to_line(data, start) == ("modules/a.asm", 16, "first", 0)
    assert address_to_line(data, start + 6) == ("modules/a.asm", 17, "first", 6)
    assert address_to_line(data, start + 31) == ("modules/a.asm", 25, "", 0)
    assert address_to_line(data, 1) is None


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is empty"),
        (b"#!/bin/sh\n", "it is no ELF file"),
        (b"\x7fELF\x02\x01\x01", "it is no 64-bit little-endian ELF file"),
        (b"\x7fELF\x01\x01\x01" + bytes(80), "it is no 64-bit little-endian ELF file"),
        (built("nasm", MODULE)[:900], "its section table lies beyond its end"),
        (b"\x64\x86" + bytes(80), "it is a COFF object (Windows), not ELF"),
        (built("so", MODULE), "it is linked already: a program or a shared library"),
        (
            built("plain", MODULE)[:18] + b"\xb7" + built("plain", MODULE)[19:],
            "it is for EM_AARCH64, not x86-64",
        ),
    ],
)
def test_something_else_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_object(data, "a.o")
    assert caught.value.what == "a.o cannot be read as an object"
    assert caught.value.why == why


def test_an_object_is_no_library() -> None:
    with pytest.raises(UsageError, match=r"a\.o cannot be read"):
        dynamic_symbols(built("nasm", MODULE), "a.o")


def mutated(data: bytes, random_: random.Random) -> bytes:
    """Return a copy with a few bytes changed, mostly in headers, or with its end cut off."""
    changed = bytearray(data)
    tables = [0, int.from_bytes(data[40:48], "little")]
    for _ in range(random_.randint(1, 6)):
        base = random_.choice([*tables, None])
        span = len(data) if base is None else min(1400, len(data) - base)
        spot = (base or 0) + random_.randrange(span)
        changed[spot] = random_.choice([0, 1, 0x7F, 0x80, 0xFF, random_.randrange(256)])
    return bytes(changed[: random_.randrange(len(data))] if random_.random() < 0.1 else changed)


@pytest.mark.parametrize("kind", ["nasm", "gcc"])
def test_a_damaged_object_gives_facts_or_one_message(kind: str) -> None:
    data = built(kind, MODULE if kind == "nasm" else COMPILED)
    random_ = random.Random(20_240)  # noqa: S311 -- trials must be the same every time
    refused = 0
    for _ in range(250):
        damaged = mutated(data, random_)
        try:
            read = read_object(damaged, "a.o")
            object_digests(damaged, read)
        except UsageError as error:
            refused += 1
            assert error.why  # noqa: PT017 -- both ends are right ones
    assert 0 < refused < 250


def test_a_damaged_library_gives_names_or_one_message() -> None:
    data = built("so", MODULE)
    random_ = random.Random(7)  # noqa: S311
    refused = 0
    for _ in range(150):
        damaged = mutated(data, random_)
        try:
            dynamic_symbols(damaged, "a.so")
            address_to_line(damaged, 0x1010)
        except UsageError:
            refused += 1
    assert 0 < refused < 150
