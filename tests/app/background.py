"""Waiting that takes seconds: begun with the session, looked at by its last tests."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

from app.site import TASK, address_of
from app.wire import Client

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from app.site import Own
    from taskify.serve import Server


class Background:
    """Durations, in seconds, that are being measured on servers of their own."""

    def __init__(self, own: Own, pool: ThreadPoolExecutor) -> None:
        patient, ending = own.another(), own.another()
        self.silent: Future[float] = pool.submit(_until_closed, patient, b"")
        self.unfinished: Future[float] = pool.submit(_until_closed, patient, TASK[:-2])
        self.deaf: Future[float] = pool.submit(_until_reset, patient)
        self.drain: Future[tuple[float, int | None]] = pool.submit(_drain, ending)


def _until_closed(server: Server, data: bytes) -> float:
    """Return how long the server keeps a connection that sends `data` and no more."""
    with Client(address_of(server)) as client:
        client.socket.settimeout(20)
        client.send(data)
        start = time.monotonic()
        client.socket.recv(1)
        return time.monotonic() - start


def _until_reset(server: Server) -> float:
    """Return how long the server keeps a connection that asks and asks and does not read."""
    with Client(address_of(server), receive_buffer=4096) as client:
        client.socket.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while True:
                client.send(TASK * 1000)
        start = time.monotonic()
        client.socket.settimeout(0.05)
        while time.monotonic() - start < 20:
            try:
                client.socket.send(TASK)
            except TimeoutError:
                continue
            except OSError:
                break
        return time.monotonic() - start


def _drain(server: Server) -> tuple[float, int | None]:
    """Return how long a server with an unfinished request lives after SIGTERM, and its status."""
    with Client(address_of(server)) as client:
        client.send(TASK[:-2])
        time.sleep(0.1)
        os.kill(server.pid, signal.SIGTERM)
        start = time.monotonic()
        status = server.wait(15)
        return time.monotonic() - start, status
