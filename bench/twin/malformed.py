"""Malformed requests, repeatable by seed, and what two servers make of them."""

from __future__ import annotations

import random
import re
import socket
from typing import Self

Answers = tuple[tuple[int, bool], ...]  # status, and whether it ends the connection

REFUSALS = frozenset({400, 413, 414, 417, 431, 501, 505})
KNOWN = REFUSALS | {100, 200, 404, 405}
_HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) [A-Za-z -]+\r\n((?:[A-Za-z-]+: [^\r\n]*\r\n)*)\r\n")
_SEEDS = (
    b"GET /api/tasks/1 HTTP/1.1\r\nHost: test\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
    b"HEAD /api/tasks/22 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Type: a/b\r\n\r\nhello",
    b"PUT /api/tasks/7 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    b"GET /api/tasks/3?x=1 HTTP/1.1\r\nhost: t\r\nX-User-Id: 1\r\nAccept: */*\r\n\r\n",
)
_PIECES = (
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\0", b"\x7f", b"\x80", b"/", b"?", b"%00", b","),
    *(b"\r\n\r\n", b"\r\n ", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"Host: b\r\n", b"chunked"),
    *(b"Content-Length: 0\r\n", b"Content-Length: 99999999999999999999\r\n", b"Expect: x\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"0\r\n\r\n", b"-1", b"+"),
    *(b"9223372036854775808", b"Content-Length: 65537\r\n", b"Content-Length: 5\r\n"),
    *(b"a" * 4096, b"b" * 8192, b"A: b\r\n" * 1400, b"/" * 70000),
)


class Requests:
    """An endless row of requests, most of them malformed."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311 -- repeatable on purpose

    def __iter__(self) -> Self:
        """Return itself."""
        return self

    def __next__(self) -> bytes:
        """Return the next one."""
        dice = self._dice
        if dice.random() < 0.05:
            return dice.randbytes(dice.randrange(1, 300))
        data = b"".join(dice.choices(_SEEDS, k=dice.choice((1, 1, 1, 2, 5))))
        for _ in range(dice.choice((1, 1, 1, 2, 3, 8))):
            data = self._changed(data)
        return data or b"\n"

    def _changed(self, data: bytes) -> bytes:
        """Return `data` with one change at a random place."""
        dice = self._dice
        at = dice.randrange(len(data) + 1)
        to = min(len(data), at + dice.choice((1, 1, 2, 5, 30)))
        match dice.randrange(7):
            case 0:
                return data[:at] + data[to:]
            case 1:
                return data[:at] + dice.randbytes(1) + data[at + 1 :]
            case 2:
                return data[:at] + data[at:to] * 2 + data[to:]
            case 3:
                return data[:at]
            case 4:
                lines = data.split(b"\r\n")
                dice.shuffle(lines)
                return b"\r\n".join(lines)
            case _:
                return data[:at] + dice.choice(_PIECES) + data[at:]


def conversation(port: int, data: bytes) -> Answers:
    """Send all of it, end our side, and return the answers until the server ends its own.

    Raises ValueError if the server sends what is no HTTP answer.
    """
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        except OSError:  # it refused and closed before it had all
            pass
        try:
            while piece := client.recv(1 << 20):
                received += piece
        except ConnectionResetError:
            pass
    answers = []
    while received:
        head = _HEAD.match(received)
        if head is None:
            raise ValueError(f"no answer of HTTP: {received[:200]!r}")
        fields = dict(line.split(b": ", 1) for line in head[2].split(b"\r\n") if line)
        received = received[head.end() :]
        length = int(fields.get(b"Content-Length", 0))
        if not received.startswith(b"HTTP/1.1 "):  # a body, not the answer after one to HEAD
            received = received[length:]
        answers.append((int(head[1]), fields.get(b"Connection") == b"close"))
    return tuple(answers)


def differ(mine: Answers, other: Answers) -> str:
    """Tell what is wrong with the program's answers next to the twin's, or nothing.

    Of several refusals that apply any may be given, and a refusal of an unfinished head may come
    at once or not at all (specs/http_parse.md, FR-002 and FR-011).
    """
    if unknown := {status for status, _ in mine} - KNOWN:
        return f"status {unknown}"
    left, right = _normal(mine), _normal(other)
    if left in (right, (*right, "refused")) or right == (*left, "refused"):
        return ""
    return f"program {mine}, twin {other}"


def _normal(answers: Answers) -> tuple[object, ...]:
    return tuple(
        "refused" if closes and status in REFUSALS else (status, closes)
        for status, closes in answers
        if status != 100  # it may cross the rest of the request
    )
