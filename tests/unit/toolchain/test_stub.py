"""Stubs of the C library: a link takes of them what it takes of the library."""

from __future__ import annotations

import io
import subprocess
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile

from asmith.toolchain import driver, elf, link
from asmith.toolchain.driver import OBJECTS, filled, linking, with_stub
from asmith.toolchain.stub import Function, make_stub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = {"__libc_start_main", "__cxa_finalize", "puts", "memcpy", "write", "stdout", "no_such_name"}
TEXT = """\
        bits 64
        default rel
        extern  puts
        extern  memcpy
        global  main:function (main.end - main)
        section .text
main:   sub     rsp, 24
        lea     rsi, [text]
        mov     rdi, rsp
        mov     edx, 6
        call    memcpy wrt ..plt
        mov     rdi, rsp
        call    puts wrt ..plt
        xor     eax, eax
        add     rsp, 24
        ret
.end:
        section .rodata
text:   db      "hello", 0
        section .note.GNU-stack noalloc noexec nowrite progbits
"""


@pytest.fixture(scope="module")
def libc() -> Path:
    """Return the C library's own file."""
    return link.resolve("libc", "").path


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a directory with a program's object and a version script."""
    (tmp_path / "main.asm").write_text(TEXT)
    (tmp_path / "script").write_text("{ local: *; };\n")
    command = ["nasm", "-f", "elf64", "-o", "main.o", "main.asm"]
    subprocess.run(command, cwd=tmp_path, check=True)
    return tmp_path


def offered(data: bytes) -> Iterator[tuple[str, str, str]]:
    """Yield (name, default version, binding) of each symbol that a library offers."""
    read = ELFFile(io.BytesIO(data))
    names = {}
    if (defined := read.get_section_by_name(".gnu.version_d")) is not None:
        names = {v["vd_ndx"]: next(a).name for v, a in defined.iter_versions()}
    numbers = read.get_section_by_name(".gnu.version")
    for k, symbol in enumerate(read.get_section_by_name(".dynsym").iter_symbols()):
        number = 1 if numbers is None else numbers.get_symbol(k)["ndx"]
        hidden = isinstance(number, int) and number & 0x8000
        if symbol.name and symbol["st_shndx"] not in ("SHN_UNDEF", "SHN_ABS") and not hidden:
            yield symbol.name, names.get(number, ""), symbol["st_info"]["bind"]


def needs(path: Path) -> tuple[list[str], set[str]]:
    """Return the libraries that a program needs and its imports with their versions."""
    read = ELFFile(io.BytesIO(path.read_bytes()))
    tags = read.get_section_by_name(".dynamic").iter_tags("DT_NEEDED")
    said = subprocess.run(
        ["readelf", "--dyn-syms", "-W", path], capture_output=True, text=True, check=True
    )
    undefined = (line.split() for line in said.stdout.splitlines() if " UND " in line)
    return [t.needed for t in tags], {words[7] for words in undefined if len(words) > 7}


def test_a_stub_offers_functions_as_the_library_does(libc: Path) -> None:
    data = libc.read_bytes()
    made = elf.make_stub(data, "libc", NAMES)
    there = [o for o in offered(data) if o[0] in NAMES - {"stdout"}]
    assert len(there) == 5
    assert sorted(offered(made)) == sorted(there)
    assert elf.dynamic_symbols(made, "stub") == {name for name, _, _ in there}
    assert len(made) < 2000


def test_a_library_without_versions_has_a_stub_without(tmp_path: Path) -> None:
    (tmp_path / "x.c").write_text("int f(void) { return 1; } int g(void) { return 2; } int v;")
    command = ["cc", "-shared", "-nostdlib", "-Wl,-soname,libx.so.9", "-o", "x.so", "x.c"]
    subprocess.run(command, cwd=tmp_path, check=True)
    made = elf.make_stub((tmp_path / "x.so").read_bytes(), "x.so", {"f", "v"})
    assert list(offered(made)) == [("f", "", "STB_GLOBAL")]
    assert ".gnu.version" not in {s.name for s in ELFFile(io.BytesIO(made)).iter_sections()}


@pytest.mark.parametrize("linker", ["gold", "bfd"])
def test_a_program_is_linked_with_a_stub_as_with_the_library(
    directory: Path, libc: Path, linker: str
) -> None:
    command = linking(("-pie", f"-fuse-ld={linker}", *link.FLAGS), ("-lm",))
    (directory / "stub.so").write_bytes(elf.make_stub(libc.read_bytes(), "libc", NAMES))
    quick = with_stub(command, "stub.so")
    assert quick is not None
    for name, words in (("full", command), ("quick", quick)):
        subprocess.run(filled(words, ["main.o"], name, "script"), cwd=directory, check=True)
        done = subprocess.run([directory / name], capture_output=True, check=True)
        assert done.stdout == b"hello\n"
    assert needs(directory / "quick") == needs(directory / "full")


def test_what_a_stub_lacks_is_refused_by_the_link(directory: Path, libc: Path) -> None:
    command = linking(("-pie", "-fuse-ld=gold", *link.FLAGS), ())
    (directory / "stub.so").write_bytes(elf.make_stub(libc.read_bytes(), "libc", NAMES - {"puts"}))
    quick = with_stub(command, "stub.so")
    assert quick is not None
    words = filled(quick, ["main.o"], "out", "script")
    done = subprocess.run(words, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "puts" in done.stderr


def test_the_next_command_is_tried_then(directory: Path, libc: Path) -> None:
    (directory / "stub.so").write_bytes(elf.make_stub(libc.read_bytes(), "libc", set()))

    def commands(arguments: object, libraries: object) -> list[tuple[str, ...]]:
        command = linking((*arguments, "-fuse-ld=gold"), libraries)  # type: ignore[misc,arg-type]
        return [with_stub(command, "stub.so") or (), command]

    link.program(["main.o"], (), root=directory, out=directory / "out", commands=commands)
    done = subprocess.run([directory / "out"], capture_output=True, check=True)
    assert done.stdout == b"hello\n"


@pytest.mark.parametrize(
    "command",
    [
        ("cc", "-o", "x", OBJECTS, "-lm"),
        ("ld", "crt1.o", OBJECTS, "-lgcc", "-lc", "-lodd", "/lib/crtendS.o"),
        ("ld", "crt1.o", OBJECTS, "/lib/crtendS.o", "-lgcc"),
    ],
)
def test_a_command_that_is_not_understood_takes_no_stub(command: tuple[str, ...]) -> None:
    assert with_stub(command, "stub.so") is None


def test_start_files_are_the_objects_of_the_runtime() -> None:
    command = ("ld", "/lib/crt1.o", "-L/lib", OBJECTS, "-lc", "/lib/crtendS.o")
    assert driver.start_files(command) == ("/lib/crt1.o", "/lib/crtendS.o")


def test_the_same_functions_make_the_same_bytes_in_any_order() -> None:
    one, two = Function("a", "V_1", 0x12), Function("b", "V_2", 0x22)
    assert make_stub("lib.so", [one, two]) == make_stub("lib.so", [two, one])
