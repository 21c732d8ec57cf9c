"""Examples of a spec as tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from asmith.errors import UsageError
from asmith.verify.examples import load

if TYPE_CHECKING:
    from verify_project import Project, Ran

EXAMPLES: list[tuple[str, list[Any], Any, str | None]] = [
    # call, args, expect, what the failure says (None: passes)
    ("add_int", [2, -3], -1, None),
    ("add_int", [2, 2], {"result": 5}, "the result: expected 5, got 4"),
    ("sum_bytes", ["abc", 3], 294, None),
    ("sum_bytes", [{"hex": "00ff01"}, 3], 256, None),
    ("sum_words", [[1, 2, 3], 3], 6, None),
    ("fill", [{"out": 4}, 3, 65], {"out": "AAA"}, None),
    ("fill", [{"out": 4}, 3, 65], {"result": None, "out": {"hex": "41414142"}}, "out[0]: expected"),
    ("fill", [{"out": 4}, 5, 65], {}, "SIGSEGV: fill wrote 1 byte past the end"),
    ("greet", [True], "hello", None),
    ("greet", [True], "hellO", "the result: expected b'hellO', got b'hello'"),
    ("greet", [False], None, None),
    ("is_even", [4], True, None),
    ("is_even", [4], False, "the result: expected False, got True"),
    ("length", ["\u00e9"], 2, None),
    ("scale", [1.5, 2, 2], 6.0, None),
    (
        "append",
        [{"struct": {"data": {"out": 2}, "cap": 2}}, 65],
        {"result": 0, "out": "A", "struct": {"len": 1}},
        None,
    ),
    (
        "append",
        [{"struct": {"data": {"out": 2}, "cap": 2}}, 65],
        {"struct": {"len": 2}},
        "field 'len': expected 2, got 1",
    ),
    ("middle", [{"struct": {"x": 2}}, {"struct": {"x": 4}}], {"result": {"x": 3, "y": 0}}, None),
    ("add_imt", [1], 0, "the contract has no function 'add_imt'; did you mean 'add_int'?"),
    ("add_int", [1, 2**40], 0, "parameter 'b' of add_int takes int"),
    ("fill", [{"otu": 4}, 3, 65], 0, "got {'otu': 4}; did you mean 'out'?"),
    ("add_int", [1, 2], {"reslut": 3}, "did you mean 'result'?"),
]


@pytest.fixture(scope="module")
def ran(project: Project) -> Ran:
    examples = [
        {"call": call, "args": args, "expect": expect, "line": 10 + number}
        for number, (call, args, expect, _) in enumerate(EXAMPLES)
    ]
    value = {"schema": 1, "path": "specs/good.md", "examples": examples}
    (project.root / "build/examples.json").write_text(json.dumps(value))
    return project.pytest("good", "--asmith-spec-examples=build/examples.json", "-v")


def test_each_example_is_a_test_of_its_own(ran: Ran) -> None:
    passing = sum(said is None for *_, said in EXAMPLES)
    assert ran.result["passed"] == passing, ran.output
    assert ran.result["failed"] == len(EXAMPLES) - passing
    assert "example at specs/good.md:10 PASSED" in ran.output


@pytest.mark.parametrize("number", [i for i, e in enumerate(EXAMPLES) if e[3] is not None])
def test_a_failing_example_says_what_differs(ran: Ran, number: int) -> None:
    said = EXAMPLES[number][3]
    failure = ran.failure(f"example at specs/good.md:{10 + number}")
    assert said is not None
    assert said in failure["message"]
    crash = "SIGSEGV" in said
    place = ("modules/good.asm",) if crash else ("specs/good.md", 10 + number)
    assert (failure["file"], failure["line"])[: len(place)] == place


@pytest.mark.usefixtures("ran")
def test_examples_run_beside_test_files(project: Project) -> None:
    text = "def test_beside(module): assert module.add_int(1, 1) == 2\n"
    name = project.write_test("test_beside.py", text)
    both = project.pytest(
        "good", name, "--asmith-spec-examples=build/examples.json", "-k", ":10 or beside"
    )
    assert both.result["passed"] == 2, both.output


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 2}', '{"schema": 1, "path": "x"}', "[]"])
def test_a_damaged_file_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        load(text)
