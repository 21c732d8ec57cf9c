"""main through its contract: it starts, refuses, and ends."""

import ctypes
import os
import signal
import socket
import threading
import time


def run(module, *arguments):
    """Call main with arguments; return its result and what it logged."""
    words = [ctypes.create_string_buffer(a) for a in (b"taskify", *arguments)]
    argv = (ctypes.c_void_p * (len(words) + 1))(*[ctypes.addressof(w) for w in words], None)
    reader, writer = os.pipe()
    saved = os.dup(2)
    os.dup2(writer, 2)
    os.close(writer)
    try:
        result = module.main(len(words), argv)
    finally:
        os.dup2(saved, 2)
        os.close(saved)
    written = os.read(reader, 65536)
    os.close(reader)
    return result, written


def test_a_malformed_command_line(module):  # FR-001
    assert run(module, b"--prot", b"1") == (2, b"taskify: usage: taskify [--port N]\n")


def test_a_port_that_is_taken(module):  # FR-002
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1]).encode()
        assert run(module, b"--port", port) == (1, b"taskify: cannot listen\n")


def test_it_serves_until_it_is_told_to_end(module):  # FR-003
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    answers = []

    def ask():
        for _ in range(100):
            try:
                with socket.create_connection(("127.0.0.1", port), 1) as client:
                    client.sendall(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
                    answers.append(client.recv(4096).split(b"\r\n")[0])
                break
            except OSError:
                time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=ask)
    thread.start()
    result, logged = run(module, b"--port", str(port).encode())
    thread.join()
    assert (result, answers) == (0, [b"HTTP/1.1 404 Not Found"])
    assert logged.startswith(b"taskify: listening\n")
