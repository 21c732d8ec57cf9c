"""Kills, damage from outside, a full disk, a read-only one, and files saved while a step runs.

`python bench/crash.py --trials 1000` makes the long run.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from asmith.errors import ExitCode
from asmith.host import files
from asmith.run import adopt
from fakes import sample as samples
from fakes.crashes import Crashes, products_of
from fakes.sample import GENERATOR, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASMITH = [sys.executable, "-m", "asmith.cli.main"]
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def plain(tmp_path: Path) -> Sample:
    """Return a built sample project without module tests."""
    sample = samples.make(tmp_path / "project", tests=False)
    sample.ran()
    return sample


def asmith(sample: Sample, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the real command in a project."""
    command = [*ASMITH, words[0], "-C", str(sample.root), *words[1:]]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def kill_after(command: list[str], seconds: float) -> None:
    """Start a command in a process group of its own and kill the group."""
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
    )
    time.sleep(seconds)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def as_if_clean(sample: Sample) -> bool:
    """Tell whether everything is as a build of the same sources makes it elsewhere."""
    clean = Sample(sample.root.parent / "clean")
    shutil.rmtree(clean.root, ignore_errors=True)
    for name in ("specs", "interfaces"):
        shutil.copytree(sample.root / name, clean.root / name)
    shutil.copy(sample.root / "pyproject.toml", clean.root)
    clean.ran()
    return products_of(clean) == products_of(sample)


# ---- kills ---------------------------------------------------------------------------------------


def test_a_build_after_a_kill_is_a_clean_build(tmp_path: Path) -> None:
    crashes = Crashes(tmp_path, seed=1)
    tally = crashes.tally
    for _ in range(60):
        if tally.killed == 15:  # other trials are over before the kill
            break
        crashes.trial()
    assert (tally.wrong, tally.unreadable, tally.repeated) == ([], [], 0)
    assert tally.killed == 15, str(tally)


def test_a_killed_accept_leaves_the_old_module_or_the_new_one(plain: Sample) -> None:
    rng = random.Random(1)  # noqa: S311 -- reproducible
    plain.write("pyproject.toml", samples.KEYLESS)
    answer = plain.root / "answer"
    for number in range(20, 32):
        before = plain.tree("build/bin")
        text = plain.read("modules/mid.asm")
        old = samples.requirement(plain.read("specs/mid.md"))
        plain.edit("specs/mid.md", old, f"mid MUST call leaf and add {number}.")
        wanted = text.replace(old, f"mid MUST call leaf and add {number}.")
        constant = old.rstrip(".").rpartition(" ")[2]
        wanted = wanted.replace(f"mov     rax, {constant}\n", f"mov     rax, {number}\n")
        answer.write_text(f"```nasm\n{wanted}```\n")
        command = [*ASMITH, "accept", "-C", str(plain.root), "mid", str(answer)]
        kill_after(command, rng.uniform(0.15, 0.6))
        plain.build()
        now = plain.read("modules/mid.asm")
        assert now in (text, wanted)
        assert (plain.tree("build/bin") == before) == (now == text)
        done = asmith(plain, "accept", "mid", str(answer))
        assert done.returncode == 0, done.stderr
        assert plain.read("modules/mid.asm") == wanted
        assert plain.ran() == []


def test_what_a_killed_build_started_ends_with_it(plain: Sample) -> None:
    script = "echo $$ > started; exec sleep 60"
    command = json.dumps(["sh", "-c", script])
    config = plain.read("pyproject.toml")
    head = config[: config.index("command = ")]
    plain.write("pyproject.toml", f"{head}command = {command}\n")
    plain.edit("specs/mid.md", "add 10", "add 11")
    started = plain.root / "started"
    child = subprocess.Popen([*ASMITH, "build", "-C", str(plain.root)], process_group=0)
    while not (started.exists() and started.read_text()):
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    generator = int(started.read_text())
    deadline = time.monotonic() + 5
    while _runs(generator) and time.monotonic() < deadline:
        time.sleep(0.01)
    alive = _runs(generator)
    if alive:
        os.kill(generator, signal.SIGKILL)
    assert not alive


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("named", ["the owner", "another process", "no process"])
def test_a_lock_that_outlives_its_owner_for_a_moment_is_waited_for(
    plain: Sample, named: str
) -> None:
    """A kill between fork and exec leaves the lock with the child until that executes.

    Meanwhile the owner's number may belong to another process, or the name be damaged.
    """
    script = (
        "import fcntl, os, sys, time\n"
        "handle = os.open(sys.argv[1], os.O_RDWR)\n"
        "fcntl.flock(handle, fcntl.LOCK_EX)\n"
        "os.pwrite(handle, (sys.argv[2] or f'{os.getpid():<8}').encode(), 0)\n"
        "os.fork() or time.sleep(0.4)\n"
        "os._exit(0)\n"
    )
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        names = {"the owner": "", "another process": f"{other.pid:<8}", "no process": "../self"}
        lock = plain.root / "build/lock"
        command = [sys.executable, "-c", script, lock, names[named]]
        subprocess.run(command, check=True)
        assert plain.ran() == []
        other.kill()


