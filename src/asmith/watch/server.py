"""Commands of other processes, run by a `watch` of the same project: it has everything loaded.

A Unix socket in build/ that only the same user may use: its mode is 0600, and the kernel says who
connects. What goes over it is that of `host/relay.py`.
"""

from __future__ import annotations

import contextlib
import io
import os
import socket
import struct
import threading
from typing import TYPE_CHECKING, Self

from asmith.host import files, relay

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LONGEST = 1 << 16  # bytes of a request
_PATIENCE = 2.0  # seconds for a request to come


class Request:
    """One command that somebody waits for."""

    def __init__(self, connection: socket.socket, arguments: list[str]) -> None:
        """Take over a connection."""
        self.arguments = arguments
        self._connection = connection

    def run(self, command: Callable[[list[str]], int]) -> None:
        """Run it with its output going to whoever asked."""
        out, err = _Relay(self._send, relay.OUT), _Relay(self._send, relay.ERR)
        with self._connection:
            self._send(relay.BEGUN, "")
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = command(self.arguments)
            self._send(relay.EXIT, str(code))

    def _send(self, kind: bytes, text: str) -> None:
        with contextlib.suppress(OSError):  # whoever asked has gone
            self._connection.sendall(relay.frame(kind, text.encode("utf-8", "replace")))


class _Relay(io.TextIOBase):
    """A stream whose text goes to whoever asked."""

    def __init__(self, send: Callable[[bytes, str], None], kind: bytes) -> None:
        self._send_on = send
        self._kind = kind

    def write(self, text: str) -> int:
        """Send text."""
        if text:
            self._send_on(self._kind, text)
        return len(text)

    far = True  # nobody there can be asked anything (run/terminal.py)

    def isatty(self) -> bool:
        """Say no: bars are drawn where the terminal is."""
        return False


class Server:
    """Listens while it is open; `asked` is called with each request, on a thread of its own."""

    def __init__(self, root: Path, asked: Callable[[Request], None]) -> None:
        """Prepare to listen for a project."""
        self._path = root / relay.SOCKET
        self._asked = asked
        self._listener: socket.socket | None = None

    def __enter__(self) -> Self:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        files.make_directory(self._path.parent)
        directory = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        before = os.umask(0o177)
        try:
            files.remove(self._path)
            listener.bind(f"/proc/self/fd/{directory}/{self._path.name}")  # paths may be long
            listener.listen(8)
        except OSError:
            listener.close()  # no socket: other commands run on their own
            return self
        finally:
            os.umask(before)
            os.close(directory)
        self._listener = listener
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._listener is not None:
            files.remove(self._path)
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            arguments = _read(connection) if _is_ours(connection) else None
            if arguments is None:
                connection.close()
            else:
                self._asked(Request(connection, arguments))


def _is_ours(connection: socket.socket) -> bool:
    """Tell whether the same user is at the other end (unix(7), SO_PEERCRED)."""
    size = struct.calcsize("3i")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return bool(struct.unpack("3i", credentials)[1] == os.geteuid())


def _read(connection: socket.socket) -> list[str] | None:
    """Return the words that are asked for; None for nonsense."""
    connection.settimeout(_PATIENCE)
    data = b""
    try:
        while (part := connection.recv(4096)) and len(data) < _LONGEST:
            data += part
    except OSError:
        return None
    connection.settimeout(None)
    return relay.words_of(data)
