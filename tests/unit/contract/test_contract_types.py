"""Types and constants: spelled, laid out and computed as C does."""

from __future__ import annotations

import pytest

from asmith.contract.basic import SCALARS, VECTORS
from asmith.contract.layout import IncompleteError, align_of, size_of
from asmith.contract.reader import read_interfaces
from asmith.contract.render import declare
from asmith.errors import UsageError
from asmith.model.contract import Array, FunctionType, Interface, Named, Number, Pointer
from asmith.model.names import InterfaceName


def read(text: str) -> Interface:
    """Return the interface that a text says."""
    name = InterfaceName("main")
    return read_interfaces({name: ("main.h", text.encode())})[name]


# ---- constants -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-1", -1),
        ("~0u", 0xFFFFFFFF),
        ("~0", -1),
        ("-1 < 0u", 0),
        ("1 ? 0xffffffff : -1", 0xFFFFFFFF),
        ("0 ? 0u : -1", 0xFFFFFFFF),
        ("1ul << 63", 1 << 63),
        ("0x8000000000000000 >> 1", 1 << 62),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("'a' + '\\n' + '\\0' + '\\x7f'", 97 + 10 + 127),
        ("'\\xff'", -1),
        ("0755 | 0b11", 0o757),
        ("3 * 4 - 2 & 0xf ^ 1", 11),
        ("!3 || 2 && 1", 1),
        ("(1 == 1) + (1 != 1) + (2 > 1) + (2 >= 3) + (1 <= 1)", 3),
        ("+5", 5),
        ("sizeof(struct s) + sizeof(int *)", 24),
        ("SIZE_MAX", (1 << 64) - 1),
        ("INT8_MIN + UINT16_MAX", 65407),
        ("true + false", 1),
        ("2147483648", 1 << 31),
        ("4294967296 / 2", 1 << 31),
    ],
)
def test_constants_have_the_value_that_c_gives_them(text: str, value: int) -> None:
    source = (
        f"#include <stdint.h>\n#include <stdbool.h>\nstruct s {{ long a, b; }};\n#define A {text}\n"
    )
    assert read(source).constants["A"].value == value


def test_constants_and_enumerators_may_use_each_other() -> None:
    interface = read("enum e { A = 3 };\n#define B (A + 1)\nenum f { C = B };\nextern int x[C];")
    assert interface.constants["C"].value == 4
    assert interface.data["x"].type == Array(SCALARS["int"], 4)


# ---- types ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spelled", "canonical"),
    [
        ("long unsigned int", "unsigned long"),
        ("int long signed long", "long long"),
        ("unsigned", "unsigned int"),
        ("short int unsigned", "unsigned short"),
        ("signed char", "signed char"),
        ("char signed", "signed char"),
        ("signed", "int"),
        ("double long", "long double"),
        ("unsigned __int128", "unsigned __int128"),
        ("uint_fast16_t", "unsigned long"),
        ("int8_t", "signed char"),
        ("ssize_t", "long"),
        ("__m256d", "__m256d"),
        ("va_list", "struct __va_list_tag[1]"),
    ],
)
def test_basic_types_have_one_spelling(spelled: str, canonical: str) -> None:
    headers = "".join(f"#include <{h}>\n" for h in ("stdint.h", "sys/types.h", "stdarg.h"))
    interface = read(f"{headers}extern {spelled} *x;")
    ctype = interface.data["x"].type
    assert isinstance(ctype, Pointer)
    assert declare(ctype.target) == canonical


@pytest.mark.parametrize(
    "spelled", ["unsigned void", "signed unsigned int", "long char", "short long"]
)
def test_words_that_spell_no_type(spelled: str) -> None:
    with pytest.raises(UsageError, match="is no type"):
        read(f"extern {spelled} *x;")


def test_layouts_of_packed_aggregates_and_vectors() -> None:
    interface = read(
        "struct __attribute__((packed)) a { char c; long n; };\n"
        "struct b { char c; struct a a[2]; __m256 v; } __attribute__((__packed__));\n"
        "union c { __m512 v; char c[65]; };\nstruct d { int n; char tail[]; };"
    )
    sizes = {tag: (a.size, a.align, a.packed) for tag, a in interface.aggregates.items()}
    assert sizes == {
        "a": (9, 1, True),
        "b": (51, 1, True),
        "c": (128, 64, False),
        "d": (4, 4, False),
    }
    assert align_of(VECTORS["__m512"], {}) == 64


def test_types_without_a_size_have_none() -> None:
    for ctype in (FunctionType(SCALARS["int"], ()), Named("struct", "s"), SCALARS["void"]):
        with pytest.raises(IncompleteError):
            size_of(ctype, {})
    for ctype in (FunctionType(SCALARS["int"], ()), Named("struct", "s")):
        with pytest.raises(IncompleteError):
            align_of(ctype, {})


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('#define S "s"\nextern int x[S];', "'S' is a string, expected an integer"),
        ("#define N 2\nextern int x[M];", "no constant is named 'M'"),
        ("extern int x[&y];", "this constant expression is not part of"),
        ("int /*@ x */ f(void);", "a clause block inside a declaration"),
        ("int f(a, b);", "a parameter without a type"),
        ("struct s { int a; };\ntypedef struct { int b; } s;", "'struct s' is defined twice"),
        ("extern long long long x;", "'long long long' is no type"),
        ("extern int x[sizeof(int)];", "this constant expression is not part of"),
        ("extern int *;", "invalid declarator"),
        ("//@ assigns \\nothing; requires \\result == 0;\nvoid f(void);", "before the call"),
        ("//@ assigns \\nothing; ensures \\result == 0;\nvoid f(void);", "'f' returns nothing"),
        (
            "struct s;\n//@ assigns \\nothing; asm acquires \\result by fre;\nstruct s *f(void);",
            "fre",
        ),
        ("#define A '\\xfff'", "is no escape sequence of C"),
    ],
)
def test_what_else_is_refused(text: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert what in caught.value.what


def test_numbers_compare_by_value() -> None:
    assert Number(3, type="long") == Number(3)
