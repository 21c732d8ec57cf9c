"""Projects for end-to-end tests."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from asmith.host import process
from fakes import sample as samples
from fakes.command import Command
from fakes.provider import make_ready

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a sample project that is built; never changed."""
    root = tmp_path_factory.mktemp("built") / "project"
    outcome = samples.make(root).build()
    assert not outcome.errors, "\n".join(e.render() for e in outcome.errors)
    return root


@pytest.fixture
def sample(built: Path, tmp_path: Path) -> samples.Sample:
    """Return a built sample project of the test's own."""
    root = tmp_path / "project"
    shutil.copytree(built, root, copy_function=shutil.copy2)
    return samples.Sample(root)


@pytest.fixture(scope="session")
def built_plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a built sample project without module tests; never changed."""
    root = tmp_path_factory.mktemp("plain") / "project"
    outcome = samples.make(root, tests=False).build()
    assert not outcome.errors, "\n".join(e.render() for e in outcome.errors)
    return root


@pytest.fixture
def plain(built_plain: Path, tmp_path: Path) -> samples.Sample:
    """Return a built sample project of the test's own whose modules have no tests."""
    root = tmp_path / "project"
    shutil.copytree(built_plain, root, copy_function=shutil.copy2)
    return samples.Sample(root)


@pytest.fixture
def ready(plain: samples.Sample, monkeypatch: pytest.MonkeyPatch) -> samples.Sample:
    """Return a built project with one stale module, a provider to ask and a key for it."""
    make_ready(plain, monkeypatch)
    return plain


@pytest.fixture
def asmith(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return the command line."""
    return Command(capsys)


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Return the commands that link the product of a sample project, from here on."""
    found: list[Sequence[str]] = []
    run = process.run

    def noted(command: Sequence[str], **others: object) -> process.Completed:
        if "libsum.so.map" in " ".join(command):
            found.append(command)
        return run(command, **others)  # type: ignore[arg-type]

    monkeypatch.setattr(process, "run", noted)
    return found
