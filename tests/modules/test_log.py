"""log through its contract; file descriptor 2 is a socket that keeps writes apart, or worse."""

import contextlib
import errno
import os
import resource
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st


@contextlib.contextmanager
def standard_error(descriptor):
    """Let a descriptor be standard error; None closes it."""
    saved = os.dup(2)
    if descriptor is None:
        os.close(2)
    else:
        os.dup2(descriptor, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def written(module, *texts):
    """Return the bytes of each write that the texts came to."""
    reader, writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with reader, writer:
        with standard_error(writer.fileno()):
            for text in texts:
                module.log_line(text, 0 if text is None else len(text))
        reader.setblocking(False)
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(reader.recv(65536))
        return found


def test_a_line(module):  # FR-001
    assert written(module, b"database ready") == [b"taskify: database ready\n"]


def test_a_pipe(module):  # FR-001
    reader, writer = os.pipe()
    with standard_error(writer):
        module.log_line(b"one", 3)
        module.log_line(b"two", 3)
    os.close(writer)
    assert os.read(reader, 65536) == b"taskify: one\ntaskify: two\n"
    os.close(reader)


def test_nothing_is_read_for_no_bytes(module):  # FR-001
    assert written(module, None) == [b"taskify: \n"]


@given(st.lists(st.binary(max_size=1100), max_size=3))
def test_each_line_is_one_write(module, texts):  # FR-001
    assert written(module, *texts) == [b"taskify: " + text[:1000] + b"\n" for text in texts]


@pytest.mark.parametrize("size", [1, 999, 1000, 1001, 2000, 5000, 100_000])
def test_the_first_thousand_bytes(module, size):  # FR-001
    text = bytes(i % 251 for i in range(size))
    assert written(module, text) == [b"taskify: " + text[:1000] + b"\n"]


def test_a_short_line_after_a_long_one(module):  # FR-001
    assert written(module, b"a" * 2000, b"b") == [
        b"taskify: " + b"a" * 1000 + b"\n",
        b"taskify: b\n",
    ]


def test_a_closed_descriptor(module):  # FR-001
    with standard_error(None):
        module.log_line(b"text", 4)
    assert module.errno == errno.EBADF


def test_a_full_device(module):  # FR-001
    full = os.open("/dev/full", os.O_WRONLY)
    with standard_error(full):
        module.log_line(b"text", 4)
    os.close(full)
    assert module.errno == errno.ENOSPC


def test_the_rest_of_a_short_write_is_dropped(module, tmp_path):  # FR-001
    path = tmp_path / "short"
    with path.open("wb") as file, standard_error(file.fileno()):
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limit[1]))
        module.log_line(b"a" * 500, 500)
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert path.read_bytes() == b"taskify: " + b"a" * 91
    assert module.errno != errno.EFBIG  # which a second write would have given
