"""The module under test, driven as net drives it, and a record of every callback."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import select
import socket
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from db_pool.inside import Inside

TUPLES_OK, FATAL_ERROR = 2, 7
SQLSTATE = ord("C")


@dataclass
class Query:
    """A query that db_query took: what its callback was called with, each time."""

    number: int
    task: bytes | None  # its one value; None: SQL_HEALTH
    answers: list = field(default_factory=list)  # None, or (status, SQLSTATE, rows)

    @property
    def away(self):
        """Whether it was answered by null, once."""
        return self.answers == [None]


class Pool:
    """net's loop in Python, on the epoll instance of the real net."""

    def __init__(self, module, library, conninfo):
        self.module = module
        self.inside = Inside(library)
        self.libpq = _libpq()
        self.conninfo = module.memory(conninfo + b"\0")  # db_open keeps the pointer
        self.time = 86400 * 10**9  # nanoseconds, after stop_the_clock
        self.queries = {}  # by number; those that were refused are not in it
        self.order = []  # numbers of queries, as their callbacks were called
        self._numbers = itertools.count(1)
        self._log = b""  # what log_line wrote

        @self.inside.replace("write", ctypes.c_long, *[ctypes.c_void_p] * 3)
        def _(_real, _file, text, n):
            self._log += ctypes.string_at(text, n) if n else b""
            return n or 0

        self.when_called = None  # called with each query after its callback
        self._callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(self._called)
        self._done = ctypes.cast(self._callback, ctypes.c_void_p).value

    @cached_property
    def epoll(self):
        """Return net's epoll instance, which net_open makes."""
        known = _epoll_instances()
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        assert self.inside.function("net_open", ctypes.c_int, ctypes.c_uint)(port) == 0
        (number,) = _epoll_instances() - known
        return select.epoll.fromfd(number)

    def open(self):
        """Call db_open, with the loop's epoll instance there."""
        assert self.epoll
        self.module.db_open(self.conninfo)
        return self

    def all_ready(self):
        """Turn until every connection is ready."""
        self.until(lambda: self.ready == self.module.DB_CONNECTIONS)
        return self

    def stop_the_clock(self):
        """Let CLOCK_MONOTONIC be `self.time`; return the list of times when connections start."""
        starts = []

        @self.inside.replace("clock_gettime", ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
        def _(_real, clock, spot):
            assert clock == time.CLOCK_MONOTONIC
            seconds, rest = divmod(self.time, 10**9)
            ctypes.c_long.from_address(spot).value = seconds
            ctypes.c_long.from_address(spot + 8).value = rest
            return 0

        @self.inside.replace("PQconnectStart", ctypes.c_void_p, ctypes.c_void_p)
        def _(real, conninfo):
            assert conninfo == self.conninfo.address
            starts.append(self.time)
            return real(conninfo)

        return starts

    def turn(self, seconds=0.01):
        """One turn of net's loop."""
        for tag, events in self.epoll.poll(seconds):
            if tag >= self.module.NET_TAG_DATABASE:
                self.module.db_event(tag - self.module.NET_TAG_DATABASE, events)
        self.module.db_flush()
        self.module.db_tick()

    def until(self, reached, seconds=15):
        """Turn until something is so; fails if it never is."""
        end = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < end, "it did not happen in time"
            self.turn()

    def query(self, task=None):
        """Ask for the task with this id, or for SQL_HEALTH; return the query, None if refused."""
        query = Query(next(self._numbers), task)
        self.queries[query.number] = query
        statement, values = self.module.SQL_HEALTH, None
        if task is not None:
            text = ctypes.create_string_buffer(task)
            statement = self.module.SQL_TASK_GET
            values = (ctypes.c_void_p * 1)(ctypes.addressof(text))
        result = self.module.db_query(statement, values, self._done, query.number)
        assert result in (0, -1)
        if result == 0:
            return query
        assert query.answers == []
        del self.queries[query.number]
        return None

    def said(self, text):
        """Return how often log_line said something."""
        return self._log.count(text)

    @property
    def ready(self):
        """Return how many connections are ready, as the log tells it."""
        return self.said(b"database ready") - self.said(b"database away")

    def finish(self):
        """Turn until every query has its answer, then a little longer; each has exactly one."""
        self.until(lambda: all(q.answers for q in self.queries.values()))
        for _ in range(5):
            self.turn(0.002)
        assert [n for n, q in self.queries.items() if len(q.answers) != 1] == []

    def _called(self, context, result):
        try:
            query = self.queries[context]
            query.answers.append(result and self._answer(result))
            self.order.append(query.number)
            if self.when_called is not None:
                self.when_called(query)
        except Exception as error:  # noqa: BLE001 -- it cannot pass through assembly
            self.inside.errors.append(error)

    def _answer(self, result):
        pq = self.libpq
        rows = tuple(
            tuple(
                None if pq.PQgetisnull(result, r, c) else pq.PQgetvalue(result, r, c)
                for c in range(pq.PQnfields(result))
            )
            for r in range(pq.PQntuples(result))
        )
        return pq.PQresultStatus(result), pq.PQresultErrorField(result, SQLSTATE), rows


def _libpq():
    """Return the library that the module uses; it is loaded already."""
    library = ctypes.CDLL("libpq.so.5")
    for f in (library.PQntuples, library.PQnfields, library.PQresultStatus):
        f.argtypes = (ctypes.c_void_p,)
    for f in (library.PQgetvalue, library.PQgetisnull):
        f.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_int)
    library.PQresultErrorField.argtypes = (ctypes.c_void_p, ctypes.c_int)
    for f in (library.PQgetvalue, library.PQresultErrorField):
        f.restype = ctypes.c_char_p
    return library


def _epoll_instances():
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the listing's own descriptor is gone
            if os.readlink(entry) == "anon_inode:[eventpoll]":
                found.add(int(entry.name))
    return found
