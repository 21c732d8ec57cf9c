"""Facts of the machine and of git, read without starting anything."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from asmith.host import clock, machine

if TYPE_CHECKING:
    from pathlib import Path


def git(root: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *settings, *arguments], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_commit_is_that_of_git(tmp_path: Path) -> None:
    root, inner = tmp_path / "repo", tmp_path / "repo" / "project"
    inner.mkdir(parents=True)
    assert machine.commit(inner) == ""
    git(root, "init")
    assert machine.commit(inner) == ""
    git(root, "commit", "--allow-empty", "-m", "x")
    head = git(root, "rev-parse", "HEAD")
    assert machine.commit(inner) == head
    git(root, "pack-refs", "--all")
    assert machine.commit(inner) == head
    git(root, "worktree", "add", str(tmp_path / "other"))
    assert machine.commit(tmp_path / "other") == head
    git(root, "checkout", "--detach")
    assert machine.commit(inner) == head


def test_the_facts_of_the_machine() -> None:
    facts = machine.facts()
    assert facts["kernel"].startswith("Linux ")
    assert facts["cores"] >= 1
    assert facts["cpu"]
    assert machine.load() >= 0


def test_a_process_knows_its_age() -> None:
    code = "import time; time.sleep(0.3); from asmith.host import clock; print(clock.age())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0.3 <= float(done.stdout) < 30
    assert clock.age() > 0
