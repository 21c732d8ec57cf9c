"""The surface decides staleness: what changes a text, and what never does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asmith.contract.reader import read_interfaces
from asmith.errors import UsageError
from asmith.model.names import InterfaceName

if TYPE_CHECKING:
    from asmith.model.contract import Entry

HEADER = r"""
#include <stddef.h>
#define LIMIT 77
#define HELLO "hello"
enum { FIRST, SECOND };
typedef unsigned long word;
struct opaque;
typedef struct buffer { char *data; size_t len; char name[LIMIT]; } buffer;
typedef struct { double x; long n; } pair;
struct hooks {
    //@ requires n > 0; assigns \nothing;
    int (*run)(int n);
};
extern const int table[4];
//@ assigns \nothing; asm releases p;
void drop(void *p);
/*@ requires \valid(b);
  @ requires n < LIMIT;
  @ assigns b->data[0 .. n-1], *b;
  @ ensures \result == \null || n > 0;
  @ asm outcome full: \result == \null;
  @ asm acquires \result by drop;
  @ asm releases s;
  @ asm takes o;
  @ asm borrows \result from b;
  @ asm mutates o;
  @ asm clobbers rbx, r12;
  @ asm preserves rcx;
  @ asm in rax = n;
  @ asm out rdx = \result;
  @ asm stack 128;
  @ asm isa x86-64-v3;
  @ asm dispatch;
  @ asm waive ABI001 "reason";
  @*/
char *work(buffer *b, const char *s, word n, struct opaque *o);
//@ assigns \nothing;
double sum(pair p);
"""


def surface(text: str) -> dict[str, Entry]:
    """Return the entries of a header's own declarations."""
    name = InterfaceName("i")
    return {
        str(k): v for k, v in read_interfaces({name: ("i.h", text.encode())})[name].surface.items()
    }


BASE = surface(HEADER)


def changed(old: str, new: str) -> set[str]:
    """Return `subject part` for all that replacing `old` by `new` in the header changes."""
    assert HEADER.count(old) == 1, old
    after = surface(HEADER.replace(old, new))
    found = set()
    for subject in BASE.keys() | after.keys():
        one, two = BASE.get(subject), after.get(subject)
        if one is None or two is None:
            found.add(f"{subject} {'added' if one is None else 'removed'}")
            continue
        if one.caller_digest() != two.caller_digest():
            found.add(f"{subject} caller")
        if one.implementer_digest() != two.implementer_digest():
            found.add(f"{subject} implementer")
        if one.value != two.value:
            found.add(f"{subject} value")
    return found


def test_the_surface_names_everything_once() -> None:
    assert {s: (str(e.kind), e.nasm, e.value) for s, e in BASE.items()} == {
        "drop": ("function", "drop", ""),
        "work": ("function", "work", ""),
        "sum": ("function", "sum", ""),
        "table": ("data", "table", ""),
        "LIMIT": ("constant", "LIMIT", "77"),
        "HELLO": ("constant", "HELLO", "hello"),
        "FIRST": ("constant", "FIRST", "0"),
        "SECOND": ("constant", "SECOND", "1"),
        "buffer": ("type", "t_buffer_size", "size 96"),
        "buffer.data": ("field", "t_buffer.data", "offset 0 size 8"),
        "buffer.len": ("field", "t_buffer.len", "offset 8 size 8"),
        "buffer.name": ("field", "t_buffer.name", "offset 16 size 77"),
        "pair": ("type", "t_pair_size", "size 16"),
        "pair.x": ("field", "t_pair.x", "offset 0 size 8"),
        "pair.n": ("field", "t_pair.n", "offset 8 size 8"),
        "hooks": ("type", "t_hooks_size", "size 8"),
        "hooks.run": ("field", "t_hooks.run", "offset 0 size 8"),
    }


def test_the_texts_are_canonical() -> None:
    assert BASE["work"].caller.splitlines() == [
        "char *work(struct buffer *b, const char *s, unsigned long n, struct opaque *o)",
        "requires \\valid(b)",
        "requires n < LIMIT",
        "assigns *b, b->data[0 .. n - 1]",
        "ensures \\result == \\null || n > 0",
        "outcome full: \\result == \\null",
        "acquires \\result by drop",
        "releases s",
        "takes o",
        "borrows \\result from b",
        "mutates o",
        "clobbers rbx, r12",
        "preserves rcx",
        "in rax = n",
        "out rdx = \\result",
    ]
    own = BASE["work"].implementer.removeprefix(BASE["work"].caller)
    assert own == "\nstack 128\nisa x86-64-v3\ndispatch"
    assert BASE["sum"].caller == (
        "double sum(struct pair p)\n"
        "struct pair { double x @0; long n @8; } size 16 align 8\nassigns \\nothing"
    )
    assert BASE["LIMIT"].caller == "constant int LIMIT"
    assert BASE["HELLO"].caller == "constant string HELLO"
    assert BASE["table"].caller == "extern const int table[4]"
    assert BASE["buffer"].caller == "struct buffer"
    assert BASE["buffer.name"].caller == "struct buffer: char name[LIMIT]"


