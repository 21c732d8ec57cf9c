"""Scalars between Python and C."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from verify_contracts import BOOL, CHAR, DOUBLE, FLOAT, INT, LDOUBLE, LONG, UCHAR, ULONG, USHORT

from asmith.verify.values import bounds, enumerator, from_register, integer, real, to_register

if TYPE_CHECKING:
    from asmith.model.contract import Scalar

INTEGERS = st.sampled_from([BOOL, CHAR, UCHAR, USHORT, INT, LONG, ULONG])
WORDS = st.integers(0, 2**64 - 1)


@given(INTEGERS, st.integers(-(2**65), 2**65))
def test_an_integer_passes_whole_or_not_at_all(scalar: Scalar, value: int) -> None:
    low, high = bounds(scalar)
    if low <= value <= high:
        assert integer(value, scalar, "x") == value
    else:
        with pytest.raises(
            ValueError, match=f"x takes {scalar.name}: {low} .. {high}, got {value}"
        ):
            integer(value, scalar, "x")


@given(INTEGERS, WORDS, st.data())
def test_a_register_holds_value_and_junk_apart(
    scalar: Scalar, junk: int, data: st.DataObject
) -> None:
    value = data.draw(st.integers(*bounds(scalar)))
    register = to_register(value, junk, size=scalar.size)
    assert from_register(register, size=scalar.size, signed=scalar.signed) == value
    assert register >> 8 * scalar.size == junk >> 8 * scalar.size
    assert 0 <= register < 2**64


@pytest.mark.parametrize("value", [1.5, "1", None, b"1"])
def test_only_ints_are_integers(value: object) -> None:
    with pytest.raises(TypeError, match=r"parameter 'n' of f takes int, got"):
        integer(value, INT, "parameter 'n' of f")
    with pytest.raises(TypeError, match="takes an enumerator"):
        enumerator(value, 4, "x")


def test_an_enum_is_signed_or_unsigned() -> None:
    assert enumerator(-(2**31), 4, "x") == -(2**31)
    assert enumerator(2**32 - 1, 4, "x") == 2**32 - 1
    with pytest.raises(ValueError, match="got 4294967296"):
        enumerator(2**32, 4, "x")


@given(st.floats(width=32))
def test_a_float_passes(value: float) -> None:
    assert real(value, FLOAT, "x") == value or math.isnan(value)


def test_a_number_too_great_is_no_infinity() -> None:
    assert real(math.inf, FLOAT, "x") == math.inf
    assert real(1e300, DOUBLE, "x") == 1e300
    assert real(3, LDOUBLE, "x") == 3.0
    with pytest.raises(ValueError, match=r"x takes float: up to 3\.40282e\+38, got 1e\+39"):
        real(1e39, FLOAT, "x")
    with pytest.raises(ValueError, match="x takes double"):
        real(10**400, DOUBLE, "x")
    with pytest.raises(TypeError, match="got bool True"):
        real(True, DOUBLE, "x")
