"""`asmith check --format`, and the hooks that other projects run through pre-commit."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "check"))

from sarif_shape import assert_sarif

if TYPE_CHECKING:
    from fakes.command import Command
    from fakes.sample import Sample

HOOKS = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"


@pytest.fixture
def broken(plain: Sample, tmp_path: Path) -> list[str]:
    """Return the arguments that check an object against a contract that it does not keep."""
    shutil.copy(plain.root / "build/obj/mid.o", tmp_path)
    shutil.copy(plain.root / "interfaces/leaf.h", tmp_path)
    return ["--object", str(tmp_path / "mid.o"), "--interface", str(tmp_path / "leaf.h")]


def test_sarif_is_one_log_and_exit_code_1_means_errors(asmith: Command, broken: list[str]) -> None:
    said = asmith.bare("check", *broken, "--format", "sarif")
    assert (said.code, said.err) == (1, "")
    log = json.loads(said.out)
    assert_sarif(log)
    assert "ELF001" in {result["ruleId"] for result in log["runs"][0]["results"]}


def test_github_is_one_command_a_finding(asmith: Command, broken: list[str]) -> None:
    said = asmith.bare("check", *broken, "--format", "github")
    listed = json.loads(asmith.bare("check", *broken, "--format", "json").out)["findings"]
    commands = [line for line in said.out.splitlines() if line.startswith("::")]
    assert said.code == 1
    assert len(listed) > 1
    assert [re.match(r"::(\w+) .*?title=asmith (\w+)::", c).groups() for c in commands] == [
        (f["severity"], f["rule"]) for f in listed
    ]


def test_a_clean_project_has_an_empty_log(asmith: Command, plain: Sample) -> None:
    log = json.loads(asmith(plain, "check", "--format", "sarif").out)
    assert_sarif(log)
    assert log["runs"][0]["results"] == []


def test_json_is_the_same_by_either_option(asmith: Command, broken: list[str]) -> None:
    by_format = asmith.bare("check", *broken, "--format", "json")
    assert by_format.out == asmith.bare("check", *broken, "--json").out


def test_json_contradicts_another_format(asmith: Command, broken: list[str]) -> None:
    said = asmith.bare("check", *broken, "--json", "--format", "sarif")
    assert said.code == 2
    assert said.err == ("error: --json contradicts --format sarif\nhelp: leave out one of them\n")


# ---- pre-commit ----------------------------------------------------------------------------------


def hooks() -> dict[str, dict[str, str]]:
    """Return the hooks by id; the file uses no YAML beyond `key: value`."""
    found: dict[str, dict[str, str]] = {}
    for line in HOOKS.read_text().splitlines():
        key, _, value = line.lstrip("- ").partition(": ")
        if line.startswith("- "):
            found[value] = {}
            last = value
        found[last][key] = value
    return found


def entry(hook: str) -> list[str]:
    """Return the arguments of a hook's entry behind `asmith`."""
    program, *arguments = hooks()[hook]["entry"].split()
    assert program == "asmith"
    return arguments


def test_the_hook_of_a_project_checks_its_modules(asmith: Command, plain: Sample) -> None:
    assert asmith(plain, *entry("asmith-check")).code == 0
    text = plain.root / "modules/mid.asm"
    text.write_text(text.read_text() + "\n        section .bad write exec progbits\n        nop\n")
    said = asmith(plain, *entry("asmith-check"))
    assert said.code == 1
    assert "ELF005" in said.out


@pytest.mark.parametrize(
    ("path", "runs"),
    [
        ("modules/mid.asm", True),
        ("interfaces/mid.h", True),
        ("specs/mid.md", True),
        ("pyproject.toml", True),
        ("README.md", False),
        ("docs/specs/mid.md", False),
    ],
)
def test_the_hook_of_a_project_runs_for_what_a_check_reads(path: str, *, runs: bool) -> None:
    assert bool(re.search(hooks()["asmith-check"]["files"], path)) == runs


def test_the_hook_of_an_object_takes_it_from_args(asmith: Command, broken: list[str]) -> None:
    said = asmith.bare(*entry("asmith-check-object"), *broken[1:])
    assert said.code == 1
    assert "ELF001" in said.out


# ---- several objects -----------------------------------------------------------------------------


def test_objects_are_checked_together(asmith: Command, plain: Sample) -> None:
    objects = [str(plain.root / f"build/obj/{name}.o") for name in ("leaf", "mid")]
    said = asmith.bare("check", "--object", *objects, "--json")
    assert json.loads(said.out)["functions"] == 2


def test_a_module_beside_objects_is_refused(asmith: Command, plain: Sample) -> None:
    said = asmith.bare("check", "mid", "--object", str(plain.root / "build/obj/mid.o"))
    assert said.code == 2
    assert said.err == (
        "error: modules are not checked together with --object: mid\n"
        "help: leave out one of them; objects follow --object\n"
    )
