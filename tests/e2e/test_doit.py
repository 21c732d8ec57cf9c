"""Plain `doit` behaves as a doit user expects, with asmith's state as the only truth."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from asmith.errors import UnavailableError
from asmith.store import lock
from fakes.command import Said, error, generator_that, without_generator

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakes.sample import Sample

    Doit = Callable[..., Said]

DODO = Path(__file__).parents[2] / "dodo.py"
REBUILT = [
    "assemble:leaf",
    "assemble:mid",
    "assemble:top",
    "check:leaf",
    "check:mid",
    "check:top",
    "link:sum",
    "adopt:sum",
]


@pytest.fixture
def doit(plain: Sample) -> Doit:
    """Return what runs `doit` in the project, whose generator counts its calls."""
    shutil.copy(DODO, plain.root)
    generator_that(plain, "open('calls', 'a').write(name + '\\n')")

    def run(*arguments: str, **environment: str) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "doit", *arguments],
            cwd=plain.root,
            env=environment or None,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        assert not list(plain.root.glob(".doit*"))
        return Said(done.returncode, done.stdout, done.stderr)

    return run


def started(said: Said) -> list[str]:
    """Return the names of the steps that doit started, in order."""
    return [line.split()[1] for line in said.out.splitlines() if line.startswith(".  ")]


def calls(sample: Sample) -> list[str]:
    """Return the modules that the generator was asked for."""
    path = sample.root / "calls"
    return path.read_text(encoding="utf-8").split() if path.exists() else []


def test_doit_builds_what_changed_and_then_nothing(doit: Doit, plain: Sample) -> None:
    before = plain.top(1)
    plain.edit("specs/mid.md", "add 10", "add 11")
    said = doit()
    assert said.code == 0
    assert said.out == (
        ".  generate:mid  (requirement-changed: mid:FR-001 (specs/mid.md:10))\n"
        ".  assemble:mid  (input-changed: text)\n"
        ".  check:mid  (input-changed: code)\n"
        ".  link:sum  (input-changed: code of mid)\n"
        ".  adopt:sum\n"
        "4 steps ran, 6 up to date\n"
    )
    assert plain.top(1) == before + 1
    assert doit() == (0, "nothing to do: 10 steps up to date\n", "")
    assert calls(plain) == ["mid"]


def test_doit_and_asmith_build_share_one_state(doit: Doit, plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    assert plain.ran() == ["generate:mid", "assemble:mid", "check:mid", "link:sum"]
    assert doit().out == "nothing to do: 10 steps up to date\n"
    plain.edit("specs/mid.md", "add 11", "add 12")
    assert doit().code == 0
    assert plain.ran() == []


def test_a_projects_own_tasks_run_by_default(doit: Doit, plain: Sample) -> None:
    own = """

def task_own():
    return {"actions": ["echo done >> own"], "task_dep": ["link:sum"]}
