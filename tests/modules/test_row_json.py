"""row_json through its contract: real results of libpq, made without a server."""

import ctypes
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

NAMES = (
    "id", "project_id", "title", "description", "status", "position", "assignee_id", "created_by",
    "version", "created_at", "updated_at",
)  # fmt: skip
TEXTS = {"title", "description", "status", "created_at", "updated_at"}
TUPLES_OK = 2
NULL = -1  # as a length for PQsetvalue


class Attribute(ctypes.Structure):
    """PGresAttDesc of libpq-fe.h."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("tableid", ctypes.c_uint),
        ("columnid", ctypes.c_int),
        ("format", ctypes.c_int),
        ("typid", ctypes.c_uint),
        ("typlen", ctypes.c_int),
        ("atttypmod", ctypes.c_int),
    ]


class Result:
    """A PGresult with the columns of a task and these rows; None is SQL's null."""

    def __init__(self, rows):
        self._pq = ctypes.CDLL("libpq.so.5")
        self._pq.PQmakeEmptyPGresult.restype = ctypes.c_void_p
        self.address = self._pq.PQmakeEmptyPGresult(None, TUPLES_OK)
        names = [Attribute(name=b"?column?") for _ in NAMES]  # JSON's names are not these
        columns = (Attribute * len(NAMES))(*names)
        assert self._pq.PQsetResultAttrs(ctypes.c_void_p(self.address), len(NAMES), columns)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                self._set(number, column, value)

    def _set(self, row, column, value):
        length = NULL if value is None else len(value)
        assert self._pq.PQsetvalue(
            ctypes.c_void_p(self.address), row, column, ctypes.c_char_p(value or b""), length
        )

    def clear(self):
        """Free the result."""
        self._pq.PQclear(ctypes.c_void_p(self.address))


def row_of(task):
    """Return what the database sends for a task: texts, or None for null."""
    return [None if task[name] is None else str(task[name]).encode() for name in NAMES]


def appended(module, rows, number, *, before=b"", room):
    """Append a row to a buffer that ends at a guard page; return result, length and bytes."""
    cap = len(before) + room
    data = module.memory(cap, fill=0xAA)
    data[: len(before)] = before
    out = module.buffer(data=data, len=len(before), cap=cap)
    result = Result(rows)
    try:
        answer = module.row_json_task(out, result.address, number)
    finally:
        result.clear()
    return answer, out.len, bytes(data)


def compact(task):
    """Return Python's JSON of a task in the form that json_escape writes."""
    in_order = {name: task[name] for name in NAMES}
    return json.dumps(in_order, ensure_ascii=False, separators=(",", ":")).encode()


BIGINT = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=30)
TASK = st.fixed_dictionaries(
    {name: st.one_of(st.none(), TEXT if name in TEXTS else BIGINT) for name in NAMES}
)
SAMPLE = {
    "id": 7,
    "project_id": 1,
    "title": 'a "title"\n',
    "description": "",
    "status": "in_review",
    "position": 3,
    "assignee_id": None,
    "created_by": 1,
    "version": 12,
    "created_at": "2026-01-02T03:04:05.000006Z",
    "updated_at": "2026-02-03T04:05:06.000007Z",
}


def test_a_task(module):  # FR-001, FR-002
    expected = (
        rb'{"id":7,"project_id":1,"title":"a \"title\"\n","description":"","status":"in_review",'
        rb'"position":3,"assignee_id":null,"created_by":1,"version":12,'
        rb'"created_at":"2026-01-02T03:04:05.000006Z","updated_at":"2026-02-03T04:05:06.000007Z"}'
    )
    answer = appended(module, [row_of(SAMPLE)], 0, room=len(expected))
    assert answer == (0, len(expected), expected)


@given(TASK)
def test_it_is_what_python_writes(module, task):  # FR-001, FR-002
    expected = compact(task)
    answer = appended(module, [row_of(task)], 0, room=len(expected))
    assert answer == (0, len(expected), expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_null_column(module, name):  # FR-002
    task = {**SAMPLE, "assignee_id": 2, name: None}
    expected = compact(task)
    assert appended(module, [row_of(task)], 0, room=len(expected)) == (0, len(expected), expected)


def test_nothing_but_nulls(module):  # FR-002
    task = dict.fromkeys(NAMES)
    expected = compact(task)
    assert appended(module, [row_of(task)], 0, room=len(expected)) == (0, len(expected), expected)


@given(st.sampled_from([n for n in NAMES if n not in TEXTS]))
def test_a_column_of_no_text_is_copied(module, name):  # FR-002
    odd = b'[1,"\n"]'  # a string literal of it would be another text
    row = row_of(SAMPLE)
    row[NAMES.index(name)] = odd
    whole = compact({**SAMPLE, name: "@"}).replace(b'"@"', odd)
    assert appended(module, [row], 0, room=len(whole)) == (0, len(whole), whole)


@given(st.lists(TASK, min_size=2, max_size=4), st.data())
def test_the_row_is_the_one_that_was_asked_for(module, tasks, data):  # FR-001
    number = data.draw(st.integers(0, len(tasks) - 1))
    rows = [row_of(task) for task in tasks]
    expected = compact(tasks[number])
    answer = appended(module, rows, number, room=len(expected))
    assert answer == (0, len(expected), expected)


@given(before=st.sampled_from([b"[", b"[{}", b"[{},", b'{"task":', b"x"]), task=TASK)
def test_it_follows_what_is_there(module, before, task):  # FR-001
    expected = before + compact(task)
    answer = appended(module, [row_of(task)], 0, before=before, room=len(compact(task)))
    assert answer == (0, len(expected), expected)


@given(before=st.sampled_from([b"", b"[", b"x"]), task=TASK, data=st.data())
def test_what_does_not_fit_leaves_the_length(module, before, task, data):  # FR-003
    room = data.draw(st.integers(0, len(compact(task)) - 1))
    answer, length, written = appended(module, [row_of(task)], 0, before=before, room=room)
    assert (answer, length) == (module.BUFFER_FULL, len(before))
    assert written[: len(before)] == before


def test_every_room_that_is_too_small(module):  # FR-003
    for room in range(len(compact(SAMPLE))):
        answer, length, written = appended(module, [row_of(SAMPLE)], 0, before=b"x", room=room)
        assert (answer, length, written[:1]) == (module.BUFFER_FULL, 1, b"x")


def test_a_long_description(module):  # FR-001
    task = {**SAMPLE, "description": "\u20ac\x01" * 5000}
    expected = compact(task)
    answer = appended(module, [row_of(task)], 0, room=len(expected))
    assert answer == (0, len(expected), expected)
