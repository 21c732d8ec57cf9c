"""`asmith`: the argument parser and the one place where errors become messages and exit codes.

Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from asmith import __version__
from asmith.errors import AsmithError, BugError, ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asmith.run.resident import Resident
    from asmith.store.index import Looked


def main(
    arguments: Sequence[str] | None = None,
    *,
    looked: Looked | None = None,
    at_home: Resident | None = None,
) -> int:
    """Run one command and return its exit code; errors end in one message each.

    `looked` is what a build has seen of its project already, `at_home` the project if this process
    keeps it in memory.
    """
    try:
        options = _parsed(arguments)
        options.looked = looked
        options.at_home = at_home
        module, _, function = options.run.partition(":")
        command = getattr(import_module(f"asmith.cli.{module}"), function)
        return int(command(options))
    except AsmithError as error:
        print(error.render(), file=sys.stderr)
        return int(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted: nothing was adopted, finished steps are kept", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    except OSError as error:
        return _unprinted(error)
    except Exception as error:  # noqa: BLE001 -- the last line of defence
        return _bug(error)


def _unprinted(error: OSError) -> int:
    """Return the exit code where what we print cannot be written: nobody reads it, or no room."""
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.OK)
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return _bug(error)
    with contextlib.suppress(OSError):
        print("error: cannot print: the disk is full", file=sys.stderr)
    return int(ExitCode.UNAVAILABLE)


def _bug(error: Exception) -> int:
    """Say that asmith itself failed, and where the details are; never a traceback."""
    bug = BugError(error)
    print(bug.render(), file=sys.stderr)
    return int(bug.exit_code)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the parsed arguments; an optional FILE may also stand behind options.

    argparse decides on optional positionals at the first one and then takes no more.
    """
    words = sys.argv[1:] if arguments is None else arguments
    reader = parser(_command(words))
    options, rest = reader.parse_known_args(arguments)
    options.root = options.root or options.before or Path()
    if len(rest) == 1 and not rest[0].startswith("-") and getattr(options, "file", "") is None:
        options.file = rest[0]
    elif rest:
        reader.error(f"unrecognized arguments: {' '.join(rest)}")
    return options


def _command(words: Sequence[str]) -> str:
    """Return the command where it is the first word, or comes after `-C DIR` alone."""
    first = words[2:3] if words[:1] == ["-C"] else words[:1]
    return next((name for name, *_ in _COMMANDS if [name] == list(first)), "")


