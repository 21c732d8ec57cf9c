"""The store: blobs, raw answers, candidates and attempts."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from asmith.model.names import Digest, InterfaceName, ModuleName, digest_bytes
from asmith.model.record import Attempt, Mode, Record, Standing, Trace, Traced
from asmith.store.answers import DamagedError, Store
from asmith.store.records import candidate_key as key
from asmith.store.records import trace_key

if TYPE_CHECKING:
    from pathlib import Path

MODULE = ModuleName("m")
REQUEST = digest_bytes(b"a request")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return an empty store."""
    return Store(tmp_path / ".asmith")


def attempt(answer: bytes, outcome: str = "rejected") -> Attempt:
    """Return an attempt at REQUEST."""
    return Attempt(REQUEST, digest_bytes(answer), Mode.BLIND, "manual", outcome, (), "now")


def record(assembly: bytes, requirement: str = "r", accepted: str = "") -> Record:
    """Return the record of an accepted text."""
    text = Traced("int f(void);", Digest("d"))
    return Record(
        module=MODULE,
        implements=InterfaceName("m"),
        standing=Standing.ACCEPTED,
        mode=Mode.BLIND,
        trace=Trace({"FR-001": Digest(requirement)}, (), {"m.f": text}, {"m.f": text}, {}),
        request=REQUEST,
        answer=Digest("a"),
        assembly=digest_bytes(assembly),
        object=None,
        accepted=accepted,
    )


def test_bytes_are_found_by_their_digest(store: Store) -> None:
    assert store.get(store.put(b"data")) == b"data"
    assert store.put(b"data") == digest_bytes(b"data")
    assert store.get(digest_bytes(b"other")) is None


def test_damaged_bytes_are_refused_and_mended_by_keeping_them_again(store: Store) -> None:
    digest = store.put(b"data")
    path = store.root / "store" / "blobs" / digest[:2] / digest
    path.write_bytes(b"dat")
    with pytest.raises(DamagedError) as caught:
        store.get(digest)
    assert str(caught.value.where) == f".asmith/store/blobs/{digest[:2]}/{digest}"
    store.put(b"data")
    assert store.get(digest) == b"data"


def test_an_answer_waits_until_it_is_judged(store: Store) -> None:
    assert store.unjudged(MODULE, REQUEST) is None
    store.keep_answer(REQUEST, b"one", {"name": "g"})
    store.keep_answer(REQUEST, b"two", {"name": "h"})
    assert store.unjudged(MODULE, REQUEST) == (b"one", {"name": "g"})
    store.log_attempt(MODULE, attempt(b"one"))
    assert store.unjudged(MODULE, REQUEST) == (b"two", {"name": "h"})
    store.log_attempt(MODULE, attempt(b"two", "accepted"))
    assert store.unjudged(MODULE, REQUEST) is None
    assert store.unjudged(MODULE, digest_bytes(b"another")) is None


def test_an_answer_whose_line_was_cut_off_is_passed_over(store: Store) -> None:
    store.keep_answer(REQUEST, b"one", {"name": "g"})
    path = store.root / "store" / "answers" / REQUEST
    path.write_bytes(b'{"answer"\n[]\n' + path.read_bytes() + b'{"answer": "')
    assert store.unjudged(MODULE, REQUEST) == (b"one", {"name": "g"})


def test_attempts_come_back_in_order_without_what_was_cut_off(store: Store) -> None:
    assert store.attempts(MODULE) == ()
    for answer in (b"one", b"two"):
        store.log_attempt(MODULE, attempt(answer))
    path = store.root / "attempts" / "m.jsonl"
    path.write_bytes(path.read_bytes() + b'{"request": "x"}\n{"req')
    assert store.attempts(MODULE) == (attempt(b"one"), attempt(b"two"))
    assert store.attempts(ModuleName("other")) == ()


def test_candidates_are_found_by_spec_and_own_contract(store: Store) -> None:
    one, other = record(b"one"), record(b"two", "another requirement")
    for found, text in ((one, b"one"), (other, b"two")):
        store.add_candidate(found, text)
    assert tuple(store.candidates(MODULE, key(one))) == (one,)
    assert tuple(store.candidates(MODULE, key(other))) == (other,)
    assert tuple(store.candidates(ModuleName("n"), key(one))) == ()
    assert store.get(one.assembly) == b"one"


def test_what_was_kept_last_comes_first(store: Store) -> None:
    first, second = record(b"one", accepted="2026-02-01"), record(b"two", accepted="2026-01-01")
    for found, text in ((first, b"one"), (second, b"two")):
        store.add_candidate(found, text)
    directory = store.root / "store" / "candidates" / "m"
    for number, found in enumerate((first, second)):
        name = f"{key(found)}-{found.assembly[:16]}.json"
        os.utime(directory / name, ns=(number, number))
    assert tuple(store.candidates(MODULE, key(first))) == (second, first)


def test_the_key_leaves_imports_and_offers_out() -> None:
    one = record(b"one")
    more = replace(one.trace, imports=one.trace.exports, offers={})
    assert trace_key("m", more) == key(one)
    assert trace_key("n", one.trace) != key(one)
    assert trace_key("m", replace(one.trace, uses=("a",))) != key(one)
    assert trace_key("m", replace(one.trace, exports={})) != key(one)


def test_the_place_of_a_raw_answer_is_shown_within_the_project(store: Store) -> None:
    digest = digest_bytes(b"x")
    shown = store.shown(replace(record(b"one"), answer=digest))
    assert shown == f".asmith/store/blobs/{digest[:2]}/{digest}"
