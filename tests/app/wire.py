"""HTTP as bytes on a socket: nothing between a test and the wire."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Self

PATIENCE = 5.0  # seconds that a test waits for bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `raw` is all of it, as it came."""

    status: int
    fields: dict[str, str]  # names in lower case
    body: bytes
    raw: bytes

    @property
    def closes(self) -> bool:
        """Tell whether it announces the end of the connection."""
        return self.fields.get("connection") == "close"


class Client:
    """A connection to the server."""

    def __init__(self, address: tuple[str, int], *, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.socket.sendall(data)

    def answer(self, *, head: bool = False) -> Answer:
        """Receive one answer; `head`: to a HEAD request, so without a body."""
        while b"\r\n\r\n" not in self._rest:
            self._receive()
        top, _, rest = self._rest.partition(b"\r\n\r\n")
        line, *lines = top.decode("ascii").split("\r\n")
        fields = {name.lower(): value for name, value in (x.split(": ", 1) for x in lines)}
        assert len(fields) == len(lines), f"a field stands twice: {lines}"
        assert line.startswith("HTTP/1.1 "), line
        length = 0 if head else int(fields.get("content-length", "0"))
        while len(rest) < length:
            self._receive()
            rest = self._rest.partition(b"\r\n\r\n")[2]
        self._rest = rest[length:]
        raw = top + b"\r\n\r\n" + rest[:length]
        return Answer(int(line[9:12]), fields, rest[:length], raw)

    def ask(self, data: bytes, *, head: bool = False) -> Answer:
        """Send a request and receive its answer."""
        self.send(data)
        return self.answer(head=head)

    def is_ended(self) -> bool:
        """Wait for the server to close, and tell whether it did so without another byte."""
        try:
            return self._rest == b"" and self.socket.recv(1) == b""
        except ConnectionResetError:  # it closed with bytes of ours unread
            return True
        except TimeoutError:
            return False

    def is_silent(self, seconds: float = 0.1) -> bool:
        """Tell whether for so long neither a byte nor the end comes."""
        self.socket.settimeout(seconds)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return self._rest == b""
        finally:
            self.socket.settimeout(PATIENCE)
        return False

    def abort(self) -> None:
        """Close with a reset, as a client that crashed."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def _receive(self) -> None:
        piece = self.socket.recv(1 << 20)
        assert piece, f"the server closed within an answer, after {self._rest!r}"
        self._rest += piece


def get(path: str, *fields: str, method: str = "GET", version: str = "HTTP/1.1") -> bytes:
    """Return the bytes of a request without a body."""
    lines = (f"{method} {path} {version}", "Host: test", *fields, "", "")
    return "\r\n".join(lines).encode("latin-1")