def test_nothing_of_a_killed_build_stays_in_the_way(plain: Sample) -> None:
    left = plain.root / "build/tmp/run-left/object.o"
    plain.write("build/tmp/run-left/object.o", "from a build that was killed")
    plain.ran()
    assert not left.exists()


# ---- damage from outside -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["build/state", ".asmith/adopting"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff\0\n" * 50, b'{"schema": 1}\n'])
def test_a_damaged_journal_costs_time_only(plain: Sample, name: str, content: bytes) -> None:
    before = products_of(plain)
    (plain.root / name).write_bytes(content)
    assert [s for s in plain.ran() if s.startswith("generate")] == []
    assert products_of(plain) == before
    assert plain.ran() == []


def test_a_truncated_journal_costs_time_only(plain: Sample) -> None:
    before = products_of(plain)
    state = plain.root / "build/state"
    whole = state.read_bytes()
    for length in range(0, len(whole), len(whole) // 12):
        state.write_bytes(whole[:length])
        assert [s for s in plain.ran() if s.startswith("generate")] == []
        assert products_of(plain) == before
        assert plain.ran() == []


def test_a_damaged_draft_is_made_again_from_the_store(plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    _cut_off_adoption(plain)
    (plain.root / ".asmith/adopting").unlink()
    plain.write("build/stage/modules/mid.json", "{")
    assert "generate:mid" in plain.ran()
    assert as_if_clean(plain)


class KilledError(BaseException):
    """Stands for a kill at one certain moment."""


def _cut_off_adoption(sample: Sample) -> None:
    """Build as far as the intent to adopt; nothing is renamed yet."""

    def killed(*_: object) -> None:
        raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adopt, "_finish", killed)
        with pytest.raises(KilledError):
            sample.build()


def test_an_adoption_that_was_cut_off_is_finished(plain: Sample) -> None:
    before = plain.top(0)
    plain.edit("specs/mid.md", "add 10", "add 11")
    _cut_off_adoption(plain)
    assert plain.ran() == []
    assert plain.top(0) == before + 1
    assert as_if_clean(plain)


@pytest.mark.parametrize("moves", range(4))
@pytest.mark.parametrize("removed", ["", "build", "build/stage"])
def test_an_adoption_that_was_killed_between_two_renames_is_finished(
    plain: Sample, monkeypatch: pytest.MonkeyPatch, moves: int, removed: str
) -> None:
    """Without build/ too: else a new text would stand under an old record, and look edited."""
    before = plain.top(0)
    plain.edit("specs/mid.md", "add 10", "add 11")
    move, left = files.move, [moves]

    def until_killed(source: Path, target: Path) -> None:
        if "modules" in source.parts or "build" in target.parts:
            left[0] -= 1
        if left[0] < 0 and source.parent.name in ("modules", "bin", "obj", "include"):
            raise KilledError
        move(source, target)

    real = adopt._finish

    def finish(*arguments: Any) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "move", until_killed)
            real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(adopt, "_finish", finish)
        with pytest.raises(KilledError):
            plain.build()
    if removed:
        shutil.rmtree(plain.root / removed)
    ran = plain.ran()
    assert [s for s in ran if s.startswith("generate")] == []
    record = json.loads(plain.read("modules/mid.json"))
    assert record["standing"] == "accepted"
    assert "rax, 11" in plain.read("modules/mid.asm")
    assert plain.top(0) == before + 1
    assert as_if_clean(plain)
    assert plain.ran() == []


