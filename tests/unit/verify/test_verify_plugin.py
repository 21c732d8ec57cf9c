"""The plugin in pytest: options, isolation, limits, and what it leaves alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from verify_project import Project

CALLS = """
import os, sys, time, subprocess
import pytest

def test_first(module): assert module.read_beyond(b"abc", 2) == ord("c")
def test_second(module): module.undefined()
def test_third(module): module.breakpoint()
"""


def test_without_a_module_the_fixture_says_what_to_do(project: Project) -> None:
    name = project.write_test("test_plain.py", CALLS + "\ndef test_other(): pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", name, "--strict-markers"],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed, 3 errors" in done.stdout
    assert "asmith build, or doit test:<module>" in done.stdout


def test_without_its_options_the_plugin_imports_nothing_of_asmith(project: Project) -> None:
    text = """
import sys
def test_lean():
    loaded = sorted(m for m in sys.modules if m.startswith(("asmith", "elftools")))
    assert loaded == ["asmith", "asmith.verify", "asmith.verify.plugin"]
"""
    name = project.write_test("test_lean.py", text)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", name]
    subprocess.run(command, cwd=project.root, check=True)


def test_a_library_needs_its_contract(project: Project) -> None:
    command = [sys.executable, "-m", "pytest", "--asmith-library", "build/bad.so", "test_x.py"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--asmith-library needs --asmith-contract" in done.stderr


def test_x_stops_at_the_first_failure(project: Project) -> None:
    ran = project.pytest("bad", project.write_test("test_x.py", CALLS), "-x")
    assert (ran.result["passed"], ran.result["failed"]) == (1, 1)
    assert ran.result["failures"][0]["test"] == "test_x.py::test_second"


def test_k_selects(project: Project) -> None:
    ran = project.pytest("bad", project.write_test("test_k.py", CALLS), "-k", "third")
    assert [f["test"] for f in ran.result["failures"]] == ["test_k.py::test_third"]


def test_reports_tell_the_test_line_and_what_was_printed(project: Project) -> None:
    text = """
def test_prints(module):
    print("before the crash")
    module.undefined()
def test_prints_and_dies(module):
    print("before the end")
    module.quits()
def test_wrong(module):
    x = 1
    assert module.read_beyond(b"ab", 1) == x
"""
    ran = project.pytest("bad", project.write_test("test_report.py", text))
    assert "before the crash" in ran.output
    assert "before the end" in ran.output
    assert ">       module.undefined()" in ran.output
    wrong = ran.failure("test_wrong")
    assert wrong["message"].startswith("AssertionError: assert 98 == 1")
    assert (wrong["file"], wrong["line"]) == ("test_report.py", 8)


def test_a_test_file_that_cannot_be_imported_is_in_the_result(project: Project) -> None:
    ran = project.pytest("bad", project.write_test("test_broken.py", "import nothing_like_it\n"))
    assert ran.result["failed"] == 1
    assert "nothing_like_it" in ran.result["failures"][0]["message"]
    assert ran.result["failures"][0]["file"] == "test_broken.py"


LIMITS = """
import os, pathlib, subprocess, time
import pytest

@pytest.mark.asmith_limits(memory=64 * 2**20)
def test_memory(module):
    with pytest.raises(MemoryError):
        bytearray(256 * 2**20)

@pytest.mark.asmith_limits(file=4096)
def test_file(module, tmp_path):
    with pytest.raises(OSError, match="too large"):
        (tmp_path / "x").write_bytes(bytes(100_000))

@pytest.mark.asmith_limits(wall=0.2)
def test_wall(module):
    time.sleep(60)

@pytest.mark.asmith_limits(walls=0.2)
def test_misspelt(module):
    pass

def test_leaves_a_child(module):
    if os.getuid():
        pytest.skip("only root may fork here")
    child = subprocess.Popen(["sleep", "600"])
    pathlib.Path("build/child").write_text(str(child.pid))

def test_ends_itself(module):
    os.kill(os.getpid(), 9)

def test_pytest_exit(module):
    pytest.exit("enough")

def test_never_reached(module):
    assert False
"""


def test_limits_hold(project: Project) -> None:
    ran = project.pytest("bad", project.write_test("test_limits.py", LIMITS), "-vv")
    failed = {f["test"].partition("::")[2]: f["message"] for f in ran.result["failures"]}
    assert set(failed) == {"test_wall", "test_misspelt", "test_ends_itself"}, ran.output
    assert failed["test_wall"].startswith(
        "error[RUN002]: SIGALRM: the test itself, outside of the module, did not end within 0.2 s"
    )
    assert "asmith_limits has no 'walls'; did you mean 'wall'" in failed["test_misspelt"]
    assert "SIGKILL killed it" in failed["test_ends_itself"]
    assert "enough" in ran.output
    child = project.root / "build/child"
    if child.exists():
        _until(lambda: _ended(child.read_text()))


def test_nothing_is_written_beside_the_test(project: Project) -> None:
    text = """
