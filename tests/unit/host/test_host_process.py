"""Child processes: what comes back, and that nothing of them stays."""

from __future__ import annotations

import os
import re
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from asmith.errors import StepFailedError, UnavailableError
from asmith.host import clock, process

if TYPE_CHECKING:
    from pathlib import Path


def python(script: str) -> list[str]:
    """Return the command that runs a Python script."""
    return [sys.executable, "-S", "-E", "-c", script]


def ended(pid: int) -> bool:
    """Tell whether a process has ended (a zombie has)."""
    for _ in range(100):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def test_everything_comes_back(tmp_path: Path) -> None:
    script = (
        "import os, sys; print(sys.stdin.read(), os.environ['A_NAME'], os.getcwd()); "
        "print('ä', file=sys.stderr); sys.exit(3)"
    )
    done = process.run(python(script), cwd=tmp_path, stdin=b"in", environment={"A_NAME": "x"})
    assert (done.status, done.ok) == (3, False)
    assert done.stdout == f"in x {tmp_path}\n".encode()
    assert done.errors() == "ä\n"


def test_standard_input_may_be_read_twice(tmp_path: Path) -> None:
    script = "for _ in 1, 2: print(open('/dev/stdin').read())"
    assert process.run(python(script), cwd=tmp_path, stdin=b"in").stdout == b"in\nin\n"


def test_a_signal_is_a_negative_status(tmp_path: Path) -> None:
    done = process.run(python("import os; os.abort()"), cwd=tmp_path)
    assert done.status == -6


def test_a_missing_program_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(process.MissingProgramError) as caught:
        process.run(["no-such-program"], cwd=tmp_path, install="the package")
    assert caught.value.render() == (
        "error: cannot run 'no-such-program': no such program\n"
        "why:  the build needs it\n"
        "help: install the package (asmith doctor shows all that is needed)"
    )


def test_what_cannot_be_run_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"")
    with pytest.raises(UnavailableError, match="permission denied"):
        process.run([str(tmp_path / "data")], cwd=tmp_path)


@pytest.mark.parametrize("parent", ["time.sleep(60)", "sys.exit()"], ids=["runs", "has ended"])
def test_past_its_time_a_process_ends_with_all_that_it_started(tmp_path: Path, parent: str) -> None:
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])\n"
        "open('pid', 'w').write(str(child.pid))\n"
        f"{parent}\n"
    )
    with pytest.raises(StepFailedError, match=r"did not end within 0\.7 s"):
        process.run(python(script), cwd=tmp_path, seconds=0.7)
    assert ended(int((tmp_path / "pid").read_text(encoding="utf-8")))


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    process.run(python("print(1)"), cwd=tmp_path)
    before = os.listdir("/proc/self/fd")
    process.run(python("print(1)"), cwd=tmp_path)
    with pytest.raises(StepFailedError):
        process.run(python("import time; time.sleep(60)"), cwd=tmp_path, seconds=0.2)
    with pytest.raises(UnavailableError):
        process.run(["no-such-program"], cwd=tmp_path)
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_a_program_is_found_on_the_path() -> None:
    assert process.find("sh") in ("/bin/sh", "/usr/bin/sh")
    assert process.find("no-such-program") is None


def test_the_time_is_utc_to_the_second() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", clock.now())
    assert abs((datetime.fromisoformat(clock.now()) - datetime.now(UTC)).total_seconds()) < 5
    assert clock.monotonic() <= clock.monotonic()
