"""The contract file: what is rendered is read back, whole."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from verify_contracts import BAD, CHAR, DOUBLE, GOOD, INT, LDOUBLE, OUT, TEXT, ULONG, VOID

from asmith.errors import UsageError
from asmith.model.contract import (
    Aggregate,
    Array,
    Audience,
    Clause,
    Constant,
    CType,
    Data,
    Field,
    Function,
    FunctionType,
    Interface,
    Named,
    Parameter,
    Pointer,
)
from asmith.model.names import Digest, InterfaceName
from asmith.verify.contract_json import load, render, select
from asmith.verify.type_json import spell, type_from_json, type_to_json

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
KEYWORDS = st.sampled_from(["struct", "union", "enum"])


def _wider(inner: st.SearchStrategy[CType]) -> st.SearchStrategy[CType]:
    return st.one_of(
        st.builds(Pointer, inner, st.booleans()),
        st.builds(Array, inner, st.none() | st.integers(0, 99)),
        st.builds(FunctionType, inner, st.lists(inner, max_size=3).map(tuple), st.booleans()),
    )


TYPES: st.SearchStrategy[CType] = st.recursive(
    st.sampled_from([VOID, CHAR, INT, ULONG, DOUBLE, LDOUBLE]) | st.builds(Named, KEYWORDS, NAMES),
    _wider,
    max_leaves=5,
)
SIZES = st.integers(0, 1 << 20)
FIELDS = st.builds(Field, NAMES, TYPES, SIZES, SIZES)
FUNCTIONS = st.builds(
    Function,
    NAMES,
    TYPES,
    st.lists(st.builds(Parameter, NAMES, TYPES), max_size=4).map(tuple),
    st.booleans(),
    st.booleans(),
    st.lists(
        st.builds(
            Clause,
            st.sampled_from(["requires", "ensures", "stack"]),
            NAMES.map(lambda n: f"valid_read_string({n}) && n >= 0"),
            st.sampled_from(Audience),
        ),
        max_size=2,
    ).map(tuple),
    st.integers(0, 99),
)
AGGREGATES = st.builds(
    Aggregate, KEYWORDS, NAMES, st.lists(FIELDS, max_size=3).map(tuple), SIZES, SIZES, st.booleans()
)


@st.composite
def interfaces(draw: st.DrawFn) -> Interface:
    return Interface(
        name=InterfaceName("x"),
        path="interfaces/x.h",
        digest=Digest(""),
        functions={f.name: f for f in draw(st.lists(FUNCTIONS, max_size=3))},
        data={
            name: Data(name, draw(TYPES), const=draw(st.booleans()))
            for name in draw(st.lists(NAMES, max_size=2))
        },
        constants={
            name: Constant(name, draw(st.integers() | st.text(max_size=9)))
            for name in draw(st.lists(NAMES, max_size=2))
        },
        types={a.tag: a for a in draw(st.lists(AGGREGATES, max_size=2))},
    )


@given(TYPES)
def test_a_type_is_read_back(ctype: CType) -> None:
    assert type_from_json(json.loads(json.dumps(type_to_json(ctype)))) == ctype


@given(interfaces())
def test_an_interface_is_read_back(interface: Interface) -> None:
    text = render([interface])
    assert load(text) == select([interface])
    assert json.loads(text)["schema"] == 1


def test_the_text_does_not_depend_on_order_or_lines() -> None:
    other = replace(
        GOOD,
        functions={n: replace(f, line=9) for n, f in reversed(list(GOOD.functions.items()))},
    )
    assert render([GOOD]) == render([other])


def test_strings_come_from_the_clauses() -> None:
    contract = select([GOOD])
    assert contract.strings["length"] == {"a"}
    assert contract.strings["sum_bytes"] == frozenset()


def test_the_same_name_twice_must_be_the_same_thing() -> None:
    assert select([GOOD, GOOD]) == select([GOOD])
    changed = replace(BAD, constants={"BUFFER_MAX": Constant("BUFFER_MAX", 1)})
    with pytest.raises(UsageError, match="'BUFFER_MAX' is declared differently"):
        select([GOOD, changed])


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": 2}', '{"schema": 1}', '{"schema": 1, "functions": {"f": 3}}'],
)
def test_a_damaged_file_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        load(text)


@pytest.mark.parametrize(
    ("ctype", "spelling"),
    [
        (TEXT, "const char *"),
        (Pointer(OUT), "char **"),
        (Pointer(TEXT), "const char **"),
        (Pointer(Named("struct", "buffer")), "struct buffer *"),
        (Array(INT, 3), "int[3]"),
        (Pointer(FunctionType(INT, (TEXT,), variadic=True)), "int (*)(const char *, ...)"),
        (Pointer(FunctionType(VOID, ())), "void (*)(void)"),
    ],
)
def test_types_are_spelled_as_in_c(ctype: CType, spelling: str) -> None:
    assert spell(ctype) == spelling
