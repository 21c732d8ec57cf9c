"""int_codec through its contract."""

from hypothesis import given
from hypothesis import strategies as st

U64 = st.integers(0, 2**64 - 1)


def formatted(module, value, *, before=b"", room=20):
    """Append to a buffer that ends at a guard page; return result, length and bytes."""
    cap = len(before) + room
    data = module.memory(cap, fill=0xAA)
    data[: len(before)] = before
    out = module.buffer(data=data, len=len(before), cap=cap)
    result = module.u64_format(out, value)
    return result, out.len, bytes(data)


def test_zero_is_one_digit(module):  # FR-001
    assert formatted(module, 0)[:2] == (0, 1)


def test_the_largest_value_fills_twenty_bytes(module):  # FR-001
    assert formatted(module, 2**64 - 1) == (0, 20, b"18446744073709551615")


@given(value=U64, before=st.binary(max_size=3))
def test_it_appends_what_python_prints(module, value, before):  # FR-001
    digits = str(value).encode()
    result, length, data = formatted(module, value, before=before)
    assert (result, length) == (0, len(before) + len(digits))
    assert data[:length] == before + digits
    assert set(data[length:]) <= {0xAA}


@given(value=U64)
def test_a_text_that_fits_exactly_is_written(module, value):  # FR-002
    digits = str(value).encode()
    assert formatted(module, value, room=len(digits)) == (0, len(digits), digits)


@given(value=U64, before=st.binary(max_size=3))
def test_one_byte_less_changes_nothing(module, value, before):  # FR-002
    room = len(str(value)) - 1
    result, length, data = formatted(module, value, before=before, room=room)
    assert (result, length) == (module.BUFFER_FULL, len(before))
    assert data == before + b"\xaa" * room


def parsed(module, text):
    value = module.memory(8, fill=0x55)
    result = module.u64_parse(text, len(text), value)
    return result, int.from_bytes(bytes(value), "little")


@given(value=U64, zeros=st.integers(0, 25))
def test_digits_are_read_with_leading_zeros(module, value, zeros):  # FR-003
    assert parsed(module, b"0" * zeros + str(value).encode()) == (0, value)


UNTOUCHED = 0x5555555555555555


@given(st.integers(2**64, 10**30))
def test_a_larger_value_is_malformed(module, value):  # FR-004
    assert parsed(module, str(value).encode()) == (module.INT_MALFORMED, UNTOUCHED)


def test_the_first_value_too_large_is_malformed(module):  # FR-004
    for value in (2**64, 2**64 + 9, 10 * 2**64, 99999999999999999999):
        assert parsed(module, str(value).encode()) == (module.INT_MALFORMED, UNTOUCHED)


@given(st.binary(max_size=8).filter(lambda b: not b.isdigit()))
def test_any_other_byte_is_malformed(module, text):  # FR-004
    assert parsed(module, text) == (module.INT_MALFORMED, UNTOUCHED)