CALLER = {"work caller", "work implementer"}
OWN = {"work implementer"}
SUM = {"sum caller", "sum implementer"}


def field(*names: str) -> set[str]:
    """Return what a new meaning of those fields changes."""
    return {f"{n} {part}" for n in names for part in ("caller", "implementer")}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # what callers rely on, one clause at a time
        ("requires \\valid(b);", "requires \\valid_read(b);", CALLER),
        ("requires n < LIMIT;", "requires n <= LIMIT;", CALLER),
        ("requires n < LIMIT;", "", CALLER),
        ("b->data[0 .. n-1], *b;", "b->data[0 .. n], *b;", CALLER),
        (", *b;", ", *b, errno;", CALLER),
        ("|| n > 0;", "|| n > 1;", CALLER),
        ("outcome full", "outcome empty", CALLER),
        ("full: \\result == \\null", "full: \\result != \\null", CALLER),
        ("acquires \\result by drop", "acquires s by drop", CALLER),
        ("asm releases s", "asm releases b", CALLER),
        ("asm takes o", "asm takes b", CALLER),
        ("from b", "from s", CALLER),
        ("asm mutates o", "asm mutates o, b", CALLER),
        ("rbx, r12", "rbx", CALLER),
        ("preserves rcx", "preserves rcx, r8", CALLER),
        ("rax = n", "r11 = n", CALLER),
        ("rdx = \\result", "rcx = \\result", CALLER),
        ("word n, struct", "word n, struct opaque *more, struct", CALLER),
        ("char *work", "const char *work", CALLER),
        ("const char *s", "char *s", CALLER),
        # what the implementer alone relies on
        ("stack 128", "stack 256", OWN),
        ("asm stack 128;", "", OWN),
        ("x86-64-v3", "x86-64-v2", OWN),
        ("asm dispatch;", "", OWN),
        # what nobody relies on
        ('asm waive ABI001 "reason";', "", set()),
        ('ABI001 "reason"', 'ABI002 "another"', set()),
        # values
        ("LIMIT 77", "LIMIT 76", {"LIMIT value", "buffer.name value"}),
        ("LIMIT 77", "LIMIT 177", {"LIMIT value", "buffer.name value", "buffer value"}),
        ('"hello"', '"bye"', {"HELLO value"}),
        ("LIMIT 77", "LIMIT (70+7)", set()),
        ("FIRST, SECOND", "FIRST = 3, SECOND", {"FIRST value", "SECOND value"}),
        ("FIRST, SECOND", "FIRST, SECOND, THIRD", {"THIRD added"}),
        # layouts
        (
            "char *data; size_t len;",
            "size_t len; char *data;",
            {"buffer.len value", "buffer.data value"},
        ),
        (
            "size_t len;",
            "int len;",
            field("buffer.len") | {"buffer.len value", "buffer.name value"},
        ),
        ("double x; long n;", "double x; double n;", field("pair.n") | SUM),
        ("double x; long n;", "long n; double x;", {"pair.x value", "pair.n value"} | SUM),
        ("(*run)(int n);", "(*run)(long n);", field("hooks.run")),
        (
            "requires n > 0; assigns \\nothing;\n    int",
            "assigns \\nothing;\n int",
            field("hooks.run"),
        ),
        ("table[4]", "table[5]", field("table")),
        ("const int table", "int table", field("table")),
        # spelling that carries no meaning
        ("typedef unsigned long word;", "typedef size_t word;", set()),
        ("word n, struct", "size_t n, struct", set()),
        ("buffer *b, const char *s", "struct buffer *b, char const *s", set()),
        ("\\null || n > 0;", "\\null || (0x0 < n) == \\true;".replace(" == \\true", ""), CALLER),
        ("\\null || n > 0;", "0 || (n > 0x00);", set()),
        ("\\null || n > 0;", "NULL || n > 0; ensures \\true; requires \\true;", set()),
        ("b->data[0 .. n-1], *b;", "*b; assigns b->data[0..(n-1)]; assigns *b;", set()),
        ("rbx, r12", "r12, rbx, rax, xmm3", set()),
        ("preserves rcx", "preserves rbp, rcx", set()),
        ("asm dispatch;", "asm dispatch; asm preserves r12; asm clobbers rax;", set()),
        ("n < LIMIT;", "n < LIMIT; requires n<LIMIT;", set()),
    ],
)
def test_exactly_what_should_change_does(old: str, new: str, expected: set[str]) -> None:
    assert changed(old, new) == expected


def test_the_baseline_isa_is_the_default() -> None:
    plain = "//@ assigns \\nothing;\nint f(void);"
    written = "//@ assigns \\nothing; asm isa x86-64;\nint f(void);"
    assert surface(plain) == surface(written)


