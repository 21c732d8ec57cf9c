"""Connections: keep-alive, pipelining, ends, slow and rude clients, many at a time."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING

import pytest

from app.site import HEALTH, TASK, address_of
from app.wire import Client, get

if TYPE_CHECKING:
    from app.site import Own, Site

POST = get("/health", "Content-Length: 10", "Expect: 100-continue", method="POST")


def test_a_connection_serves_many_requests(client: Client) -> None:
    first = client.ask(TASK)
    assert not first.closes
    assert all(client.ask(TASK).raw == first.raw for _ in range(500))


def test_requests_in_one_segment_are_answered_in_order(client: Client) -> None:
    paths = ["/api/tasks/1", "/health", "/nowhere", "/api/tasks/2", "/api/tasks/0"] * 100
    single = {path: client.ask(get(path)).raw for path in set(paths)}
    client.send(b"".join(map(get, paths)))
    assert [client.answer().raw for _ in paths] == [single[path] for path in paths]


def test_requests_byte_by_byte(client: Client) -> None:
    whole = client.ask(TASK).raw
    for byte in TASK + b"\r\n" + TASK:
        client.send(bytes([byte]))
    assert [client.answer().raw for _ in range(2)] == [whole, whole]


def test_a_request_in_two_pieces_at_any_place(client: Client) -> None:
    request = get("/health", "Content-Length: 5", method="PUT") + b"hello"
    for place in range(1, len(request)):
        client.send(request[:place])
        if place % 8 == 0:  # the others often arrive as one
            client.is_silent(0.001)
        assert client.ask(request[place:]).status == 405


@pytest.mark.parametrize("value", ["close", "Close", "keep-alive, close", "a ,\tCLOSE\t, b"])
def test_connection_close_ends_it(client: Client, value: str) -> None:
    answer = client.ask(get("/api/tasks/1", f"Connection: {value}") + HEALTH)
    assert (answer.status, answer.closes) == (200, True)
    assert client.is_ended(), "what follows is not answered"


@pytest.mark.parametrize("value", ["keep-alive", "closed", "not-close", "upgrade", ""])
def test_other_connection_options_do_not(client: Client, value: str) -> None:
    assert not client.ask(get("/health", f"Connection: {value}")).closes
    assert client.ask(HEALTH).status == 200


def test_two_connection_fields_count_together(client: Client) -> None:
    assert client.ask(get("/health", "Connection: close", "Connection: keep-alive")).closes
    assert client.is_ended()


def test_http_1_0_ends_unless_it_asks_to_go_on(site: Site) -> None:
    with site.connect() as client:
        assert client.ask(get("/api/tasks/1", version="HTTP/1.0")).closes
        assert client.is_ended()
    with site.connect() as client:
        going_on = get("/api/tasks/1", "Connection: Keep-Alive", version="HTTP/1.0")
        assert [client.ask(going_on).closes for _ in range(3)] == [False] * 3
        assert client.ask(get("/", "Connection: keep-alive, close", version="HTTP/1.0")).closes
        assert client.is_ended()


def test_expect_100_continue_is_answered_before_the_body(client: Client) -> None:
    for _ in range(3):
        assert client.ask(POST).raw == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(b"01234")
        assert client.is_silent(0.02), "100 comes once"
        assert client.ask(b"56789").status == 405


def test_expect_100_continue_with_the_body_at_once_needs_no_100(client: Client) -> None:
    assert client.ask(POST + b"0123456789").status == 405
    assert client.ask(get("/health", "Expect: 100-continue")).status == 200
    assert client.is_silent()


def test_a_client_that_stops_sending_gets_all_its_answers(client: Client) -> None:
    client.send(TASK * 50)
    client.socket.shutdown(socket.SHUT_WR)
    assert [client.answer().status for _ in range(50)] == [200] * 50
    assert client.is_ended()


def test_a_client_that_reads_late_gets_all_its_answers(own: Own, site: Site) -> None:
    number = own.sql(
        "INSERT INTO tasks (project_id, title, description, created_by) "
        "VALUES (1, 'big', repeat('x', 10000), 1) RETURNING id"
    )
    request = get(f"/api/tasks/{number}")
    with site.connect(receive_buffer=4096) as client, site.connect() as other:
        client.send(request * 1000)
        time.sleep(0.2)  # its answers, 10 MB, fill every buffer between
        assert other.ask(TASK).status == 200, "nobody else waits for it"
        assert {len(client.answer().body) for _ in range(1000)} == {len(other.ask(request).body)}


@pytest.mark.parametrize("sent", [b"", b"G", TASK[:-1], TASK, TASK * 20, POST, POST + b"0123"])
def test_clients_that_vanish_are_forgotten(site: Site, sent: bytes) -> None:
    for abrupt in (False, True) * 20:
        client = site.connect()
        client.send(sent)
        client.abort() if abrupt else client.socket.close()
    with site.connect() as client:
        assert client.ask(TASK).status == 200


def test_a_client_that_vanishes_while_the_database_works(own: Own, site: Site) -> None:
    with own.locked():
        clients = [site.connect() for _ in range(20)]
        for client in clients:
            client.send(TASK * 3)
        own.wait_for_waiting(1)
        for number, client in enumerate(clients):
            client.abort() if number % 2 else client.socket.close()
        with site.connect() as other:
            assert other.ask(get("/nowhere")).status == 404, "the loop does not wait"
    with site.connect() as client:
        assert client.ask(TASK).status == 200


def test_a_waiting_client_may_send_more(own: Own, client: Client) -> None:
    with own.locked():
        client.send(TASK)
        own.wait_for_waiting(1)
        client.send(HEALTH + TASK)
        assert client.is_silent(0.05)
    assert [client.answer().status for _ in range(3)] == [200] * 3


def test_many_clients_at_a_time(site: Site) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(site.connect()) for _ in range(400)]
        for client in clients:
            client.send(TASK + HEALTH)
        answers = {client.answer().raw for client in clients}
        assert len(answers) == 1
        assert {client.answer().status for client in clients} == {200}


def test_clients_beyond_512_are_turned_away_and_the_others_served(own: Own) -> None:
    address = address_of(own.another())
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(address)) for _ in range(520)]
        assert [_is_served(client) for client in clients] == [True] * 512 + [False] * 8
    with Client(address) as client:
        assert client.ask(HEALTH).status == 200


def _is_served(client: Client) -> bool:
    try:
        return client.ask(HEALTH).status == 200
    except (AssertionError, OSError):
        return False
