"""What an edit costs: for each kind of edit exactly the steps that run (docs/architecture.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fakes.sample import Sample

SPEC = "specs/mid.md"


def steps(*names: str) -> list[str]:
    """Expand `generate:mid` and the like from a compact form: `generate mid top`."""
    return [f"{kind}:{m}" for name in names for kind, *ms in [name.split()] for m in ms]


def test_a_second_build_runs_nothing(sample: Sample) -> None:
    assert sample.ran() == []


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (SPEC, "Nothing here matters to anybody.", "A note, quite another one."),
        (SPEC, "# mid: a sum", "# mid: a sum of sums\n\n**Status**: draft, 2026-01-01"),
        (SPEC, "- **FR-001**", "<!-- a comment\nof two lines -->\n- [x] **FR-001**"),
        (SPEC, "call leaf and add 10", "call leaf\n  and add\n  10"),
        ("interfaces/leaf.h", "/*@ assigns", "/* a comment */\n/*@ assigns"),
        ("interfaces/leaf.h", "uint64_t leaf(uint64_t x)", "uint64_t\nleaf( uint64_t x )"),
        ("interfaces/leaf.h", "#include <stdint.h>", "#include <stddef.h>\n#include <stdint.h>"),
    ],
    ids=["note", "title", "comment", "wrapping", "header-comment", "header-layout", "include"],
)
def test_prose_and_formatting_cost_nothing(sample: Sample, path: str, old: str, new: str) -> None:
    sample.edit(path, old, new)
    assert sample.ran() == []


def test_a_waiver_is_checked_again_and_no_more(sample: Sample) -> None:
    sample.edit("interfaces/mid.h", "asm stack 32;", 'asm stack 32; asm waive SRC001 "a test";')
    assert sample.ran() == ["check:mid"]


def test_a_requirement_regenerates_its_module_alone(sample: Sample) -> None:
    before = sample.top(1)
    sample.edit(SPEC, "add 10", "add 11")
    assert sample.ran() == steps(
        "generate mid", "assemble mid", "check mid", "link sum", "test mid top"
    )
    assert sample.top(1) == before + 1


def test_a_requirement_that_changes_no_code_stops_after_assembly(sample: Sample) -> None:
    sample.edit(SPEC, "call leaf and add 10", "call leaf and add 10 as before")
    ran = sample.ran()
    assert ran == ["generate:mid", "assemble:mid"]


def test_a_caller_visible_clause_regenerates_implementer_and_importers(sample: Sample) -> None:
    sample.edit("interfaces/leaf.h", "/*@ assigns", "/*@ ensures \\result >= 0;\n  @ assigns")
    ran = sample.ran()
    assert ran[:2] == steps("generate leaf mid")
    assert [s for s in ran if "top" in s] == []


def test_a_clause_of_one_function_spares_importers_of_another(sample: Sample) -> None:
    second = "/*@ assigns \\nothing; */\nuint64_t leaf2(uint64_t x);\n"
    sample.write("interfaces/leaf.h", sample.read("interfaces/leaf.h") + second)
    sample.ran()
    sample.edit("interfaces/leaf.h", second, second.replace("*/", "ensures \\result >= 0; */"))
    assert sample.ran()[0] == "generate:leaf"
    assert "generate:mid" not in sample.ran()


def test_stack_is_the_implementers_business(sample: Sample) -> None:
    sample.edit("interfaces/leaf.h", "asm stack 32;", "asm stack 48;")
    ran = sample.ran()
    assert [s for s in ran if s.startswith("generate")] == ["generate:leaf"]


def test_a_new_function_is_the_implementers_business(sample: Sample) -> None:
    new = "/*@ assigns \\nothing; */\nuint64_t more(uint64_t x);\n"
    sample.write("interfaces/leaf.h", sample.read("interfaces/leaf.h") + new)
    ran = sample.ran()
    assert [s for s in ran if s.startswith("generate")] == ["generate:leaf"]
    assert [s for s in ran if s.startswith("assemble")] == ["assemble:leaf"]


def test_a_constants_value_is_assembled_in_without_an_answer(sample: Sample) -> None:
    before = sample.top(0)
    sample.edit("interfaces/shape.h", "LIMIT 5", "LIMIT 9")
    assert sample.ran() == steps("assemble leaf", "check leaf", "link sum", "test leaf mid top")
    assert sample.top(0) == before + 4


def test_a_fields_offset_is_assembled_in_without_an_answer(sample: Sample) -> None:
    before = sample.top(0)
    sample.edit("interfaces/shape.h", "uint64_t first;", "uint64_t zero;\n    uint64_t first;")
    assert sample.ran() == steps("assemble leaf", "check leaf", "link sum", "test leaf mid top")
    assert sample.top(0) == before + 8


def test_a_fields_type_regenerates_who_names_it(sample: Sample) -> None:
    sample.edit("interfaces/shape.h", "uint64_t second;", "int64_t second;")
    assert [s for s in sample.ran() if s.startswith("generate")] == ["generate:leaf"]


def test_a_field_that_nobody_names_costs_no_assembly(sample: Sample) -> None:
    sample.edit("interfaces/shape.h", "second;\n", "second;\n    uint64_t third;\n")
    assert [s for s in sample.ran() if not s.startswith("test")] == []


def test_an_edit_by_hand_is_built_and_recorded(sample: Sample) -> None:
    sample.edit("modules/mid.asm", "mov     rax, 10", "mov     rax, 20")
    assert sample.ran() == steps("assemble mid", "check mid", "link sum", "test mid top")
    assert '"standing": "edited"' in sample.read("modules/mid.json")
    assert sample.ran() == []


def test_a_comment_edited_by_hand_stops_after_assembly(sample: Sample) -> None:
    sample.edit("modules/mid.asm", "; rsp = 0 mod 16", "; aligned")
    assert sample.ran() == ["assemble:mid"]


def test_a_test_file_runs_its_tests(sample: Sample) -> None:
    sample.edit("tests/modules/test_mid.py", ">= 1", ">= 0")
    assert sample.ran() == ["test:mid"]


def test_a_revert_asks_nobody(sample: Sample) -> None:
    before = sample.tree("modules", "build/bin")
    sample.edit(SPEC, "add 10", "add 11")
    sample.ran()
    sample.edit(SPEC, "add 11", "add 10")
    sample.write("pyproject.toml", sample.read("pyproject.toml").split("[tool.asmith.gen")[0])
    ran = sample.ran()
    assert ran == steps("generate mid", "assemble mid", "check mid", "link sum", "test mid top")
    after = sample.tree("modules", "build/bin")
    assert {p: b for p, b in after.items() if not p.endswith(".json")} == {
        p: b for p, b in before.items() if not p.endswith(".json")
    }


def test_deleting_build_costs_time_only(sample: Sample) -> None:
    before = sample.tree("modules", "build/bin")
    sample.remove("build")
    assert not [s for s in sample.ran() if s.startswith("generate")]
    assert sample.tree("modules", "build/bin") == before
