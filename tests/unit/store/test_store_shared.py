"""A store that machines share: what is sent, what is taken, and what is refused."""

from __future__ import annotations

import importlib
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import fsspec
import pytest

from asmith.errors import UsageError
from asmith.model.names import Digest, InterfaceName, ModuleName, digest_bytes
from asmith.model.record import Mode, Record, Standing, Trace, Traced
from asmith.project.config import StoreConfig
from asmith.store import records, shared
from asmith.store.answers import Store
from asmith.store.shared import Shared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULE = ModuleName("m")
TEXT, ANSWER = b"the module\n", b"```nasm\nthe module\n```\n"


def record(**changes: Any) -> Record:
    """Return the record of an accepted text."""
    text = Traced("int f(void);", Digest("d"))
    one = Record(
        module=MODULE,
        implements=InterfaceName("m"),
        standing=Standing.ACCEPTED,
        mode=Mode.GENERATED,
        trace=Trace({"FR-001": Digest("r")}, (), {"m.f": text}, {"m.f": text}, {}),
        request=digest_bytes(b"request"),
        answer=digest_bytes(ANSWER),
        assembly=digest_bytes(TEXT),
        object=None,
    )
    return replace(one, **changes)


class Machine:
    """A project's store on one machine."""

    def __init__(self, root: Path, url: str, *, write: bool = True, seconds: float = 10.0) -> None:
        self.shared = Shared(url, write=write, seconds=seconds)
        self.store = Store(root / ".asmith", self.shared)

    def accept(self, one: Record) -> bool:
        """Keep an accepted module and share it."""
        self.store.keep_answer(one.request, ANSWER, {})
        self.store.add_candidate(one, TEXT)
        return self.store.share(one)

    def found(self, of: Record | None = None) -> list[Any]:
        """Look a module up."""
        return list(self.store.candidates(MODULE, records.candidate_key(of or record())))


class Server:
    """A web server with nothing but GET, HEAD and PUT, and what it was asked."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.status = 0
        self.pause = 0.0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(f"GET {self.path}")
                time.sleep(outer.pause)
                data = outer.objects.get(self.path)
                self.send_response(outer.status or (200 if data is not None else 404))
                self.send_header("Content-Length", str(len(data or b"")))
                self.end_headers()
                self.wfile.write(data or b"")

            def do_PUT(self) -> None:
                outer.asked.append(f"PUT {self.path}")
                data = self.rfile.read(int(self.headers["Content-Length"]))
                if not outer.status:
                    outer.objects[self.path] = data
                self.send_response(outer.status or 201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/store"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Answer nothing any more."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    """Return a running web server."""
    made = Server()
    yield made
    made.stop()


@pytest.fixture(params=["file", "memory", "http"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty shared store of each kind."""
    match request.param:
        case "file":
            (tmp_path / "shared").mkdir()
            return f"file://{tmp_path}/shared"
        case "memory":
            return f"memory://{tmp_path.name}"
    made: str = request.getfixturevalue("server").url
    return made


@pytest.fixture
def here(tmp_path: Path, url: str) -> Machine:
    """Return one machine."""
    return Machine(tmp_path / "here", url)


@pytest.fixture
def there(tmp_path: Path, url: str) -> Machine:
    """Return another one, which only reads."""
    return Machine(tmp_path / "there", url, write=False)


def replace_object(url: str, digest: Digest, data: bytes) -> None:
    """Put other bytes in an object's place."""
    files, path = fsspec.core.url_to_fs(f"{url}/blobs/{digest[:2]}/{digest}")
    files.pipe_file(path, data)


def test_what_one_machine_accepts_another_finds(here: Machine, there: Machine) -> None:
    assert here.accept(record())
    assert there.found() == [record()]
    assert there.store.get(record().assembly) == TEXT
    assert there.store.get(record().answer) == ANSWER


def test_what_was_taken_once_is_there_without_the_shared_store(
    here: Machine, there: Machine
) -> None:
    here.accept(record())
    assert there.store.get(record().assembly) == TEXT
    assert Store(there.store.root).get(record().assembly) == TEXT


