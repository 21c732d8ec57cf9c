"""Two checkouts that share a store: what one accepts, the other takes instead of asking anybody."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from asmith.store import shared
from fakes.command import Command, generator_that, in_a_process
from fakes.sample import Sample

if TYPE_CHECKING:
    from pathlib import Path

COUNT = "open('calls', 'a').write(name + '\\n')"


@pytest.fixture
def pair(plain: Sample, tmp_path: Path) -> tuple[Sample, Sample]:
    """Return two checkouts; both have a generator that counts, the first one writes."""
    (tmp_path / "shared").mkdir()
    generator_that(plain, COUNT)
    other = Sample(tmp_path / "other")
    shutil.copytree(plain.root, other.root)
    for sample, write in ((plain, "true"), (other, "false")):
        config = f'[tool.asmith.store]\nurl = "file://{tmp_path}/shared"\nwrite = {write}\n'
        sample.write("pyproject.toml", sample.read("pyproject.toml") + config)
    shared._connect.cache_clear()
    return plain, other


def both_edit(pair: tuple[Sample, Sample]) -> None:
    for sample in pair:
        sample.edit("specs/mid.md", "add 10", "add 11")


def test_an_answer_is_bought_once_for_all(pair: tuple[Sample, Sample]) -> None:
    one, other = pair
    both_edit(pair)
    one.ran()
    assert other.ran() == ["generate:mid", "assemble:mid", "check:mid", "link:sum"]
    assert one.read("calls") == "mid\n"
    assert not (other.root / "calls").exists()
    assert other.tree("modules", "build/bin").keys() == one.tree("modules", "build/bin").keys()
    assert other.read("modules/mid.asm") == one.read("modules/mid.asm")
    assert other.top(0) == one.top(0)


def test_a_plan_says_that_the_answer_is_there(asmith: Command, pair: tuple[Sample, Sample]) -> None:
    both_edit(pair)
    assert "from: generator" in asmith(pair[1], "plan").out
    pair[0].ran()
    shared._connect.cache_clear()
    assert "from: store" in asmith(pair[1], "plan").out


def test_a_damaged_local_object_is_mended_from_the_shared_store(
    pair: tuple[Sample, Sample],
) -> None:
    one, _ = pair
    both_edit(pair)
    one.ran()
    one.edit("specs/mid.md", "add 11", "add 10")
    one.ran()
    for path in (one.root / ".asmith/store/blobs").rglob("*"):
        if path.is_file():
            path.write_bytes(b"")
    one.edit("specs/mid.md", "add 10", "add 11")
    one.ran()
    assert one.read("calls") == "mid\n"


def test_a_poisoned_text_is_never_adopted(pair: tuple[Sample, Sample], tmp_path: Path) -> None:
    both_edit(pair)
    pair[0].ran()
    for path in (tmp_path / "shared/blobs").rglob("*"):
        if path.is_file() and path.read_bytes().startswith(b"; mid"):
            path.write_bytes(path.read_bytes().replace(b"rax, 11", b"rax, 66"))
    pair[1].ran()
    assert pair[1].read("calls") == "mid\n"
    assert pair[1].read("modules/mid.asm") == pair[0].read("modules/mid.asm")


def test_a_build_goes_on_when_the_store_is_away(
    pair: tuple[Sample, Sample], tmp_path: Path
) -> None:
    one, other = pair
    shutil.rmtree(tmp_path / "shared")
    both_edit(pair)
    for sample in pair:
        said = in_a_process(sample, "build", "-q", PATH=f"{sample.root}:/usr/bin:/bin")
        assert said.code == 0
        assert said.err == (
            f"warning: the shared store file://{tmp_path}/shared is away; "
            "the build goes on without it\n"
            "why:  NotADirectoryError: there is no such directory; make it first\n"
        )
    assert one.read("calls") == other.read("calls") == "mid\n"
    assert other.top(0) == one.top(0)


def test_a_build_without_a_shared_store_never_loads_what_it_takes(plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.write(
        "run.py",
        "import sys\nfrom asmith.cli.main import main\n"
        "main(['build'])\nassert 'fsspec' not in sys.modules\n",
    )
    done = subprocess.run([sys.executable, "run.py"], cwd=plain.root, check=False)
    assert done.returncode == 0
