"""Patching a program gives the bytes that a link gives, or nothing."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asmith.toolchain.patch import patched

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
        bits 64
        default rel
        extern  puts
        extern  environ
        extern  other
        global  main:function (main.end - main)
        global  table:data (table.end - table)
        section .text align=16
main:   sub     rsp, 8
        mov     ecx, {number}
        lea     rdi, [text]
        call    puts wrt ..plt
        call    other wrt ..plt
        mov     rax, [rel environ wrt ..gotpc]
        add     ecx, {small}
        {more}
        xor     eax, eax
        add     rsp, 8
        ret
.end:
        section .rodata align=8
text:   db      "{word}", 0
        section .data align=8
table:  dq      main, {wide}, text
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
"""
OTHER = """\
        bits 64
        global  other:function (other.end - other)
        section .text align=16
other:  mov     eax, 7
        ret
.end:
        section .rodata
{name}: db      "hello", 0
        section .note.GNU-stack noalloc noexec nowrite progbits
"""
USUAL = {"number": 1000, "small": 1, "more": "nop", "word": "hello", "wide": 1 << 40}
LINKERS = [n for n in ("bfd", "gold", "lld", "mold") if shutil.which(f"ld.{n}")]


class Built:
    """Objects and programs in a directory."""

    def __init__(self, directory: Path, linker: str) -> None:
        self._directory = directory
        self._linker = linker

    def object(self, text: str, name: str = "main") -> bytes:
        """Assemble a text."""
        (self._directory / f"{name}.asm").write_text(text)
        flags = ["-f", "elf64", "-g", "-F", "dwarf", "--reproducible"]
        command = ["nasm", *flags, "-o", f"{name}.o", f"{name}.asm"]
        subprocess.run(command, cwd=self._directory, check=True)
        return (self._directory / f"{name}.o").read_bytes()

    def program(self, main: bytes, *others: str, kind: str = "-pie") -> bytes:
        """Link an object and others that were assembled."""
        (self._directory / "main.o").write_bytes(main)
        (self._directory / "map").write_text("{ local: *; };\n")
        command = ["cc", kind, f"-fuse-ld={self._linker}", "-Wl,--build-id=none"]
        command += ["-Wl,--version-script=map", "-o", "program", "main.o"]
        command += [f"{name}.o" for name in others]
        subprocess.run(command, cwd=self._directory, check=True)
        return (self._directory / "program").read_bytes()


@pytest.fixture(params=LINKERS)
def built(request: pytest.FixtureRequest, tmp_path: Path) -> Built:
    """Return a place to build in, with the object that is called."""
    made = Built(tmp_path, request.param)
    made.object(OTHER.format(name="words"), "other")
    return made


def text(**changes: object) -> str:
    """Return the text of `main`, changed."""
    return TEXT.format(**USUAL | changes)


@pytest.mark.parametrize("kind", ["-pie", "-no-pie"])
@pytest.mark.parametrize(
    "changes",
    [
        {"number": 70000},
        {"small": 2},
        {"more": "cld"},
        {"word": "earth"},
        {"wide": 1 << 41},
        {"number": 1, "word": "12345", "wide": 2},
        {},
    ],
    ids=str,
)
def test_what_moves_nothing_is_patched_as_a_link_does_it(
    built: Built, changes: dict[str, object], kind: str
) -> None:
    old, new = built.object(text()), built.object(text(**changes))
    before = built.program(old, "other", kind=kind)

    made = patched(before, [(old, new)])

    assert made == built.program(new, "other", kind=kind)


@pytest.mark.parametrize(
    "changes",
    [
        {"small": 1000},
        {"more": ""},
        {"more": "nop\n        nop"},
        {"word": "hello, world"},
        {"more": "nop\n.label:"},
        {"more": "\n        nop"},
    ],
    ids=["size", "shorter", "longer", "text", "symbol", "line"],
)
def test_what_moves_anything_is_not_patched(built: Built, changes: dict[str, object]) -> None:
    old, new = built.object(text()), built.object(text(**changes))

    assert patched(built.program(old, "other"), [(old, new)]) is None


def test_another_program_than_the_objects_was_linked_is_not_patched(built: Built) -> None:
    old, new = built.object(text()), built.object(text(number=5))
    before = built.program(built.object(text(number=6)), "other")

    assert patched(before, [(old, new)]) is None


def test_a_section_that_is_named_twice_is_not_patched(built: Built) -> None:
    built.object(OTHER.format(name="text"), "other")
    old, new = built.object(text()), built.object(text(word="earth"))

    assert patched(built.program(old, "other"), [(old, new)]) is None


def test_an_instruction_that_the_linker_may_rewrite_is_not_patched(built: Built) -> None:
    line = "mov     rax, [rel environ wrt ..gotpc]"
    old = built.object(text())
    new = built.object(text().replace(line, line.replace("rax", "rdx")))

    assert patched(built.program(old, "other"), [(old, new)]) is None


def test_thread_local_data_is_not_patched(built: Built) -> None:
    tail = "        section .tdata tls align=8\n        global once:data (once.end - once)\n"
    tail += "once:   dq {}\n.end:\n        section .text\n"
    old, new = (built.object(text() + tail.format(n)) for n in (1, 2))

    assert patched(built.program(old, "other"), [(old, new)]) is None


def test_two_objects_are_patched_at_once(built: Built) -> None:
    mains = [built.object(text(number=n)) for n in (5, 6)]
    others = [OTHER.format(name="words"), OTHER.format(name="words").replace("eax, 7", "eax, 8")]
    pairs = [built.object(other, "other") for other in others]
    built.object(others[0], "other")
    before = built.program(mains[0], "other")
    built.object(others[1], "other")

    made = patched(before, [(mains[0], mains[1]), (pairs[0], pairs[1])])

    assert made == built.program(mains[1], "other")


@pytest.mark.parametrize("damage", [b"", b"\x7fELF", b"\x7fELF\x02\x01\x01" + bytes(200)])
def test_what_is_no_program_is_not_patched(built: Built, damage: bytes) -> None:
    old, new = built.object(text()), built.object(text(number=5))

    assert patched(damage, [(old, new)]) is None


@given(data=st.data())
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_patched_is_what_a_link_gives(built: Built, data: st.DataObject) -> None:
    def any_text() -> str:
        word = data.draw(st.text("abcdefgh", min_size=4, max_size=6))
        more = data.draw(st.sampled_from(["nop", "cld", "push 1", "pop rax", "mov eax, [main]"]))
        numbers = st.integers(0, (1 << 31) - 1)
        small = data.draw(st.integers(1, 200))
        number, wide = data.draw(numbers), data.draw(numbers)
        return text(number=number, small=small, more=more, word=word, wide=wide)

    old, new = built.object(any_text()), built.object(any_text())

    made = patched(built.program(old, "other"), [(old, new)])

    assert made is None or made == built.program(new, "other")
