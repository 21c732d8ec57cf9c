"""Commands that another process runs: what the one who asks prints."""

from __future__ import annotations

import io
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from asmith.host import relay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Serve = Callable[[Callable[[socket.socket], None]], Path]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Return what serves one connection in a project's name, and says where the project is."""
    threads = []
    with socket.socket(socket.AF_UNIX) as listener:
        (tmp_path / "build").mkdir()
        listener.bind(str(tmp_path / relay.SOCKET))
        listener.listen()

        def start(answer: Callable[[socket.socket], None]) -> Path:
            def once() -> None:
                connection, _ = listener.accept()
                with connection:
                    answer(connection)

            threads.append(threading.Thread(target=once))
            threads[-1].start()
            return tmp_path

        yield start
        for thread in threads:
            thread.join()


def test_output_and_exit_code_are_passed_on(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(connection: socket.socket) -> None:
        asked = b""
        while part := connection.recv(100):
            asked += part
        words = " ".join(relay.words_of(asked) or ())
        for kind, content in ((relay.BEGUN, b""), (relay.OUT, words.encode()), (relay.EXIT, b"3")):
            connection.sendall(relay.frame(kind, content))

    assert relay.ask(str(serve(answer)), ["build", "x"]) == 3
    assert capsys.readouterr() == ("build x", "")


def test_a_command_that_has_to_wait_says_so(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "_SOON", 0.01)
    waited = threading.Event()

    def answer(connection: socket.socket) -> None:
        waited.wait(10)
        connection.sendall(relay.frame(relay.BEGUN, b"") + relay.frame(relay.EXIT, b"0"))

    class Waiting(io.StringIO):
        def write(self, text: str) -> int:
            waited.set()
            return super().write(text)

    said = Waiting()
    monkeypatch.setattr("sys.stderr", said)
    assert relay.ask(str(serve(answer)), ["build"]) == 0
    assert said.getvalue() == "waiting: asmith watch is building; this command comes next\n"


def test_a_server_that_goes_before_anything_came_is_none(
    serve: Serve,
) -> None:
    assert relay.ask(str(serve(lambda _: None)), ["build"]) is None


def test_a_server_that_goes_in_the_middle_is_an_error(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(relay.frame(relay.BEGUN, b""))

    assert relay.ask(str(serve(answer)), ["build"]) == 1
    assert capsys.readouterr().err == "error: asmith watch ended before the command did\n"


def test_without_a_server_there_is_no_answer(tmp_path: Path) -> None:
    assert relay.ask(str(tmp_path), ["build"]) is None
