"""Bad input ends in one message of the project's form and the right exit code; nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from asmith.store.answers import MEND
from fakes.command import error, generator_script, in_a_process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fakes.command import Command
    from fakes.sample import Sample

NAMED_CONFIG = "  --> pyproject.toml\n"
SAVE_IT = "help: save it as UTF-8\n"
UNKNOWN_TYPE = "error: no type is named 'uint46_t'; did you mean 'uint64_t'?"
KNOWN_KEYS = "help: known keys: module, implements, uses\n"
RESTORE = "help: restore the file from version control, or remove it and run asmith accept\n"


class Damage(NamedTuple):
    """One occurrence of `old` in a file becomes `new`; the build then says `message`."""

    path: str
    old: str
    new: str
    message: str


SPECS = {
    "no front matter": Damage(
        "specs/mid.md",
        "---\nmodule: mid\nuses: [leaf]\n---\n",
        "",
        "error: the spec has no front matter\n"
        "  --> specs/mid.md:1\n"
        "help: start it with lines: ---, module: NAME, uses: [..], ---\n",
    ),
    "unclosed front matter": Damage(
        "specs/mid.md",
        "uses: [leaf]\n---\n",
        "uses: [leaf]\n",
        "error: a front matter line must read 'key: value'\n"
        "  --> specs/mid.md:9\n"
        "help: end the front matter with a line of its own: ---\n",
    ),
    "unknown key": Damage(
        "specs/mid.md",
        "uses:",
        "usess:",
        "error: unknown key 'usess' in the front matter; did you mean 'uses'?\n"
        "  --> specs/mid.md:3\n" + KNOWN_KEYS,
    ),
    "requirement twice": Damage(
        "specs/mid.md",
        "## Notes",
        "- **FR-001**: mid MUST add 2.\n\n## Notes",
        "error: requirement FR-001 stands twice\n"
        "  --> specs/mid.md:12\n"
        "why:  it is also at line 10\n"
        "help: give one of them a number of its own\n",
    ),
    "no requirement": Damage(
        "specs/mid.md",
        "- **FR-001**: mid MUST call leaf and add 10.",
        "",
        "error: the spec has no requirement\n"
        "  --> specs/mid.md:1\n"
        "help: write numbered items: - **FR-001**: NAME MUST ...\n",
    ),
    "empty requirement": Damage(
        "specs/mid.md",
        "mid MUST call leaf and add 10.",
        "",
        "error: requirement FR-001 is empty\n  --> specs/mid.md:10\n",
    ),
    "heading of no function": Damage(
        "specs/mid.md",
        "### mid",
        "### middle",
        "error: requirement FR-001 stands under 'middle', which is no function of "
        "interfaces/mid.h; did you mean 'mid'?\n"
        "  --> specs/mid.md:10\n",
    ),
    "uses of no interface": Damage(
        "specs/mid.md",
        "[leaf]",
        "[leav]",
        "error: 'leav' in uses: there is no interface 'leav'; did you mean 'leaf'?\n"
        "  --> specs/mid.md:1\n"
        "help: write interfaces/leav.h, or take it out of uses\n",
    ),
    "uses of no symbol": Damage(
        "specs/mid.md",
        "[leaf]",
        "[leaf.leav]",
        "error: 'leaf.leav' in uses: interfaces/leaf.h does not declare 'leav'; "
        "did you mean 'leaf'?\n"
        "  --> specs/mid.md:1\n",
    ),
}
CONFIGURATIONS = {
    "unknown key": Damage(
        "pyproject.toml",
        "offers",
        "ofers",
        "error: unknown key 'ofers' in [tool.asmith.products.sum]; did you mean 'offers'?\n"
        "  --> pyproject.toml\n"
        "help: known keys: kind, roots, offers, bind\n",
    ),
    "wrong type": Damage(
        "pyproject.toml",
        '["top"]',
        '"top"',
        "error: 'offers' in [tool.asmith.products.sum] must be an array of strings, not 'top'\n"
        "  --> pyproject.toml\n",
    ),
    "no such kind": Damage(
        "pyproject.toml",
        '"library"',
        '"libary"',
        "error: 'kind' in [tool.asmith.products.sum] is 'libary'; did you mean 'library'?\n"
        "  --> pyproject.toml\n"
        "help: it may be 'program' or 'library'\n",
    ),
    "product of no module": Damage(
        "pyproject.toml",
        'offers = ["top"]',
        'roots = ["topp"]',
        "error: product 'sum' names module 'topp', which has no spec; did you mean 'top'?\n"
        "  --> pyproject.toml\n"
        "help: write specs/topp.md (asmith new topp)\n",
    ),
    "product of no interface": Damage(
        "pyproject.toml",
        'offers = ["top"]',
        'offers = ["topp"]',
        "error: product 'sum' names interface 'topp', which does not exist; did you mean 'top'?\n"
        "  --> pyproject.toml\n",
    ),
}
RECORDS = {
    "no JSON": Damage(
        "modules/mid.json",
        '"standing": "accepted"',
        '"standing" "accepted"',
        "why:  it is not JSON: expecting ':' delimiter\n" + RESTORE,
    ),
    "missing key": Damage(
        "modules/mid.json",
        '  "standing": "accepted",\n',
        "",
        "error: the record is malformed\n"
        "  --> modules/mid.json\n"
        "why:  'standing' is missing\n" + RESTORE,
    ),
    "unknown key": Damage(
        "modules/mid.json",
        '  "standing": "accepted",\n',
        '  "standing": "accepted", "standings": 1,\n',
        "error: the record is malformed\n"
        "  --> modules/mid.json\n"
        "why:  unknown key 'standings'\n" + RESTORE,
    ),
    "unknown schema": Damage(
        "modules/mid.json",
        '"schema": 1',
        '"schema": 9',
        "error: the record has schema 9, and this asmith reads 1\n"
        "  --> modules/mid.json\n"
        "help: use the asmith that wrote it, or restore the file from version control\n",
    ),
    "wrong type": Damage(
        "modules/mid.json",
        '"module": "mid"',
        '"module": 7',
        "error: the record is malformed\n"
        "  --> modules/mid.json\n"
        "why:  'module' must be a string\n" + RESTORE,
    ),
    "of another module": Damage(
        "modules/mid.json",
        '"module": "mid"',
        '"module": "leaf"',
        "error: the record is that of module 'leaf'\n"
        "  --> modules/mid.json\n"
        "help: restore the file from version control (asmith rename renames both)\n",
    ),
}


def each(*tables: dict[str, Damage]) -> list[object]:
    """Return the damages of tables as parameters with their names."""
    return [
        pytest.param(damage, id=f"{damage.path}: {name}")
        for table in tables
        for name, damage in table.items()
    ]


@pytest.mark.parametrize("damage", each(SPECS, CONFIGURATIONS, RECORDS))
def test_a_malformed_file_ends_in_one_message(
    asmith: Command, plain: Sample, damage: Damage
) -> None:
    plain.edit(damage.path, damage.old, damage.new)
    before = plain.tree("modules", "build/bin")
    said = asmith(plain, "build", "-q")
    assert (said.code, said.out) == (2, "")
    assert said.err.endswith(damage.message)
    assert len(said.messages()) == 1
    assert plain.tree("modules", "build/bin") == before


@pytest.mark.parametrize(
    ("old", "new", "first", "place"),
    [
        ("(uint64_t x);", "(uint64_t x;", "error: '(' is never closed", "6:14"),
        ("assigns \\nothing;", "", "error: 'leaf' has no assigns clause", "6"),
        ("(uint64_t x)", "(uint46_t x)", UNKNOWN_TYPE, "6:15"),
        ("assigns", "asigns", "error: 'asigns' is no clause; did you mean 'assigns'?", "3:5"),
    ],
    ids=["syntax", "no assigns", "unknown type", "unknown clause"],
)
def test_a_malformed_header_ends_in_one_message(
    asmith: Command, plain: Sample, old: str, new: str, first: str, place: str
) -> None:
    plain.edit("interfaces/leaf.h", old, new)
    before = plain.tree("modules", "build/bin")
    said = asmith(plain, "build", "-q")
    assert said.code == 2
    assert said.err.startswith(f"{first}\n  --> interfaces/leaf.h:{place}\n")
    assert len(said.messages()) == 1
    assert plain.tree("modules", "build/bin") == before


@pytest.mark.parametrize(
    ("path", "data", "message"),
    [
        (
            "specs/mid.md",
            b"---\nmodule: mid\nuses: []\n---\n# caf\xe9\n",
            "error: the file is not UTF-8 text\n  --> specs/mid.md:5\nwhy:  byte 34 is 0xe9\n"
            + SAVE_IT,
        ),
        (
            "modules/mid.json",
            b"\xff{}",
            "error: the record is malformed\n"
            "  --> modules/mid.json\n"
            "why:  it is not UTF-8 text\n" + RESTORE,
        ),
        (
            "modules/mid.json",
            b"[]",
            "error: the record is malformed\n"
            "  --> modules/mid.json\n"
            "why:  it is no JSON object\n" + RESTORE,
        ),
        (
            "modules/mid.json",
            b"{ not",
            "error: the record is malformed\n"
            "  --> modules/mid.json:1:3\n"
            "why:  it is not JSON: expecting property name enclosed in double quotes\n" + RESTORE,
        ),
        (
            "pyproject.toml",
            b"[tool.asmith]\nproducts = \n",
            "error: the configuration is not TOML: Invalid value (at line 2, column 12)\n"
            + NAMED_CONFIG,
        ),
        (
            "pyproject.toml",
            b"[tool.asmith]\n# \xff\n",
            "error: the configuration is not UTF-8 text\n  --> pyproject.toml\n",
        ),
    ],
    ids=["latin-1 spec", "binary record", "listed record", "broken record", "no TOML", "no UTF-8"],
)
def test_a_file_of_another_kind_ends_in_one_message(
    asmith: Command, plain: Sample, path: str, data: bytes, message: str
) -> None:
    (plain.root / path).write_bytes(data)
    before = plain.tree("modules", "build/bin")
    assert asmith(plain, "build", "-q") == (2, "", message)
    assert plain.tree("modules", "build/bin") == before


def test_a_directory_that_is_no_project_is_named(asmith: Command, tmp_path: Path) -> None:
    said = asmith.bare("build", "-C", str(tmp_path))
    assert said == error(
        2,
        "error: this is no asmith project",
        f"  --> {tmp_path}",
        "why:  neither it nor a directory above has a pyproject.toml with [tool.asmith]",
        "help: change into a project, name it with -C DIR, or make one: asmith init DIR",
    )


@pytest.mark.parametrize(
    "command",
    ["why", "prompt", "accept", "accept FILE", "revalidate", "check", "rename fresh", "remove"],
)
def test_an_unknown_module_is_answered_alike_everywhere(
    asmith: Command, plain: Sample, command: str
) -> None:
    name, *rest = command.split()
    plain.write("FILE", "an answer")
    files = [str(plain.root / r) if r == "FILE" else r for r in rest]
    assert asmith(plain, name, "leav", *files) == error(
        2,
        "error: there is no module 'leav'; did you mean 'leaf'?",
        "help: asmith graph shows the modules",
    )


@pytest.mark.parametrize("command", ["build", "plan"])
def test_an_unknown_target_is_named(asmith: Command, plain: Sample, command: str) -> None:
    assert asmith(plain, command, "assemble:leav") == error(
        2,
        "error: there is no module, product or step 'assemble:leav'; did you mean 'assemble:leaf'?",
        "help: asmith graph shows the modules, doit list the steps",
    )


# ---- the store -----------------------------------------------------------------------------------


@pytest.fixture
def reverted(plain: Sample) -> Sample:
    """Return a project with an edit and its revert: the answer that fits is in the store."""
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.ran()
    plain.edit("specs/mid.md", "add 11", "add 10")
    return plain


def test_a_damaged_blob_is_refused_and_forgotten_when_removed(
    asmith: Command, reverted: Sample
) -> None:
    before = reverted.tree("modules", "build/bin")
    old_text = next(
        p
        for p in (reverted.root / ".asmith/store/blobs").rglob("*")
        if p.is_file() and p.read_bytes().startswith(b"; mid") and b"rax, 10\n" in p.read_bytes()
    )
    data = bytearray(old_text.read_bytes())
    data[5] ^= 1
    old_text.write_bytes(data)
    said = asmith(reverted, "build", "-q")
    assert said == error(
        3,
        "error: module 'mid' is stale, and an object of the store is damaged",
        f"  --> .asmith/store/blobs/{old_text.name[:2]}/{old_text.name}",
        f"why:  its bytes no longer have the digest {old_text.name[:12]} that names it",
        f"help: {MEND}",
    )
    assert reverted.tree("modules", "build/bin") == before
    old_text.unlink()
    assert reverted.ran()[0] == "generate:mid"


def test_a_broken_candidate_is_refused_and_forgotten_when_removed(
    asmith: Command, reverted: Sample
) -> None:
    before = reverted.tree("modules", "build/bin")
    candidates = sorted((reverted.root / ".asmith/store/candidates/mid").iterdir())
    for path in candidates:
        path.write_text('{"schema": 1,', encoding="utf-8")
    said = asmith(reverted, "build", "-q")
    assert said.code == 3
    assert said.messages() == ["error: module 'mid' is stale, and a record in the store is damaged"]
    assert "  --> .asmith/store/candidates/mid/" in said.err
    assert "help: asmith store verify --repair brings it back" in said.err
    assert reverted.tree("modules", "build/bin") == before
    for path in candidates:
        path.unlink()
    assert reverted.ran()[0] == "generate:mid"


# ---- tools, and other builds ---------------------------------------------------------------------


def test_a_missing_nasm_is_unavailable_and_says_what_to_install(
    plain: Sample, tmp_path: Path
) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    before = plain.tree("modules", "build/bin")
    for command in ("build", "check"):
        assert in_a_process(plain, command, PATH=str(tmp_path)) == error(
            3,
            "error: cannot run 'nasm': no such program",
            "why:  the build needs it",
            "help: install nasm (asmith doctor shows all that is needed)",
        )
    assert plain.tree("modules", "build/bin") == before


def test_doctor_names_each_tool_that_is_missing(plain: Sample, tmp_path: Path) -> None:
    said = in_a_process(plain, "doctor", PATH=str(tmp_path))
    assert said.code == 3
    missing = [line.split()[0] for line in said.out.splitlines() if " missing: " in line]
    assert missing == ["nasm", "cc"]


@pytest.fixture
def holder(plain: Sample) -> Iterator[int]:
    """Hold the lock of the project in another process; yield its id."""
    script = (
        "import pathlib, sys\n"
        "from asmith.store import lock\n"
        "with lock.held(pathlib.Path('build/lock')):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=plain.root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        yield child.pid
        child.communicate()


@pytest.mark.parametrize(
    "command",
    [
        "build",
        "check",
        "accept mid",
        "revalidate mid",
        "rename mid middle",
        "remove top",
    ],
)
def test_a_second_build_is_refused_with_the_first_ones_pid(
    asmith: Command, plain: Sample, holder: int, command: str
) -> None:
    before = plain.tree("modules", "build/bin")
    assert asmith(plain, *command.split()) == error(
        3,
        f"error: another asmith builds this project (process {holder})",
        f"  --> {plain.root}/build/lock",
        "why:  two builds at once would write the same files",
        "help: wait until it ends, or stop it",
    )
    assert plain.tree("modules", "build/bin") == before


def test_looking_needs_no_lock(asmith: Command, plain: Sample, holder: int) -> None:
    assert holder
    assert asmith(plain, "plan").out == "nothing to do\n"
    assert asmith(plain, "why", "mid").code == 0
    assert asmith(plain, "graph").code == 0


def test_a_stale_lock_file_stops_nobody(asmith: Command, plain: Sample) -> None:
    plain.write("build/lock", "1\n")
    assert asmith(plain, "build").code == 0


# ---- generators ----------------------------------------------------------------------------------


def test_a_missing_generator_is_unavailable(asmith: Command, plain: Sample) -> None:
    plain.write(
        "pyproject.toml", plain.read("pyproject.toml").replace(sys.executable, "no-such-generator")
    )
    plain.edit("specs/mid.md", "add 10", "add 11")
    before = plain.tree("modules", "build/bin")
    assert asmith(plain, "build", "-q") == error(
        3,
        "error: there is no generator 'no-such-generator'",
        "  --> pyproject.toml",
        "why:  'command' in [tool.asmith.generator] names it",
        "help: install it, or correct the command",
    )
    assert plain.tree("modules", "build/bin") == before


def test_a_failing_generator_is_unavailable_with_its_own_words(
    asmith: Command, plain: Sample
) -> None:
    generator_script(plain, "import sys\nsys.exit('out of credit')\n")
    plain.edit("specs/mid.md", "add 10", "add 11")
    assert asmith(plain, "build", "-q") == error(
        3,
        f"error: generator '{sys.executable}' failed with status 1",
        "why:  out of credit",
        "help: run it by hand with the output of asmith prompt on its standard input",
    )


@pytest.mark.parametrize(
    ("answer", "what", "line"),
    [
        ("I am sorry.\n", "the answer has no fenced code block", ""),
        ("", "the answer has no fenced code block", ""),
        ("```nasm\nmid:\n.end:\n```\n```\nx\n```\n", "the answer has 2 fenced code blocks", ":5"),
        ("Here:\n```nasm\nmid:\n.end:\n", "the answer's code block is never closed", ":2"),
        ("```nasm\n\n\n```\n", "the answer's code block is empty", ":1"),
        ("```nasm\nother:\n.end:\n```\n", "the answer lacks the function 'mid'", ""),
        ("```nasm\n\nmid:\n        ret\n```\n", "nothing ends 'mid'", ":3"),
        ("```nasm\n.end:\n```\n", "'.end:' without a function's label above it", ":2"),
        ("```\n%macro a 0\n```\n", "'%macro a 0' is not part of a module's grammar", ":2"),
        ("```\nmid:\n.end:\nmid:\n.end:\n```\n", "function 'mid' stands twice", ""),
    ],
    ids=[
        "prose",
        "nothing",
        "two blocks",
        "unclosed",
        "empty",
        "another function",
        "no end",
        "no label",
        "macro",
        "twice",
    ],
)
def test_a_wrong_answer_is_refused_with_its_place_in_the_store(
    asmith: Command, plain: Sample, answer: str, what: str, line: str
) -> None:
    generator_script(plain, f"print({answer!r}, end='')\n")
    plain.edit("specs/mid.md", "add 10", "add 11")
    before = plain.tree("modules", "build/bin")
    said = asmith(plain, "build", "-q")
    assert said.code == 1
    assert said.messages() == [f"error: module 'mid': {what}"]
    place = said.err.splitlines()[1].removeprefix("  --> ")
    assert place.endswith(line)
    assert plain.read(place.removesuffix(line)) == answer
    assert plain.tree("modules", "build/bin") == before


def test_a_syntax_error_in_an_answer_is_shown_at_its_line(asmith: Command, plain: Sample) -> None:
    answer = "```nasm\nmid:\n        mov     rax\n.end:\n```\n"
    generator_script(plain, f"print({answer!r})\n")
    plain.edit("specs/mid.md", "add 10", "add 11")
    before = plain.tree("modules", "build/bin")
    assert asmith(plain, "build", "-q") == error(
        1,
        "error[ASM001]: invalid combination of opcode and operands",
        "  --> modules/mid.asm:19",
        "19 |         mov     rax",
        "   |         ^^^^^^^^^^^",
        "why:  nasm does not accept this line",
        "help: correct the line; every warning of nasm counts as an error",
    )
    assert plain.tree("modules", "build/bin") == before


def test_an_answer_without_text_is_refused_for_a_new_module(asmith: Command, plain: Sample) -> None:
    plain.remove("modules/mid.asm")
    plain.remove("modules/mid.json")
    plain.remove(".asmith")
    generator_script(plain, "print('```nasm\\nother:\\n.end:\\n```')\n")
    said = asmith(plain, "build", "-q")
    assert said.code == 1
    assert said.messages() == ["error: module 'mid': the answer lacks the function 'mid'"]


def test_a_module_that_crashes_fails_its_test_and_nothing_is_adopted(
    asmith: Command, plain: Sample
) -> None:
    plain.write(
        "tests/modules/test_mid.py", "def test_it_answers(module):\n    assert module.mid(0) > 0\n"
    )
    plain.ran()
    text = plain.read("modules/mid.asm").replace(
        "mov     rax, 10", "xor     eax, eax\n        mov     rax, [rax]"
    )
    plain.edit("specs/mid.md", "add 10", "add 11")
    generator_script(plain, f"print('```nasm', {text!r}, '```', sep='\\n')\n")
    before = plain.tree("modules", "build/bin")
    said = asmith(plain, "build", "-q")
    assert said.code == 1
    assert said.messages() == ["error: test:mid failed"]
    assert "test_it_answers" in said.err
    assert plain.tree("modules", "build/bin") == before


@pytest.mark.parametrize("test", ["def test(:\n", "", "def test_it(module):\n    assert 0\n"])
def test_a_test_file_that_fails_or_tests_nothing_is_told_once(
    asmith: Command, plain: Sample, test: str
) -> None:
    plain.write("tests/modules/test_mid.py", test)
    before = plain.tree("modules", "build/bin")
    said = asmith(plain, "build", "-q")
    assert said.code == 1
    assert said.messages() == ["error: test:mid failed"]
    assert said.err.count("why:  ") == 1
    assert plain.tree("modules", "build/bin") == before
