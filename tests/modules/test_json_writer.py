"""json_writer through its contract, against Python's own JSON."""

import json

from hypothesis import given
from hypothesis import strategies as st

BEFORE = st.sampled_from([b"", b"{", b"[", b"{,", b'{"a":1', b"[[", b"}", b"]", b"x"])
KEY = st.text("abcdefghij_", min_size=1, max_size=12).map(str.encode)
RAW = st.sampled_from([b"0", b"null", b"true", b"18446744073709551615", b"{}"])


def call(module, name, before, parts, room):
    """Call a function on a buffer with `before` in it and `room` bytes left, then a guard page."""
    cap = len(before) + room
    data = module.memory(cap, fill=0xAA)
    data[: len(before)] = before
    out = module.buffer(data=data, len=len(before), cap=cap)
    arguments = [a for part in parts for a in (part, len(part))]
    result = module[name](out, *arguments)
    return result, out.len, bytes(data)


def member(before, key, value):
    comma = b"" if not before or before[-1:] in b"{[," else b","
    return comma + b'"' + key + b'":' + value


def assert_appends(module, name, before, parts, expected, data):
    """Whole with enough room, refused with any less."""
    whole = before + expected
    assert call(module, name, before, parts, len(expected)) == (0, len(whole), whole)
    if expected:
        room = data.draw(st.integers(0, len(expected) - 1))
        result, length, written = call(module, name, before, parts, room)
        assert (result, length) == (module.BUFFER_FULL, len(before))
        assert written[: len(before)] == before


@given(before=BEFORE, text=st.binary(max_size=60), data=st.data())
def test_append(module, before, text, data):  # FR-001, FR-002
    assert_appends(module, "json_append", before, [text], text, data)


def test_nothing_is_read_for_no_bytes(module):  # FR-002
    out = module.buffer(data=module.memory(1), len=0, cap=1)
    assert module.json_append(out, None, 0) == 0
    assert out.len == 0


@given(before=BEFORE, key=KEY, value=RAW, data=st.data())
def test_member_raw(module, before, key, value, data):  # FR-001, FR-003
    expected = member(before, key, value)
    assert_appends(module, "json_member_raw", before, [key, value], expected, data)


@given(before=BEFORE, key=KEY, value=st.text(max_size=30), data=st.data())
def test_member_string(module, before, key, value, data):  # FR-001, FR-004
    text = value.encode()
    literal = json.dumps(value, ensure_ascii=False).replace("\x7f", "\x7f").encode()
    expected = member(before, key, literal)
    assert_appends(module, "json_member_string", before, [key, text], expected, data)
