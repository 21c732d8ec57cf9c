"""Guarded memory: its ends are where they are said to be."""

from __future__ import annotations

import ctypes
import gc
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asmith.verify import pages
from asmith.verify.memory import UNWRITTEN, Arena


@given(st.binary(max_size=9000), st.sampled_from(["end", "begin"]), st.booleans())
def test_one_end_lies_at_a_page_that_nobody_may_touch(
    data: bytes,
    guard: str,
    readonly: bool,  # noqa: FBT001 -- hypothesis passes it
) -> None:
    memory = Arena().new(data, label="m", guard=guard, readonly=readonly)  # type: ignore[arg-type]
    assert memory == data
    assert pages.peek(memory.address, len(data)) == data
    edge = memory.address + len(data) if guard == "end" else memory.address - 1
    assert pages.peek(edge, 1) == b""


@given(st.integers(0, 5000), st.sampled_from([1, 2, 16, 64, 4096]))
def test_an_address_is_aligned_as_asked(size: int, align: int) -> None:
    memory = Arena().new(size, label="m", align=align)
    assert memory.address % align == 0
    assert bytes(memory) == bytes([UNWRITTEN]) * size


def test_memory_is_read_and_written_like_a_bytearray() -> None:
    memory = Arena().new(b"abcd", label="m")
    memory[1:3] = b"xy"
    memory[0] = 65
    assert (memory[0], memory[1:], len(memory)) == (65, b"xyd", 4)
    assert repr(memory) == "<m: b'Axyd'>"
    assert memory != b"abcd"
    with pytest.raises(TypeError, match="m is read-only"):
        Arena().new(b"a", label="m", readonly=True)[0] = 1
    with pytest.raises(ValueError, match="power of two up to 4096, got 3"):
        Arena().new(1, label="m", align=3)


def test_an_address_near_memory_is_described() -> None:
    arena = Arena()
    memory = arena.new(b"abc", label="m (3 bytes)")
    block = arena.find(memory.address + 3)
    assert block is not None
    assert block.describe(memory.address + 3) == "1 byte past the end of m (3 bytes)"
    assert block.describe(memory.address + 12) == "10 bytes past the end of m (3 bytes)"
    assert block.describe(memory.address - 2) == "2 bytes before the beginning of m (3 bytes)"
    assert block.describe(memory.address + 1) == "at offset 1 of m (3 bytes)"
    assert arena.find(block.base - 1) is None
    memory.release()
    assert block.describe(memory.address) == "m (3 bytes), which no longer exists"


def test_a_write_to_the_slack_is_found_once() -> None:
    arena = Arena()
    memory = arena.new(10, label="m", align=16)
    assert arena.spoiled() is None
    for offset, clean in ((-1, False), (10, False), (9, True)):
        ctypes.memset(memory.address + offset, 0, 1)
        found = arena.spoiled()
        assert (found is None) == clean
        if found:
            assert found[1] == memory.address + offset
            found[0].repair()
            assert arena.spoiled() is None


def test_memory_given_up_is_used_again_but_not_touched_meanwhile() -> None:
    arena = Arena()
    memory = arena.new(b"abc", label="m")
    address = memory.address
    del memory
    gc.collect()
    assert pages.peek(address, 3) == b""
    again = arena.new(b"xyz", label="n")
    assert again.address == address


def test_many_calls_take_no_more_memory() -> None:
    arena = Arena()
    addresses = set()
    for number in itertools.islice(itertools.count(), 1000):
        memory = arena.new(b"x" * (number % 100), label="m")
        addresses.add(memory.address // pages.PAGE)
        memory.release()
    assert len(addresses) <= 2


def test_peek_stops_where_memory_does() -> None:
    memory = Arena().new(b"abc", label="m")
    assert pages.peek(memory.address, 100) in (b"abc", b"")
    assert pages.peek(0, 8) == b""
    assert pages.peek(memory.address, 0) == b""