def test_a_text_that_is_nowhere_leaves_the_old_module(plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    _cut_off_adoption(plain)
    shutil.rmtree(plain.root / "build")
    shutil.rmtree(plain.root / ".asmith/store")
    adopt.recover(plain.root)
    assert "rax, 10" in plain.read("modules/mid.asm")
    assert "generate:mid" in plain.ran()
    assert as_if_clean(plain)


def test_an_adoption_that_was_cut_off_never_overwrites_a_later_edit(plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    _cut_off_adoption(plain)
    plain.edit("modules/mid.asm", "mov     rax, 10", "mov     rax, 77")
    edited = plain.read("modules/mid.asm")
    outcome = plain.build()
    assert [e.what for e in outcome.errors] == ["module 'mid' was edited by hand and is stale"]
    assert plain.read("modules/mid.asm") == edited


# ---- disks ---------------------------------------------------------------------------------------


@contextmanager
def mounted(path: Path, *options: str) -> Iterator[None]:
    """Mount something on a directory while the block runs."""
    done = subprocess.run(
        ["mount", *options, str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"mount is not allowed here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(path)], check=True)


@root_only
@pytest.mark.parametrize("free", [0, 4, 8, 16, 24, 32, 48, 64])
def test_a_full_disk_ends_in_one_message_and_changes_nothing(tmp_path: Path, free: int) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted(disk, "-t", "tmpfs", "-o", "size=2m", "none"):
        sample = samples.make(disk / "project", tests=False)
        sample.ran()
        sample.edit("specs/mid.md", "add 10", "add 11")
        before = sample.tree("modules", "build/bin")
        filler = disk / "filler"
        _fill(filler, free * 1024)
        done = asmith(sample, "build", "-q")
        if done.returncode != 0:
            assert done.returncode == 3, done.stderr
            assert len(re.findall("^error", done.stderr, re.MULTILINE)) == 1, done.stderr
            assert "the disk is full" in done.stderr
            assert sample.tree("modules", "build/bin") == before
        else:
            assert free >= 32
        filler.unlink()
        asked = [s for s in sample.ran() if s.startswith("generate")]
        assert len(asked) <= 1
        assert as_if_clean(sample)
        assert sample.ran() == []


def _fill(path: Path, free: int) -> None:
    """Fill a file system but for `free` bytes."""
    status = os.statvfs(path.parent)
    room = status.f_bavail * status.f_frsize
    path.write_bytes(b"\0" * max(0, room - free))


@root_only
@pytest.mark.parametrize("directory", ["build", "modules"])
def test_a_read_only_directory_ends_in_one_message(plain: Sample, directory: str) -> None:
    before = plain.tree("modules", "build/bin")
    plain.edit("specs/mid.md", "add 10", "add 11")
    path = plain.root / directory
    with mounted(path, "--bind", str(path)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(path)], check=True)
        done = asmith(plain, "build", "-q")
        assert done.returncode == 3, done.stderr
        assert len(re.findall("^error", done.stderr, re.MULTILINE)) == 1, done.stderr
        assert "read-only file system" in done.stderr
        assert plain.tree("modules", "build/bin") == before
    plain.ran()
    assert as_if_clean(plain)
    assert plain.ran() == []


# ---- files saved while a step runs ---------------------------------------------------------------


def _saves_once(sample: Sample, program: str, edit: str) -> str:
    """Return a shell script that edits a file the first time that it runs, then runs a program."""
    once = sample.root / "saved"
    return f'[ -e "{once}" ] || {{ : > "{once}"; sed -i "{edit}"; }}; exec {program}'


def test_a_spec_saved_while_it_is_answered_is_answered_again(plain: Sample) -> None:
    before = plain.top(0)
    generator = f"{sys.executable} -S -E {GENERATOR}"
    script = _saves_once(plain, generator, f's/add 11/add 12/" "{plain.root}/specs/mid.md')
    config = plain.read("pyproject.toml")
    head = config[: config.index("command = ")]
    plain.write("pyproject.toml", f"{head}command = {json.dumps(['sh', '-c', script])}\n")
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.ran()
    assert plain.top(0) == before + 2
    assert plain.ran() == []


def test_a_module_saved_while_it_is_assembled_is_assembled_again(
    plain: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = plain.top(0)
    nasm = shutil.which("nasm")
    save = f's/rax, 20$/rax, 30/" "{plain.root}/modules/mid.asm'
    script = _saves_once(plain, f'{nasm} "$@"', save)
    plain.write("tools/nasm", f"#!/bin/sh\n{script}\n")
    (plain.root / "tools/nasm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{plain.root}/tools:{os.environ['PATH']}")
    plain.edit("modules/mid.asm", "rax, 10", "rax, 20")
    plain.ran()
    assert plain.top(0) == before + 20
    assert plain.ran() == []


def test_a_test_file_saved_while_it_runs_is_run_again(sample: Sample) -> None:
    path = sample.root / "tests/modules/test_mid.py"
    sample.write(
        "tests/modules/test_mid.py",
        "from pathlib import Path\n"
        "def test_it_saves_itself(module):\n"
        "    path = Path(__file__)\n"
        '    path.write_text("def test_it_adds(module):\\n    assert module.mid(0) == 0\\n")\n',
    )
    outcome = sample.build()
    assert [str(e) for e in outcome.errors] == ["test:mid failed"]
    assert "module.mid(0) == 0" in path.read_text()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_output_that_goes_to_a_full_disk_is_no_bug(plain: Sample, stream: str) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    with open("/dev/full", "w", encoding="utf-8") as full:
        command = [*ASMITH, "build", "-C", str(plain.root)]
        outputs: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        done = subprocess.run(command, **(outputs | {stream: full}), text=True, check=False)
    assert done.returncode == ExitCode.UNAVAILABLE
    assert (done.stderr or "").count("error: ") == (stream == "stdout")
    plain.ran()
    assert as_if_clean(plain)