@pytest.mark.parametrize(
    ("prototype", "clause", "same"),
    [
        ("int f(int a, char *b);", "asm in rsi = b, rdi = a; asm out rax = \\result", True),
        ("int f(int a, char *b);", "asm in rsi = a, rdi = b", False),
        ("double f(int a, double b, enum e c);", "asm in xmm0 = b; asm out xmm0 = \\result", True),
        ("double f(int a, double b, enum e c);", "asm in rsi = c", True),
        ("double f(int a, double b);", "asm out rax = \\result", False),
        ("void f(__int128 a, int b);", "asm in rdx = b", False),
        ("struct s f(int b);", "asm in rdi = b", False),
        ("void f(int a,int b,int c,int d,int e,int g,int h);", "asm in r9 = g", True),
        ("void f(int a,int b,int c,int d,int e,int g,int h);", "asm in r10 = h", False),
    ],
)
def test_registers_of_the_abi_written_out_are_no_change(
    prototype: str, clause: str, *, same: bool
) -> None:
    head = "struct s { int a; }; enum e { A };\n/*@ assigns \\nothing; "
    plain, written = surface(f"{head}*/ {prototype}"), surface(f"{head}{clause}; */ {prototype}")
    assert (plain["f"].caller == written["f"].caller) is same


def test_two_parameters_may_not_meet_in_a_register() -> None:
    with pytest.raises(UsageError, match="'a' and 'b' would both be in rsi"):
        surface("//@ assigns \\nothing; asm in rsi = a;\nint f(int a, int b);")


def test_half_of_a_clause_may_say_what_holds_anyway() -> None:
    head = "//@ assigns \\nothing; asm in rdi = a, rax = b;\nint f(int a, int b);"
    assert surface(head)["f"].caller.splitlines()[-1] == "in rax = b"


def test_a_tag_may_share_its_name_with_a_function() -> None:
    found = surface("struct stat { int mode; };\n//@ assigns *s;\nint stat(struct stat *s);")
    assert list(found) == ["stat", "struct stat", "stat.mode"]
    assert [e.nasm for e in found.values()] == ["stat", "t_stat_size", "t_stat.mode"]
    assert found["stat.mode"].qualified == "i.stat.mode"


def test_two_names_may_not_meet_in_assembly() -> None:
    with pytest.raises(UsageError, match=r"would both be 't_s_size' in assembly"):
        surface("struct s { int a; };\n#define t_s_size 3\n")


def test_layouts_reach_into_what_a_value_holds() -> None:
    text = (
        "struct in { int a; };\nunion u { struct in i[2]; long n; };\nstruct out { union u u; };\n"
        "//@ assigns \\nothing;\nvoid f(void (*each)(struct out o), struct in *i);"
    )
    lines = surface(text)["f"].caller.splitlines()
    assert lines[1:4] == [
        "struct in { int a @0; } size 4 align 4",
        "struct out { union u u @0; } size 8 align 8",
        "union u { struct in i[2] @0; long n @0; } size 8 align 8",
    ]


# ---- metamorphic ---------------------------------------------------------------------------------

_BLOCK = re.compile(r"/\*@ requires \\valid.*?@\*/", re.DOTALL)
_GAP = re.compile(r'("[^"\n]*"|#[^\n]*\n|//@[^\n]*\n|/\*@|@\*/|\n  @)|[ \n]+')


def clauses_of(block: str) -> list[str]:
    """Return the clauses of the header's large block."""
    inner = block.removeprefix("/*@").removesuffix("@*/")
    return [c.strip(" \n@") for c in inner.split(";") if c.strip(" \n@")]


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_order_of_clauses_and_layout_leave_no_trace(random: object) -> None:
    found = _BLOCK.search(HEADER)
    assert found is not None
    clauses = clauses_of(found.group())
    random.shuffle(clauses)
    if random.random() < 0.5:
        block = "".join(f"//@ {c};{random.choice(['', ' // so'])}\n" for c in clauses)
    else:
        block = "/*@ " + random.choice([";\n  @ ", " ; ", ";\n"]).join(clauses) + "; */\n"
    text = HEADER.replace(found.group(), block)

    def gap(match: re.Match[str]) -> str:
        if match.group(1):
            return match.group(1)
        if match.string[match.end() :].startswith("#"):
            return random.choice(["\n", "\n  ", "\n/* x\n*/ "])
        return random.choice([" ", "  ", "\n", "\t", " /* x */ ", " // y\n", "\n\n\n"])

    head, _, tail = text.partition(block)
    shaken = _GAP.sub(gap, head) + block + _GAP.sub(gap, tail)
    assert surface(shaken) == BASE, shaken


def test_order_of_declarations_leaves_no_trace() -> None:
    first, second = "//@ assigns \\nothing;\nint f(void);\n", "#define A 1\nextern int x;\n"
    assert surface(first + second) == surface(second + first)
