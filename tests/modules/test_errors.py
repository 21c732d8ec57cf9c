"""errors through its contract."""

import json

import pytest

KNOWN = {
    400: ("bad_request", "The request is malformed."),
    401: ("unauthorized", "X-User-Id is missing or unknown."),
    403: ("forbidden", "You may not do this."),
    404: ("not_found", "There is no such thing."),
    405: ("method_not_allowed", "The path does not take this method."),
    409: ("conflict", "The thing has changed meanwhile."),
    413: ("content_too_large", "The body is too large."),
    414: ("uri_too_long", "The target is too long."),
    415: ("unsupported_media_type", "The body must be application/json."),
    417: ("expectation_failed", "The expectation cannot be met."),
    431: ("headers_too_large", "The header fields are too large."),
    501: ("not_implemented", "This is not supported."),
    503: ("unavailable", "The database is away."),
    505: ("version_not_supported", "Only HTTP/1.1 is spoken here."),
}


def body(status):
    code, sentence = KNOWN.get(status, ("internal", "Something went wrong."))
    return json.dumps({"error": code, "message": sentence}, separators=(",", ":")).encode()


def appended(module, status, room, before=b"x"):
    data = module.memory(len(before) + room, fill=0xAA)
    data[: len(before)] = before
    out = module.buffer(data=data, len=len(before), cap=len(before) + room)
    result = module.error_body(out, status)
    return result, out.len, bytes(data)


def test_each_status_has_its_body(module):  # FR-001, FR-002
    for status in range(400, 600):
        expected = body(status)
        result = appended(module, status, len(expected))
        assert result == (0, 1 + len(expected), b"x" + expected)


@pytest.mark.parametrize("status", [400, 500, 505])
def test_one_byte_less_changes_nothing(module, status):  # FR-003
    room = len(body(status)) - 1
    result, length, data = appended(module, status, room)
    assert (result, length) == (module.BUFFER_FULL, 1)
    assert data[:1] == b"x"
