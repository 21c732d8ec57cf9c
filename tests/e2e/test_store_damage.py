"""A damaged object of the store concerns its module, and nothing else of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.command import without_generator

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.command import Command
    from fakes.sample import Sample


@pytest.fixture
def reverted(plain: Sample) -> Sample:
    """Return a project whose 'mid' has its first requirement again, answered by the store alone."""
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.ran()
    plain.edit("specs/mid.md", "add 11", "add 10")
    without_generator(plain)
    return plain


def blob_with(sample: Sample, text: str) -> Path:
    """Return the one object of the store that is a module's text and contains a text."""
    blobs = (p for p in (sample.root / ".asmith/store/blobs").rglob("*") if p.is_file())
    found = [p for p in blobs if (b := p.read_text()).startswith("; mid") and text in b]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("generator", [False, True])
def test_a_damaged_text_stops_its_module_alone(
    asmith: Command, reverted: Sample, *, generator: bool
) -> None:
    if generator:
        reverted.write(
            "pyproject.toml",
            reverted.read("pyproject.toml")
            + '[tool.asmith.generator]\nname = "command"\ncommand = ["false"]\n',
        )
    path = blob_with(reverted, "rax, 10\n")
    path.write_text("")
    reverted.edit("modules/top.asm", "mov     rax, 100", "mov     rax, 200")
    before = reverted.top(0)
    said = asmith(reverted, "build", "-q")
    assert said.code == 3
    assert said.err == (
        "error: module 'mid' is stale, and an object of the store is damaged\n"
        f"  --> {path.relative_to(reverted.root)}\n"
        f"why:  its bytes no longer have the digest {path.name[:12]} that names it\n"
        "help: asmith store verify --repair brings it back where there is another copy, and sets "
        "it aside otherwise; or take it from an export: asmith store import FILE\n"
    )
    assert reverted.top(0) == before + 100
    assert asmith(reverted, "plan").code == 0


def test_a_damaged_record_stops_its_module_alone(asmith: Command, reverted: Sample) -> None:
    for path in (reverted.root / ".asmith/store/candidates/mid").iterdir():
        path.write_text("{")
    reverted.edit("modules/top.asm", "mov     rax, 100", "mov     rax, 200")
    before = reverted.top(0)
    said = asmith(reverted, "build", "-q")
    assert said.code == 3
    assert said.messages() == ["error: module 'mid' is stale, and a record in the store is damaged"]
    assert reverted.top(0) == before + 100


def test_what_is_fresh_does_not_read_the_store(asmith: Command, plain: Sample) -> None:
    for path in (plain.root / ".asmith").rglob("*"):
        if path.is_file():
            path.write_bytes(b"\0")
    assert asmith(plain, "build", "--locked", "-q").code == 0
    plain.remove("build")
    assert asmith(plain, "build", "-q").code == 0
