"""What observers of a build are told, in order, and what a person sees of it on a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from asmith.run import build
from asmith.run.events import Adopted, Adopting, Closed, Ended, Opened, Passed, Planned, Started
from fakes.command import generator_that, without_generator

if TYPE_CHECKING:
    from asmith.run.events import Event
    from fakes.sample import Sample

DODO = Path(__file__).parents[2] / "dodo.py"


def told(sample: Sample) -> list[str]:
    """Build and return what an observer is told, one word or two an event."""
    found: list[str] = []

    def hear(event: Event) -> None:
        match event:
            case Planned():
                found.append(f"planned {len(event.steps)}, stale {sorted(event.stale)}")
            case Started() | Passed():
                found.append(f"{type(event).__name__.lower()} {event.step}")
            case Ended():
                found.append(f"{'failed' if event.error else 'ended'} {event.step}")
            case Adopting():
                found.append("adopting")
            case Adopted():
                found.append(f"adopted {list(event.modules)}")
            case Opened():
                found.append("opened")
            case Closed():
                found.append(f"closed, {len(event.errors)} error(s)")

    build.build(sample.root, build.Options(), hear)
    return found


def test_a_requirement_is_told_from_its_plan_to_its_adoption(plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    steps = ["generate:mid", "assemble:mid", "check:mid", "link:sum"]
    assert told(plain) == [
        "opened",
        "planned 4, stale ['mid']",
        *(f"{word} {s}" for s in steps for word in ("started", "ended")),
        "adopting",
        "adopted ['mid']",
        "closed, 0 error(s)",
    ]
    assert told(plain) == [
        "opened",
        "planned 0, stale []",
        "adopting",
        "adopted []",
        "closed, 0 error(s)",
    ]


def test_equal_bytes_pass_what_was_planned(plain: Sample) -> None:
    plain.edit("specs/mid.md", "call leaf and add 10", "call leaf and add 10 as before")
    assert told(plain) == [
        "opened",
        "planned 4, stale ['mid']",
        "started generate:mid",
        "ended generate:mid",
        "started assemble:mid",
        "ended assemble:mid",
        "passed check:mid",
        "passed link:sum",
        "adopting",
        "adopted ['mid']",
        "closed, 0 error(s)",
    ]


def test_a_failure_is_told_and_the_change_set_held(plain: Sample) -> None:
    generator_that(plain, "if name == 'mid': print('no answer'); sys.exit()")
    plain.edit("specs/mid.md", "add 10", "add 11")
    said = told(plain)
    assert said == [
        "opened",
        "planned 4, stale ['mid']",
        *("started generate:mid", "failed generate:mid") * 3,  # each time told what was wrong
        "opened",
        "planned 0, stale ['mid']",
        "adopting",
        "adopted []",
        "closed, 1 error(s)",
    ]


def on_a_terminal(sample: Sample, *command: str, **environment: str) -> str:
    """Run a command with a terminal for all three streams; return what it showed."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(sample.root)
        os.environ.update(environment)
        os.execv(sys.executable, [sys.executable, "-m", *command])  # noqa: S606 -- the child
    shown = b""
    while True:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, shown
    return shown.decode()


def slowly(sample: Sample) -> None:
    """Let the generator take long enough for a bar."""
    generator_that(sample, "import time; time.sleep(0.8)")
    sample.edit("specs/mid.md", "add 10", "add 11")


def test_a_long_build_has_a_bar_on_a_terminal_and_leaves_none(plain: Sample) -> None:
    slowly(plain)
    shown = on_a_terminal(plain, "asmith.cli.main", "build", TERM="xterm", NO_COLOR="1")
    assert re.search(r"0/4 \[> {23}\] generate:mid  0\.\d s", shown)
    drawn = [re.sub(r"^.*\x1b\[K", "", line) for line in shown.split("\r\n")]
    assert drawn[0].startswith("generate:mid                 requirement-changed")
    assert drawn[-3:] == ["adopted: mid", "4 steps ran, 6 up to date", ""]


def test_doit_has_the_same_bar(plain: Sample) -> None:
    shutil.copy(DODO, plain.root)
    slowly(plain)
    shown = on_a_terminal(plain, "doit", TERM="xterm", NO_COLOR="1")
    assert re.search(r"\d/10 \[=*> *\] generate:mid  0\.\d s", shown)
    drawn = [re.sub(r"^.*\x1b\[K", "", line) for line in shown.split("\r\n")]
    assert drawn[-3:] == [".  adopt:sum", "4 steps ran, 6 up to date", ""]


def test_quiet_shows_no_bar(plain: Sample) -> None:
    slowly(plain)
    assert on_a_terminal(plain, "asmith.cli.main", "build", "-q", TERM="xterm") == ""


def test_what_nobody_answers_is_stale_and_not_planned(plain: Sample) -> None:
    without_generator(plain)
    plain.edit("specs/mid.md", "add 10", "add 11")
    assert told(plain)[1] == "planned 0, stale ['mid']"
