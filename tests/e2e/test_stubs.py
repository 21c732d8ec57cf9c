"""Links read a stub of the C library: derived, verified when it is used, an input of the link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asmith.host import process
from asmith.run import layout
from asmith.toolchain import elf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fakes.sample import Sample

PRODUCT = "build/bin/libsum.so"


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the libraries that the commands of the linker name, from here on."""
    found: list[list[str]] = []
    run = process.run

    def noted(command: Sequence[str], **others: object) -> process.Completed:
        if f"{PRODUCT.rpartition('/')[2]}.map" in " ".join(command):
            found.append([w for w in command if w == "-lc" or w.startswith(layout.STUBS)])
        return run(command, **others)  # type: ignore[arg-type]

    monkeypatch.setattr(process, "run", noted)
    return found


def stubs(sample: Sample) -> list[Path]:
    return sorted((sample.root / layout.STUBS).iterdir())


def test_a_product_is_linked_with_a_stub(plain: Sample, links: list[list[str]]) -> None:
    plain.remove(PRODUCT)
    assert plain.ran() == ["link:sum"]
    (stub,) = stubs(plain)
    assert links == [[stub.relative_to(plain.root).as_posix()]]
    assert plain.top(1) == plain.top(0) + 3


@pytest.mark.parametrize("damage", [b"", b"not a library", None])
def test_a_damaged_stub_is_made_anew(
    plain: Sample, links: list[list[str]], damage: bytes | None
) -> None:
    (stub,) = stubs(plain)
    good, product = stub.read_bytes(), (plain.root / PRODUCT).read_bytes()
    if damage is None:
        stub.unlink()
    else:
        stub.write_bytes(damage)
    plain.remove(PRODUCT)
    assert plain.ran() == ["link:sum"]
    assert stub.read_bytes() == good
    assert (plain.root / PRODUCT).read_bytes() == product
    assert len(links) == 1


def test_a_stub_that_is_not_enough_costs_one_more_link(
    plain: Sample, links: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    product = (plain.root / PRODUCT).read_bytes()
    monkeypatch.setattr(elf, "make_stub", lambda *_: b"of no use")
    for stub in stubs(plain):
        stub.unlink()
    plain.remove(PRODUCT)
    assert plain.ran() == ["link:sum"]
    (stub,) = stubs(plain)
    assert links == [[stub.relative_to(plain.root).as_posix()], ["-lc"]]
    assert (plain.root / PRODUCT).read_bytes() == product
    assert plain.top(1) == plain.top(0) + 3
