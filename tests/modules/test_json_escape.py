"""json_escape through its contract, against Python's own JSON."""

import json

from hypothesis import given
from hypothesis import strategies as st

SHORT = {0x22: b'\\"', 0x5C: b"\\\\", 8: b"\\b", 9: b"\\t", 10: b"\\n", 12: b"\\f", 13: b"\\r"}


def literal(text):
    """Return the literal that FR-001 to FR-004 ask for."""
    parts = [SHORT.get(b, b"\\u%04x" % b if b < 0x20 else bytes([b])) for b in text]
    return b'"' + b"".join(parts) + b'"'


def escaped(module, text, *, before=b"", room=None):
    """Append to a buffer that ends at a guard page; return result, length and bytes."""
    cap = len(before) + (len(literal(text)) if room is None else room)
    data = module.memory(cap, fill=0xAA)
    data[: len(before)] = before
    out = module.buffer(data=data, len=len(before), cap=cap)
    result = module.json_escape(out, text, len(text))
    return result, out.len, bytes(data)


def test_the_oracle_is_json():
    for byte in range(128):
        assert json.loads(literal(bytes([byte]))) == chr(byte)


def test_every_byte_on_its_own(module):  # FR-002, FR-003, FR-004
    for byte in range(256):
        expected = literal(bytes([byte]))
        assert escaped(module, bytes([byte])) == (0, len(expected), expected)


@given(text=st.binary(max_size=200), before=st.binary(max_size=5))
def test_it_appends_the_literal(module, text, before):  # FR-001
    expected = before + literal(text)
    assert escaped(module, text, before=before) == (0, len(expected), expected)


@given(
    st.lists(
        st.binary(max_size=2) | st.integers(0, 70).map(lambda n: b"plain text " * 7 + b"x" * n)
    ),
    st.integers(0, 16),
    st.integers(0, 40),
)
def test_long_runs_are_copied_as_they_are(module, parts, skip, spare):  # FR-001, FR-006, FR-007
    text = b"".join(parts)[skip:]
    expected = literal(text)
    result, length, data = escaped(module, text, room=len(expected) + spare)
    assert (result, length, data[:length]) == (0, len(expected), expected)


def test_an_escape_at_every_place_of_a_run(module):  # FR-002, FR-003, FR-007
    for byte in (0x00, 0x1F, 0x22, 0x5C):
        for size in (15, 16, 17, 32, 40):
            for place in range(size):
                text = b"\xff" * place + bytes([byte]) + b"\x7f" * (size - place - 1)
                expected = literal(text)
                assert escaped(module, text) == (0, len(expected), expected)


def test_a_long_run_that_does_not_fit_leaves_the_length(module):  # FR-005, FR-007
    for size in range(14, 50):
        for room in range(size + 2):
            assert escaped(module, b"y" * size, room=room)[:2] == (module.BUFFER_FULL, 0)


@given(st.text(max_size=60))
def test_what_it_writes_is_json(module, text):  # FR-001
    result, length, data = escaped(module, text.encode())
    assert result == 0
    assert json.loads(data[:length]) == text


@given(text=st.binary(max_size=40), before=st.binary(max_size=5), data=st.data())
def test_what_does_not_fit_leaves_the_length(module, text, before, data):  # FR-005
    room = data.draw(st.integers(0, len(literal(text)) - 1))
    result, length, written = escaped(module, text, before=before, room=room)
    assert (result, length) == (module.BUFFER_FULL, len(before))
    assert written[: len(before)] == before


def test_nothing_is_read_for_no_bytes(module):  # FR-006
    data = module.memory(2)
    out = module.buffer(data=data, len=0, cap=2)
    assert module.json_escape(out, None, 0) == 0
    assert bytes(data) == b'""'
