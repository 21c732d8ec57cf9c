"""Requests that RFC 9112 or a limit forbids: refused, and the connection ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from app.site import HEALTH, TASK
from app.wire import get

if TYPE_CHECKING:
    from app.wire import Client


def post(*fields: str, body: bytes = b"") -> bytes:
    return get("/health", *fields, method="POST") + body


def line(text: str) -> bytes:
    return text.encode("latin-1") + b"\r\nHost: test\r\n\r\n"


HEAD_END = b"\r\n\r\n"
REFUSED: dict[str, tuple[int, bytes]] = {
    # Request line
    "empty line, then nothing sensible": (400, b"\r\n\r\n\r\n"),
    "lower-case method": (400, line("get /health HTTP/1.1")),
    "no method": (400, line(" /health HTTP/1.1")),
    "two blanks": (400, line("GET  /health HTTP/1.1")),
    "tab for a blank": (400, line("GET\t/health HTTP/1.1")),
    "no version": (400, line("GET /health")),
    "blank after the version": (400, line("GET /health HTTP/1.1 ")),
    "absolute target": (400, line("GET http://test/health HTTP/1.1")),
    "asterisk": (400, line("OPTIONS * HTTP/1.1")),
    "target with a high byte": (400, line("GET /\xe9 HTTP/1.1")),
    "target with a control byte": (400, line("GET /\x01 HTTP/1.1")),
    "lower-case version": (400, line("GET /health http/1.1")),
    "version without a point": (400, line("GET /health HTTP/11")),
    "version 2.0": (505, line("GET /health HTTP/2.0")),
    "version 1.2": (505, line("GET /health HTTP/1.2")),
    "TLS": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    # Line ends and NUL. A head may be looked at only when its empty line has come.
    "bare LF everywhere": (400, HEALTH.replace(b"\r\n", b"\n") + HEAD_END),
    "bare LF after the request line": (400, b"GET /health HTTP/1.1\nHost: test\r\n\r\n"),
    "bare LF after a field": (400, b"GET /health HTTP/1.1\r\nHost: test\nA: b\r\n\r\n"),
    "bare LF before the end": (400, b"GET /health HTTP/1.1\r\nHost: test\r\n\n" + HEAD_END),
    "bare CR in a value": (400, get("/health", "A: b\rc")),
    "two CR": (400, get("/health", "A: b\r")),
    "NUL in a value": (400, get("/health", "A: b\0c")),
    "NUL in a name": (400, get("/health", "A\0: b")),
    # Fields
    "folded field": (400, get("/health", "A: b", " c")),
    "folded field with a tab": (400, get("/health", "A: b", "\tc")),
    "blank before the first name": (400, b"GET /health HTTP/1.1\r\n Host: test\r\n\r\n"),
    "blank before the colon": (400, get("/health", "Content-Length : 0")),
    "no colon": (400, get("/health", "A")),
    "no name": (400, get("/health", ": b")),
    "name with a parenthesis": (400, get("/health", "A(: b")),
    "name with a high byte": (400, get("/health", "\xe9: b")),
    "control byte in a value": (400, get("/health", "A: \x01")),
    "DEL in a value": (400, get("/health", "A: \x7f")),
    "no Host": (400, b"GET /health HTTP/1.1\r\n\r\n"),
    "two Hosts": (400, get("/health", "host: test")),
    "two Hosts in HTTP/1.0": (400, get("/health", "Host: test", version="HTTP/1.0")),
    "X-User-Id twice": (400, get("/health", "X-User-Id: 1", "x-user-id: 2")),
    "Content-Type twice": (400, get("/health", "Content-Type: a/b", "content-type: a/b")),
    "an unknown expectation": (417, get("/health", "Expect: miracles")),
    # Lengths: what smuggling lives on
    "both lengths": (400, post("Content-Length: 3", "Transfer-Encoding: chunked", body=b"0\r\n")),
    "both lengths, turned": (400, post("Transfer-Encoding: chunked", "Content-Length: 3")),
    "chunked": (501, post("Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    "hidden chunked": (501, post("Transfer-Encoding: xchunked")),
    "two equal lengths": (400, post("Content-Length: 1", "Content-Length: 1", body=b"x")),
    "two lengths": (400, post("Content-Length: 1", "Content-Length: 2", body=b"xx")),
    "list of lengths": (400, post("Content-Length: 1, 1", body=b"x")),
    "signed length": (400, post("Content-Length: +1", body=b"x")),
    "negative length": (400, post("Content-Length: -1")),
    "hexadecimal length": (400, post("Content-Length: 0x1", body=b"x")),
    "length with a blank": (400, post("Content-Length: 1 1", body=b"x")),
    "empty length": (400, post("Content-Length:")),
    # Limits
    "body over 64 KiB": (413, post("Content-Length: 65537")),
    "body of 2^64": (413, post("Content-Length: 18446744073709551616")),
    "body of 2^64 + 1": (413, post("Content-Length: 18446744073709551617")),
    "body of 400 digits": (413, post("Content-Length: " + "9" * 400)),
    "target over 4 KiB": (414, get("/" + "a" * 4096)),
    "target over 4 KiB in its query": (414, get("/health?" + "a" * 4096)),
    "target without an end": (414, b"GET /" + b"a" * 4096),
    "target over everything": (414, get("/" + "a" * 20000)),
    "head over 8 KiB": (431, get("/health", "A: " + "b" * 8192)),
    "head of many fields": (431, get("/health", *["A: b"] * 1400)),
    "head without an end": (431, get("/health", "A: " + "b" * 8192)[:8193]),
    "name without an end": (431, get("/health", "A" * 9000)[:-4]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_and_the_connection_ends(client: Client, name: str) -> None:
    status, request = REFUSED[name]
    answer = client.ask(request)
    assert answer.status == status
    assert answer.closes
    assert answer.fields["content-type"] == "application/json"
    assert set(json.loads(answer.body)) == {"error", "message"}
    assert client.is_ended()


@pytest.mark.parametrize("name", ["both lengths", "chunked", "folded field", "bare LF everywhere"])
def test_what_follows_a_refused_request_is_not_answered(client: Client, name: str) -> None:
    status, request = REFUSED[name]
    assert client.ask(request + TASK).status == status
    assert client.is_ended()


@pytest.mark.parametrize("name", ["chunked", "two Hosts", "folded field", "version 2.0"])
def test_requests_before_a_refused_one_are_answered(client: Client, name: str) -> None:
    status, request = REFUSED[name]
    client.send(TASK + HEALTH + request)
    assert [client.answer().status for _ in range(3)] == [200, 200, status]
    assert client.is_ended()


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_as_well_when_it_comes_in_two_pieces(client: Client, name: str) -> None:
    status, request = REFUSED[name]
    half = min(len(request) // 2, 30)
    client.send(request[:half])
    client.is_silent(0.002)
    assert client.ask(request[half:]).status == status
    assert client.is_ended()


ACCEPTED: dict[str, tuple[int, bytes]] = {
    "one empty line before": (200, b"\r\n" + HEALTH),
    "names in any case": (200, get("/health", "X-USER-ID: 1", "cOnTeNt-LeNgTh: 0")),
    "no blank after the colon": (200, get("/health", "A:b")),
    "blanks and tabs around a value": (200, get("/health", "Content-Length: \t 0 \t ")),
    "empty value": (200, get("/health", "A:")),
    "high bytes in a value": (200, get("/health", "A: \xe9\xff\x80")),
    "tab in a value": (200, get("/health", "A: b\tc")),
    "every token character": (200, get("/health", "!#$%&'*+-.^_`|~09azAZ: x")),
    "unknown method": (405, get("/health", method="BREW")),
    "leading zeros of a length": (405, post("Content-Length: 0000000000000000000001", body=b"x")),
    "HTTP/1.0 without Host": (200, b"GET /health HTTP/1.0\r\n\r\n"),
    "body of 64 KiB": (405, post("Content-Length: 65536", body=b"x" * 65536)),
    "target of 4 KiB": (404, get("/" + "a" * 4095)),
    "head of 8 KiB": (200, get("/health", "A: " + "b" * (8192 - len(HEALTH) - 5))),
    "8 KiB of head and 64 KiB of body": (
        405,
        post("A: " + "b" * 8127, "Content-Length: 65536", body=b"x" * 65536),
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_it_is_odd_and_right(client: Client, name: str) -> None:
    status, request = ACCEPTED[name]
    assert client.ask(request).status == status


def test_the_sizes_above_are_at_the_limit() -> None:
    assert len(ACCEPTED["head of 8 KiB"][1]) == 8192
    assert len(ACCEPTED["8 KiB of head and 64 KiB of body"][1]) == 8192 + 65536
