"""Links without the C driver: the same linker with the same arguments, the same bytes."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from asmith.toolchain.driver import OBJECTS, OUTPUT, SCRIPT, filled, linking
from asmith.toolchain.link import FLAGS, Library, shared

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TEXT = """\
        bits 64
        extern  cos
        global  f:function (f.end - f)
        section .text
f:      jmp     cos wrt ..plt
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a directory with an object and a version script."""
    (tmp_path / "f.asm").write_text(TEXT)
    (tmp_path / "script").write_text("{ global: f; local: *; };\n")
    subprocess.run(["nasm", "-f", "elf64", "-o", "f.o", "f.asm"], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.parametrize("chosen", [(), ("-fuse-ld=gold",), ("-fuse-ld=bfd",)])
def test_the_linker_gets_what_the_driver_would_give_it(
    directory: Path, chosen: tuple[str, ...]
) -> None:
    arguments = ("-shared", "-Wl,-soname=f.so", *chosen, *FLAGS)
    command = linking(arguments, ("-lm",))
    assert os.path.basename(command[0]).startswith("ld")
    subprocess.run(filled(command, ["f.o"], "ours.so", "script"), cwd=directory, check=True)
    through = ["cc", *arguments, "-Wl,--version-script=script", "-o", "its.so", "f.o", "-lm"]
    subprocess.run(through, cwd=directory, check=True)
    assert (directory / "ours.so").read_bytes() == (directory / "its.so").read_bytes()


def test_a_driver_that_is_not_understood_links_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cc").write_text("#!/bin/sh\necho nothing of use >&2\n")
    (tmp_path / "cc").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    command = linking(("-shared",), ("-lm",))
    script = f"-Wl,--version-script={SCRIPT}"
    assert command == ("cc", "-shared", script, "-o", OUTPUT, OBJECTS, "-lm")


def test_no_path_enters_a_library(directory: Path) -> None:
    shared(["f.o"], (Library("libm", ("-lm",), directory),), ["f"],
           root=directory, out=directory / "f.so", commands=with_gold)  # fmt: skip
    assert str(directory).encode() not in (directory / "f.so").read_bytes()


def with_gold(arguments: Sequence[str], libraries: Sequence[str]) -> tuple[tuple[str, ...]]:
    """Link by gold, which writes the path of a library without a name into it."""
    return (linking((*arguments, "-fuse-ld=gold"), libraries),)
