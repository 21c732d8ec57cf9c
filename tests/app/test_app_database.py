"""The database goes away, comes back, is slow, or says something unexpected."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING

from app.site import HEALTH, TASK, address_of, within
from app.wire import Client, get

if TYPE_CHECKING:
    from app.site import Own
    from taskify.serve import Server

AWAY = b'{"status":"ok","database":"unavailable"}'
UNAVAILABLE = b'{"error":"unavailable","message":"The database is away."}'
INTERNAL = b'{"error":"internal","message":"Something went wrong."}'


def test_while_the_database_is_away_503_and_afterwards_200(own: Own, client: Client) -> None:
    task = client.ask(TASK).raw
    own.database.stop()
    try:
        within(2.0, lambda: client.ask(HEALTH).status == 503)
        health = client.ask(HEALTH)
        assert (health.status, health.body, health.closes) == (503, AWAY, False)
        answer = client.ask(TASK)
        assert (answer.status, answer.body, answer.closes) == (503, UNAVAILABLE, False)
        assert client.ask(get("/nowhere")).status == 404
    finally:
        own.database.start()
    within(5.0, lambda: client.ask(HEALTH).status == 200)
    assert client.ask(TASK).raw == task, "on the same connection"


def test_a_server_may_start_before_its_database(own: Own) -> None:
    own.database.stop()
    try:
        server = own.begin()
        within(3.0, lambda: _status(server) == 503)
    finally:
        own.database.start()
    within(5.0, lambda: _status(server) == 200)
    assert server.stop() == 0


def _status(server: Server) -> int:
    try:
        with Client(address_of(server)) as client:
            return client.ask(HEALTH).status
    except OSError:
        return 0


def test_requests_that_wait_when_the_database_is_shut_down_are_answered(
    own: Own, client: Client
) -> None:
    with own.locked():
        client.send(TASK)
        own.wait_for_waiting(1)
        own.database.stop()
        try:
            # 200: the lock went first; 503: the database ended first, with a word (57P01) or none
            assert client.answer().status in {200, 503}
        finally:
            own.database.start()
    within(5.0, lambda: client.ask(TASK).status == 200)


def test_requests_that_wait_when_the_database_crashes_get_503(own: Own, client: Client) -> None:
    before = _checkpointer(own)
    with own.locked():
        client.send(TASK)
        own.wait_for_waiting(1)
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        for pid in own.sql(waiting).split():
            with contextlib.suppress(ProcessLookupError):  # PostgreSQL ends the others itself
                os.kill(int(pid), signal.SIGKILL)
        assert client.answer().status == 503
    # PostgreSQL goes on for a moment, then ends everybody and starts its helpers anew
    within(10.0, lambda: _checkpointer(own) not in {"", before})
    within(6.0, lambda: client.ask(TASK).status == 200)


def _checkpointer(own: Own) -> str:
    """Return the pid of PostgreSQL's checkpointer, or nothing while it takes no connection."""
    try:
        return own.sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
    except subprocess.CalledProcessError:
        return ""


def test_one_lost_connection_loses_no_request_that_comes_later(own: Own, client: Client) -> None:
    killed = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%tasks%'"
    own.sql(killed + " AND pid <> pg_backend_pid()")
    within(3.0, lambda: client.ask(TASK).status == 200)
    assert {client.ask(TASK).status for _ in range(50)} == {200}


def test_an_error_of_the_database_is_500_and_costs_no_connection(own: Own, client: Client) -> None:
    with own.locked():
        client.send(TASK)
        own.wait_for_waiting(1)
        own.sql(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        )
        answer = client.answer()
        assert (answer.status, answer.body, answer.closes) == (500, INTERNAL, False)
    assert client.ask(TASK).status == 200


def test_sigterm_lets_running_requests_end(own: Own) -> None:
    server = own.another()
    with own.locked(), Client(address_of(server)) as busy, Client(address_of(server)) as idle:
        busy.send(TASK)
        own.wait_for_waiting(1)
        os.kill(server.pid, signal.SIGTERM)
        assert idle.is_ended(), "a connection without a request is closed at once"
        assert _status(server) == 0, "nobody new gets in"
        assert busy.is_silent()
        own.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE state = 'idle in transaction'"
        )
        answer = busy.answer()
        assert (answer.status, answer.closes) == (200, True)
        assert busy.is_ended()
        assert server.wait(3.0) == 0