def test_other_specs_modules_and_versions_are_kept_apart(here: Machine, there: Machine) -> None:
    first, second = record(), record(accepted="later")
    for one in (first, second, record(module=ModuleName("n")), record(implements="k")):
        here.accept(one)
    assert there.found() == [second, first]


def test_a_record_is_indexed_once(here: Machine, url: str) -> None:
    here.accept(record())
    here.accept(record())
    files, path = fsspec.core.url_to_fs(f"{url}/candidates/m/{records.candidate_key(record())}")
    assert files.cat_file(path).decode().split() == [digest_bytes(records.encode(record()))]


@pytest.mark.parametrize("data", [b"", TEXT[:-1], b"poison"])
@pytest.mark.parametrize("which", ["record", "assembly"])
def test_truncated_and_poisoned_objects_are_refused(
    here: Machine,
    there: Machine,
    url: str,
    data: bytes,
    which: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    here.accept(record())
    one = digest_bytes(records.encode(record())) if which == "record" else record().assembly
    replace_object(url, one, data)
    assert there.store.get(one) is None
    assert there.found() == ([] if which == "record" else [record()])
    assert f"damaged and was not used: {url}/blobs/{one[:2]}/{one}\n" in caplog.text
    here.accept(record())
    assert there.store.get(one) is not None, "the next who accepts it mends it"


def test_an_index_that_names_another_modules_record_is_refused(
    here: Machine, there: Machine, url: str
) -> None:
    here.accept(record(module=ModuleName("n")))
    line = digest_bytes(records.encode(record(module=ModuleName("n"))))
    files, path = fsspec.core.url_to_fs(f"{url}/candidates/m/{records.candidate_key(record())}")
    if "http" not in url:
        files.makedirs(path.rpartition("/")[0], exist_ok=True)
    files.pipe_file(path, f"../../x\n{'0' * 64}\n\xff{line}\n{line}\n".encode("latin-1"))
    assert there.found() == []
    assert there.shared.away is None


def test_a_record_of_another_schema_is_passed_over(
    here: Machine, there: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    here.accept(record())
    data = records.encode(record()).replace(b'"schema": 1', b'"schema": 9')
    here.shared._write(f"blobs/{digest_bytes(data)[:2]}/{digest_bytes(data)}", data)
    path = f"candidates/m/{records.candidate_key(record())}"
    here.shared._write(path, f"{digest_bytes(data)}\n".encode())
    assert there.found() == []
    assert "a record of the shared store was not used" in caplog.text


# ---- what is sent --------------------------------------------------------------------------------


def test_nothing_is_sent_unless_writing_is_configured(server: Server, tmp_path: Path) -> None:
    reader = Machine(tmp_path / "here", server.url, write=False)
    assert not reader.accept(record())
    reader.found()
    assert [a for a in server.asked if not a.startswith("GET ")] == []


def test_an_edit_that_nobody_attested_is_not_sent(server: Server, tmp_path: Path) -> None:
    writer = Machine(tmp_path / "here", server.url)
    assert not writer.accept(record(standing=Standing.EDITED))
    assert server.objects == {}


def test_exactly_three_objects_and_an_index_are_sent(server: Server, tmp_path: Path) -> None:
    writer = Machine(tmp_path / "here", server.url)
    writer.store.keep_answer(record().request, b"another answer", {})
    writer.accept(record())
    index = f"/store/candidates/m/{records.candidate_key(record())}"
    sent = (records.encode(record()), TEXT, ANSWER)
    blobs = {f"/store/blobs/{digest_bytes(d)[:2]}/{digest_bytes(d)}": d for d in sent}
    assert server.objects == blobs | {index: f"{digest_bytes(sent[0])}\n".encode()}


# ---- a store that is away ------------------------------------------------------------------------


def test_a_store_that_is_away_is_asked_once_and_told_once(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.stop()
    machine = Machine(tmp_path / "here", server.url)
    assert not machine.accept(record())
    assert machine.found() == [record()]
    assert machine.found(record(implements="k")) == []
    assert machine.store.get(digest_bytes(b"x")) is None
    assert caplog.text.count(f"the shared store {server.url} is away; the build goes on") == 1


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_a_server_that_refuses_is_away(server: Server, tmp_path: Path, status: int) -> None:
    server.status = status
    machine = Machine(tmp_path / "here", server.url)
    assert machine.found() == []
    assert machine.shared.away
    assert str(status) in str(machine.shared.away.why)


def test_a_server_that_hangs_is_not_waited_for_for_ever(server: Server, tmp_path: Path) -> None:
    server.pause = 5.0
    machine = Machine(tmp_path / "here", server.url, seconds=0.2)
    began = time.monotonic()
    assert machine.found() == []
    assert machine.found(record(implements="k")) == []
    assert time.monotonic() - began < 3
    assert machine.shared.away
    assert machine.shared.away.why == "it did not answer within 0.2 s"


def test_a_directory_that_is_not_mounted_is_away_and_not_made(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "here", f"file://{tmp_path}/mount")
    assert not machine.accept(record())
    assert not (tmp_path / "mount").exists()
    assert "make it first" in str(machine.shared.away and machine.shared.away.why)


def test_a_place_that_is_gone_when_it_is_written_to_is_away(tmp_path: Path) -> None:
    """As a bucket that does not exist: reading from it finds nothing, writing fails."""

    def gone(*_: Any) -> None:
        raise FileNotFoundError

    machine = Machine(tmp_path / "here", f"memory://{tmp_path.name}")
    assert machine.found() == []
    assert machine.shared.away is None
    machine.shared._filesystem = SimpleNamespace(cat_file=gone, pipe_file=gone)
    assert not machine.accept(record())
    assert machine.shared.away is not None
    assert machine.shared.away.why == "there is no such bucket or directory to write to"


@pytest.mark.parametrize(("scheme", "extra"), [("s3", "s3"), ("gs", "gs"), ("https", "http")])
def test_a_missing_back_end_says_what_to_install(
    tmp_path: Path, scheme: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("s3fs", "gcsfs", "aiohttp", "fsspec.implementations.http"):
        monkeypatch.setitem(sys.modules, name, None)
    loaded = importlib.import_module("fsspec.registry")._registry
    for name in set(loaded) - {"file"}:
        monkeypatch.delitem(loaded, name)
    machine = Machine(tmp_path / "here", f"{scheme}://bucket/path")
    assert machine.found() == []
    assert machine.shared.away
    assert machine.shared.away.why == (
        f"its back end is not installed: pip install 'asmith[{extra}]'"
    )


def test_an_unknown_scheme_is_away_with_its_reason(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "here", "gopher://host/path")
    assert machine.found() == []
    assert machine.shared.away
    assert machine.shared.away.why == "ValueError: Protocol not known: gopher"


# ---- configuration -------------------------------------------------------------------------------


def test_the_environment_decides_over_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    config = StoreConfig("memory://a", write=True)
    assert shared.configured(StoreConfig()) is None
    one = shared.configured(config)
    assert one is not None
    assert one.writes
    assert shared.configured(config) is one
    monkeypatch.setenv("ASMITH_STORE_WRITE", "0")
    reader = shared.configured(config)
    assert reader is not None
    assert not reader.writes
    monkeypatch.setenv("ASMITH_STORE_URL", "")
    assert shared.configured(config) is None
    monkeypatch.setenv("ASMITH_STORE_URL", "memory://b")
    assert shared.configured(StoreConfig()) is not None
    monkeypatch.setenv("ASMITH_STORE_WRITE", "yes")
    with pytest.raises(UsageError, match="ASMITH_STORE_WRITE is 'yes'"):
        shared.configured(config)


def test_a_password_in_a_url_is_never_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    machine = Machine(tmp_path / "here", "http://me:secret@127.0.0.1:1/x", seconds=2)
    assert machine.found() == []
    assert "secret" not in caplog.text + str(machine.shared.away and machine.shared.away.render())
