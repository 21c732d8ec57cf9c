"""http_parse through its contract."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

HOST = b"Host: x\r\n"


class Request:
    """A request and the bytes that its slices point into, which end at a guard page."""

    def __init__(self, module, data):
        self.text = module.memory(len(data))
        self.text[:] = data
        self.read = module.http_request(method=0x77, has_body=0x77)

    def __getattr__(self, name):
        return getattr(self.read, name)


def parsed(module, data):
    """Return the result and the request."""
    request = Request(module, data)
    return module.http_parse(request.text, len(data), request.read), request


def taken(module, piece):
    return module.read(piece.data, piece.len) if piece.len else b""


def assert_refused(module, data, *statuses):
    assert -parsed(module, data)[0] in statuses


def test_a_plain_request(module):  # FR-001, FR-003, FR-005, FR-008, FR-010
    data = b"GET /api/tasks/7?x=1?y HTTP/1.1\r\nHost: a\r\nx-USER-id: \t 4 \r\n\r\n"
    result, request = parsed(module, data + b"rest")
    assert result == len(data)
    assert (request.method, request.keep_alive) == (module.METHOD_GET, 1)
    assert (request.expects_continue, request.has_body) == (0, 0)
    assert taken(module, request.path) == b"/api/tasks/7"
    assert taken(module, request.query) == b"x=1?y"
    assert taken(module, request.user) == b"4"
    assert not request.content_type.data
    assert request.body.len == 0


def test_one_line_break_before_is_skipped(module):  # FR-001
    data = b"\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n"
    assert parsed(module, data)[0] == len(data)
    assert_refused(module, b"\r\n" + data, 400)


def test_every_prefix_is_incomplete(module):  # FR-002, FR-010, FR-012
    data = b"POST /a HTTP/1.1\r\nContent-Length: 5\r\nContent-Type: t/x\r\n" + HOST + b"\r\n12345"
    for end in range(len(data)):
        assert parsed(module, data[:end])[0] == module.HTTP_INCOMPLETE
    result, request = parsed(module, data)
    assert result == len(data)
    assert (request.has_body, taken(module, request.body)) == (1, b"12345")
    assert taken(module, request.content_type) == b"t/x"


def test_methods(module):  # FR-003
    known = {b"GET": 1, b"HEAD": 2, b"POST": 3, b"PUT": 4, b"PATCH": 5, b"DELETE": 6}
    for word in (*known, b"GETS", b"G", b"OPTIONS", b"GEU"):
        data = word + b" / HTTP/1.1\r\n" + HOST + b"\r\n"
        result, request = parsed(module, data)
        assert (result, request.method) == (len(data), known.get(word, module.METHOD_OTHER))
    for word in (b"get", b"GeT", b"G3T", b"", b"GET\t"):
        assert_refused(module, word + b" / HTTP/1.1\r\n" + HOST + b"\r\n", 400)


@pytest.mark.parametrize("target", [b"", b"a", b"*", b"http://x/", b"/\x7f", b"/\x80", b"/ a"])
def test_targets_that_are_none(module, target):  # FR-003
    assert_refused(module, b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n", 400)


def test_versions(module):  # FR-003
    for version in (b"HTTP/2.0", b"HTTP/1.2", b"HTTP/0.9"):
        assert_refused(module, b"GET / " + version + b"\r\n" + HOST + b"\r\n", 505)
    for version in (b"HTTP/1.1 ", b"http/1.1", b"HTTP/1.10", b"HTTP/1", b"", b"HTTP/a.1"):
        assert_refused(module, b"GET / " + version + b"\r\n" + HOST + b"\r\n", 400)


@pytest.mark.parametrize(
    "line",
    [b" folded", b"\tfolded", b"no colon", b": x", b"a b: x", b"a : x", b"a\x00: x", b"a: \x00",
     b"a: \x07", b"a: \x7f", b"a\x80: x", b"a: b\nc: d", b"a: b\rc", b"(a): x"],
)  # fmt: skip
def test_lines_that_are_no_field(module, line):  # FR-001, FR-004
    assert_refused(module, b"GET / HTTP/1.1\r\n" + HOST + line + b"\r\n\r\n", 400)


def test_every_token_character_may_name_a_field(module):  # FR-004
    token = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for byte in range(256):
        data = b"GET / HTTP/1.1\r\n" + HOST + bytes([byte]) + b": x\r\n\r\n"
        result = parsed(module, data)[0]
        assert result == (len(data) if byte in token else -400)


@pytest.mark.parametrize(
    "fields",
    [b"", HOST + HOST, HOST + b"X-User-Id: 1\r\nX-USER-ID: 1\r\n",
     HOST + b"Content-Type: a\r\nContent-Type: a\r\n", HOST + b"Content-Length:\r\n",
     HOST + b"Content-Length: 1\r\nContent-Length: 1\r\n", HOST + b"Content-Length: +1\r\n",
     HOST + b"Content-Length: 1, 1\r\n", HOST + b"Content-Length: 0x1\r\n",
     HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
     HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"],
)  # fmt: skip
def test_fields_that_contradict(module, fields):  # FR-005, FR-006, FR-007
    assert_refused(module, b"POST / HTTP/1.1\r\n" + fields + b"\r\n1", 400)


def test_transfer_encoding_alone(module):  # FR-007
    assert_refused(module, b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-encoding: x\r\n\r\n", 501)


@given(st.integers(0, 2**70), st.integers(0, 3))
def test_content_length(module, length, zeros):  # FR-006, FR-010
    digits = b"0" * zeros + str(length).encode()
    data = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: " + digits + b"\r\n\r\n"
    result = parsed(module, data)[0]
    assert result == (-413 if length > 65536 else 0 if length else len(data))


@pytest.mark.parametrize(
    ("version", "values", "keep"),
    [(b"1.1", [], 1), (b"1.0", [], 0), (b"1.1", [b"close"], 0), (b"1.1", [b"Keep-Alive"], 1),
     (b"1.0", [b"Keep-ALIVE"], 1), (b"1.0", [b"keep-alive, close"], 0), (b"1.1", [b"closed"], 1),
     (b"1.1", [b"x,\tCLOSE ,y"], 0), (b"1.1", [b",,close"], 0), (b"1.1", [b"a", b"close"], 0),
     (b"1.0", [b"close", b"keep-alive"], 0), (b"1.1", [b""], 1), (b"1.1", [b"clo se"], 1)],
)  # fmt: skip
def test_connection(module, version, values, keep):  # FR-008
    lines = b"".join(b"Connection: " + v + b"\r\n" for v in values)
    data = b"GET / HTTP/" + version + b"\r\n" + HOST + lines + b"\r\n"
    result, request = parsed(module, data)
    assert (result, request.keep_alive) == (len(data), keep)


def test_expect(module):  # FR-009, FR-010
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\nExpect: 100-Continue\r\n\r\n"
    result, request = parsed(module, head)
    assert (result, request.expects_continue, request.has_body) == (0, 1, 1)
    assert_refused(module, b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 200-ok\r\n\r\n", 417)


def test_limits(module):  # FR-002, FR-011
    fits = b"GET /" + b"a" * 4095 + b" HTTP/1.1\r\n" + HOST + b"\r\n"
    assert parsed(module, fits)[0] == len(fits)
    assert_refused(module, b"GET /" + b"a" * 4096 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414)
    assert_refused(module, b"GET /" + b"a" * 4096, 414)
    assert_refused(module, b"GET /" + b"a" * 9000, 414)
    start = b"GET / HTTP/1.1\r\n" + HOST + b"A: "
    full = start + b"b" * (8192 - len(start) - 4) + b"\r\n\r\n"
    assert (len(full), parsed(module, full)[0]) == (8192, 8192)
    longer = start + b"b" * (8193 - len(start) - 4) + b"\r\n\r\n"
    assert_refused(module, longer, 431)
    assert parsed(module, longer[:8192])[0] == module.HTTP_INCOMPLETE
    assert_refused(module, start + b"b" * 8192, 431)


@pytest.mark.parametrize(
    "head",
    [b"\n", b"\rG", b"\0", b"GET /\n", b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\rH", b"GET /\0",
     b"G\0", b"\r\n\n", b"\r\n\rG", b"GET / HTTP/1.1\r\nHost: a\n", b"GET / HTTP/1.1\r\nH\0",
     b"GET / HTTP/1.1\r\nHost: a\r\n\n", b"GET / HTTP/1.1\r\nHost: a\r\n\rb",
     b"GET / HTTP/1.1\r\nA: b\rc", b"GET / HTTP/1.1\r\nA: b\r\r"],
)  # fmt: skip
def test_a_lone_line_break_is_refused_at_once(module, head):  # FR-001, FR-002
    assert_refused(module, head, 400)
    assert parsed(module, head[:-1])[0] == module.HTTP_INCOMPLETE


def test_a_long_target_goes_before_a_lone_line_break(module):  # FR-002, FR-011
    assert_refused(module, b"GET /" + b"a" * 4096 + b"\n", 414)
    assert_refused(module, b"GET /" + b"a" * 4095 + b"\n", 400)


@given(st.integers(0, 60), st.sampled_from([b"\n", b"\0", b"\rx"]))
def test_a_wrong_byte_anywhere(module, place, wrong):  # FR-001, FR-002, FR-012
    whole = b"GET /tasks HTTP/1.1\r\nHost: a.example\r\nContent-Type: text/x\r\n"
    head = whole[: place % len(whole)]
    if head.endswith(b"\r") and wrong == b"\n":
        head = head[:-1]
    assert_refused(module, head + wrong, 400)


@given(st.binary(max_size=120))
def test_any_bytes(module, data):  # FR-012
    result, _ = parsed(module, b"GET / HTTP/1.1\r\n" + data)
    assert -505 <= result <= len(data) + 16
