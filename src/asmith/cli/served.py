"""Asking the `asmith watch` of a project to run a command, since it has everything loaded."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

SOCKET = "build/watch.sock"  # as in watch/server.py


def ask(root: str, arguments: Sequence[str]) -> int | None:
    """Run a command of a project there, and return its exit code; None if nobody serves it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            directory = os.open(f"{root}/build", os.O_PATH | os.O_DIRECTORY)
            try:
                connection.connect(f"/proc/self/fd/{directory}/watch.sock")
            finally:
                os.close(directory)
            request = {"schema": 1, "arguments": [*arguments]}
            connection.sendall(json.dumps(request).encode() + b"\n")
        except OSError:
            return None
        try:
            return _relayed(connection)
        except KeyboardInterrupt:
            print("interrupted: asmith watch goes on with it", file=sys.stderr)
            return 130


def _relayed(connection: socket.socket) -> int | None:
    """Pass on what comes; None if nothing came at all."""
    came = False
    with contextlib.suppress(OSError, ValueError), connection.makefile("rb") as lines:
        for line in lines:
            value = json.loads(line)
            if "exit" in value:
                return int(value["exit"])
            came = True
            stream = sys.stdout if "out" in value else sys.stderr
            stream.write(value.get("out") or value.get("err") or "")
            stream.flush()
    if not came:
        return None
    print("error: asmith watch ended before the command did", file=sys.stderr)
    return 1
