"""Contract stamps: what is written is read back, and nothing else is read at all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asmith.errors import UsageError
from asmith.model.names import ModuleName, digest_of
from asmith.model.record import Stamp, Traced
from asmith.model.stamp import parse_stamp, render_stamp


def traced(text: str) -> Traced:
    return Traced(text, digest_of("caller", text))


STAMP = Stamp(
    module=ModuleName("counter"),
    exports={"counter.next": traced("long next(void)\nstack 16")},
    offers={"counter.next": traced("long next(void)")},
    imports={"libc.puts": traced('int puts(const char *s) "ü"')},
    values={"counter.STEP": "1"},
)


def test_a_stamp_is_read_back_as_it_was_written() -> None:
    assert parse_stamp(render_stamp(STAMP), "a.o") == STAMP


def test_equal_stamps_have_equal_bytes_in_any_order() -> None:
    texts = {"b.x": traced("1"), "a.x": traced("2")}
    one = Stamp(ModuleName("m"), texts, texts, {}, {})
    other = Stamp(ModuleName("m"), dict(reversed(texts.items())), texts, {}, {})
    assert render_stamp(one) == render_stamp(other)


def changed(**changes: Any) -> bytes:
    return json.dumps(json.loads(render_stamp(STAMP)) | changes).encode()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is not JSON in UTF-8"),
        (b"\xff\x00", "it is not JSON in UTF-8"),
        (b"[" * 100_000, "it is not JSON in UTF-8"),
        (b"[]", "it is not of schema 1"),
        (changed(schema=2), "it is not of schema 1"),
        (changed(extra=1), "keys missing or unknown: extra"),
        (changed(values={"a": 1}), "`module` or `values` is not of the form that asmith writes"),
        (changed(module=None), "`module` or `values` is not of the form that asmith writes"),
        (changed(imports=[]), "`imports` is not an object"),
        (changed(offers={"a.b": {"text": "x"}}), "`offers` of 'a.b' is not a text and its digest"),
    ],
)
def test_a_damaged_stamp_is_refused_with_its_reason(data: bytes, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_stamp(data, "a.o")
    assert caught.value.what == "the contract stamp of a.o is damaged"
    assert caught.value.why == why
