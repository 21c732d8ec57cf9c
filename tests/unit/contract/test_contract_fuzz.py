"""Whatever the bytes are: an interface, or one clear message, within a second."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from asmith.contract.reader import read_interfaces
from asmith.errors import UsageError
from asmith.model.names import InterfaceName
from unit.contract.header_fuzz import SEED, is_clear, judged, mutated, sentence


def test_the_seed_is_a_good_header() -> None:
    assert judged(SEED) == "read"


@settings(max_examples=800, deadline=None)
@given(st.randoms(use_true_random=False))
def test_mutated_headers_end_well(random: object) -> None:
    judged(mutated(random))


@settings(max_examples=800, deadline=None)
@given(st.randoms(use_true_random=False))
def test_random_sentences_end_well(random: object) -> None:
    judged(sentence(random))


def test_the_fuzzers_reach_both_ends() -> None:
    for make in (mutated, sentence):
        ends = Counter(judged(make(Random(n))) for n in range(150))  # noqa: S311 -- reproducible
        assert min(ends["read"], ends["refused"]) >= 10, (make.__name__, ends)


@settings(max_examples=300, deadline=None)
@example(b"\xef\xbb\xbf")
@example(b"\\\n")
@example(b"//@")
@example(b"/*@*/")
@example(b"/*@@*/int x;")
@example(b"#")
@example("//@ \u00a0".encode())
@example("//@ // x\n//@ \u2028".encode())
@example("\x0cint \u0085 f(foo x);\n".encode())
@given(st.binary(max_size=200))
def test_any_bytes_end_well(data: bytes) -> None:
    try:
        read_interfaces({InterfaceName("i"): ("i.h", data)})
    except UsageError as error:
        outcome = is_clear(error)
    else:
        outcome = True
    assert outcome


def test_long_and_deep_headers_end_within_a_second() -> None:
    for text in (
        "/*@" * 10_000,
        "//@ x\n" * 10_000,
        "(" * 60_000,
        "extern int " + "*" * 60_000 + "x;",
        "extern int x" + "[1]" * 20_000 + ";",
        "extern int " + ", ".join(f"x{n}" for n in range(7_000)) + ";",
        "enum e { A = " + "1+" * 20_000 + "1 };",
        "#define A " + "1+" * 20_000 + "1\n",
        "#define A " + "(" * 20_000 + "1\n",
        "//@ requires " + "a" * 60_000 + ";\nint f(void);",
        "//@ requires n" + "->x" * 20_000 + ";\nint f(int n);",
        "//@ requires " + "n;" * 20_000 + "\nint f(int n);",
        "struct s {" * 10_000,
        "int f(" + "int (*" * 10_000,
        "#" * 60_000,
        "@" * 60_000 + "/*@" + "@" * 10_000,
        "/*" + "*" * 60_000,
        '"' + "\\\\" * 20_000,
        "int " * 20_000 + "x;",
        "typedef int t;" + "t " * 20_000,
        "".join(f"#define A{n} {n}\n" for n in range(3_000)),
        "extern int *x;" * 4_500,
    ):
        judged(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("/*@;\\ \n#=a1'\"(){}\u00a0\u2028\x0c,.&"), max_size=60))
def test_any_punctuation_ends_well(text: str) -> None:
    judged(text)
    judged(f"//@ {text}\nint f(int a);")
