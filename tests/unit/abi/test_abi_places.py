"""Places of arguments and results: the psABI's own cases, and gcc over random prototypes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from asmith.abi import classes
from asmith.abi import places as places_module
from asmith.abi.classes import Part, classify
from asmith.abi.places import Places, places
from asmith.contract.basic import SCALARS, VOID
from asmith.contract.standard import standard_registers
from asmith.model.contract import Array, FunctionType, Named, Pointer
from unit.abi.gcc_oracle import VECTORS, interface_of, verdict
from unit.abi.random_headers import Headers

if TYPE_CHECKING:
    from pathlib import Path

TYPES = """
typedef struct { double x, y; } pair;
typedef struct { int n; float f; double d; } mixed;
typedef struct { long a, b, c; } big;
typedef struct { long double v; } wide;
union odd { long double v; int n; };
union vec { __m128 v; long n; };
struct one { __m256 v; };
struct two { __m256 v; __m128 w; };
struct tiny { char c[3]; };
struct __attribute__((packed)) skew { char c; int n; };
struct __attribute__((packed)) tight { int n; char c; };
struct callback { int (*run)(int); };
struct huge { char c[72]; };
enum color { RED };
"""


def of(prototype: str, extra: tuple[str, ...] = ()) -> Places:
    """Return the places of the function `f` that a prototype declares."""
    interface = interface_of(f"{TYPES}//@ assigns \\nothing;\n{prototype};")
    return places(interface.functions["f"], interface.types, [SCALARS[name] for name in extra])


def shown(found: Places) -> list[str]:
    """Return each argument's registers, or its offset on the stack."""
    return [
        f"[rsp+{a.stack}]" if a.stack is not None else "+".join(a.registers)
        for a in found.arguments
    ]


@pytest.mark.parametrize(
    ("prototype", "arguments", "result"),
    [
        ("void f(void)", [], None),
        ("int f(int a, char *b)", ["rdi", "rsi"], ("rax",)),
        ("double f(double a, int b, float c)", ["xmm0", "rdi", "xmm1"], ("xmm0",)),
        (
            "int f(int a, int b, int c, int d, int e, int g, int h, int i)",
            ["rdi", "rsi", "rdx", "rcx", "r8", "r9", "[rsp+8]", "[rsp+16]"],
            ("rax",),
        ),
        ("long double f(long double a, int b)", ["[rsp+8]", "rdi"], ("st0",)),
        ("wide f(wide a)", ["[rsp+8]"], ("st0",)),
        ("__int128 f(__int128 a, int b)", ["rdi+rsi", "rdx"], ("rax", "rdx")),
        ("pair f(pair a)", ["xmm0+xmm1"], ("xmm0", "xmm1")),
        ("mixed f(mixed a)", ["rdi+xmm0"], ("rax", "xmm0")),
        ("big f(big a, int b)", ["[rsp+8]", "rsi"], ()),
        ("union odd f(union odd a)", ["[rsp+8]"], ()),
        ("union vec f(union vec a)", ["rdi+xmm0"], ("rax", "xmm0")),
        ("__m128 f(__m128 a, __m256 b, __m512 c)", ["xmm0", "ymm1", "zmm2"], ("xmm0",)),
        ("struct one f(struct one a)", ["ymm0"], ("ymm0",)),
        ("struct two f(struct two a)", ["[rsp+8]"], ()),
        ("struct tiny f(struct tiny a)", ["rdi"], ("rax",)),
        ("struct skew f(struct skew a)", ["[rsp+8]"], ()),
        ("struct tight f(struct tight a)", ["rdi"], ("rax",)),
        ("struct callback f(enum color a)", ["rdi"], ("rax",)),
        ("struct huge f(struct huge a)", ["[rsp+8]"], ()),
    ],
)
def test_places_follow_the_psabi(
    prototype: str, arguments: list[str], result: tuple[str, ...] | None
) -> None:
    found = of(prototype)
    assert shown(found) == arguments
    assert (found.result.registers if found.result else None) == result
    assert found.hidden == (result == ())


def test_an_argument_without_enough_registers_leaves_them_to_the_next() -> None:
    found = of("void f(int a, int b, int c, int d, int e, __int128 g, int h, __int128 i)")
    assert shown(found)[5:] == ["[rsp+8]", "r9", "[rsp+24]"]
    assert found.stack_bytes == 32


