"""A command that another process runs for us: its words go over a Unix socket, its output back.

The words are separated by zeros and end where the sender shuts its side down. What comes back are
frames: one byte for the kind, four for the length (big-endian), the content. Builds with nothing to
do import this file, so it imports nothing that is not built in.
"""

from __future__ import annotations

import os
import sys
from _socket import AF_UNIX, MSG_PEEK, SHUT_WR, SOCK_CLOEXEC, SOCK_STREAM, socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


SOCKET = "build/watch.sock"
OUT, ERR, EXIT = b"o", b"e", b"x"  # text for standard output and error; the exit code in digits
BEGUN = b"b"  # the command runs now
_SOON = 1.0  # seconds after which it is said that it does not
_GREETING = "asmith 1"  # the protocol
_HEAD = 5  # bytes before the content of a frame


def request(words: Sequence[str]) -> bytes:
    """Return the bytes that ask for a command."""
    return b"\0".join(os.fsencode(word) for word in (_GREETING, *words))


def words_of(data: bytes) -> list[str] | None:
    """Return the words of a request; None for anything else."""
    greeting, *words = (os.fsdecode(word) for word in data.split(b"\0"))
    return words if greeting == _GREETING and words else None


def frame(kind: bytes, content: bytes) -> bytes:
    """Return the bytes of one frame."""
    return kind + len(content).to_bytes(_HEAD - 1, "big") + content


def ask(root: str, words: Sequence[str]) -> int | None:
    """Have a project's `asmith watch` run a command; return its exit code.

    None if nobody serves the project. Output is passed on as it comes.
    """
    connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC)
    try:
        directory = os.open(f"{root}/build", os.O_PATH | os.O_DIRECTORY)
        try:  # the name of a socket may be no longer than 107 bytes, a project's path may
            connection.connect(f"/proc/self/fd/{directory}/{os.path.basename(SOCKET)}")
        finally:
            os.close(directory)
        connection.sendall(request(words))
        connection.shutdown(SHUT_WR)
    except OSError:
        connection.close()
        return None
    try:
        return _relayed(connection)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: asmith watch goes on with it\n")
        return 130
    except BrokenPipeError:  # nobody reads what we print
        return 0
    finally:
        connection.close()


def _relayed(connection: socket) -> int | None:
    """Pass on what comes; None if nothing came at all."""
    came = False
    _tell_of_a_wait(connection)
    while (found := _next(connection)) is not None:
        kind, content = found
        if kind == EXIT:
            return int(content)
        came = True
        if kind == BEGUN:
            continue
        stream = sys.stdout if kind == OUT else sys.stderr
        stream.write(content.decode("utf-8", "replace"))
        stream.flush()
    if not came:
        return None
    sys.stderr.write("error: asmith watch ended before the command did\n")
    return 1


def _tell_of_a_wait(connection: socket) -> None:
    """Wait until something comes, and say so if that is not soon."""
    connection.settimeout(_SOON)
    try:
        connection.recv(1, MSG_PEEK)
    except TimeoutError:
        sys.stderr.write("waiting: asmith watch is building; this command comes next\n")
        sys.stderr.flush()
    except OSError:
        pass  # whoever reads next meets it again
    connection.settimeout(None)


def _next(connection: socket) -> tuple[bytes, bytes] | None:
    """Return the next frame; None at the end."""
    head = _exactly(connection, _HEAD)
    content = head and _exactly(connection, int.from_bytes(head[1:], "big"))
    return None if head is None or content is None else (bytes(head[:1]), bytes(content))


def _exactly(connection: socket, size: int) -> bytes | None:
    """Return so many bytes; None if the other end goes before."""
    data = bytearray()
    while len(data) < size:
        try:
            piece = connection.recv(size - len(data))
        except OSError:
            return None
        if not piece:
            return None
        data += piece
    return bytes(data)
