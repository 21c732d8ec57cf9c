"""Links read a stub of the C library: derived, verified when it is used, an input of the link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asmith.run import layout
from asmith.toolchain import elf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fakes.sample import Sample

PRODUCT = "build/bin/libsum.so"


def libraries(links: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the libraries that each of some links names."""
    return [[w for w in c if w == "-lc" or w.startswith(layout.STUBS)] for c in links]


def stubs(sample: Sample) -> list[Path]:
    return sorted((sample.root / layout.STUBS).iterdir())


def test_a_product_is_linked_with_a_stub(plain: Sample, links: list[Sequence[str]]) -> None:
    plain.remove(PRODUCT)
    assert plain.ran() == ["link:sum"]
    (stub,) = stubs(plain)
    assert libraries(links) == [[stub.relative_to(plain.root).as_posix()]]
    assert plain.top(1) == plain.top(0) + 3


@pytest.mark.parametrize("damage", [b"", b"not a library", None])
def test_a_damaged_stub_is_made_anew(
    plain: Sample, links: list[Sequence[str]], damage: bytes | None
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
    plain: Sample, links: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    product = (plain.root / PRODUCT).read_bytes()
    monkeypatch.setattr(elf, "make_stub", lambda *_: b"of no use")
    for stub in stubs(plain):
        stub.unlink()
    plain.remove(PRODUCT)
    assert plain.ran() == ["link:sum"]
    (stub,) = stubs(plain)
    assert libraries(links) == [[stub.relative_to(plain.root).as_posix()], ["-lc"]]
    assert (plain.root / PRODUCT).read_bytes() == product
    assert plain.top(1) == plain.top(0) + 3
