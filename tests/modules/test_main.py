"""main through its contract; file descriptor 1 is a pipe, or closed."""

import ctypes
import json
import os


def run(module, *arguments, closed=False):
    """Call main with arguments; return its result and what it wrote to file descriptor 1."""
    words = [ctypes.create_string_buffer(a) for a in (b"taskify", *arguments)]
    argv = (ctypes.c_void_p * (len(words) + 1))(*[ctypes.addressof(w) for w in words], None)
    reader, writer = os.pipe()
    saved = os.dup(1)
    os.dup2(writer, 1)
    os.close(writer)
    if closed:
        os.close(1)
    try:
        result = module.main(len(words), argv)
    finally:
        os.dup2(saved, 1)
    written = os.read(reader, 65536)
    os.close(reader)
    return result, written


def test_no_argument_prints_nothing(module):  # FR-001
    assert run(module) == (0, b"")


def test_each_argument_is_a_line(module):  # FR-001
    result, written = run(module, b"one", b'say "two"\n', "drei \u20ac".encode())
    lines = [
        b'{"id":1,"title":"one"}\n',
        b'{"id":2,"title":"say \\"two\\"\\n"}\n',
        '{"id":3,"title":"drei \u20ac"}\n'.encode(),
    ]
    assert (result, written) == (0, b"".join(lines))
    assert [json.loads(line)["id"] for line in lines] == [1, 2, 3]


def test_identifiers_are_decimal(module):  # FR-001
    result, written = run(module, *[b"x"] * 123)
    ids = [json.loads(line)["id"] for line in written.splitlines()]
    assert (result, ids) == (0, list(range(1, 124)))


def test_the_longest_line_that_fits(module):  # FR-002
    room = 8192 - len(b'{"id":1,"title":""}\n')
    result, written = run(module, b"a" * room)
    assert (result, len(written)) == (0, 8192)


def test_a_line_that_does_not_fit_ends_it(module):  # FR-003
    room = 8192 - len(b'{"id":2,"title":""}\n')
    result, written = run(module, b"first", b"a" * (room + 1), b"third")
    assert (result, written) == (1, b'{"id":1,"title":"first"}\n')


def test_each_part_may_be_what_does_not_fit(module):  # FR-003
    full = 8192 - len(b'{"id":1,"title":""}\n')
    for over in range(1, 30):
        assert run(module, b"a" * (full + over)) == (1, b"")


def test_a_failed_write_ends_it(module):  # FR-003
    assert run(module, b"one", b"two", closed=True) == (1, b"")
