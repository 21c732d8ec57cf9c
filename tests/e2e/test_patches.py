"""An edit that moves nothing costs no link, and gives what a link gives."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from asmith.run import layout, parts
from asmith.toolchain import link

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fakes.sample import Sample

PRODUCT = "build/bin/libsum.so"
STEPS = ["assemble:mid", "check:mid", "link:sum"]


@pytest.fixture(params=["one level", "two levels"])
def built(request: pytest.FixtureRequest, plain: Sample, monkeypatch: pytest.MonkeyPatch) -> Sample:
    """Return a built project whose product is linked in one level or two."""
    if request.param == "two levels":
        monkeypatch.setattr(link, "DIRECT", 1)
        monkeypatch.setattr(parts, "SIZE", 1)
        plain.remove(layout.INDEX)
    assert plain.ran() == (["link:sum"] if request.param == "two levels" else [])
    return plain


def number(sample: Sample, value: int) -> None:
    """Change what `mid` adds."""
    text = sample.read("modules/mid.asm")
    old = next(line for line in text.splitlines() if "mov     rax, " in line)
    sample.write("modules/mid.asm", text.replace(old, f"        mov     rax, {value}"))


def test_an_edit_that_moves_nothing_is_not_linked(
    built: Sample, links: list[Sequence[str]], tmp_path: Path
) -> None:
    for value in (11, 12, 13):
        number(built, value)
        assert built.ran() == STEPS
        assert built.top(0) == 1 + 5 + 8 + value + 100
    assert links == []
    mode = (built.root / PRODUCT).stat().st_mode
    shutil.copy(built.root / PRODUCT, tmp_path / "patched")

    built.remove("build")
    built.ran()

    assert (built.root / PRODUCT).read_bytes() == (tmp_path / "patched").read_bytes()
    assert (built.root / PRODUCT).stat().st_mode == mode
    assert len(links) == 1


def test_an_edit_that_moves_something_is_linked(built: Sample, links: list[Sequence[str]]) -> None:
    number(built, 1 << 40)
    assert built.ran() == STEPS
    assert len(links) == 1
    assert built.top(0) == 1 + 5 + 8 + (1 << 40) + 100


@pytest.mark.parametrize("damage", ["truncate", "edit", "remove", "exchange"])
def test_a_product_that_was_damaged_is_linked(
    built: Sample, links: list[Sequence[str]], damage: str
) -> None:
    path = built.root / PRODUCT
    data = path.read_bytes()
    match damage:
        case "truncate":
            path.write_bytes(data[:-100])
        case "edit":
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        case "remove":
            path.unlink()
        case "exchange":
            shutil.copy("/bin/true", path)
    number(built, 11)
    assert built.ran() == STEPS
    assert len(links) == 1
    assert built.top(0) == 1 + 5 + 8 + 11 + 100


def test_an_object_that_is_gone_is_no_hindrance(built: Sample, links: list[Sequence[str]]) -> None:
    built.remove("build/obj/mid.o")
    number(built, 11)
    assert built.ran() == STEPS
    assert len(links) == 1
    assert built.top(0) == 1 + 5 + 8 + 11 + 100


def test_lines_that_moved_are_in_what_is_made_next(
    built: Sample, links: list[Sequence[str]]
) -> None:
    built.write("modules/mid.asm", built.read("modules/mid.asm").replace("\n", "\n;\n", 1))
    assert built.ran() == STEPS[:1]  # a comment bears on no code
    number(built, 11)
    assert built.ran() == STEPS
    assert len(links) == 1  # for the places of instructions are others


def test_another_command_links(
    built: Sample, links: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "FLAGS", (*link.FLAGS, "-Wl,-O1"))
    number(built, 11)
    built.ran()
    assert len(links) == 1
