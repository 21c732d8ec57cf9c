"""Structs as ctypes classes, against the offsets that the contract reader computes."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from typing import Any

import pytest
from verify_contracts import BUFFER, INT, POINT

from asmith.contract.reader import read_interfaces
from asmith.errors import AsmithError
from asmith.model.contract import Array, Class, Named, Scalar
from asmith.verify.contract_json import load, render
from asmith.verify.layout import Layout
from asmith.verify.memory import Arena
from asmith.verify.pointers import Pointers

HEADER = b"""\
#ifndef SHAPES_H
#define SHAPES_H
#include <stdint.h>
#include <stdbool.h>
enum color { RED, GREEN = 5 };
typedef struct inner { char tag; uint64_t big; } inner;
typedef struct mixed {
    bool set;
    int16_t small;
    union { long whole; double real; };
    enum color color;
    inner many[2];
    char name[5];
    const char *text;
    long double wide;
} mixed;
typedef union either { int32_t i; float f; uint8_t raw[8]; } either;
#endif
"""


def layout_of(aggregates: Any) -> Layout:
    pointers = Pointers(Arena(), lambda *_: None)
    made = Layout(aggregates, pointers)
    pointers.layout = made
    return made


@pytest.fixture(scope="module")
def layout() -> Layout:
    read = read_interfaces({"shapes": ("interfaces/shapes.h", HEADER)})  # type: ignore[dict-item]
    return layout_of(load(render(read.values())).aggregates)


def test_offsets_and_sizes_are_those_of_the_contract(layout: Layout) -> None:
    mixed = layout.class_of("struct", "mixed")
    assert ctypes.sizeof(mixed) == mixed.aggregate.size == 96
    got = {name: getattr(mixed, name).offset for name in mixed.members}
    assert got == {f.name: f.offset for f in mixed.aggregate.fields}
    assert got["whole"] == got["real"] == 8


def test_every_field_is_written_where_it_is_read(layout: Layout) -> None:
    mixed = layout.class_of("struct", "mixed")
    value = mixed(
        set=True,
        small=-2,
        real=1.5,
        color=5,
        many=[{"tag": 1, "big": 2**64 - 1}],
        name="ab",
        text=b"hello",
        wide=0.5,
    )
    assert (value.set, value.small, value.real, value.color, value.wide) == (True, -2, 1.5, 5, 0.5)
    assert value.whole == int.from_bytes(b"\0\0\0\0\0\0\xf8\x3f", "little")
    assert (value.many[0].tag, value.many[0].big, value.many[1].big) == (1, 2**64 - 1, 0)
    assert bytes(value.name) == b"ab\0\0\0"
    assert ctypes.string_at(value.text, 5) == b"hello"
    assert repr(layout.class_of("union", "either")(i=1)).startswith("either(i=1, f=1.4")


def test_fields_are_checked(layout: Layout) -> None:
    mixed = layout.class_of("struct", "mixed")
    for fields, message in (
        ({"small": 40000}, "field 'small' of struct mixed takes short: -32768 .. 32767"),
        ({"name": b"123456"}, "takes up to 5 elements, got 6"),
        ({"many": [1]}, "element 0 of field 'many' of struct mixed takes struct inner, got int"),
        ({"text": 1.5}, r"takes const char \*, got float"),
        ({"nam": b""}, "struct mixed has no field 'nam'; did you mean 'name'"),
    ):
        with pytest.raises((TypeError, ValueError, AttributeError), match=message):
            mixed(**fields)


def test_unions_are_known_wherever_they_are(layout: Layout) -> None:
    assert layout.has_union(Named("union", "either"))
    assert layout.has_union(Array(Named("struct", "mixed"), 2))
    assert not layout.has_union(Named("struct", "inner"))


def test_a_layout_that_ctypes_does_not_share_is_refused() -> None:
    wrong = replace(POINT, fields=(POINT.fields[0], replace(POINT.fields[1], offset=6)), size=12)
    with pytest.raises(AsmithError, match="struct point is not laid out as its contract states"):
        layout_of({"struct point": wrong}).class_of("struct", "point")


def test_what_ctypes_cannot_hold_is_named() -> None:
    made = layout_of({"struct buffer": BUFFER})
    with pytest.raises(AsmithError, match="cannot pass or return '__int128'"):
        made.of(Scalar("__int128", 16, 16, Class.INTEGER, signed=True))
    with pytest.raises(
        AsmithError, match="what is in 'struct bufer'; did you mean 'struct buffer'"
    ):
        made.class_of("struct", "bufer")
    assert made.of(Array(INT, None)) is not None