from hypothesis import given, settings, strategies as st
import time
@given(st.text())
@settings(max_examples=20)
def test_text(module, text):
    data = text.encode()
    assert data == b"" or module.read_beyond(data, len(data) - 1) == data[-1]
@given(st.integers(0, 3))
@settings(max_examples=2)
def test_slow(module, number): time.sleep(0.3)
"""
    name = project.write_test("test_quiet.py", text)
    before = {p for p in project.root.rglob("*") if "build" not in p.parts}
    ran = project.pytest("bad", name)
    assert ran.status == 0, ran.output
    assert {p for p in project.root.rglob("*") if "build" not in p.parts} == before


def test_hypothesis_reduces_a_crash_to_its_least_case(project: Project) -> None:
    text = """
from hypothesis import given, strategies as st
@given(st.binary(max_size=40))
def test_long(module, data):
    module.read_beyond(data + b"x", len(data) + (len(data) >= 5))
"""
    ran = project.pytest("bad", project.write_test("test_reduce.py", text))
    message = ran.failure("test_long")["message"]
    assert "read 1 byte past the end of parameter 'a' (6 bytes)" in message
    assert r"data=b'\x00\x00\x00\x00\x00'" in ran.output


def test_a_fault_of_a_callback_is_not_the_module_s(project: Project) -> None:
    text = """
import ctypes, pytest
def test_python_faults(module):
    module.apply(lambda number, text: ctypes.string_at(1), 1)
def test_module_faults_below(module):
    module.apply(lambda number, text: module.sum_bytes(None, 1), 1)
def test_module_faults_after(module):
    module.apply(lambda number, text: module.add_int(number, 1), 1)
    module.sum_bytes(16, 1)
"""
    ran = project.pytest("good", project.write_test("test_callback.py", text))
    ours, below, after = (
        ran.failure(f"test_{name}")["message"].splitlines()[0]
        for name in ("python_faults", "module_faults_below", "module_faults_after")
    )
    assert ours.startswith("error[RUN001]: SIGSEGV: the test itself, outside of the module, read")
    assert below.startswith("error[RUN001]: SIGSEGV: sum_bytes read through a null pointer")
    assert after == below.replace("address 0x0", "address 0x10")


def test_the_tests_die_with_pytest(project: Project) -> None:
    text = """
import os, pathlib, time
def test_waits(module):
    pathlib.Path("build/waiting").write_text(str(os.getpid()))
    time.sleep(20)
"""
    name = project.write_test("test_waits.py", text)
    options = ["--asmith-library=build/bad.so", "--asmith-contract=build/bad.json"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, name]
    parent = subprocess.Popen(command, cwd=project.root, stdout=subprocess.DEVNULL)
    waiting = project.root / "build/waiting"
    _until(lambda: waiting.exists() and waiting.read_text() != "")
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    pid = waiting.read_text()
    _until(lambda: _ended(pid))


def _ended(pid: str) -> bool:
    """Tell whether a process is gone, or waits for nothing but its parent to notice."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_library_without_support_code_is_explained(project: Project) -> None:
    command = ["gcc", "-shared", "-o", "build/bare.so", "build/bad-bad.o"]
    subprocess.run(command, cwd=project.root, check=True)
    (project.root / "build/bare.json").write_bytes((project.root / "build/bad.json").read_bytes())
    ran = project.pytest("bare", project.write_test("test_bare.py", CALLS), "-k", "first")
    message = ran.failure("test_first")["message"]
    assert "the test library lacks 'asmith_verify_call'" in message


def test_a_damaged_contract_is_explained(project: Project) -> None:
    (project.root / "build/torn.so").write_bytes((project.root / "build/bad.so").read_bytes())
    (project.root / "build/torn.json").write_text('{"schema": 1}')
    ran = project.pytest("torn", project.write_test("test_torn.py", CALLS), "-k", "first")
    assert "the contract file is damaged" in ran.failure("test_first")["message"]


def test_the_module_is_never_loaded_into_pytest_itself(project: Project) -> None:
    text = """
import pytest
@pytest.fixture
def through(module): return module
def test_dynamic(request): request.getfixturevalue("module")
def test_through(through): assert through.read_beyond(b"ab", 1) == 98
"""
    name = project.write_test("test_dynamic.py", text)
    assert project.pytest("bad", name, "-k", "through").result["passed"] == 1
    ran = project.pytest("bad", name, "-k", "dynamic")
    message = ran.failure("test_dynamic")["message"]
    assert "add 'module' to the parameters of the test" in message


def test_pdb_runs_in_the_same_process(project: Project) -> None:
    text = """
import os
def test_here(module): assert os.getppid() == int(os.environ["OUTER"])
"""
    name = project.write_test("test_here.py", text)
    ran = project.pytest("bad", name, "--pdb", OUTER=str(os.getpid()))
    assert ran.status == 0, ran.output