def test_wide_arguments_on_the_stack_keep_their_alignment() -> None:
    found = of("void f(long double a, big b, struct two c)")
    assert shown(found) == ["[rsp+8]", "[rsp+24]", "[rsp+72]"]
    assert found.stack_align == 32
    assert found.stack_bytes == 128


def test_a_variadic_call_counts_its_vector_registers() -> None:
    found = of("int f(const char *s, ...)", ("double", "int", "double"))
    assert shown(found) == ["rdi", "xmm0", "rsi", "xmm1"]
    assert found.vectors == 2
    assert [a.name for a in found.arguments] == ["s", "...", "...", "..."]
    assert of("int f(const char *s)").vectors is None


def test_in_and_out_clauses_move_single_values() -> None:
    interface = interface_of(
        "/*@ assigns \\nothing; asm in rax = n; asm out rdx = \\result; */ int f(int m, int n);"
        "/*@ assigns \\nothing; asm in rbx = n; */ void g(int n);"
    )
    found = places(interface.functions["f"], {})
    assert shown(found) == ["rdi", "rax"]
    assert found.result is not None
    assert found.result.registers == ("rdx",)
    assert places(interface.functions["g"], {}).result is None


def test_pieces_tell_which_bytes_a_register_holds() -> None:
    (argument,) = of("void f(mixed a)").arguments
    assert [(p.offset, p.size) for p in argument.pieces] == [(0, 8), (8, 8)]
    (argument,) = of("void f(struct tiny a)").arguments
    assert [(p.offset, p.size) for p in argument.pieces] == [(0, 3)]


def test_classes_that_meet_are_merged() -> None:
    header = (
        "union a { float f; int n; }; union b { long double v; float f; };"
        "union c { __m128 v; long n; }; union d { float f; double g; };"
        "union e { __m128 v; long double w; }; struct f { __m128 v[2]; };"
    )
    types = interface_of(header).types
    found = {t: classify(Named("union", t), types) for t in types}
    assert found == {
        "a": (Part.INTEGER,),
        "b": (Part.MEMORY,),
        "c": (Part.INTEGER, Part.SSE),
        "d": (Part.SSE,),
        "e": (Part.MEMORY,),
        "f": (Part.MEMORY,),
    }


def test_classes_of_what_is_never_passed() -> None:
    assert classify(VOID, {}) == ()
    assert classify(FunctionType(VOID, ()), {}) == (Part.INTEGER,)
    assert classify(Array(SCALARS["float"], 3), {}) == (Part.SSE, Part.SSE)
    assert classify(Array(Pointer(Named("struct", "none")), 2), {}) == (Part.INTEGER,) * 2


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["int", "double", "char *", "float", "long"]), max_size=18))
def test_the_registers_of_scalars_are_known_without_classes(types: list[str]) -> None:
    parameters = ", ".join(f"{t} p{n}" for n, t in enumerate(types)) or "void"
    interface = interface_of(f"//@ assigns \\nothing;\nfloat f({parameters});")
    found = places(interface.functions["f"], {})
    expected = {a.name: a.registers[0] for a in found.arguments if a.pieces}
    assert standard_registers(interface.functions["f"]) == {**expected, "\\result": "xmm0"}


# ---- gcc -----------------------------------------------------------------------------------------

needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is the oracle")


@needs_gcc
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.randoms(use_true_random=False))
def test_gcc_agrees_on_layouts_and_places(tmp_path: Path, random: object) -> None:
    headers = Headers(random, VECTORS)
    text = headers.text(25)
    assert verdict(text, headers.extra, tmp_path) == "", text


@needs_gcc
@pytest.mark.parametrize(
    ("owner", "name", "wrong"),
    [
        (places_module, "INTEGER_REGISTERS", ("rdi", "rdx", "rsi", "rcx", "r8", "r9")),
        (places_module, "VECTOR_RESULTS", ("xmm1", "xmm0")),
        (places_module, "FIRST_ON_STACK", 16),
        (classes, "_LARGEST", 1),
    ],
)
def test_the_oracle_sees_a_wrong_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, wrong: object
) -> None:
    monkeypatch.setattr(owner, name, wrong)
    text = (
        f"{TYPES}//@ assigns \\nothing;\npair f(int a, long b, big c, pair d);\n"
        "//@ assigns \\nothing;\nint g(int a, int b, int c, int d, int e, int g, int h);\n"
    )
    assert verdict(text, {}, tmp_path)
