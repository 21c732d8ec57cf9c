"""The command line itself: its JSON, its usage errors, and what works outside a project."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from asmith import __version__
from asmith.cli import main as command_line
from fakes.command import error, without_generator

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.command import Command
    from fakes.sample import Sample


def as_json(asmith: Command, sample: Sample, *arguments: str) -> dict[str, Any]:
    """Return the one JSON object that a command prints."""
    said = asmith(sample, *arguments, "--json")
    assert said.err == ""
    assert said.out.count("\n") == 1
    value: dict[str, Any] = json.loads(said.out)
    assert value["schema"] == 1
    return value


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        ("build", {"executed", "adopted", "errors", "exit_code", "in_review", "spent"}),
        ("plan", {"steps", "sets", "generate"}),
        ("why mid", {"module", "steps"}),
        ("graph", {"modules", "layers", "cycles", "products"}),
        ("check", {"functions", "analysed", "not_analysed", "findings"}),
        ("explain", {"rules"}),
        ("explain ELF001", {"rule", "text"}),
        ("doctor", {"found", "missing"}),
        ("diff", {"changes"}),
        ("store verify", {"files", "damaged"}),
        ("store gc", {"removed", "bytes", "kept"}),
        ("prompt mid", {"module", "request"}),
        ("new fresh", {"wrote"}),
        ("rename mid middle", {"wrote"}),
    ],
)
def test_json_is_one_object_of_schema_1(
    asmith: Command, plain: Sample, command: str, keys: set[str]
) -> None:
    value = as_json(asmith, plain, *command.split())
    assert set(value) == {"schema", *keys}


def test_the_plan_of_a_stale_module_as_json(asmith: Command, plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    plan = as_json(asmith, plain, "plan")
    reason = {
        "kind": "requirement-changed",
        "subject": "mid:FR-001",
        "detail": "specs/mid.md:10",
        "difference": ["- mid MUST call leaf and add 10.", "+ mid MUST call leaf and add 11."],
    }
    assert plan["steps"][0] == {
        "step": "generate",
        "module": "mid",
        "certain": True,
        "reasons": [reason],
    }
    assert [s["step"] for s in plan["steps"]] == ["generate", "assemble", "check", "link"]
    assert plan["generate"][0]["module"] == "mid"
    assert plan["generate"][0]["reasons"] == [reason]
    assert as_json(asmith, plain, "why", "mid")["steps"][0] == {
        "step": "generate:mid",
        "reasons": [reason],
    }


def test_a_failed_build_as_json_keeps_its_exit_code(asmith: Command, plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    without_generator(plain)
    said = asmith(plain, "build", "--json")
    value = json.loads(said.out)
    assert said.code == value["exit_code"] == 3
    assert said.err == ""
    assert [e.splitlines()[0] for e in value["errors"]] == [
        "error: module 'mid' is stale and there is no answer for it"
    ]


def test_a_plan_of_one_step_counts_it_in_words(asmith: Command, plain: Sample) -> None:
    (plain.root / "build/bin/libsum.so").unlink()
    assert asmith(plain, "plan").out.splitlines()[-1] == "1 step at most"


def test_a_changed_clause_is_shown_to_implementer_and_caller(
    asmith: Command, plain: Sample
) -> None:
    clause = "/*@ ensures \\result >= 1;\n  @ assigns \\nothing;"
    plain.edit("interfaces/mid.h", "/*@ assigns \\nothing;", clause)
    shown = "changed: mid.mid (+ ensures \\result >= 1)\n        + ensures \\result >= 1\n"
    assert f"    export-{shown}" in asmith(plain, "why", "mid").out
    assert f"    import-{shown}" in asmith(plain, "why", "top").out


def test_plan_and_why_say_the_same_reasons_as_the_build(asmith: Command, plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    why = asmith(plain, "why", "mid").out
    plan = asmith(plain, "plan").out
    said = asmith(plain, "build").err
    reason = "requirement-changed: mid:FR-001 (specs/mid.md:10)"
    gone, came = (f"{sign} mid MUST call leaf and add {n}." for sign, n in (("-", 10), ("+", 11)))
    lines = f"{reason}\n        {gone}\n        {came}\n"
    assert f"generate:mid\n    {lines}" in why
    assert f"generate:mid\n    {lines}    from: generator\n" in plan
    assert f"generate:mid                 {reason}\n" in said
    assert asmith(plain, "why", "mid").out == "mid is fresh: nothing would run\n"
    assert asmith(plain, "plan").out == "nothing to do\n"


def test_quiet_prints_nothing_on_success(asmith: Command, plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    assert asmith(plain, "build", "-q") == (0, "", "")


def test_verbose_prints_every_reason(asmith: Command, plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.edit("interfaces/mid.h", "asm stack 32", "asm stack 48")
    short, long = asmith(plain, "plan").out, asmith(plain, "build", "-v").err
    assert "export-changed: mid.mid" in short
    first = long.splitlines()[0]
    assert "requirement-changed: mid:FR-001" in first
    assert "; export-changed: mid.mid" in first
    assert " more" not in first


def test_a_project_is_found_from_a_directory_inside_it(asmith: Command, plain: Sample) -> None:
    assert asmith.bare("build", "-C", str(plain.root / "specs")).code == 0


def test_the_graph_as_text_and_as_dot(asmith: Command, plain: Sample) -> None:
    plain.edit("modules/top.asm", "mov     rax, 100", "mov     rax, 101")
    plain.edit("specs/mid.md", "add 10", "add 11")
    assert asmith(plain, "graph").out == "leaf  fresh   -\nmid   stale   leaf\ntop   edited  mid\n"
    dot = asmith(plain, "graph", "--dot").out
    assert dot.startswith("digraph modules {\n")
    assert '  "mid" -> "leaf";\n' in dot


# ---- usage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        ([], "error: the following arguments are required: COMMAND"),
        (["bild"], "error: argument COMMAND: invalid choice: 'bild'"),
        (["why"], "error: the following arguments are required: module"),
        (["build", "--loked"], "error: unrecognized arguments: --loked"),
        (["build", "-n", "many"], "error: argument -n/--jobs: invalid int value: 'many'"),
        (["accept", "mid", "--mode", "good"], "error: argument --mode: invalid choice: 'good'"),
    ],
)
def test_a_wrong_command_line_is_one_message(
    asmith: Command, arguments: list[str], first: str
) -> None:
    said = asmith.bare(*arguments)
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith(first)
    assert said.err.splitlines()[-1].startswith("help: see asmith")
    assert len(said.messages()) == 1


def test_no_jobs_are_refused(asmith: Command, plain: Sample) -> None:
    assert asmith(plain, "build", "-n", "0") == error(
        2, "error: -n 0: the number of steps at a time must be at least 1"
    )


def test_two_steps_at_a_time_make_the_same_build(asmith: Command, plain: Sample) -> None:
    before = plain.tree("build/obj", "build/bin")
    plain.remove("build")
    assert asmith(plain, "build", "-n", "2").code == 0
    assert plain.tree("build/obj", "build/bin") == before


def test_version_and_help_end_well(asmith: Command, capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--version", "--help"):
        with pytest.raises(SystemExit) as ended:
            asmith.bare(option)
        assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: asmith")
    assert __version__


def test_help_and_a_build_with_nothing_to_do_import_nothing_heavy(plain: Sample) -> None:
    script = (
        "import sys\n"
        "from asmith.cli.main import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit:\n"
        "    pass\n"
        "heavy = {'doit', 'networkx', 'elftools', 'anthropic', 'iced_x86', 'unicorn', 'pytest'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    for arguments in (["--help"], ["build", "-q"]):
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            cwd=plain.root,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == "[]", arguments


def test_a_bug_of_ours_ends_in_one_message_and_code_70(
    asmith: Command, plain: Sample, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a joke")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("asmith.cli.building.build", fail)
    said = asmith(plain, "build")
    assert said.code == 70
    assert said.err.startswith("error: asmith itself failed: ZeroDivisionError: a joke\n")
    details = said.err.rpartition("the details: ")[2].strip()
    assert "Traceback" in (tmp_path / details).read_text(encoding="utf-8")
    assert len(said.messages()) == 1


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_bug_that_a_step_meets_is_told_as_one(
    asmith: Command, plain: Sample, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, jobs: str
) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError("a joke")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("asmith.check.engine.check_object", fail)
    plain.remove("build")
    said = asmith(plain, "build", "-q", "-n", jobs)
    assert said.code == 70
    assert said.err.startswith("error: asmith itself failed: ZeroDivisionError: a joke\n")
    details = said.err.rpartition("the details: ")[2].strip()
    assert ", in fail\n" in (tmp_path / details).read_text(encoding="utf-8")
    monkeypatch.undo()
    assert asmith(plain, "build", "-q").code == 0


def test_an_interrupt_ends_with_130(
    asmith: Command, plain: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("asmith.cli.building.build", interrupt)
    said = asmith(plain, "build")
    assert said.code == 130
    assert said.err == "interrupted: nothing was adopted, finished steps are kept\n"


def test_every_command_names_a_function_that_exists() -> None:
    for _, run, *_ in command_line._COMMANDS:
        module, _, function = run.partition(":")
        imported = __import__(f"asmith.cli.{module}", fromlist=[function])
        assert callable(getattr(imported, function))


# ---- check outside a project ---------------------------------------------------------------------


@pytest.fixture
def outside(plain: Sample, tmp_path: Path) -> Path:
    """Return a directory outside any project with an object and its interfaces."""
    directory = tmp_path / "outside"
    directory.mkdir()
    shutil.copy(plain.root / "build/obj/mid.o", directory)
    for name in ("leaf", "mid"):
        shutil.copy(plain.root / f"interfaces/{name}.h", directory)
    return directory


def test_an_object_is_checked_outside_a_project(asmith: Command, outside: Path) -> None:
    said = asmith.bare(
        "check",
        "--object",
        str(outside / "mid.o"),
        "--interface",
        str(outside / "mid.h"),
        str(outside / "leaf.h"),
    )
    assert said.code == 0, said
    assert said.out.startswith("0 findings")


def test_an_object_that_breaks_its_contract_is_found_outside_a_project(
    asmith: Command, outside: Path
) -> None:
    said = asmith.bare(
        "check",
        "--object",
        str(outside / "mid.o"),
        "--interface",
        str(outside / "leaf.h"),
        "--json",
    )
    assert said.code == 1
    rules = {f["rule"] for f in json.loads(said.out)["findings"]}
    assert {"ELF001", "ELF002"} <= rules


@pytest.mark.parametrize(
    ("name", "data", "first"),
    [
        ("none.o", None, "error: cannot read the file: no such file"),
        ("text.o", b"no object\n", "error: "),
        ("empty.o", b"", "error: "),
        ("cut.o", b"\x7fELF\x02\x01\x01", "error: "),
    ],
)
def test_what_is_no_object_ends_in_one_message(
    asmith: Command, tmp_path: Path, name: str, data: bytes | None, first: str
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    said = asmith.bare("check", "--object", str(tmp_path / name))
    assert said.code == 2
    assert said.err.startswith(first)
    assert len(said.messages()) == 1
    assert name in said.err


def test_an_unknown_rule_is_answered_with_the_nearest(asmith: Command, plain: Sample) -> None:
    said = asmith(plain, "explain", "ELF01")
    assert said.code == 2
    assert said.messages() == ["error: no rule 'ELF01'; did you mean 'ELF010'?"]
