"""The first file that `asmith` runs: a build with nothing to do ends here, with next to no imports.

Whatever is not plainly that goes on to `asmith.cli.main`.
"""

from __future__ import annotations

import os
import sys

from asmith.store import index

_SERVED = ("build", "plan", "why")
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


_JSON = (
    '{"schema": 1, "executed": [], "adopted": [], "in_review": [], "errors": [], '
    '"exit_code": 0, "spent": null}\n'
)


def main() -> int:
    """Run the command line of this process and return the exit code."""
    arguments = sys.argv[1:]
    code = _served(arguments)
    if code is None:
        said, looked = _nothing_to_do(arguments)
        if said is None:
            from asmith.cli.main import main as rest

            return _leave(rest(looked=looked))
        code = 0
        sys.stdout.write(said)
    try:
        sys.stdout.flush()
    except OSError:
        return 1
    os._exit(code)  # nothing is left to be cleaned up, and the interpreter takes its time to


def _leave(code: int) -> int:
    """End this process where no thread is left that wants to end by itself; else return the code.

    Everything is written and closed by now, and the interpreter would take apart what a command
    has imported, module by module.
    """
    threading = sys.modules.get("threading")
    if threading is None or threading.active_count() > 1:
        return code
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return code
    os._exit(code)


def _nothing_to_do(arguments: Sequence[str]) -> tuple[str | None, index.Looked | None]:
    """Return what a build says that has nothing to do; None if there may be something.

    What was seen on the way comes with it.
    """
    asked = _asked(arguments)
    root = None if asked is None else _root(asked["-C"])
    looked = None if root is None else index.look(root)
    return said_of(arguments, None if looked is None else looked.steps()), looked


def said_of(arguments: Sequence[str], steps: int | None) -> str | None:
    """Return what a build of everything says if all its steps hold; None for another command."""
    asked = _asked(arguments)
    if asked is None or steps is None:
        return None
    if asked["--json"]:
        return _JSON
    return "" if asked["-q"] else f"nothing to do: {steps} steps up to date\n"


def _served(arguments: Sequence[str]) -> int | None:
    """Let the project's `asmith watch` run a command; None if there is none, or not for that."""
    words, start = list(arguments), "."
    if words[:1] == ["-C"] and len(words) > 1:
        start, words = words[1], words[2:]
    if not words or words[0] not in _SERVED:
        return None
    if "-C" in words[:-1]:
        at = words.index("-C")
        start, words = words[at + 1], words[:at] + words[at + 2 :]
    root = _root(start)
    if root is None or not os.path.exists(f"{root}/build/watch.sock"):  # as in host/relay.py
        return None
    from asmith.host import relay

    return relay.ask(root, [*words, "-C", root])


def _asked(arguments: Sequence[str]) -> dict[str, str] | None:
    """Return the options of a `build` of everything; None for any other command line."""
    found = {"-C": ".", "--json": "", "-q": "", "command": ""}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        match word:
            case "build" if not found["command"]:
                found["command"] = word
            case "-C" if rest:
                found["-C"] = rest.pop(0)
            case "-q" | "--quiet":
                found["-q"] = word
            case "--json":
                found["--json"] = word
            case "-v" | "--verbose" | "--locked" | "--force" | "--yes":
                pass  # they change nothing where nothing is to be done
            case "-n" | "--jobs" if rest and rest[0].isdecimal() and int(rest[0]) > 0:
                del rest[0]
            case _:
                return None
    return found if found["command"] else None


def _root(start: str) -> str | None:
    """Return the nearest directory at or above `start` that is an asmith project."""
    directory = os.path.realpath(start)
    while True:
        try:
            with open(f"{directory}/pyproject.toml", "rb") as file:
                if b"[tool.asmith" in file.read():
                    return directory
        except OSError:
            pass
        above = os.path.dirname(directory)
        if above == directory:
            return None
        directory = above


if __name__ == "__main__":
    sys.exit(main())
