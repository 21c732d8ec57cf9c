"""The program that is kept running: a new one takes over, and no client notices."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from asmith.watch.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVER = """\
#!{python} -SE
import os, select, signal, socket, sys, time
VERSION = b"{version}"
ending = []
signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
{before}
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.setblocking(False)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen(64)
while not ending:
    ready, _, _ = select.select([server], [], [], 0.02)
    if ready:
        try:
            client, _ = server.accept()
        except BlockingIOError:
            continue
        with client:
            client.setblocking(True)
            client.recv(100)
            time.sleep(0.002)
            client.sendall(VERSION)
"""


class Product:
    """A server as a product of a project of its own, and the runner that keeps it running."""

    def __init__(self, root: Path) -> None:
        self.root = root
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = int(server.getsockname()[1])
        self.said: list[str] = []
        self.runner = Runner(root, "server", (str(self.port),), self.said.append)

    def make(self, version: str, before: str = "") -> None:
        """Build another version, and let it run."""
        path = self.root / "build/bin/server"
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name("fresh")
        fresh.write_text(SERVER.format(python=sys.executable, version=version, before=before))
        fresh.chmod(0o755)
        fresh.rename(path)
        self.runner.update()

    def ask(self) -> str:
        """Return what the server answers to one connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as client:
            client.sendall(b"?")
            return client.recv(100).decode()

    def until_it_answers(self, version: str) -> None:
        """Wait for a version to answer."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if self.ask() == version:
                    return
            except OSError:
                time.sleep(0.01)
        pytest.fail(f"version {version} does not answer: {self.said}")


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    one = Product(tmp_path)
    yield one
    one.runner.stop()


def test_no_client_notices_that_the_program_is_replaced(product: Product) -> None:
    product.make("1")
    product.until_it_answers("1")
    answers: list[str] = []
    over = threading.Event()

    def hammer() -> None:
        while not over.is_set():
            try:
                answers.append(product.ask())
            except OSError as error:
                answers.append(f"{type(error).__name__}: {error}")

    clients = [threading.Thread(target=hammer) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        for version in ("2", "3", "4"):
            product.make(version)
            product.until_it_answers(version)
            time.sleep(0.2)
            product.runner.look()
    finally:
        over.set()
        for client in clients:
            client.join()
    assert set(answers) == {"1", "2", "3", "4"}
    assert len(answers) > 50
    assert product.said == []


def test_the_same_bytes_need_no_restart(product: Product) -> None:
    product.make("1")
    product.until_it_answers("1")
    before = product.runner._running
    product.make("1")
    assert product.runner._running is before


def test_a_new_program_that_fails_leaves_the_old_one_running(product: Product) -> None:
    product.make("1")
    product.until_it_answers("1")
    product.make("2", before="import atexit; socket.socket.listen = lambda *_: sys.exit(7)")
    assert product.said == ["the new server ended at once with status 7; the old one goes on"]
    assert product.ask() == "1"
    product.make("3")
    product.until_it_answers("3")


def test_a_program_that_cannot_share_is_ended_first(product: Product) -> None:
    other = "os.environ['X'] = ''; import subprocess"
    product.make("1", before=other)
    product.until_it_answers("1")
    product.runner._shim = "/nonexistent/shim.so"  # as if it called the kernel itself
    product.make("2")
    product.until_it_answers("2")
    assert product.said == []


def test_an_end_by_itself_is_told_once(product: Product) -> None:
    product.make("1", before="sys.exit(3)")
    deadline = time.monotonic() + 20
    while not product.said and time.monotonic() < deadline:
        product.runner.look()
        time.sleep(0.01)
    product.runner.look()
    assert product.said == ["server ended by itself with status 3"]


def test_stopping_leaves_nothing(product: Product) -> None:
    product.make("1", before="import subprocess; subprocess.Popen(['sleep', '1000'])")
    product.until_it_answers("1")
    assert product.runner._running is not None
    service = product.runner._running.service
    product.runner.stop()
    listed = subprocess.run(
        ["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True
    )
    states = [line.split() for line in listed.stdout.splitlines()]
    assert [s for group, s in states if group == str(service.pid) and not s.startswith("Z")] == []
    with pytest.raises(ConnectionRefusedError):
        product.ask()
