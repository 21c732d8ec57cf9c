"""How much of a text an iteration wrote anew."""

from __future__ import annotations

import time

import pytest

from asmith.run import edits
from asmith.run.edits import new_bytes


@pytest.mark.parametrize(
    ("old", "new", "count"),
    [
        (b"a\nb\nc\n", b"a\nb\nc\n", 0),
        (b"", b"a\nb\n", 4),
        (b"a\nb\n", b"", 0),
        (b"a\nb\nc\n", b"a\nlonger\nc\n", 7),
        (b"a\nb\nc\n", b"b\nc\n", 0),
        (b"a\na\n", b"a\na\na\n", 2),
        (b"a\nb\nc\nd\n", b"a\nc\nb\nd\n", 2),
    ],
)
def test_new_bytes_are_those_of_new_lines(old: bytes, new: bytes, count: int) -> None:
    assert new_bytes(old, new) == count


def test_long_texts_take_no_long_time() -> None:
    old = b"".join(b"line %d\n\n" % (n % 7) for n in range(20_000))
    new = b"".join(b"\nline %d\n" % (n % 11) for n in range(20_000))
    start = time.perf_counter()
    assert 0 < new_bytes(old, new) < len(new)
    assert time.perf_counter() - start < 5


def test_a_long_text_is_compared_without_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits, "_LONG", 2)
    assert new_bytes(b"0\na\nb\nc\n9\n", b"0\nc\nx\na\n9\n") == 2
