"""Builds Taskify, brings up its database and serves it.

python -m taskify run [--port N]    until Ctrl-C
python -m taskify run --once        asks each endpoint once and ends
"""
# ruff: noqa: T201 -- printing is what a command line does

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from taskify import migrate, postgres, processes, serve
from taskify.database import Database
from taskify.errors import ExitCode, TaskifyError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

PROJECT = Path(__file__).parents[2]
PATHS = ("/health", "/api/tasks/1")
_POLL = 0.05  # seconds between two looks


class StopAskedError(Exception):
    """A signal came before anything was served."""


class Stop:
    """Whether a signal has asked the runner to end.

    The handler raises nothing: an exception in the middle of subprocess leaves its lock held.
    """

    def __init__(self) -> None:
        """Catch the signals from now on."""
        self._came = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def is_asked(self) -> bool:
        """Tell whether one has come."""
        return self._came

    def check(self) -> None:
        """Give up, in order, if one has come."""
        if self._came:
            raise StopAskedError

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._came = True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = _options(arguments)
    try:
        return _run(options.port, once=options.once, stop=Stop())
    except StopAskedError:
        return ExitCode.INTERRUPTED
    except TaskifyError as error:
        print(error.render(), file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # nobody reads what we print, and so that is the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except OSError as error:
        print(
            TaskifyError(str(error), remedy="make room and access there").render(), file=sys.stderr
        )
        return ExitCode.UNAVAILABLE


def _run(port: int, *, once: bool, stop: Stop) -> int:
    """Build, start everything, serve, and stop everything in the opposite order."""
    port = serve.free_port() if once else port
    serve.check_port(port)
    program = _program(stop)
    state = Path(os.environ.get("TASKIFY_STATE", PROJECT / ".taskify"))
    with contextlib.ExitStack() as stack:
        url = os.environ.get("TASKIFY_DATABASE_URL") or _embedded(state, stack)
        stop.check()
        for name in migrate.migrate(postgres.psql(), url, migrate.read()):
            _say(f"applied {name}")
        stop.check()
        server = serve.Server(program, port, url)
        stack.callback(server.stop)
        server.wait_until_ready()
        return _ask_each(port) if once else _serve(server, stop)


def _program(stop: Stop) -> Path:
    """Return the program to serve, built; TASKIFY_PROGRAM names another one."""
    if other := os.environ.get("TASKIFY_PROGRAM"):
        if not os.access(other, os.X_OK):
            raise UnavailableError(f"'{other}' is no program", remedy="look at TASKIFY_PROGRAM")
        return Path(other).resolve()
    build = [sys.executable, "-m", "doit", "-n", str(len(os.sched_getaffinity(0)))]
    status = processes.run_visibly(build, cwd=PROJECT, is_asked_to_stop=stop.is_asked)
    stop.check()
    if status != 0:
        raise TaskifyError(
            f"the build failed with status {status}", remedy="mend what it says above"
        )
    return PROJECT / "build/bin/taskify"


def _embedded(state: Path, stack: contextlib.ExitStack) -> str:
    """Start the embedded PostgreSQL for as long as `stack` lasts; return its address."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    stack.callback(os.close, held)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)  # on the directory: no file is left
    except OSError:
        raise UnavailableError(
            "another runner uses this database",
            where=state,
            remedy="end it, or set TASKIFY_STATE to another directory",
        ) from None
    durable = os.environ.get("TASKIFY_DURABLE", "1") != "0"  # 0: for tests, which throw it away
    database = Database(state, durable=durable)
    stack.callback(database.stop)
    _say(f"starting PostgreSQL {database.tools.version} in {database.data}")
    database.start()
    return database.url


def _serve(server: serve.Server, stop: Stop) -> int:
    """Serve until a signal comes, or the program ends by itself."""
    address = f"http://{serve.HOST}:{server.port}"
    print(f"Taskify serves on {address}\ntry: curl {address}{PATHS[-1]}", flush=True)
    _say("Ctrl-C ends it")
    while not stop.is_asked():
        status = server.status()
        if status is not None:
            raise TaskifyError(
                f"the program ended by itself with status {status}", where=server.program
            )
        time.sleep(_POLL)
    return ExitCode.OK


def _ask_each(port: int) -> int:
    """Ask each endpoint once and print what was asked and answered."""
    good = True
    for path in PATHS:
        answer = serve.ask(port, path)
        good &= answer.status == 200  # noqa: PLR2004 -- OK, RFC 9110
        text = answer.text.replace("\r", "")
        print(f"$ curl -i http://{serve.HOST}:{port}{path}\n{text}\n")
    sys.stdout.flush()
    return ExitCode.OK if good else ExitCode.FAILED


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m taskify",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="run")
    run = commands.add_parser("run", help="build, start and serve Taskify")
    run.add_argument("--port", type=_port, default=8080, metavar="N", help="default: 8080")
    run.add_argument("--once", action="store_true", help="ask each endpoint once, on a free port")
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:  # noqa: PLR2004 -- 16 bits
        return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' is no port: expected a number from 1 to 65535")


if __name__ == "__main__":
    sys.exit(main())
