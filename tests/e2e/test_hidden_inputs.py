"""What a build must notice though no digest of a trace covers it; each was overlooked once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from fakes import sample as samples

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.sample import Sample


@pytest.fixture
def plain(tmp_path: Path) -> Sample:
    """Return a built sample project without module tests."""
    sample = samples.make(tmp_path / "project", tests=False)
    sample.ran()
    return sample


def failures(sample: Sample) -> list[str]:
    """Build and return the rules that it fails by."""
    return [f.rule for e in sample.build().errors for f in getattr(e, "findings", ())]


def test_a_banner_edited_by_hand_is_checked(plain: Sample) -> None:
    plain.edit("modules/mid.asm", ";@   stack 32", ";@   stack 64")
    assert set(failures(plain)) == {"SRC004"}


def test_a_name_that_a_contract_takes_over_is_checked(plain: Sample) -> None:
    plain.edit("modules/leaf.asm", "        bits    64\n", "        bits    64\nMOST    equ 3\n")
    plain.ran()
    plain.edit("interfaces/shape.h", "#define LIMIT 5", "#define LIMIT 5\n#define MOST 4")
    assert failures(plain) == ["SRC003"]


def test_a_waiver_that_moves_to_another_function_is_checked(plain: Sample) -> None:
    waiver = '  @ asm waive SRC001 "a test";\n'
    header = plain.read("interfaces/leaf.h")
    second = "/*@ assigns \\nothing;\n  @*/\nuint64_t more(uint64_t x);\n"
    first = header.replace("  @ asm stack", f"{waiver}  @ asm stack")
    plain.write("interfaces/leaf.h", first + second)
    plain.ran()
    plain.write("interfaces/leaf.h", header + second.replace("  @*/", f"{waiver}  @*/"))
    assert plain.ran() == ["check:leaf"]


def test_an_edit_that_was_built_is_not_overwritten_either(plain: Sample) -> None:
    plain.edit("modules/mid.asm", "mov     rax, 10", "mov     rax, 20")
    plain.ran()
    edited = plain.read("modules/mid.asm")
    plain.edit("specs/mid.md", "add 10", "add 11")
    outcome = plain.build()
    assert [e.what for e in outcome.errors] == ["module 'mid' was edited by hand and is stale"]
    assert plain.read("modules/mid.asm") == edited
    assert plain.ran(force=True)[0] == "generate:mid"


def test_an_edit_that_is_undone_is_no_edit(plain: Sample) -> None:
    plain.edit("modules/mid.asm", "; rsp = 0 mod 16", "; aligned")
    plain.ran()
    assert '"standing": "edited"' in plain.read("modules/mid.json")
    plain.edit("modules/mid.asm", "; aligned", "; rsp = 0 mod 16")
    plain.ran()
    assert '"standing": "accepted"' in plain.read("modules/mid.json")


def test_a_revert_brings_back_what_was_there_last(plain: Sample) -> None:
    plain.edit("modules/mid.asm", "; rsp = 0 mod 16", "; aligned")
    plain.ran()
    edited = plain.read("modules/mid.asm")
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.ran(force=True)
    plain.edit("specs/mid.md", "add 11", "add 10")
    plain.ran()
    assert plain.read("modules/mid.asm") == edited


def test_threads_leave_the_output_streams_alone(plain: Sample) -> None:
    before = sys.stdout, sys.stderr
    for number in range(11, 16):
        plain.edit("interfaces/shape.h", "#define LIMIT", f"#define N{number} 1\n#define LIMIT")
        for name in ("leaf", "mid", "top"):
            text = plain.read(f"specs/{name}.md")
            plain.write(f"specs/{name}.md", text.replace(f"{name} MUST", f"{name} MUST add 1 and"))
        plain.ran(jobs=4)
        assert (sys.stdout, sys.stderr) == before
