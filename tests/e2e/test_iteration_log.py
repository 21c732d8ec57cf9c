"""The iteration log: what each command writes, and that losing it never costs a build."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from asmith.model.iteration import FileEdit, Iteration, Kind, Result
from asmith.run import layout
from asmith.store.iterations import SCHEMA, Log
from fakes.command import generator_that, in_a_process, without_generator

if TYPE_CHECKING:
    from fakes.command import Command
    from fakes.sample import Sample

DODO = Path(__file__).parents[2] / "dodo.py"


def log(sample: Sample) -> Log:
    """Return the log of a sample project."""
    return Log(sample.root / layout.ITERATIONS)


def last(sample: Sample) -> Iteration:
    """Return the newest iteration."""
    return log(sample).read()[-1]


def test_an_iteration_says_what_was_edited_and_what_it_cost(plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.ran()
    row = last(plain)
    assert (row.command, row.result, row.kind) == ("build", Result.ADOPTED, Kind.REQUIREMENT)
    assert row.kinds == (Kind.REQUIREMENT,)
    assert row.files == (FileEdit("specs/mid.md", "changed", 1, 1),)
    assert row.requirements == ("mid:FR-001",)
    assert row.stale == {"mid": ("requirement-changed: mid:FR-001 (specs/mid.md:10)",)}
    assert row.regenerated == row.adopted == ("mid",)
    steps = ["generate:mid", "assemble:mid", "check:mid", "link:sum"]
    assert [s.step for s in row.steps] == steps
    assert list(row.stages) == ["adopt", "assemble", "check", "generate", "link", "plan"]
    assert all(t > 0 for t in row.stages.values())
    assert row.linked is not None
    assert 0 < row.linked < row.total
    assert row.tested is None
    assert row.waited is not None
    assert row.modules == 3
    texts = {n: (plain.root / f"modules/{n}.asm").read_bytes() for n in ("leaf", "mid", "top")}
    assert row.text_bytes == sum(map(len, texts.values()))
    assert row.regenerated_bytes == len(texts["mid"])
    changed = [line for line in texts["mid"].splitlines(keepends=True) if b"11" in line]
    assert row.new_bytes == sum(map(len, changed))
    assert {"cpu", "kernel", "python", "nasm", "driver", "asmith"} <= set(row.environment)
    assert row.errors == row.findings == ()


def test_a_build_that_does_nothing_writes_nothing(plain: Sample) -> None:
    before = log(plain).read()
    assert plain.ran() == []
    assert log(plain).read() == before
    code = (
        "import sys; from asmith.cli.main import main; main(['build', '-q'])\n"
        "assert 'sqlite3' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=plain.root, check=True)


EDITS = [
    ("specs/mid.md", "add 10", "add 11", Kind.REQUIREMENT),
    ("interfaces/leaf.h", "/*@ assigns", "/*@ ensures \\result >= 0;\n  @ assigns", Kind.CONTRACT),
    ("interfaces/leaf.h", "asm stack 32;", "asm stack 48;", Kind.FRAME),
    ("interfaces/leaf.h", "h>", "h>\n/*@ assigns \\nothing; */\nint more(int x);", Kind.FUNCTION),
    ("interfaces/shape.h", "LIMIT 5", "LIMIT 9", Kind.VALUE),
    ("interfaces/shape.h", "uint64_t second;", "int64_t second;", Kind.FIELD),
    ("interfaces/mid.h", "asm stack 32;", 'asm stack 32; asm waive SRC001 "x";', Kind.WAIVER),
    ("modules/mid.asm", "mov     rax, 11", "mov     rax, 20", Kind.HAND),
]  # fmt: skip


def test_each_kind_of_change_is_known(plain: Sample) -> None:
    for path, old, new, kind in EDITS:
        plain.edit(path, old, new)
        plain.ran()
        row = last(plain)
        assert (row.kind, [f.path for f in row.files]) == (kind, [path])
    plain.remove("build")
    plain.ran()
    assert (last(plain).kind, last(plain).files) == (Kind.CLEAN, ())


def test_prose_is_an_iteration_without_a_step(plain: Sample) -> None:
    plain.ran()  # what was known of the project that this one is a copy of is not taken for granted
    plain.edit("specs/top.md", "Nothing here matters", "Nothing at all matters")
    assert plain.ran() == []
    row = last(plain)
    assert (row.kind, row.result, row.steps) == (Kind.PROSE, Result.ADOPTED, ())
    assert [f.path for f in row.files] == ["specs/top.md"]
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.ran()
    assert [f.path for f in last(plain).files] == ["specs/mid.md"]
    before = log(plain).read()
    (plain.root / "specs/mid.md").touch()
    assert plain.ran() == []
    assert log(plain).read() == before


def test_tests_are_counted_and_timed(sample: Sample) -> None:
    sample.edit("tests/modules/test_mid.py", ">= 1", ">= 0")
    sample.ran()
    row = last(sample)
    assert (row.kind, row.tests) == (Kind.TEST, 1)
    assert [f.path for f in row.files] == ["tests/modules/test_mid.py"]
    assert row.tested is not None
    assert (row.linked, row.regenerated) == (None, ())


def test_a_failed_build_is_recorded_with_its_findings(plain: Sample) -> None:
    plain.edit("modules/mid.asm", "push    rbx", "pusch   rbx")
    assert plain.build().errors
    row = last(plain)
    assert (row.result, row.kind) == (Result.FAILED, Kind.HAND)
    assert row.files == (FileEdit("modules/mid.asm", "changed", 1, 1),)
    assert [f["rule"] for f in row.findings] == ["ASM001"]
    assert row.errors == ("assemble:mid: 1 finding",)
    assert (row.tested, row.adopted) == (None, ())


def test_a_build_without_an_answer_is_recorded_once(plain: Sample) -> None:
    without_generator(plain)
    plain.edit("specs/mid.md", "add 10", "add 11")
    before = len(log(plain).read())
    assert plain.build().errors
    assert plain.build().errors
    assert len(log(plain).read()) == before + 1
    assert (last(plain).result, last(plain).kind) == (Result.FAILED, Kind.REQUIREMENT)


def test_what_cannot_be_read_is_recorded(asmith: Command, plain: Sample) -> None:
    plain.edit("specs/mid.md", "module: mid", "modul: mid")
    assert asmith(plain, "build").code == 2
    row = last(plain)
    assert (row.result, row.kind, row.files) == (Result.REFUSED, Kind.UNREADABLE, ())
    assert row.errors == ("unknown key 'modul' in the front matter; did you mean 'module'?",)


def test_what_is_asked_for_in_vain_is_no_iteration(asmith: Command, plain: Sample) -> None:
    before = log(plain).read()
    assert asmith(plain, "build", "middle").code == 2
    plain.edit("specs/mid.md", "add 10", "add 11")
    assert asmith(plain, "build", "--locked").code == 1
    assert log(plain).read() == before


def test_doit_and_accept_write_the_same_log(asmith: Command, plain: Sample) -> None:
    shutil.copy(DODO, plain.root)
    plain.edit("specs/mid.md", "add 10", "add 11")
    subprocess.run([sys.executable, "-m", "doit"], cwd=plain.root, check=True, capture_output=True)
    row = last(plain)
    assert (row.command, row.result, row.kind) == ("doit", Result.ADOPTED, Kind.REQUIREMENT)
    assert [s.step for s in row.steps] == ["generate:mid", "assemble:mid", "check:mid", "link:sum"]
    assert row.regenerated == ("mid",)
    plain.edit("specs/mid.md", "add 11", "add 12")
    answer = plain.read("modules/mid.asm").replace("11", "12")
    plain.write("ANSWER", f"```nasm\n{answer}```\n")
    assert asmith(plain, "accept", "mid", str(plain.root / "ANSWER")).code == 0
    row = last(plain)
    assert (row.command, row.result, row.kind) == ("accept", Result.ADOPTED, Kind.REQUIREMENT)
    assert (row.regenerated, [f.path for f in row.files]) == (("mid",), ["specs/mid.md"])
    assert 0 < row.new_bytes < row.regenerated_bytes


def test_each_call_of_a_generator_is_kept(plain: Sample) -> None:
    generator_that(plain, "if name == 'top': print('nothing'); sys.exit()")
    plain.edit("specs/top.md", "add 100", "add 101")
    plain.build()
    calls = [(c["module"], c["generator"], c["outcome"]) for c in last(plain).calls]
    assert calls == [("top", "command", "rejected")] * 3


def test_an_old_save_is_no_hour_of_work(plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    hour_ago = time.time() - 3600
    os.utime(plain.root / "specs/mid.md", (hour_ago, hour_ago))
    plain.ran()
    assert last(plain).waited is None


WARNING = "warning: this iteration is not in the log: "


def warned(sample: Sample) -> str:
    """Build a change, which must succeed, and return what was warned of the log."""
    text = sample.read("specs/mid.md")
    sample.write("specs/mid.md", text.replace("add 1", "add 2"))
    said = in_a_process(sample, "build", "-q", PATH=os.environ["PATH"])
    assert said.code == 0
    assert (said.err.count("warning"), said.out) == (1, "")
    assert said.err.startswith(WARNING)
    return said.err.removeprefix(WARNING)


def test_a_damaged_log_costs_a_warning(plain: Sample) -> None:
    for name in ("", "-wal", "-shm"):
        (plain.root / f"{layout.ITERATIONS}{name}").unlink(missing_ok=True)
    plain.write(layout.ITERATIONS, "this is no database, and longer than its header would be" * 20)
    assert "file is not a database" in warned(plain)


def test_a_locked_log_costs_a_warning(plain: Sample) -> None:
    database = sqlite3.connect(plain.root / layout.ITERATIONS, isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    try:
        assert warned(plain).startswith("the iteration log is locked\n")
    finally:
        database.close()


def test_a_newer_log_is_left_alone(plain: Sample) -> None:
    with sqlite3.connect(plain.root / layout.ITERATIONS) as database:
        database.execute(f"PRAGMA user_version={SCHEMA + 1}")
    assert warned(plain).startswith("the iteration log was written by a newer asmith\n")


def test_a_lost_log_is_begun_anew(plain: Sample) -> None:
    plain.ran()
    plain.remove(".asmith")
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.ran()
    plain.edit("specs/top.md", "add 100", "add 101")
    plain.ran()
    assert [(r.kind, r.files) for r in log(plain).read()] == [
        (Kind.REQUIREMENT, ()),
        (Kind.REQUIREMENT, (FileEdit("specs/top.md", "changed"),)),
    ]


def test_a_log_that_cannot_be_opened_costs_a_warning(plain: Sample) -> None:
    for name in ("", "-wal", "-shm"):
        (plain.root / f"{layout.ITERATIONS}{name}").unlink(missing_ok=True)
    (plain.root / layout.ITERATIONS).mkdir()
    assert "unable to open database file" in warned(plain)
