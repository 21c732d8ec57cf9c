"""Records as JSON: what is written is read back, and anything else is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from asmith.errors import UsageError
from asmith.model.names import Digest, InterfaceName, ModuleName
from asmith.model.record import Attempt, Mode, Record, Standing, Trace, Traced
from asmith.store import records

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = Traced("int f(int x);", Digest("d1"))
ATTEMPT = Attempt(
    request=Digest("q"),
    answer=Digest("a"),
    mode=Mode.BLIND,
    generator="manual",
    outcome="rejected",
    findings=("ELF001: f is missing",),
    at="2026-01-01T00:00:00Z",
    model="m",
)
RECORD = Record(
    module=ModuleName("m"),
    implements=InterfaceName("i"),
    standing=Standing.REVALIDATED,
    mode=Mode.GENERATED,
    trace=Trace({"FR-001": Digest("r")}, ("b", "c.f"), {"i.f": TEXT}, {"i.f": TEXT}, {}),
    request=Digest("q"),
    answer=Digest("a"),
    assembly=Digest("s"),
    object=None,
    generator={"name": "manual"},
    attempts=(ATTEMPT,),
    accepted="2026-01-01T00:00:00Z",
    notes=("ä note",),
)


def test_a_record_is_read_back_as_it_was_written() -> None:
    for record in (RECORD, replace(RECORD, object=Digest("o"), attempts=(), notes=())):
        assert records.decode(records.encode(record), "m.json") == record


def test_what_older_records_lack_is_read_back_where_it_is_there() -> None:
    trace = replace(RECORD.trace, texts={"FR-001": "f MUST return x."})
    record = replace(RECORD, trace=trace, made_by={"asmith": "0.1.0", "rules": "4"})
    assert records.decode(records.encode(record), "m.json") == record
    for key in ("made_by", "texts"):
        assert key.encode() in records.encode(record)
        assert key.encode() not in records.encode(RECORD)


def test_equal_records_have_equal_bytes() -> None:
    other = replace(RECORD, generator=dict(reversed([("name", "manual"), ("a", "b")])))
    same = replace(RECORD, generator={"name": "manual", "a": "b"})
    assert records.encode(other) == records.encode(same)
    assert records.encode(RECORD).endswith(b"}\n")
    assert "ä note".encode() in records.encode(RECORD)


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return the record's JSON after a change."""
    value = json.loads(records.encode(RECORD))
    change(value)
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda v: v.pop("mode"), "'mode' is missing"),
        (lambda v: v.pop("schema"), "'schema' is missing"),
        (lambda v: v["trace"].pop("uses"), "'uses' is missing"),
        (lambda v: v["attempts"][0].pop("at"), "'at' is missing"),
        (lambda v: v.update(extra=1), "unknown key 'extra'"),
        (lambda v: v.update(mode="blond"), "'blond' is not a valid Mode"),
        (lambda v: v.update(standing=1), "1 is not a valid Standing"),
        (lambda v: v.update(accepted=1), "'accepted' must be a string"),
        (lambda v: v.update(object=1), "'object' must be a string"),
        (lambda v: v.update(generator={"name": 1}), "'name' must be a string"),
        (lambda v: v["trace"]["exports"]["i.f"].pop("text"), "'text' is missing"),
        (lambda v: v.update(made_by={"rules": 4}), "'rules' must be a string"),
        (lambda v: v["trace"].update(texts=[]), "'texts' must be an object"),
        (lambda v: v.update(generator=[]), "'generator' must be an object"),
        (lambda v: v.update(trace=[]), "'trace' must be an object"),
        (lambda v: v["trace"].update(imports=[]), "'imports' must be an object"),
        (lambda v: v["trace"]["exports"].update({"i.f": "x"}), "'i.f' must be an object"),
        (lambda v: v.update(attempts=["x"]), "'attempts' must be an array of objects"),
        (lambda v: v.update(notes="abc"), "'notes' must be an array of strings"),
        (lambda v: v.update(notes=[1]), "'notes' must be an array of strings"),
        (lambda v: v["trace"].update(uses="abc"), "'uses' must be an array of strings"),
    ],
)
def test_what_is_missing_surplus_or_of_a_wrong_type_is_refused(
    change: Callable[[dict[str, Any]], object], why: str
) -> None:
    with pytest.raises(UsageError) as caught:
        records.decode(changed(change), "modules/m.json")
    assert caught.value.what == "the record is malformed"
    assert caught.value.why == why
    assert str(caught.value.where) == "modules/m.json"


@pytest.mark.parametrize(
    ("data", "why", "place"),
    [
        (b"", "it is not JSON: expecting value", "m:1:1"),
        (b'{\n "a" 1}', "it is not JSON: expecting ':' delimiter", "m:2:6"),
        (b"[1]", "it is no JSON object", "m"),
        (b"\xff", "it is not UTF-8 text", "m"),
    ],
)
def test_what_is_no_json_object_is_refused(data: bytes, why: str, place: str) -> None:
    with pytest.raises(UsageError) as caught:
        records.decode(data, "m", "do that")
    assert (caught.value.why, str(caught.value.where), caught.value.help) == (why, place, "do that")


def test_another_schema_is_refused_with_both_numbers() -> None:
    with pytest.raises(UsageError, match="the record has schema 2, and this asmith reads 1"):
        records.decode(changed(lambda v: v.update(schema=2)), "m")


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(UsageError, match="the record is malformed"):
        records.decode(b"[" * 100_000, "m")
