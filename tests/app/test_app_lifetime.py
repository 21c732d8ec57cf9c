"""Start, end and memory of the process."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from app.site import HEALTH, TASK, address_of, memory, program
from app.wire import Client, get

if TYPE_CHECKING:
    from app.site import Own, Site


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_with_status_0_when_nothing_runs(own: Own, number: signal.Signals) -> None:
    server = own.another()
    with Client(address_of(server)) as client:
        assert client.ask(TASK).status == 200
        os.kill(server.pid, number)
        assert client.is_ended()
    assert server.wait(1.0) == 0


def test_memory_does_not_grow(own: Own, site: Site) -> None:
    requests = (TASK + HEALTH + get("/nowhere") + get("/api/tasks/x")) * 25
    refused = get("/health", "Transfer-Encoding: chunked")

    def load(rounds: int) -> None:
        with site.connect() as client:
            for _ in range(rounds):
                client.send(requests)
                for _ in range(100):
                    client.answer()
                with site.connect() as other:
                    assert other.ask(refused).status == 501

    load(30)
    before = memory(own.server.pid)
    load(200)
    assert memory(own.server.pid) - before < 256 * 1024, "bytes, over 20,000 requests"


def test_descriptors_do_not_leak(own: Own, site: Site) -> None:
    def count() -> int:
        return len(os.listdir(f"/proc/{own.server.pid}/fd"))

    with site.connect() as client:
        client.ask(HEALTH)
        before = count()
        for _ in range(300):
            with site.connect() as other:
                other.ask(get("/health", "Connection: close"))
                assert other.is_ended()
        client.ask(HEALTH)
        assert count() <= before


@pytest.mark.parametrize(
    "arguments",
    [["--port"], ["--port", "0"], ["--port", "65536"], ["--port", "8x"], ["--prot", "1"], ["1"]],
)
def test_a_wrong_command_line_is_refused(arguments: list[str]) -> None:
    done = subprocess.run([program(), *arguments], capture_output=True, timeout=5, check=False)
    assert done.returncode > 0
    assert done.stderr.startswith(b"taskify: ")
    assert done.stdout == b""


def test_a_port_that_is_taken_is_an_error(own: Own) -> None:
    command = [str(program()), "--port", str(own.server.port)]
    done = subprocess.run(command, capture_output=True, timeout=5, check=False)
    assert done.returncode > 0
    assert done.stderr.startswith(b"taskify: ")
