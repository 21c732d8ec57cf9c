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
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from taskify import migrate, postgres, processes, serve
from taskify.database import Database
from taskify.errors import ExitCode, TaskifyError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

PROJECT = Path(__file__).parents[2]
PATHS = ("/health", "/api/tasks/1")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopAskedError(Exception):
    """A signal that asks the runner to end."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = _options(arguments)
    for number in _SIGNALS:
        signal.signal(number, _stop)
    try:
        return _run(options.port, once=options.once)
    except TaskifyError as error:
        print(error.render(), file=sys.stderr)
        return error.exit_code
    except StopAskedError:
        return ExitCode.INTERRUPTED


def _run(port: int, *, once: bool) -> int:
    """Build, start everything, serve, and stop everything in the opposite order."""
    port = serve.free_port() if once else port
    serve.check_port(port)
    program = _program()
    state = Path(os.environ.get("TASKIFY_STATE", PROJECT / ".taskify"))
    with contextlib.ExitStack() as stack:
        url = os.environ.get("TASKIFY_DATABASE_URL") or _embedded(state, stack)
        for name in migrate.migrate(postgres.psql(), url, migrate.read()):
            _say(f"applied {name}")
        server = serve.Server(program, port, url)
        stack.callback(server.stop)
        stack.callback(_ignore_signals)  # from here on backwards nothing interrupts
        server.wait_until_ready()
        return _ask_each(port) if once else _serve(server)


def _program() -> Path:
    """Return the program to serve, built; TASKIFY_PROGRAM names another one."""
    if other := os.environ.get("TASKIFY_PROGRAM"):
        if not os.access(other, os.X_OK):
            raise UnavailableError(f"'{other}' is no program", remedy="look at TASKIFY_PROGRAM")
        return Path(other).resolve()
    status = processes.run_visibly([sys.executable, "-m", "doit"], cwd=PROJECT)
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
    stack.callback(_ignore_signals)
    _say(f"starting PostgreSQL {database.tools.version} in {database.data}")
    database.start()
    return database.url


def _serve(server: serve.Server) -> int:
    """Serve until a signal comes, or the program ends by itself."""
    address = f"http://{serve.HOST}:{server.port}"
    try:
        print(f"Taskify serves on {address}\ntry: curl {address}{PATHS[-1]}", flush=True)
        _say("Ctrl-C ends it")
        while True:
            status = server.wait(3600.0)
            if status is not None:
                raise TaskifyError(
                    f"the program ended by itself with status {status}", where=server.program
                )
    except StopAskedError:
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


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """Unwind; what is being stopped is not interrupted again."""
    _ignore_signals()
    raise StopAskedError


def _ignore_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


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
