"""A build by the index does what a build that reads everything does, and nothing is slower to say.

Three copies of one project go through the same edits: one is built with its index, one without,
one by a process that stays in memory and is only told which files changed.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from asmith.host import clock
from asmith.run import build, events, layout, parts, planning
from asmith.run.resident import Resident
from asmith.run.session import Session
from asmith.store import index, lock
from asmith.store.state import Slot, State
from asmith.toolchain import link
from fakes import data as datas
from fakes import edits
from fakes.sample import GENERATOR, Sample

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.data import Data

SEEDS = int(os.environ.get("ASMITH_SEEDS", "1"))
EDITS = int(os.environ.get("ASMITH_EDITS", "12"))
HEAVY = {"argparse", "networkx", "doit", "pycparser", "elftools", "dataclasses", "json", "re"}
OUTPUTS = ("build/obj", "build/include", "build/bin", "modules")


class Copy:
    """One of the copies: its files follow the data, `build` returns the steps that ran."""

    def __init__(self, root: Path) -> None:
        self.sample = Sample(root)
        self.changed: set[str] = set()

    def write(self, data: Data) -> None:
        """Write what is another text now, and remove what is no more."""
        command = f'command = ["{sys.executable}", "-S", "-E", "{GENERATOR}"]\n'
        generator = f'[tool.asmith.generator]\nname = "command"\n{command}'
        texts = datas.files(data) | {"pyproject.toml": datas.products(data) + generator}
        for path, text in texts.items():
            target = self.sample.root / path
            if not target.exists() or target.read_text() != text:
                self.sample.write(path, text)
                self.changed.add(path)
        for path in self.sample.root.glob("tests/modules/test_*.py"):
            if (name := path.relative_to(self.sample.root).as_posix()) not in texts:
                path.unlink()
                self.changed.add(name)

    def build(self) -> list[str]:
        """Build by the index."""
        return self.sample.ran()


class WithoutIndex(Copy):
    """The copy whose index is always lost."""

    def build(self) -> list[str]:
        """Build by reading everything."""
        (self.sample.root / index.PATH).unlink(missing_ok=True)
        return self.sample.ran()


class InMemory(Copy):
    """The copy that stays in memory."""

    at_home: Resident | None = None

    def build(self) -> list[str]:
        """Build what changed files touch."""
        root = self.sample.root
        if self.at_home is None:
            self.at_home = Resident.open(root)
        self.at_home.changed(self.changed)
        self.changed = set()
        with lock.held(root / layout.LOCK):
            outcome = build.build_locked(
                root, build.Options(), events.nobody, resident=self.at_home
            )
            self.at_home.save()
        assert not outcome.errors, "\n".join(e.render() for e in outcome.errors)
        return [str(s) for s in outcome.executed]


def damage(copies: list[Copy], chosen: random.Random) -> None:
    """Truncate the same output in each copy."""
    root = copies[0].sample.root
    found = sorted(p for d in OUTPUTS[:-1] for p in (root / d).glob("*"))
    path = chosen.choice(found).relative_to(root).as_posix()
    for copy in copies:
        target = copy.sample.root / path
        target.write_bytes(target.read_bytes()[:-1])
        copy.changed.add(path)


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("large", [False, True], ids=["direct", "groups"])
def test_what_is_known_changes_nothing_of_what_runs(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, large: bool
) -> None:
    if large:  # as for hundreds of modules
        monkeypatch.setattr(link, "DIRECT", 1)
        monkeypatch.setattr(parts, "SIZE", 2)
    chosen = random.Random(seed)  # noqa: S311 -- reproducible
    copies = [
        Copy(tmp_path / "with"),
        WithoutIndex(tmp_path / "without"),
        InMemory(tmp_path / "in"),
    ]
    data = datas.start().without_tests()
    log = []
    for number in range(EDITS + 1):
        if number:
            for _ in range(chosen.choice([1, 1, 2])):
                name, data = edits.edited(chosen, data.without_tests())
                data = data.without_tests()
                log.append(name)
        for copy in copies:
            copy.write(data)
        if number and chosen.random() < 0.3:
            damage(copies, chosen)
            log.append("damage")
        ran = [sorted(copy.build()) for copy in copies]
        assert ran[0] == ran[1], log
        assert ran[2] == ran[1], log
        again = [copy.build() for copy in copies]
        assert again == [[], [], []], log
        assert index.up_to_date(str(copies[0].sample.root)) is not None, log
    trees = [copy.sample.tree(*OUTPUTS) for copy in copies]
    records = {p for p in trees[0] if p.endswith(".json") and p.startswith("modules/")}
    for tree in trees[1:]:
        assert {p: b for p, b in tree.items() if p not in records} == {
            p: b for p, b in trees[0].items() if p not in records
        }


# ---- nothing to do -------------------------------------------------------------------------------


def start(root: Path, *arguments: str) -> tuple[str, set[str]]:
    """Run `asmith` without its exit; return what it would print and the modules it imported."""
    script = (
        "import sys; before = set(sys.modules); from asmith.cli import start;"
        f"said = start._nothing_to_do({list(arguments)!r})[0];"
        "print(repr(said)); print(*(m.partition('.')[0] for m in set(sys.modules) - before));"
        "print(*(m for m in sys.modules if m.startswith('asmith')))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {_SOURCE!r}); {script}"],
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said, tops, own = done.stdout.splitlines()
    assert {m for m in own.split() if m.count(".") == 2} <= {
        "asmith.cli.start", "asmith.store.index", "asmith.host.signature", "asmith.host._statpass",
    }  # fmt: skip
    return said, set(tops.split())


def at_rest(sample: Sample) -> None:
    """Build, and look once when stat data are old enough: later looks read nothing."""
    sample.ran()
    time.sleep(0.05)
    assert index.up_to_date(str(sample.root)) is not None


_SOURCE = str(next(iter(__import__("asmith").__path__)).removesuffix("/asmith"))


def test_a_build_with_nothing_to_do_imports_next_to_nothing(plain: Sample) -> None:
    at_rest(plain)
    said, imported = start(plain.root, "build")
    assert said == repr("nothing to do: 10 steps up to date\n")
    assert not imported & HEAVY


JSON = (
    '{"schema": 1, "executed": [], "adopted": [], "in_review": [], "errors": [], '
    '"exit_code": 0, "spent": null}\n'
)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-C", ".", "build", "-n", "2", "--locked", "-v"], "nothing to do: 10 steps up to date\n"),
        (["build", "-q"], ""),
        (["build", "--json"], JSON),
        (["build", "mid"], None),
        (["build", "-n", "0"], None),
        (["plan"], None),
        ([], None),
        (["build", "-C"], None),
    ],
)  # fmt: skip
def test_only_a_plain_build_is_answered_at_once(
    plain: Sample, arguments: list[str], said: str | None
) -> None:
    at_rest(plain)
    assert start(plain.root, *arguments)[0] == repr(said)


@pytest.mark.parametrize(
    "path",
    ["specs/mid.md", "interfaces/shape.h", "modules/mid.asm", "modules/mid.json", "build/obj/mid.o",
     "build/bin/libsum.so", "build/state", "pyproject.toml"],
)  # fmt: skip
def test_whatever_a_build_stands_on_is_noticed(plain: Sample, path: str) -> None:
    plain.ran()
    content = (plain.root / path).read_bytes()
    (plain.root / path).write_bytes(content + b"\n")
    assert index.up_to_date(str(plain.root)) is None
    (plain.root / path).write_bytes(content)
    assert (index.up_to_date(str(plain.root)) is None) == (path == "build/state")


def test_an_include_is_for_people_and_made_again_with_its_object(plain: Sample) -> None:
    plain.ran()
    path = plain.root / "build/include/mid.inc"
    text = path.read_bytes()
    path.unlink()
    assert index.up_to_date(str(plain.root)) is not None
    assert plain.ran() == []
    (plain.root / "build/obj/mid.o").unlink()
    assert plain.ran() == ["assemble:mid"]
    assert path.read_bytes() == text


def test_a_copy_of_a_project_has_a_journal_of_its_own(plain: Sample) -> None:
    plain.ran()
    copy = Sample(plain.root.parent / "copy")
    shutil.copytree(plain.root, copy.root, copy_function=shutil.copy2)
    assert index.up_to_date(str(copy.root)) is None  # its journal is another file
    assert copy.ran() == []
    assert index.up_to_date(str(copy.root)) == 10
    State(copy.root / layout.STATE).drop(Slot.BASE, ["check:mid"])
    assert index.up_to_date(str(copy.root)) is None
    assert copy.ran() == ["check:mid"]


def test_a_failed_build_is_not_up_to_date(plain: Sample) -> None:
    plain.write("modules/mid.asm", plain.read("modules/mid.asm") + "nonsense here\n")
    assert plain.build().errors
    assert index.up_to_date(str(plain.root)) is None
    assert plain.build().errors


# ---- what an edit costs --------------------------------------------------------------------------


def test_an_edit_is_planned_from_what_it_touches(plain: Sample) -> None:
    plain.ran()
    at_home = Resident.open(plain.root)
    plain.edit("specs/top.md", "add 100", "add 200")
    at_home.changed(["specs/top.md", "specs/.top.md.swp", "README.md"])
    session = at_home.session()
    assert session.looked_at() == ("top",)
    assert {str(p.step) for p in planning.plan(session).steps} == {
        str(p.step) for p in planning.plan(Session.open(plain.root)).steps
    }


def test_an_interface_touches_all_that_see_it(plain: Sample) -> None:
    plain.ran()
    at_home = Resident.open(plain.root)
    at_home.changed(["interfaces/leaf.h"])
    assert at_home.session().looked_at() == ("leaf", "mid")


@pytest.mark.parametrize("path", ["specs/new.md", "pyproject.toml", "tests/modules/test_top.py"])
def test_what_changes_the_project_itself_is_a_look_at_all_of_it(plain: Sample, path: str) -> None:
    plain.ran()
    at_home = Resident.open(plain.root)
    at_home.changed([path])
    assert at_home.session().known is None


def test_another_process_that_builds_costs_a_look_at_everything(plain: Sample) -> None:
    plain.ran()
    at_home = Resident.open(plain.root)
    plain.edit("specs/top.md", "add 100", "add 200")
    plain.ran()
    assert at_home.session().known is None


@pytest.mark.parametrize("edited", [True, False], ids=["edit", "lost object"])
@pytest.mark.parametrize("part", ["signatures", "digests", "body"])
def test_a_damaged_index_costs_time_only(plain: Sample, part: str, *, edited: bool) -> None:
    at_rest(plain)
    path = plain.root / index.PATH
    whole = bytearray(path.read_bytes())
    head, body = index.Index(str(path)).head, index.Index(str(path)).body()
    content = {"signatures": head.signatures, "digests": head.digests, "body": body}
    whole[whole.index(bytes(content[part])) + 5] ^= 1
    if edited:
        plain.edit("specs/mid.md", "add 10", "add 11")
    else:
        plain.remove("build/obj/mid.o")
    path.write_bytes(whole)
    assert ("generate:mid" if edited else "assemble:mid") in plain.ran()
    assert plain.ran() == []


@pytest.mark.parametrize(("age", "holds"), [(0.0, True), (1e9, False)])
def test_what_came_while_a_build_ran_did_not_do_its_work(
    plain: Sample, monkeypatch: pytest.MonkeyPatch, age: float, *, holds: bool
) -> None:
    """The files of asmith itself are other ones now than those that a process began with."""
    plain.remove(layout.INDEX)
    monkeypatch.setattr(clock, "age", lambda: age)
    assert plain.ran() == []
    assert (index.up_to_date(str(plain.root)) is not None) == holds
    monkeypatch.undo()
    assert plain.ran() == []
    assert index.up_to_date(str(plain.root)) is not None
