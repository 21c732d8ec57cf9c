"""What assembly text uses of an interface: include files, escapes and banners."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from asmith.abi import banner, include
from asmith.abi.nasm_words import RESERVED
from unit.abi.gcc_oracle import interface_of

if TYPE_CHECKING:
    from pathlib import Path

HEADER = r"""
#define LIMIT -3
#define HELLO "hi \"you\" 100%\n"
#define PLAIN "it's"
#define TICK "`\\`é"
enum { rax = 7 };
struct wait { char *data; unsigned long len; };
extern int count;
/*@ asm stack 16;
  @ ensures \result >= LIMIT;
  @ assigns *w;
  @ requires \valid(w); */
int test(struct wait *w);
//@ assigns \nothing;
struct wait make(long a, long b, long c, long d, long e, long f, ...);
//@ assigns \nothing;
_Noreturn void stop(void);
typedef struct { float x; long n; } pair;
//@ assigns \nothing; asm in rax = p; asm dispatch;
void both(pair q, char *p);
"""

INCLUDE = r"""; Made by asmith from the interfaces. Do not edit.

        extern  count
        extern  $test

; oracle
%define HELLO `hi "you" 100\x25\x0a`
LIMIT                   equ -3
%define PLAIN "it's"
%define TICK `\`\\\`\xc3\xa9`
$rax                    equ 7
t_pair_size             equ 16
t_pair.x                equ 0
t_pair.n                equ 8
t_wait_size             equ 16
t_wait.data             equ 0
t_wait.len              equ 8
"""

BANNER = r"""; waits -- a test
;
;@ int test(struct wait *w)
;@   in    rdi = w
;@   out   rax
;@   requires \valid(w)
;@   assigns *w
;@   ensures \result >= LIMIT
;@   stack 16
;
;@ struct wait make(long a, long b, long c, long d, long e, long f, ...)
;@   in    rdi = a, rsi = b, rdx = c, rcx = d, r8 = e, r9 = f, al = vector registers used
;@   out   rax, rdx
;@   assigns \nothing
;
;@ _Noreturn void stop(void)
;@   assigns \nothing
;
;@ void both(struct pair q, char *p)
;@   in    xmm0 = q[0..8), rdi = q[8..16), rax = p
;@   assigns \nothing
;@   dispatch
"""


def test_an_include_file_names_constants_sizes_and_offsets() -> None:
    entries = list(interface_of(HEADER).surface.values())
    externs = ["test", "count", "count"]
    assert include.render(entries, externs=externs) == INCLUDE
    assert include.render(reversed(entries), externs=externs[::-1]) == include.render(
        entries, externs=externs
    )


def test_an_include_file_holds_exactly_what_was_asked() -> None:
    surface = interface_of(HEADER).surface
    text = include.render([surface["wait.len"], surface["test"]])
    assert text.splitlines()[1:] == ["", "; oracle", "t_wait.len              equ 8"]
    assert include.render([]) == "; Made by asmith from the interfaces. Do not edit.\n"


@pytest.mark.skipif(not shutil.which("nasm"), reason="nasm is the oracle")
def test_nasm_takes_the_include_file(tmp_path: Path) -> None:
    text = include.render(interface_of(HEADER).surface.values(), externs=["test", "wait"])
    use = "db HELLO, TICK, PLAIN\ndd LIMIT, $rax, t_wait.len\ncall $test\n"
    (tmp_path / "a.asm").write_text(f"{text}\nbits 64\n{use}")
    subprocess.run(["nasm", "-felf64", "-o", "a.o", "a.asm"], cwd=tmp_path, check=True)
    data = (tmp_path / "a.o").read_bytes()
    assert 'hi "you" 100%\n`\\`éit\'s'.encode() in data


@pytest.mark.parametrize("word", ["wait", "Wait", "RAX", "xmm31", "qword", "section", "jnz", "dd"])
def test_words_of_nasm_are_escaped_in_any_case(word: str) -> None:
    assert include.escape(word) == f"${word}"
    assert include.escape(f"{word}_1") == f"{word}_1"


@pytest.mark.skipif(not shutil.which("nasm"), reason="nasm is the oracle")
def test_every_escaped_word_assembles(tmp_path: Path) -> None:
    words = sorted(RESERVED)
    lines = [f"        extern  {include.escape(word)}" for word in words]
    lines += [f"        dq      {include.escape(word)}" for word in words]
    (tmp_path / "a.asm").write_text("\n".join(lines) + "\n")
    subprocess.run(["nasm", "-felf64", "-o", "a.o", "a.asm"], cwd=tmp_path, check=True)


@pytest.mark.skipif(not shutil.which("nasm"), reason="nasm is the oracle")
def test_common_names_need_no_escape(tmp_path: Path) -> None:
    names = "write read open close stat send main list next value count size name string index"
    lines = [f"        extern  {include.escape(name)}\n        dq {name}" for name in names.split()]
    (tmp_path / "a.asm").write_text("\n".join(lines) + "\n")
    subprocess.run(["nasm", "-felf64", "-o", "a.o", "a.asm"], cwd=tmp_path, check=True)


def test_a_banner_is_the_contract_of_every_function() -> None:
    assert banner.render(interface_of(HEADER), "waits -- a test") == BANNER


def test_a_banner_shows_the_hidden_result_and_the_stack() -> None:
    interface = interface_of(
        "struct big { long v[3]; };\n//@ assigns \\nothing;\nstruct big f(struct big b, int n);"
    )
    lines = banner.render(interface, "t").splitlines()
    assert lines[3:5] == [
        ";@   in    rdi = &result, [rsp+8] = b, rsi = n",
        ";@   out   rax = &result",
    ]


def test_a_rendered_banner_passes_in_any_order() -> None:
    interface = interface_of(HEADER)
    assert banner.check(BANNER, interface, "waits -- a test") == ()
    blocks = BANNER.split("\n;\n")
    assert banner.check("\n;\n".join([blocks[0], *blocks[:0:-1]]), interface) == ()


def test_a_stale_banner_is_told_line_by_line() -> None:
    interface = interface_of(HEADER)
    text = BANNER.replace("rdi = w", "rsi = w").replace("waits", "waiting")
    text = text.replace("_Noreturn void stop", "void stop")
    assert banner.check(text, interface, "waits -- a test") == (
        "the first line is not '; waits -- a test'",
        "the banner of 'test' lacks ';@   in    rdi = w'",
        "the banner of 'test' has ';@   in    rsi = w', which the interface does not say",
        "the banner declares 'void stop(void)', which oracle.h does not",
        "the banner lacks 'stop'",
    )
    assert "the banner declares 'test' twice" in banner.check(BANNER + BANNER, interface)
    assert banner.check("", interface, "x")[0] == "the first line is not '; x'"
