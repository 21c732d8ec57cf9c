"""The structures that Python and the trampoline share have one layout."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from asmith.verify.call import Frame
from asmith.verify.record import STACK_COPY, Record
from asmith.verify.support import SUPPORT_SYMBOLS, support_sources

if TYPE_CHECKING:
    import ctypes

SOURCE = support_sources()[0].read_text()
UNITS = {"resb": 1, "resd": 4, "resq": 8}
RENAMED = {"return": "return_address"}


def fields_of(name: str) -> dict[str, int]:
    """Return the offsets of a `struc` in the assembly source."""
    body = re.search(rf"struc +{name}\n(.*?)endstruc", SOURCE, re.DOTALL)
    assert body is not None
    offsets, offset = {}, 0
    for field, unit, count in re.findall(r"^\.(\w+) +(res[bdq]) +(\d+)", body[1], re.MULTILINE):
        offsets[RENAMED.get(field, field)] = offset
        offset += UNITS[unit] * int(count)
    return offsets


@pytest.mark.parametrize(("name", "mirror"), [("frame", Frame), ("record", Record)])
def test_python_and_assembly_agree_on_offsets(name: str, mirror: type[ctypes.Structure]) -> None:
    found = fields_of(name)
    names = [field[0] for field in mirror._fields_]
    assert names[: len(found)] == list(found)
    assert {n: getattr(mirror, n).offset for n in found} == found


def test_the_stack_copy_has_one_size() -> None:
    assert f"STACK_COPY      equ     {STACK_COPY} " in SOURCE


def test_the_symbols_are_those_that_the_source_exports() -> None:
    assert set(re.findall(r"^ +global +(\w+)", SOURCE, re.MULTILINE)) == set(SUPPORT_SYMBOLS)
