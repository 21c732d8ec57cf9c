"""http_write through its contract."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

REASONS = {
    100: "Continue", 200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request",
    401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    409: "Conflict", 413: "Content Too Large", 414: "URI Too Long", 415: "Unsupported Media Type",
    417: "Expectation Failed", 422: "Unprocessable Content",
    431: "Request Header Fields Too Large", 500: "Internal Server Error", 501: "Not Implemented",
    503: "Service Unavailable", 505: "HTTP Version Not Supported",
}  # fmt: skip
HEAD, CLOSE = 1, 2


def answer(status, body, flags, allow):
    """Return the bytes that FR-001 to FR-004 ask for."""
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}"]
    if status not in (100, 204):
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    if status != 100:
        lines += [f"Allow: {allow}"] if allow is not None else []
        lines += ["Connection: close"] if flags & CLOSE else []
    silent = status in (100, 204) or flags & HEAD
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode() + (b"" if silent else body)


def appended(module, room, status, body, flags, allow):
    before = b"x"
    data = module.memory(len(before) + room, fill=0xAA)
    data[: len(before)] = before
    out = module.buffer(data=data, len=len(before), cap=len(before) + room)
    text = None if allow is None else allow.encode() + b"\0"
    result = module.http_answer(out, status, body, len(body), flags, text)
    return result, out.len, bytes(data)


@pytest.mark.parametrize("status", [*REASONS, 101, 199, 299, 402, 499, 502, 599])
def test_every_status(module, status):  # FR-001 to FR-004
    for flags in range(4):
        for allow in (None, "GET, HEAD"):
            expected = answer(status, b'{"a":1}', flags, allow)
            result = appended(module, len(expected), status, b'{"a":1}', flags, allow)
            assert result == (0, 1 + len(expected), b"x" + expected)


@given(
    body=st.binary(max_size=300),
    status=st.sampled_from([200, 204, 405, 503]),
    flags=st.integers(0, 3),
    data=st.data(),
)
def test_what_does_not_fit_leaves_the_length(module, body, status, flags, data):  # FR-005
    whole = len(answer(status, body, flags, None))
    assert appended(module, whole, status, body, flags, None)[0] == 0
    room = data.draw(st.integers(0, whole - 1))
    result, length, written = appended(module, room, status, body, flags, None)
    assert (result, length, written[:1]) == (module.BUFFER_FULL, 1, b"x")
