"""Small versions of the legs of `./dev bench check` that need nothing but gcc and nasm."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from checking import exceptions, fuzz, handwritten, hostile, templates, torture
from checking.subject import judged

from asmith.check.flow.analysis import ObjectFlow
from asmith.model.finding import Finding
from asmith.toolchain.elf import read_object

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("level", ["-O0", "-O2", "-Os"])
def test_generated_c_is_analysed_without_a_report(tmp_path: Path, level: str) -> None:
    (tmp_path / "unit.c").write_text(torture.source(7, 60))
    command = ["gcc", level, "-w", "-c", "unit.c", "-o", "unit.o"]
    subprocess.run(command, cwd=tmp_path, check=True)
    verdict = judged((tmp_path / "unit.o").read_bytes(), "unit.o", "compiled")
    assert verdict.findings == ()
    assert verdict.functions >= 50
    assert verdict.analysed >= 0.97 * verdict.functions


@pytest.mark.parametrize("level", ["-O0", "-O2", "-Os"])
def test_generated_cleanups_are_followed_without_a_report(tmp_path: Path, level: str) -> None:
    (tmp_path / "unit.c").write_text(exceptions.source(5, 12, cxx=False))
    command = ["gcc", level, "-fexceptions", "-w", "-c", "unit.c", "-o", "unit.o"]
    subprocess.run(command, cwd=tmp_path, check=True)
    data = (tmp_path / "unit.o").read_bytes()
    facts = read_object(data, "unit.o")
    flow = ObjectFlow(facts, compiled=True, strict=False)
    flow.run()
    pads = {
        pad
        for f in flow.roster.functions.values()
        for pad in flow.roster.landing.pads(f.start, f.end)
    }
    ran = {at for outcome in flow.counted() for at in outcome.code}
    assert len(pads) > 20
    assert pads <= ran
    assert judged(data, "unit.o", "compiled").findings == ()


def test_templates_are_analysed_without_a_report(tmp_path: Path) -> None:
    command = [
        "g++",
        "-std=c++20",
        "-O2",
        "-c",
        str(templates.HERE / "variants.cc"),
        "-o",
        "unit.o",
    ]
    subprocess.run(command, cwd=tmp_path, check=True)
    verdict = judged((tmp_path / "unit.o").read_bytes(), "unit.o", "compiled")
    assert verdict.findings == ()
    assert verdict.functions == verdict.analysed > 30


def test_the_generator_gives_the_same_text_for_the_same_seed() -> None:
    assert torture.source(3, 40) == torture.source(3, 40)
    assert torture.source(3, 40) != torture.source(4, 40)


def test_hostile_objects_end_in_an_error_or_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert hostile.main(40, 500), capsys.readouterr().out


def test_a_hostile_object_is_the_same_for_the_same_number() -> None:
    assert fuzz.hostile(11) == fuzz.hostile(11)


# ---- the table of classes ------------------------------------------------------------------------


def test_every_line_of_the_table_is_a_class() -> None:
    text = handwritten.CLASSES.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| ") and "`" in line]
    assert len(list(handwritten.rows(text))) == len(lines)
    for row in handwritten.rows(text):
        assert row.kind in ("deviation", "limit")
        assert row.why


def test_a_class_explains_reports_of_its_rule_member_and_function() -> None:
    (row,) = handwritten.rows("| ABI007 | libx.a | `.*-a-8\\.o` | `mc_(a\\|b)` | deviation | why |")
    found = Finding("ABI007", "", "", "", function="mc_b")
    assert row.explains("libx.a", "mc-a-8.o", found)
    assert not row.explains("liby.a", "mc-a-8.o", found)
    assert not row.explains("libx.a", "mc-a-10.o", found)
    assert not row.explains("libx.a", "mc-a-8.o", Finding("ABI007", "", "", "", function="mc_c"))
    assert not row.explains("libx.a", "mc-a-8.o", Finding("ABI001", "", "", "", function="mc_b"))
