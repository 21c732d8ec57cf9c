"""What GET /health and GET /api/tasks/{id} answer, byte for byte."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from app.site import HEALTH, TASK
from app.wire import get

if TYPE_CHECKING:
    from app.site import Own, Site
    from app.wire import Client

TASKS = {
    1: r'{"id":1,"project_id":1,"title":"Sketch the sign-in screen",'
    r'"description":"What it takes:\n\t1. ask Chen Wei\n\t2. try it","status":"done",'
    r'"position":0,"assignee_id":1,"created_by":1,"version":4,'
    r'"created_at":"2026-01-06T10:01:00.125000Z","updated_at":"2026-02-01T16:01:30.500000Z"}',
    11: r'{"id":11,"project_id":2,"title":"Form for \"contact us\"",'
    r'"description":"What it takes:\n\t1. ask Emeka Obi\n\t2. try it","status":"in_review",'
    r'"position":0,"assignee_id":5,"created_by":1,"version":3,'
    r'"created_at":"2026-01-06T10:11:00.125000Z","updated_at":"2026-02-02T16:11:30.500000Z"}',
    15: '{"id":15,"project_id":2,"title":"Café menu page","description":"","status":"todo",'
    '"position":2,"assignee_id":null,"created_by":1,"version":1,'
    '"created_at":"2026-01-06T10:15:00.125000Z","updated_at":"2026-02-02T16:15:30.500000Z"}',
}
ERRORS = {
    400: b'{"error":"bad_request","message":"The request is malformed."}',
    404: b'{"error":"not_found","message":"There is no such thing."}',
    405: b'{"error":"method_not_allowed","message":"The path does not take this method."}',
}


@pytest.mark.parametrize("number", TASKS)
def test_a_task_is_answered_byte_for_byte(client: Client, number: int) -> None:
    body = TASKS[number].encode()
    answer = client.ask(get(f"/api/tasks/{number}"))
    assert answer.raw == (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )


def test_health_is_answered_byte_for_byte(client: Client) -> None:
    assert client.ask(HEALTH).raw == (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 31\r\n\r\n"
        b'{"status":"ok","database":"ok"}'
    )


@pytest.mark.parametrize("path", ["/api/tasks/0001", "/api/tasks/1?", "/api/tasks/1?a=/b?c"])
def test_leading_zeros_and_a_query_do_not_matter(client: Client, path: str) -> None:
    assert client.ask(get(path)).body == TASKS[1].encode()


@pytest.mark.parametrize("path", ["/health", "/api/tasks/1", "/api/tasks/999999", "/nowhere"])
def test_head_is_get_without_the_body(client: Client, path: str) -> None:
    full = client.ask(get(path))
    bare = client.ask(get(path, method="HEAD"), head=True)
    assert bare.raw == full.raw[: -len(full.body)]
    assert client.ask(get(path)).raw == full.raw, "the next answer follows directly"


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/healthy", "/health/", "/Health", "//health", "/api", "/api/", "/api/tasks"),
        *("/api/tasks/", "/api/tasks/1/", "/api/tasks/1/x", "/api/tasks//1", "/API/tasks/1"),
        *("/api/tasks/999999", "/api/tasks/9223372036854775807", "/%68ealth", "/?/health"),
    ],
)
def test_what_is_not_there_is_404(client: Client, path: str) -> None:
    answer = client.ask(get(path))
    assert (answer.status, answer.body) == (404, ERRORS[404])
    assert not answer.closes


@pytest.mark.parametrize(
    "segment",
    [
        *("0", "00", "-1", "+1", "abc", "1x", "x1", "1.0", "0x1", "%31", "1%20", "1,2", "1;2"),
        *("9223372036854775808", "18446744073709551615", "18446744073709551616", "9" * 400),
    ],
)
def test_a_path_id_that_is_no_positive_63_bit_number_is_400(client: Client, segment: str) -> None:
    for method in ("GET", "DELETE"):
        answer = client.ask(get(f"/api/tasks/{segment}", method=method))
        assert (answer.status, answer.body) == (400, ERRORS[400])
        assert not answer.closes, "the request itself is well-formed"


@pytest.mark.parametrize("path", ["/health", "/api/tasks/1", "/api/tasks/999999"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "X"])
def test_a_method_that_the_path_does_not_take_is_405(
    client: Client, path: str, method: str
) -> None:
    answer = client.ask(get(path, method=method))
    assert (answer.status, answer.body) == (405, ERRORS[405])
    assert answer.fields["allow"] == "GET, HEAD"
    assert client.ask(TASK).status == 200


def test_a_body_is_read_past(client: Client) -> None:
    body = b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n" * 3
    request = get("/health", f"Content-Length: {len(body)}", method="POST") + body
    assert client.ask(request).status == 405
    assert client.ask(get("/api/tasks/1", f"Content-Length: {len(body)}") + body).status == 200
    assert client.is_silent()


def test_every_seeded_task_is_valid_json_with_its_own_id(client: Client) -> None:
    for number in range(1, 23):
        task = json.loads(client.ask(get(f"/api/tasks/{number}")).body)
        assert task["id"] == number
        assert list(task) == list(json.loads(TASKS[1]))


TEXTS = {
    "control characters": "".join(map(chr, range(1, 0x20))) + '"\\/\x7f',
    "long, ASCII": "a" * 10_000,
    "long, four bytes a character": "\U0001f600" * 10_000,
    "long, six bytes an escape": "\x01" * 10_000,
    "quotes at every place of a vector": "".join("x" * n + '"' for n in range(70)),
    "escapes in text of two bytes a character": "é\n" * 3_000,
}


@pytest.mark.parametrize("name", TEXTS)
def test_any_text_comes_out_as_it_went_in(own: Own, site: Site, name: str) -> None:
    text = TEXTS[name]
    number = own.sql(
        "INSERT INTO tasks (project_id, title, description, created_by) "  # noqa: S608 -- hex
        f"VALUES (1, $$T$$, convert_from('\\x{text.encode().hex()}', 'UTF8'), 1) RETURNING id"
    )
    with site.connect() as client:
        body = client.ask(get(f"/api/tasks/{number}")).body
    assert json.loads(body)["description"] == text
    assert b'"description":' + _literal(text) in body


def _literal(text: str) -> bytes:
    """Return the JSON string that specs/json_escape.md asks for."""
    short = {'"': r"\"", "\\": r"\\", "\b": r"\b", "\t": r"\t", "\n": r"\n", "\f": r"\f"}
    short["\r"] = r"\r"
    parts = (short.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in text)
    return ('"' + "".join(parts) + '"').encode()