class _Parser(argparse.ArgumentParser):
    """argparse, with its complaints in the form that every asmith message has."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, help=f"see {self.prog} --help")


def parser(command: str = "") -> argparse.ArgumentParser:
    """Return the parser of all commands, or of one alone and the options before it."""
    made = _Parser(
        prog="asmith",
        description="Build programs from specs, as machine code, under enforced contracts.",
        allow_abbrev=False,
    )
    made.add_argument("--version", action="version", version=f"asmith {__version__}")
    made.add_argument("-C", dest="before", metavar="DIR", type=Path, help="the project's directory")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = _common()
    for name, run, text, add in _COMMANDS:
        if command not in ("", name):
            continue  # making a parser takes as long as many a command
        sub = commands.add_parser(
            name, help=text, description=text, parents=[common], allow_abbrev=False
        )
        sub.set_defaults(run=run)
        for flags, settings in add:
            sub.add_argument(*flags.split(), **settings)
    return made


def _common() -> _Parser:
    common = _Parser(add_help=False)
    common.add_argument("-C", dest="root", metavar="DIR", type=Path,
                        help="the project's directory (default: here or above)")  # fmt: skip
    common.add_argument("--json", action="store_true", help="print one JSON object")
    common.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    common.add_argument("-v", "--verbose", action="store_true", help="print every reason")
    return common


_Argument = tuple[str, dict[str, Any]]
_MODULE: _Argument = ("module", {"help": "the module's name"})
_FORCE: _Argument = ("--force", {"action": "store_true", "help": "overwrite a text edited by hand"})
_JOBS: _Argument = (
    "-n --jobs", {"type": int, "default": 1, "metavar": "N", "help": "steps at a time"},
)  # fmt: skip
_GENERATOR: tuple[_Argument, ...] = (
    ("--model", {"metavar": "NAME", "help": "the model to ask"}),
    ("--effort", {"metavar": "LEVEL", "help": "how hard it thinks: low to max"}),
    ("--max-tokens", {"type": int, "metavar": "N", "help": "the longest answer"}),
    ("--budget", {"type": float, "metavar": "USD", "help": "what this run may cost at most"}),
)
_COMMANDS: tuple[tuple[str, str, str, tuple[_Argument, ...]], ...] = (
    ("init", "scaffolding:init", "make a new project: one module, its test, its product",
     (("directory", {"type": Path, "metavar": "DIR", "help": "a new or empty directory"}),)),
    ("new", "scaffolding:new", "add a module: spec, interface and test", (_MODULE,)),
    ("rename", "scaffolding:rename", "rename a module with its spec, tests and record",
     (_MODULE, ("to", {"help": "its new name"}))),
    ("remove", "scaffolding:remove", "remove a module with its spec, tests and record", (_MODULE,)),
    ("build", "building:build", "bring modules and products up to date", (
        ("targets", {"nargs": "*", "metavar": "TARGET",
                     "help": "modules, products or steps (default: everything)"}),
        _JOBS,
        ("--review", {"action": "store_true",
                      "help": "stage new texts instead of adopting them (diff, accept, reject)"}),
        ("--locked", {"action": "store_true", "help": "fail if any module is stale"}),
        _FORCE, *_GENERATOR,
        ("--batch", {"action": "store_true",
                     "help": "ask for all answers in one batch: half price, within a day"}),
        ("--samples", {"type": int, "default": 1, "metavar": "N",
                       "help": "ask N times for each stale module; the fastest correct one wins"}),
        ("--yes", {"action": "store_true", "help": "spend without asking, within the budget"}))),
    ("plan", "looking:plan", "show what a build would run at most, and why", (
        ("targets", {"nargs": "*", "metavar": "TARGET"}),
        ("--exact", {"action": "store_true",
                     "help": "let the provider count the tokens of each request"}))),
    ("why", "looking:why", "show why a module would be built again", (_MODULE,)),
    ("graph", "looking:graph", "show the modules and what they call", (
        ("--dot", {"action": "store_true", "help": "print Graphviz text"}),)),
    ("check", "checking:check", "hold objects to their contracts", (
        ("modules", {"nargs": "*", "metavar": "MODULE"}),
        ("--object", {"type": Path, "nargs": "+", "default": [], "metavar": "FILE",
                      "help": "objects (.o) and archives (.a) outside a project"}),
        ("--format", {"choices": ("text", "json", "sarif", "github"),
                      "help": "how findings are printed (default: text; --json: json)"}),
        ("--interface", {"type": Path, "nargs": "+", "default": [], "metavar": "FILE.h",
                         "help": "the contracts of that object, its own first"}),
        ("--profile", {"choices": ("asm", "compiled"), "default": "asm",
                       "help": "compiled: made by a compiler; asm: written by hand (default)"}))),
    ("explain", "checking:explain", "print what a rule says and how to obey it", (
        ("rule", {"nargs": "?", "help": "its id, e.g. ELF001 (default: list all)"}),)),
    ("prompt", "answering:prompt", "print the request for a module", (_MODULE,)),
    ("accept", "answering:accept",
     "hand in an answer, accept a staged text, or attest one edited by hand", (
        _MODULE,
        ("file", {"nargs": "?", "help": "the answer ('-': standard input); none: what is staged "
                                        "for review, else the text in modules/"}),
        _JOBS,
        ("--mode", {"choices": ("blind", "assisted"), "default": "assisted",
                    "help": "blind: written from the prompt alone and handed in unread"}),
        _FORCE)),
    ("revalidate", "answering:revalidate",
     "keep a stale module whose checks and tests pass under today's contracts", (_MODULE, _JOBS)),
    ("diff", "reviewing:diff", "show what is staged for review, or edited by hand", (
        ("module", {"nargs": "?", "help": "the module's name (default: all that wait)"}),)),
    ("reject", "reviewing:reject", "drop a staged text; its answer is kept as rejected", (
        _MODULE,
        ("--reason", {"default": "", "metavar": "TEXT", "help": "why; it is kept in the record"}))),
    ("provenance", "proving:provenance", "print what a product was made from, as in-toto/SLSA", (
        ("product", {"help": "the product's name"}),
        ("--builder", {"metavar": "URI", "help": "the platform that built it, "
                                                 "if somebody vouches for one"}))),
    ("verify", "proving:verify", "make everything again in a clean directory and compare", (
        ("products", {"nargs": "*", "metavar": "PRODUCT", "help": "default: all"}),
        _JOBS,
        ("--statement", {"type": Path, "metavar": "FILE",
                         "help": "hold a provenance statement against what was made"}))),
    ("store", "storing:store", "look after the store of answers", (
        ("action", {"choices": ("verify", "gc", "export", "import", "push"), "metavar": "ACTION",
                    "help": "verify: is every file whole; gc: remove what serves nobody; "
                            "export FILE, import FILE: carry it elsewhere; "
                            "push: send what was accepted to the shared store"}),
        ("file", {"nargs": "?", "metavar": "FILE", "help": "an archive: .tar or .tar.gz"}),
        ("--repair", {"action": "store_true",
                      "help": "verify: mend what is damaged, set aside what cannot be mended"}),
        ("--days", {"type": float, "default": 90, "metavar": "N",
                    "help": "gc: what is younger stays (default: 90)"}),
        ("-n --dry-run", {"action": "store_true", "help": "gc: only show what it would remove"}))),
    ("import-header", "importing:import_header", "draft an external interface from a real header", (
        ("header", {"metavar": "HEADER", "help": "as '#include <...>' names it, e.g. libpq-fe.h"}),
        ("--symbols", {"nargs": "+", "required": True, "metavar": "NAME",
                       "help": "functions, objects, types ('struct NAME'), constants"}),
        ("--library", {"metavar": "LIB", "help": "its library (default: the package, else libc)"}),
        ("--package", {"metavar": "PKGCONFIG", "help": "its pkg-config name (default: LIB)"}))),
    ("watch", "watching:watch", "build what is saved, and keep a program running", (
        ("--run", {"dest": "product", "metavar": "PRODUCT",
                   "help": "run it, and replace it when a build succeeds"}),
        ("arguments", {"nargs": "*", "metavar": "ARGUMENT",
                       "help": "of that program, behind '--'"}),
        ("-n --jobs", {"type": int, "default": 1, "metavar": "N", "help": "steps at a time"}),
        ("--idle", {"type": float, "default": 1.5, "metavar": "SECONDS",
                    "help": "ask a generator after so long without an edit (default: 1.5)"}),
        ("--poll", {"action": "store_true", "help": "look at the files instead of using inotify"}),
    )),
    ("report", "reporting:report", "show what the iteration log says", (
        ("--html", {"type": Path, "metavar": "FILE", "help": "write it as one page with plots"}),)),
    ("doctor", "looking:doctor", "show the tools that are needed and found", ()),
)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
