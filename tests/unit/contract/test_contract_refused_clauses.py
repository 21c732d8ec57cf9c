"""A clause that says nothing ends in one message, at its line and column."""

from __future__ import annotations

import pytest

from asmith.contract.reader import read_interfaces
from asmith.errors import Place, UsageError
from asmith.model.names import InterfaceName

PRELUDE = """#include <stddef.h>
#define S "s"
struct buffer { char *data; size_t len; };
struct opaque;
"""
PROTOTYPE = "int f(int *p, struct buffer *b, int n, struct opaque *o, void *v, double d);"

CLAUSES = [
    ("requires p", "6:14", "expected a predicate, got 'int *'"),
    ("requires q == 0", "6:14", "no name 'q' is visible here"),
    ("requires n == ", "6:19", "expected a term, got ';'"),
    ("requires n = 3", "6:16", "expected ';', got '='"),
    (r"requires \valid(n)", "6:21", r"'\valid' takes pointers or sets of pointers, got 'int'"),
    (r"requires \valid()", "6:21", "expected a term, got ')'"),
    (r"requires \valid(p, q)", "6:24", "no name 'q' is visible here"),
    (
        r"requires \separated(p)",
        "6:14",
        r"'\separated' takes two or more pointers or sets of pointers, got 1",
    ),
    (r"requires \result == 0", "6:14", r"'\result' has no meaning before the call"),
    (r"requires \old(n) == 0", "6:14", r"'\old' has no meaning before the call"),
    (r"requires \forall integer i; i < n ==> p[i] == 0", "6:14", "'i' is not bounded"),
    (r"requires \forall int n; 0 <= n < 3 ==> \true", "6:26", "'n' already has a meaning here"),
    ("requires b->lem == 0", "6:17", "'struct buffer' has no member 'lem'; did you mean 'len'?"),
    ("requires b.len == 0", "6:16", "'struct buffer *' has no members"),
    ("requires p->x == 0", "6:17", "'int' has no members"),
    ("requires *n == 0", "6:14", "'*' before 'int'"),
    ("requires n[0] == 0", "6:15", "'[' after 'int', expected a pointer"),
    (r"requires \foo(p)", "6:14", r"'\foo' is no word of a clause"),
    (r"requires \fresh(p)", "6:14", r"'\fresh' is not part of the clause language"),
    ("requires p == n", "6:16", "'==' compares 'int *' with 'int'"),
    ("requires b == p", "6:16", "'==' compares 'struct buffer *' with 'int *'"),
    ("requires 1 < n > 2", "6:20", "a chain of comparisons must keep one direction"),
    ("requires valid_string(p)", "6:27", "'valid_string' takes one pointer to char, got 'int *'"),
    (
        "requires o->x == 1",
        "6:17",
        "'struct opaque' is incomplete: nothing is known of its objects",
    ),
    (r"requires \valid(o)", "6:21", r"'\valid' of 'struct opaque *', whose extent is unknown"),
    (r"requires \valid(v)", "6:21", r"'\valid' of 'void *', whose extent is unknown"),
    ("assigns n", "6:13", "the parameter 'n' is the callee's own copy"),
    ("assigns *n", "6:13", "'*' before 'int'"),
    ("assigns p", "6:13", "the parameter 'p' is the callee's own copy"),
    (r"assigns \result", "6:13", r"'\result' is no object that a call could change"),
    (r"ensures \result > n && ", "6:28", "expected a term, got ';'"),
    ("assert n", "6:5", "'assert' is not part of the clause language"),
    ("loop invariant n", "6:5", "'loop' is not part of the clause language"),
    ("decreases n", "6:5", "'decreases' is not part of the clause language"),
    ("foo", "6:5", "'foo' is no clause"),
    ("asm foo", "6:9", "'foo' is no clause"),
    ("asm requires n", "6:9", "'requires' is not written so"),
    ("stack 12", "6:5", "'stack' is not written so"),
    ("asm stack -1", "6:15", "expected a number of bytes"),
    ("asm stack x", "6:15", "expected a number of bytes"),
    ("asm stack 1; asm stack 2", "6:18", "a second 'asm stack' clause"),
    ("asm stack 99999999999", "6:15", "a frame of 99999999999 bytes, expected at most 1073741824"),
    ("asm isa avx", "6:13", "'avx' is no level"),
    ("asm isa x86-64-v9", "6:13", "'x86-64-v9' is no level; did you mean 'x86-64-v4'?"),
    ("asm clobbers foo", "6:18", "'foo' is no register that a convention may name"),
    (
        "asm clobbers eax",
        "6:18",
        "'eax' is no register that a convention may name; did you mean 'rax'?",
    ),
    ("asm in rdi = q", "6:18", "no parameter is named 'q'"),
    ("asm in rdi = n, rdi = p", "6:28", "'rdi' stands twice in one 'asm in' clause"),
    ("asm out rax = n", "6:19", r"expected '\result' of a function that has one"),
    (r"asm acquires \result by nofree", "6:18", "expected a pointer, got 'int'"),
    ("asm outcome : n", "6:17", "expected the name of an outcome, got ':'"),
    ("asm outcome x n", "6:19", "expected ':', got 'n'"),
    ('asm waive abi "x"', "6:15", "'abi' is no name of a rule"),
    ("asm waive ABI1", "6:19", "expected the reason in quotes"),
    ('asm waive ABI1 ""', "6:15", "a waiver without a reason"),
    ("asm library libpq", "6:17", "expected the library's name in quotes"),
    ("asm releases n", "6:18", "expected a pointer, got 'int'"),
    ("asm borrows p from n", "6:24", "expected a pointer, got 'int'"),
    ("asm borrows p", "6:18", "expected 'from', got ';'"),
    ("requires n == 1.5", "6:19", "'1.5' is no integer"),
    ('requires n == "x"', "6:19", "expected a term, got '\"x\"'"),
    ("requires (n == 1", "6:21", "expected ')', got ';'"),
    ("requires n == 1)", "6:20", "expected ';', got ')'"),
    ("requires sizeof(foo) == 3", "6:21", "expected a type, got 'foo'"),
    ("requires sizeof(struct zz) == 3", "6:28", "no 'struct zz' is visible here"),
    ("requires (char *)n == p", "6:14", "a cast of 'int' to 'char *'"),
    ("requires n == $", "6:19", "'$' has no meaning here"),
    ("requires S == 3", "6:14", "'S' is a string, expected an integer"),
    ("requires f == 0", "6:14", "no name 'f' is visible here"),
    ("requires p[0 .. n] == 0", "6:24", "'==' compares a set of values"),
    ("requires p[x] == 0", "6:16", "no name 'x' is visible here"),
    ("requires p[p] == 0", "6:16", "an index that is 'int *'"),
    (r"requires \valid(p + (p .. n))", "6:26", "a range ends at 'int *', expected an integer"),
    ("requires n ? 1 : p", "6:18", "the two sides of '?:' have different types"),
    ("requires d > 0", "6:16", "'>' compares 'double' with an integer"),
    ('asm library "a"; asm library "b"', "6:22", "a second 'asm library' clause"),
    (r"requires \forall double i; \true", "6:22", "a bound variable of type 'double'"),
    (r"requires \forall 3; \true", "6:22", "expected 'integer' or an integer type, got '3'"),
    (r"requires \forall integer i; i", "6:33", "expected a predicate, got an integer"),
    ("requires p * 2 == p", "6:16", "'*' between 'int *' and an integer"),
    ("requires p - b == 0", "6:16", "'-' between 'int *' and 'struct buffer *'"),
    ("requires n == sizeof(struct opaque)", "6:26", "'struct opaque' has no size"),
    ("requires n == sizeof(3)", "6:26", "expected a type, got '3'"),
    ("requires (int *********)p == p", "6:27", "a type with more than 8 stars"),
    ("requires (unsigned float)n == 3", "6:15", "'unsigned float' is no type"),
    ("requires n == 3 ? 1", "6:24", "expected ':', got ';'"),
    ("requires n <= n >= n", "6:21", "a chain of comparisons must keep one direction"),
    ("requires -p == n", "6:14", "'-' before 'int *'"),
    (r"requires \true == \true", "6:20", "'==' compares a predicate with a predicate"),
    ("requires &3 == p", "6:14", "'&' before an integer"),
    ("requires errn == 0", "6:14", "no name 'errn' is visible here; did you mean 'errno'?"),
    ("requires ~d == 0", "6:14", "'~' before 'double'"),
    ("requires (struct buffer)n == 3", "6:14", "a cast of 'int' to 'struct buffer'"),
    (r"ensures \result.x == 0", "6:21", "'int' has no members"),
    (r"ensures \result == \old(n, n)", "6:24", r"'\old' takes one term, got 2"),
    ("asm out rdx = n", "6:19", r"expected '\result' of a function that has one"),
    ("asm in rdi n", "6:16", "expected '=', got 'n'"),
    ("asm dispatch 3", "6:18", "expected ';', got '3'"),
    ("asm", "6:8", "expected the keyword of a clause after 'asm', got ';'"),
    ("asm stack", "6:14", "expected a number of bytes"),
    ("asm waive", "6:14", "expected the name of a rule, got ';'"),
    (r"asm acquires \result from f", "6:18", "expected a pointer, got 'int'"),
    ('asm library "x" header 3', "6:28", "expected a header's name in quotes"),
    ("asm clobbers", "6:17", "expected a register, got ';'"),
    ("3", "6:5", "expected a clause, got '3'"),
    (
        "requires valid_read_string(n)",
        "6:32",
        "'valid_read_string' takes one pointer to char, got 'int'",
    ),
    (
        r"requires \initialized(n)",
        "6:27",
        r"'\initialized' takes pointers or sets of pointers, got 'int'",
    ),
    ("requires n in 3", "6:16", "expected ';', got 'in'"),
    ("requires b->data->x == 0", "6:23", "'char' has no members"),
    (r"requires \exists integer i; \true", "6:14", "'i' is not bounded"),
]


def refused(text: str) -> UsageError:
    """Return the error that ends the reading of a header."""
    with pytest.raises(UsageError) as caught:
        read_interfaces({InterfaceName("i"): ("i.h", text.encode())})
    error = caught.value
    assert isinstance(error.where, Place)
    assert error.where.file == "i.h"
    return error


def place(error: UsageError) -> str:
    """Return line and column of an error."""
    return str(error.where).removeprefix("i.h").removeprefix(":")


@pytest.mark.parametrize(("clause", "where", "what"), CLAUSES)
def test_a_clause_that_says_nothing_is_refused(clause: str, where: str, what: str) -> None:
    block = f"/*@ assigns \\nothing;\n  @ {clause}; */\n"
    error = refused(f"{PRELUDE}{block}{PROTOTYPE}")
    assert (place(error), error.what) == (where, what)


def test_a_term_may_be_only_so_deep_and_so_long() -> None:
    for term in ("(" * 60 + "n" + ")" * 60, "!" * 60 + "n", "(int)" * 60 + "n", "n+" * 300 + "n"):
        error = refused(f"//@ requires {term} == 0;\nint f(int n);")
        assert error.what.startswith("the term ")