"""
    plain.write("dodo.py", plain.read("dodo.py") + own)
    plain.edit("specs/mid.md", "add 10", "add 11")
    for times in (1, 2):  # once with work to do, once with none
        said = doit()
        assert said.code == 0, said
        assert plain.read("own") == "done\n" * times
    assert "own" in doit("list").out
    assert doit("forget").code == 0
    assert "assemble:mid" in started(doit())


def test_a_doit_with_nothing_to_do_has_no_tasks_to_ask(doit: Doit, plain: Sample) -> None:
    assert doit() == (0, "nothing to do: 10 steps up to date\n", "")
    assert doit("run", "-n", "2") == (0, "nothing to do: 10 steps up to date\n", "")
    plain.edit("specs/mid.md", "add 10", "add 11")
    assert "generate:mid" in started(doit())
    assert doit() == (0, "nothing to do: 10 steps up to date\n", "")


def test_threads_make_the_same_build(doit: Doit, plain: Sample) -> None:
    before = plain.tree("build/obj", "build/bin", "modules")
    plain.remove("build")
    said = doit("-n", "2")
    assert said.code == 0
    assert sorted(started(said)) == sorted(REBUILT)
    assert plain.tree("build/obj", "build/bin", "modules") == before


def test_list_shows_each_step_with_its_status(doit: Doit, plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    lines = doit("list", "--all", "--status").out.splitlines()
    status = {line.split()[1]: line[0] for line in lines}
    steps = {name: mark for name, mark in status.items() if ":" in name and "adopt" not in name}
    assert steps == {
        "generate:leaf": "U",
        "generate:mid": "R",
        "generate:top": "U",
        "assemble:leaf": "U",
        "assemble:mid": "R",
        "assemble:top": "U",
        "check:leaf": "U",
        "check:mid": "R",
        "check:top": "U",
        "link:sum": "R",
    }
    assert calls(plain) == []


def test_info_shows_a_step_with_what_it_waits_for(doit: Doit) -> None:
    said = doit("info", "link:sum")
    assert said.code == 0
    assert "check the objects of sum against each other and link them\n" in said.out
    assert "up-to-date" in said.out
    for name in ("leaf", "mid", "top"):
        assert f" - check:{name}\n" in said.out


def test_one_modules_tests_can_be_run_alone(doit: Doit, plain: Sample) -> None:
    for name in ("leaf", "mid"):
        plain.write(
            f"tests/modules/test_{name}.py",
            f"def test_it_adds(module):\n    assert module.{name}(0) > 0\n",
        )
    said = doit("test:leaf")
    assert said.code == 0
    assert started(said) == ["test:leaf"]
    assert said.out.endswith("1 step ran, 3 up to date\n")


def test_clean_removes_what_is_derived_and_never_a_module(doit: Doit, plain: Sample) -> None:
    kept = plain.tree("modules", "specs", "interfaces", ".asmith")
    made = plain.tree("build/obj", "build/bin")
    assert doit("clean").code == 0
    assert plain.tree("build/obj", "build/bin", "build/include") == {}
    assert plain.tree("modules", "specs", "interfaces", ".asmith") == kept
    assert started(doit()) == REBUILT
    assert plain.tree("build/obj", "build/bin") == made
    assert calls(plain) == []


def test_clean_of_one_step_removes_its_outputs_alone(doit: Doit, plain: Sample) -> None:
    assert doit("clean", "link:sum").code == 0
    assert plain.tree("build/bin") == {}
    assert len(plain.tree("build/obj")) == 3
    assert started(doit()) == ["link:sum", "adopt:sum"]


@pytest.mark.parametrize("arguments", [(), ("--all",)])
def test_forget_runs_everything_again_and_buys_nothing(
    doit: Doit, plain: Sample, arguments: tuple[str, ...]
) -> None:
    assert doit("forget", *arguments).code == 0
    assert started(doit()) == REBUILT
    assert doit().out == "nothing to do: 10 steps up to date\n"
    assert calls(plain) == []


def test_forget_of_one_step_runs_it_again_and_buys_nothing(doit: Doit, plain: Sample) -> None:
    assert doit("forget", "check:mid") == (0, "forgetting check:mid\n", "")
    assert started(doit()) == ["check:mid", "adopt:sum"]
    assert doit("forget", "generate:mid").code == 0
    assert doit().out == "nothing to do: 10 steps up to date\n"
    assert calls(plain) == []


@pytest.mark.parametrize("command", ["run", "list", "info link:sum", "clean", "forget"])
def test_an_error_in_a_spec_is_one_message(doit: Doit, plain: Sample, command: str) -> None:
    plain.edit("specs/mid.md", "### mid", "### middle")
    assert doit(*command.split()) == error(
        3,
        "ERROR: requirement FR-001 stands under 'middle', which is no function of "
        "interfaces/mid.h; did you mean 'mid'?",
        "  --> specs/mid.md:10",
    )


def test_a_missing_nasm_is_one_message(doit: Doit, tmp_path: Path) -> None:
    said = doit(PATH=str(tmp_path))
    assert (said.code, said.out) == (3, "")
    assert said.err == (
        "ERROR: cannot run 'nasm': no such program\n"
        "why:  the build needs it\n"
        "help: install nasm (asmith doctor shows all that is needed)\n"
    )


def test_a_failing_step_ends_with_1_and_its_findings(doit: Doit, plain: Sample) -> None:
    plain.edit("modules/mid.asm", "mov     rax, 10", "mov     rax")
    before = plain.tree("build/bin", "modules")
    said = doit()
    assert said.code == 1
    assert said.out == (
        ".  assemble:mid  (input-changed: text)\n"
        "assemble:mid failed\n"
        "error[ASM001]: invalid combination of opcode and operands\n"
        "  --> modules/mid.asm:26\n"
        "26 |         mov     rax\n"
        "   |         ^^^^^^^^^^^\n"
        "why:  nasm does not accept this line\n"
        "help: correct the line; every warning of nasm counts as an error\n"
    )
    assert said.err == ""
    assert plain.tree("build/bin", "modules") == before


def test_a_module_without_an_answer_fails_after_all_else_is_done(doit: Doit, plain: Sample) -> None:
    before = plain.top(1)
    without_generator(plain)
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.edit("modules/top.asm", "mov     rax, 100", "mov     rax, 200")
    said = doit()
    assert said.code == 1
    assert started(said) == ["assemble:top", "check:top", "link:sum", "adopt:sum", "generate:mid"]
    assert said.messages() == ["error: module 'mid' is stale and there is no answer for it"]
    assert plain.top(1) == before + 100


def test_a_new_module_without_an_answer_keeps_nothing_from_the_rest(
    doit: Doit, plain: Sample
) -> None:
    before = plain.top(1)
    without_generator(plain)
    plain.write("interfaces/fresh.h", plain.read("interfaces/mid.h").replace("mid", "fresh"))
    plain.write("specs/fresh.md", plain.read("specs/mid.md").replace("mid", "fresh"))
    plain.edit("modules/top.asm", "mov     rax, 100", "mov     rax, 200")
    said = doit()
    assert said.code == 1
    assert said.messages() == ["error: module 'fresh' is stale and there is no answer for it"]
    assert plain.top(1) == before + 100


def test_an_unknown_step_is_refused(doit: Doit) -> None:
    said = doit("assemble:leav")
    assert said.code == 3
    assert said.err.startswith('ERROR: Invalid parameter: "assemble:leav".')


@pytest.mark.parametrize(
    ("command", "code"), [("run", 1), ("clean", 3), ("forget check:mid", 3), ("forget", 3)]
)
def test_a_build_elsewhere_is_left_alone(
    doit: Doit, plain: Sample, command: str, code: int
) -> None:
    before = plain.tree("build")
    with lock.held(plain.root / "build/lock"):
        said = doit(*command.split())
    assert said.code == code
    assert (said.out + said.err).count("another asmith builds this project (process ") == 1
    after = plain.tree("build")
    assert {p: b for p, b in after.items() if p != "build/lock"} == {
        p: b for p, b in before.items() if p != "build/lock"
    }
    assert doit("list").code == 0


def test_the_lock_is_held_until_the_last_thread_is_done(doit: Doit, plain: Sample) -> None:
    assert doit().code == 0
    for name, waits in (("leaf", "True"), ("mid", "pathlib.Path('go').exists()")):
        plain.write(
            f"tests/modules/test_{name}.py",
            "import pathlib, time\n"
            "def test_it_waits(module):\n"
            f"    while not {waits}:\n"
            "        time.sleep(0.05)\n"
            f"    pathlib.Path('{name} is done').touch()\n",
        )
    with subprocess.Popen(
        [sys.executable, "-m", "doit", "-n", "2", "test:leaf", "test:mid"],
        cwd=plain.root,
        stdout=subprocess.DEVNULL,
    ) as running:
        try:
            for _ in range(200):
                if (plain.root / "leaf is done").exists():
                    break
                time.sleep(0.05)
            time.sleep(0.7)  # the thread of test:leaf has nothing left to start
            with pytest.raises(UnavailableError, match=rf"\(process {running.pid}\)"):
                lock.acquire(plain.root / "build/lock")
        finally:
            plain.write("go", "")
        assert running.wait() == 0
    lock.release(lock.acquire(plain.root / "build/lock"))
