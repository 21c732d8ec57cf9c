"""Terms: canonical texts, types, and what they are as values."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asmith.contract import render
from asmith.contract.quantifiers import conjuncts, is_bounded
from asmith.contract.reader import read_interfaces
from asmith.errors import UsageError
from asmith.model.contract import (
    Applied,
    Clause,
    Index,
    Locations,
    Member,
    Name,
    Number,
    OfType,
    Operation,
    Predicate,
    Quantified,
    Range,
    Role,
    Scalar,
    Term,
    Words,
)
from asmith.model.names import InterfaceName

DECLARED = """#include <stddef.h>
enum color { RED };
struct opaque;
struct inner { int a[4]; };
struct data { char *text; size_t len; struct inner in; struct data *next; };
#define LIMIT 9
extern int count;
extern int numbers[8];
//@ assigns \\nothing;
int other(int x);
"""
PROTOTYPE = (
    "struct data *f(int n, unsigned char c, char *s, const char *t, void *v, struct data *d,"
    " struct data e, int **pp, enum color k, struct opaque *o, double x, int (*call)(int));"
)


def clauses(block: str) -> tuple[Clause, ...]:
    """Return the clauses of a block before the function `f`."""
    text = f"{DECLARED}/*@ assigns \\nothing; {block}; */\n{PROTOTYPE}"
    name = InterfaceName("i")
    return read_interfaces({name: ("i.h", text.encode())})[name].functions["f"].clauses[1:]


def term(text: str, keyword: str = "requires") -> Term:
    """Return the predicate that a text says."""
    (clause,) = clauses(f"{keyword} {text}")
    assert isinstance(clause.body, Predicate)
    return clause.body.term


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("((n))==(0x10)", "n == 16"),
        ("n - (c - 1) - 2 == 0", "n - (c - 1) - 2 == 0"),
        ("(n - c) - 1 == 0", "n - c - 1 == 0"),
        ("n*(c+1) == -n*-1", "n * (c + 1) == -n * -1"),
        ("- -n == 1 && -(-1) == 1", "- -n == 1 && - -1 == 1"),
        ("~n == +c", "~n == c"),
        ("!(n == 1) && !(!(c))", "!(n == 1) && !!c"),
        ("(n == 1 ==> c == 2) ==> n == 3", "(n == 1 ==> c == 2) ==> n == 3"),
        ("n == 1 ==> (c == 2 ==> n == 3)", "n == 1 ==> c == 2 ==> n == 3"),
        ("n ==> c <==> k ^^ n", "n ==> c <==> k ^^ n"),
        ("(n ? c : 1) ? n == 1 : (n ? 1 : 0)", "(n ? c : 1) ? n == 1 : n ? 1 : 0"),
        ("0 <= n < c <= LIMIT", "0 <= n && n < c && c <= LIMIT"),
        ("LIMIT > n >= c == 3", "LIMIT > n && n >= c && c == 3"),
        ("0 == n == c", "0 == n && n == c"),
        ("n < 3 && c == 1 || k == RED", "n < 3 && c == 1 || k == RED"),
        ("n < 3 && (c == 1 || k == RED)", "n < 3 && (c == 1 || k == RED)"),
        ("(n & c | k ^ 1) << 2 != n >> 1", "(n & c | k ^ 1) << 2 != n >> 1"),
        (
            "s[0] == 'a' && s[1] != '\\n' && c != '\\''",
            "s[0] == 'a' && s[1] != '\\x0a' && c != '\\''",
        ),
        ("s[0] == '\\xff'", "s[0] == '\\xff'"),
        ("(*d).len == d->len", "(*d).len == d->len"),
        ("*d->text == 0 && (*d->next).in.a[n] == e.in.a[0]", None),
        ("**pp == *pp[0] && &*s == s && &d->in != \\null", None),
        ("(char *) v + n == s && (size_t)n == sizeof (struct data *)", None),
        ("(unsigned long int)c == sizeof(unsigned)", "(unsigned long)c == sizeof(unsigned int)"),
        ("(struct data *)v == d && (const char *)v == t && (int *const *)v == pp", None),
        ("sizeof(enum color) == sizeof(__m128) / 4", None),
        ("\\valid(s + (0..n-1), t + (..), d)", "\\valid(s + (0 .. n - 1), t + (..), d)"),
        ("\\valid_read(s + (n ..)) && \\valid((char*)v + (.. 3))", None),
        ("\\valid(v + (0 .. n)) && \\valid(numbers + (0 .. 7))", None),
        ("\\separated(s, &count, d->next)", "\\separated(s, &count, d->next)"),
        ("\\initialized(&d->in.a[0 .. 3])", "\\initialized(&d->in.a[0 .. 3])"),
        ("s == 0 || 0 != t || d == NULL || v == s", None),
        ("t - s == 3 && 1 + s == s + 1 && n + numbers == numbers", None),
        ("call != \\null && errno == 0 && count < numbers[count]", None),
        ("\\forall integer i, j; 0 <= i < n && 0 <= j <= i ==> s[i] == s[j]", None),
        ("\\forall int i, size_t j; (n > i && i >= 0) && j == 1 ==> \\true", None),
        ("\\exists integer i; 0 <= i < n && (\\forall integer j; 0 < j < i ==> s[j] != 0)", None),
        ("n == 1 && (\\exists integer i; i == 3) || \\false", None),
        ("(n == 1 ? s : t) != \\null && (n ? d->text : s) == \\null", None),
    ],
)
def test_a_term_has_one_text_and_means_what_it_says(text: str, canonical: str | None) -> None:
    first = term(text)
    once = render.term(first)
    assert canonical is None or once == canonical
    again = term(once)
    assert again == first
    assert render.term(again) == once


@pytest.mark.parametrize(
    "text", ["\\result == d", "\\old(n) == n", "\\old(*s) == *s", "\\result->len == 0"]
)
def test_what_is_said_of_the_state_after_the_call(text: str) -> None:
    assert render.term(term(text, "ensures")) == text
    with pytest.raises(UsageError, match="no meaning before the call"):
        term(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("0 < n == c > 3", "'==' compares 'int' with a predicate"),
        ("n != c != k", "a chain of comparisons must keep one direction"),
        ("n == c < 3", "'==' compares 'int' with a predicate"),
        ("\\separated(n, s)", "takes two or more pointers or sets of pointers, got 'int'"),
        ("s[n = 1]", "expected ']', got '='"),
        ("\\valid(s + (0 ... n))", "expected ')', got '...'"),
        ("e->len == 0", "'->' after 'struct data', expected a pointer"),
        ("k.a == 0", "'enum color' has no members"),
        ("n.a == 0", "'int' has no members"),
        ("(1 .. 2) == n", "'==' compares a set of values"),
        ("s + (1 .. 2)", "expected a predicate, got 'char *'"),
        ("(struct inner *******)n == s", "a cast of 'int' to"),
        ("(struct date *)v == d", "no 'struct date' is visible here; did you mean 'data'?"),
        ("s[(0 .. n) .. 3] == 1", "a range ends at an integer, expected an integer"),
        ("*o == 1", "'struct opaque' is incomplete: nothing is known of its objects"),
        ("o[0] == 1", "'struct opaque' is incomplete"),
        ("*call == 1", "incomplete"),
        ("&n == pp", "'==' compares 'int *' with 'int **'"),
        ("&(n + 1) == s", "'&' before an integer"),
        ("!s", "expected a predicate, got 'char *'"),
        ("e == e", "'==' compares 'struct data' with 'struct data'"),
        ("(unsigned void)n == 1", "'unsigned void' is no type"),
        ("\\forall integer i, 3; \\true", "expected the name of a bound variable, got '3'"),
        ("\\forall integer i; 0 <= i <= n", "'i' is not bounded"),
        ("\\forall integer i; i == n ==> \\forall integer i; i == n ==> \\true", "already"),
        ("sizeof n == 4", "expected '(', got 'n'"),
        ("valid_string(v)", "takes one pointer to char, got 'void *'"),
        ("\\valid(call)", "whose extent is unknown"),
        (
            "other == \\null && nother == 0",
            "no name 'nother' is visible here; did you mean 'other'?",
        ),
        ("\\result == 0", "no meaning before the call"),
    ],
)
def test_a_term_of_the_wrong_type_is_refused(text: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        term(text)
    assert what in caught.value.what


def test_a_term_is_a_tree() -> None:
    n = Name("n", Role.PARAMETER)
    assert term("d->len == LIMIT + 'a'") == Operation(
        "==",
        (
            Member(Name("d", Role.PARAMETER), "len", arrow=True),
            Operation("+", (Name("LIMIT", Role.CONSTANT), Number(97, character=True))),
        ),
    )
    assert term("\\forall int i; 0 <= i < n ==> numbers[i] == count") == Quantified(
        "\\forall",
        (("i", Scalar("int", 4, 4, term_kind(), signed=True)),),
        Operation(
            "==>",
            (
                Operation(
                    "&&",
                    (
                        Operation("<=", (Number(0), Name("i", Role.BOUND))),
                        Operation("<", (Name("i", Role.BOUND), n)),
                    ),
                ),
                Operation(
                    "==",
                    (
                        Index(Name("numbers", Role.DATA), Name("i", Role.BOUND)),
                        Name("count", Role.DATA),
                    ),
                ),
            ),
        ),
    )


def term_kind() -> object:
    """Return the class of int."""
    from asmith.contract.basic import INT

    return INT.kind


def test_other_bodies_are_values_too() -> None:
    found = clauses(
        "assigns errno, s[0 .. n]; asm acquires d->text by other; asm in rax = n, rdi = s;"
        'asm stack 8; asm waive ABI1 "so"; asm takes s, v; asm borrows \\result from d'
    )
    s, d = Name("s", Role.PARAMETER), Name("d", Role.PARAMETER)
    assert [c.body for c in found] == [
        Locations(
            (
                Name("errno", Role.GHOST),
                Index(s, Range(Number(0), Name("n", Role.PARAMETER))),
            )
        ),
        Locations((Member(d, "text", arrow=True),), Name("other", Role.FUNCTION)),
        Words(pairs=(("rax", "n"), ("rdi", "s"))),
        Words(("8",)),
        Words(("ABI1", "so")),
        Locations((s, Name("v", Role.PARAMETER))),
        Locations((Applied("\\result"),), d),
    ]
    assert [c.text for c in found] == [
        "errno, s[0 .. n]",
        "d->text by other",
        "rax = n, rdi = s",
        "8",
        'ABI1 "so"',
        "s, v",
        "\\result from d",
    ]


def test_the_end_of_a_block_ends_its_clause() -> None:
    assert [c.text for c in clauses("requires n == 1; */ /*@ requires n == 2")] == [
        "n == 1",
        "n == 2",
    ]


def test_bounds_are_found_among_conjuncts() -> None:
    i, n = Name("i", Role.BOUND), Name("n", Role.PARAMETER)
    low, high = Operation("<=", (Number(0), i)), Operation(">", (n, i))
    both = Operation("&&", (low, high))
    assert list(conjuncts(Operation("&&", (both, low)))) == [low, high, low]
    assert is_bounded("\\exists", "i", both)
    assert not is_bounded("\\exists", "j", both)
    assert not is_bounded("\\forall", "i", both)
    assert is_bounded("\\forall", "i", Operation("==>", (both, low)))
    assert is_bounded("\\exists", "i", Operation("==", (n, i)))
    assert not is_bounded("\\exists", "i", Operation("||", (low, high)))


# ---- any tree ------------------------------------------------------------------------------------

_ARITHMETIC = st.sampled_from(["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"])
_LOGIC = st.sampled_from(["&&", "||", "==>", "<==>", "^^"])
_LEAVES = st.sampled_from(["n", "c", "1", "LIMIT", "d->len", "s[n]", "*s", "count", "'x'"])
_INTEGERS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(
            "({} {} {})".format,
            inner,
            st.sampled_from(["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"]),
            inner,
        ),
        st.builds("{}({})".format, st.sampled_from(["-", "~", "(int)"]), inner),
    ),
    max_leaves=8,
)
_PREDICATES = st.recursive(
    st.builds(
        "({} {} {})".format,
        _INTEGERS,
        st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
        _INTEGERS,
    ),
    lambda inner: st.one_of(
        st.builds(
            "({} {} {})".format, inner, st.sampled_from(["&&", "||", "==>", "<==>", "^^"]), inner
        ),
        st.builds("!({})".format, inner),
        st.builds("({} ? {} : {})".format, inner, _INTEGERS, _INTEGERS),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(_PREDICATES)
def test_reading_the_canonical_text_gives_the_same_term(text: str) -> None:
    first = term(text)
    assert term(render.term(first)) == first


def test_a_cast_of_a_type_is_no_parenthesis() -> None:
    (compared,) = (term("(size_t)n == 1"),)
    assert isinstance(compared, Operation)
    assert isinstance(compared.operands[0], OfType)
