"""Random edits, each sequence against a naive reference that knows nothing of asmith.

ASMITH_SEEDS and ASMITH_EDITS (numbers) make long runs: `ASMITH_SEEDS=50 ASMITH_EDITS=100 pytest`.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import re
import shutil
import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from asmith.errors import ExitCode
from fakes import data as datas
from fakes import edits
from fakes.reference import Reference
from fakes.sample import GENERATOR, Sample

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asmith.run.build import Outcome
    from fakes.data import Data
    from fakes.reference import Expected, Kept

SEEDS = int(os.environ.get("ASMITH_SEEDS", "3"))
EDITS = int(os.environ.get("ASMITH_EDITS", "25"))
ASKED = "asked"  # the file in which the generator leaves a line whenever it is asked
_OUTPUTS = {"obj": "assemble", "check": "check", "test": "test"}


def configuration(data: Data) -> str:
    """Return a pyproject.toml whose generator leaves a line in `asked`."""
    script = f"echo >> {ASKED}; exec {sys.executable} -S -E {GENERATOR}"
    command = json.dumps(["sh", "-c", script])
    generator = f'[tool.asmith.generator]\nname = "command"\ncommand = {command}\n'
    return datas.products(data) + generator


class Sequence:
    """One project, the reference beside it, and what was there after each build."""

    def __init__(self, root: Path, seed: int) -> None:
        self.sample = Sample(root / "project")
        self.root = root
        self.random = random.Random(seed)  # noqa: S311 -- reproducible
        self.data = datas.start()
        self.reference = Reference()
        self.history: list[tuple[Data, dict[str, Kept], dict[str, bytes]]] = []
        self.log: list[str] = []
        self._number = 0
        self.sample.write("pyproject.toml", configuration(self.data))
        self.write()

    def write(self) -> None:
        """Write every file whose text is another one now, and remove what is no more."""
        for path, text in datas.files(self.data).items():
            target = self.sample.root / path
            if not target.exists() or target.read_text() != text:
                self.sample.write(path, text)

    # ---- edits -----------------------------------------------------------------------------------

    def edit(self) -> None:
        """Make one random edit."""
        while True:
            if self.random.random() < len(DISK_EDITS) / (len(DISK_EDITS) + len(edits.ALL)):
                change = self.random.choice(DISK_EDITS)
                name, done = change.__name__, change(self)
            else:
                name, made = edits.edited(self.random, self.data)
                done = self._may_build(made)
                if done:
                    self.data = made
                    self.write()
            if done:
                self.log.append(name)
                return

    def _may_build(self, data: Data) -> bool:
        """Tell whether a build of `data` is simple enough: no refusal on top of other edits."""
        if not self.reference.would_refuse(data):
            return True
        settled = not self.reference.damaged and self.log[-1:] == ["build"]
        named = {n for k in self.reference.kept.values() for n in k.trace.imports}
        return settled and all(datas.callers_contract(data, n) for n in named)

    # ---- builds ----------------------------------------------------------------------------------

    def build(self) -> None:
        """Build and compare with the reference; resolve a refusal."""
        outcome, expected = self._build(force=False)
        if expected.refused:
            said = [e.render() for e in outcome.errors if "edited by hand" in e.what]
            assert sorted(
                re.findall(r"^error: module '(\w+)'", "\n".join(said), re.MULTILINE)
            ) == sorted(expected.refused), self.log
            assert outcome.exit_code is ExitCode.UNAVAILABLE
            if self.random.random() < 0.5:
                self.data = self.history[-1][0]
                self.log.append("undo")
                self.write()
                self._build(force=False)
            else:
                self._build(force=True)
        self._hold_products()
        self.history.append((self.data, dict(self.reference.kept), self.sample.tree("modules")))
        self.log.append("build")

    def _build(self, *, force: bool) -> tuple[Outcome, Expected]:
        asked = self._asked()
        expected = self.reference.build(self.data, force=force)
        outcome = self.sample.build(force=force, jobs=self.random.choice([1, 2]))
        told = "\n".join(e.render() for e in outcome.errors)
        assert bool(outcome.errors) == bool(expected.refused), (self.log, told)
        assert Counter(map(str, outcome.executed)) == expected.steps, (self.log, told)
        assert self._asked() - asked == expected.asked, self.log
        for name, kept in expected.kept.items():
            assert self.sample.read(f"modules/{name}.asm") == kept.text, (self.log, name)
        again = self.sample.build()
        assert [str(s) for s in again.executed] == [], (self.log, "second build")
        return outcome, expected

    def _asked(self) -> int:
        path = self.sample.root / ASKED
        return path.read_text().count("\n") if path.exists() else 0

    def _hold_products(self) -> None:
        """Call every product: it must do what the data say."""
        texts = {n: k.text for n, k in self.reference.kept.items()}
        for product, function in self.data.products.items():
            self._number += 1
            copy = self.root / f"{product}{self._number}.so"  # a name that was never loaded
            shutil.copy(self.sample.root / f"build/bin/lib{product}.so", copy)
            called = getattr(ctypes.CDLL(str(copy)), function)
            called.restype, called.argtypes = ctypes.c_uint64, [ctypes.c_uint64]
            copy.unlink()
            for x in (0, 1, 2**63):
                assert called(x) == datas.call(self.data, texts, function, x), self.log

    def hold_clean_build(self) -> None:
        """Build the same files elsewhere, without a generator: the same bytes must come out."""
        clean = Sample(self.root / "clean")
        for directory in ("specs", "interfaces", "modules"):
            shutil.copytree(self.sample.root / directory, clean.root / directory)
        clean.write("pyproject.toml", datas.products(self.data))
        clean.ran()
        outputs = ("build/obj", "build/bin", "modules")
        assert clean.tree(*outputs) == self.sample.tree(*outputs), self.log
        shutil.rmtree(clean.root)


# ---- edits of what lies on disk: sequence -> whether there was something to edit -----------------


def _by_hand(sequence: Sequence, change: Callable[[str], str]) -> bool:
    name = sequence.random.choice(sorted(sequence.reference.kept))
    kept = sequence.reference.kept[name]
    text = change(kept.text)
    changed = {**sequence.reference.kept, name: kept._replace(text=text)}
    before, sequence.reference.kept = sequence.reference.kept, changed
    if text == kept.text or sequence.reference.would_refuse(sequence.data):
        sequence.reference.kept = before
        return False
    sequence.sample.write(f"modules/{name}.asm", text)
    return True


def comment_by_hand(sequence: Sequence) -> bool:
    number = sequence.random.randrange(99)
    return _by_hand(sequence, lambda t: re.sub(r"; rsp = .*", f"; rsp = {number} * 16", t))


def code_by_hand(sequence: Sequence) -> bool:
    number = sequence.random.randrange(99)
    return _by_hand(sequence, lambda t: re.sub(r"(mov     rax,) \d+", rf"\1 {number}", t, count=1))


def undone_by_hand(sequence: Sequence) -> bool:
    """Put an earlier text of a module back, but not its record."""
    earlier = sequence.random.choice(sequence.history)
    name = sequence.random.choice(sorted(earlier[1]))
    kept = sequence.reference.kept[name]
    wanted = earlier[1][name].text
    fits = datas.names(sequence.data, name, wanted) == frozenset(kept.trace.imports)
    fits = fits and datas.banner_lines(wanted) == datas.banner_lines(kept.text)
    return fits and _by_hand(sequence, lambda t: wanted if t == kept.text else t)


def revert_one_module(sequence: Sequence) -> bool:
    earlier = sequence.random.choice(sequence.history)[0]
    module = edits.random_module(sequence.random, earlier)
    return _revert(sequence, sequence.data.with_module(module))


def revert_types(sequence: Sequence) -> bool:
    earlier = sequence.random.choice(sequence.history)[0]
    return _revert(
        sequence, replace(sequence.data, constants=earlier.constants, fields=earlier.fields)
    )


def revert_all_sources(sequence: Sequence) -> bool:
    return _revert(sequence, sequence.random.choice(sequence.history)[0])


def revert_everything(sequence: Sequence) -> bool:
    """Do what `git checkout` does: sources, modules and records."""
    data, kept, files = sequence.random.choice(sequence.history)
    sequence.reference.kept = dict(kept)
    for path, content in files.items():
        (sequence.sample.root / path).write_bytes(content)
    sequence.data = data
    sequence.write()
    return True


def _revert(sequence: Sequence, data: Data) -> bool:
    if data == sequence.data or not datas.valid(data):
        return False
    if sequence.reference.would_refuse(data):
        return False
    sequence.data = data
    sequence.write()
    return True


def touch(sequence: Sequence) -> bool:
    for path in sorted(sequence.sample.root.glob("[!.]*/**/*")):  # not the store
        if path.is_file() and sequence.random.random() < 0.3:
            os.utime(path)
    return True


def damage(sequence: Sequence) -> bool:
    """Delete, truncate or edit one output below build/."""
    build = sequence.sample.root / "build"
    found = [p for d in (*_OUTPUTS, "bin") for p in sorted((build / d).glob("*"))]
    if not found:
        return False
    path = sequence.random.choice(found)
    data = path.read_bytes()
    match sequence.random.randrange(3):
        case 0:
            path.unlink()
        case 1:
            path.write_bytes(data[: len(data) // 2])
        case _:
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    kind, subject = path.parent.name, path.stem
    step = f"link:{subject[3:]}" if kind == "bin" else f"{_OUTPUTS[kind]}:{subject}"
    sequence.reference.damaged.add(step)
    return True


def no_build_directory(sequence: Sequence) -> bool:
    if not (sequence.sample.root / "build").exists():
        return False
    sequence.sample.remove("build")
    sequence.reference.forget_build()
    return True


DISK_EDITS: list[Callable[[Sequence], bool]] = [
    comment_by_hand, code_by_hand, undone_by_hand, revert_one_module, revert_types,
    revert_all_sources, revert_everything, touch, damage, damage, no_build_directory,
]  # fmt: skip


def run(sequence: Sequence, edits: int) -> None:
    """Make so many random edits, with a build after every one to three of them."""
    sequence.build()
    while edits > 0:
        for _ in range(sequence.random.choice([1, 1, 1, 2, 3])):
            sequence.edit()
            edits -= 1
            if sequence.reference.would_refuse(sequence.data):
                break
        sequence.build()
        if sequence.random.random() < 0.25:
            sequence.hold_clean_build()
    sequence.hold_clean_build()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_build_does_what_the_data_say_and_no_more(seed: int, tmp_path: Path) -> None:
    run(Sequence(tmp_path, seed), EDITS)
