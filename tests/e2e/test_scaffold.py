"""`new`, `rename` and `remove` keep spec, interface, tests, record and their users together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fakes.command import error, without_generator
from fakes.sample import SPEC

if TYPE_CHECKING:
    from fakes.command import Command
    from fakes.sample import Sample


def test_a_new_module_waits_for_its_clarification(asmith: Command, plain: Sample) -> None:
    said = asmith(plain, "new", "fresh")
    assert said.code == 0
    assert said.out.splitlines()[:3] == [
        "wrote specs/fresh.md",
        "wrote interfaces/fresh.h",
        "wrote tests/modules/test_fresh.py",
    ]
    before = plain.tree("modules", "build/bin")
    needs = (
        "error: module 'fresh' needs a clarification before it can be generated\n"
        "  --> specs/fresh.md:10\n"
        "why:  the spec says [NEEDS CLARIFICATION: ...]\n"
        "help: decide it, and replace the mark by the decision\n"
    )
    plain.write("ANSWER", "```nasm\nfresh:\n.end:\n```\n")
    for command in ("build", "prompt fresh", f"accept fresh {plain.root / 'ANSWER'}"):
        assert asmith(plain, *command.split(), "-q") == (3, "", needs)
    assert plain.tree("modules", "build/bin") == before


def test_a_new_module_that_is_decided_is_built_and_tested(asmith: Command, plain: Sample) -> None:
    asmith(plain, "new", "fresh")
    plain.edit("specs/fresh.md", "[NEEDS CLARIFICATION: what it must do]", "add 3")
    plain.edit("interfaces/fresh.h", "asm stack 64;", "asm stack 32;")
    assert plain.ran() == ["generate:fresh", "assemble:fresh", "check:fresh", "test:fresh"]


def test_new_overwrites_nothing(asmith: Command, plain: Sample) -> None:
    plain.write("tests/modules/test_fresh.py", "# mine\n")
    before = plain.tree(".")
    assert asmith(plain, "new", "fresh") == error(
        2,
        "error: 'tests/modules/test_fresh.py' is there already",
        "help: choose another name",
    )
    assert plain.tree(".") == before


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Leaf", "the name becomes a file, a C function and a Python test"),
        ("class", "the name becomes a file, a C function and a Python test"),
        ("../out", "the name becomes a file, a C function and a Python test"),
        ("mov", "it is a word of NASM's own"),
        ("rax", "it is a word of NASM's own"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(
    asmith: Command, plain: Sample, name: str, why: str
) -> None:
    before = plain.tree(".")
    for command in (["new", name], ["rename", "leaf", name]):
        said = asmith(plain, *command)
        assert said.code == 2
        assert said.err.startswith(f"error: '{name}' cannot name a module\nwhy:  {why}\n")
    assert plain.tree(".") == before


# ---- rename --------------------------------------------------------------------------------------


def test_rename_makes_nothing_stale(asmith: Command, sample: Sample) -> None:
    sum_before = sample.top(1)
    without_generator(sample)
    sample.remove(".asmith")
    for name, to in (("leaf", "blade"), ("mid", "middle"), ("top", "peak")):
        assert asmith(sample, "rename", name, to).code == 0
    said = asmith(sample, "build", "--locked", "-q")
    assert (said.code, said.err) == (0, "")
    assert sample.top(1) == sum_before
    assert asmith(sample, "build").out == "nothing to do: 13 steps up to date\n"


def test_rename_takes_everything_along(asmith: Command, sample: Sample) -> None:
    sample.write("tests/modules/leaf/vector.json", "[]\n")
    sample.write("interfaces/other.h", '#include "leaf.h"\n#define OTHER 1\n')
    sample.write("specs/second.md", SPEC.format("second", "", "add 2").replace("### second", ""))
    sample.edit("specs/second.md", "uses: []", "implements: leaf\nuses: []")
    before = json.loads(sample.read("modules/leaf.json"))
    assert asmith(sample, "rename", "leaf", "blade").code == 0
    left = [
        p
        for p in sample.tree("specs", "interfaces", "modules", "tests")
        if "leaf" in p.rpartition("/")[2] or "/leaf/" in p
    ]
    assert left == []
    assert "module: blade\n" in sample.read("specs/blade.md")
    assert "uses: [blade]\n" in sample.read("specs/mid.md")
    assert "implements: blade\n" in sample.read("specs/second.md")
    assert '#include "blade.h"\n' in sample.read("interfaces/other.h")
    assert sample.read("tests/modules/blade/vector.json") == "[]\n"
    assert "module.leaf(1)" in sample.read("tests/modules/test_blade.py")
    after = json.loads(sample.read("modules/blade.json"))
    assert (after["module"], after["implements"]) == ("blade", "blade")
    assert list(after["trace"]["exports"]) == ["blade.leaf"]
    assert after["assembly"] == before["assembly"]
    assert after["attempts"] == before["attempts"]
    assert list(json.loads(sample.read("modules/mid.json"))["trace"]["imports"]) == ["blade.leaf"]


@pytest.mark.parametrize(
    ("written", "renamed"),
    [
        ('bind = { leaf = "leaf" }', 'bind = { blade = "blade" }'),
        ("bind = { 'leaf' = 'leaf' }", "bind = { 'blade' = 'blade' }"),
        ('bind.leaf = "leaf"', None),
        (
            '[tool.asmith.products.sum.bind]\nleaf = "leaf"',
            '[tool.asmith.products.sum.bind]\nblade = "blade"',
        ),
        (
            '[tool.asmith.products.second]\nkind = "library"\noffers = [\n  "leaf",\n  "mid",\n]',
            '[tool.asmith.products.second]\nkind = "library"\noffers = [\n  "blade",\n  "mid",\n]',
        ),
        (
            '[tool.asmith.products.leaf]\nroots = ["mid", "leaf"]  # "leaf"\nkind = "library"',
            '[tool.asmith.products.leaf]\nroots = ["mid", "blade"]  # "blade"\nkind = "library"',
        ),
    ],
    ids=["inline", "single quotes", "dotted", "table", "lines", "product of that name"],
)
def test_rename_reaches_every_form_of_a_product_or_changes_nothing(
    asmith: Command, plain: Sample, written: str, renamed: str | None
) -> None:
    plain.edit("pyproject.toml", 'offers = ["top"]\n', f'offers = ["top"]\n{written}\n')
    asmith(plain, "build")
    before = plain.tree(".")
    said = asmith(plain, "rename", "leaf", "blade")
    if renamed is None:
        assert said.code == 2
        assert said.messages() == ["error: cannot rename 'leaf' in the products"]
        assert plain.tree(".") == before
    else:
        assert said.code == 0
        assert renamed in plain.read("pyproject.toml")
        assert asmith(plain, "build", "--locked").code == 0


def test_rename_reaches_every_symbol_in_uses(asmith: Command, plain: Sample) -> None:
    second = "/*@ assigns \\nothing; */\nuint64_t leaf2(uint64_t x);\n"
    plain.write("interfaces/leaf.h", plain.read("interfaces/leaf.h") + second)
    plain.edit("specs/mid.md", "[leaf]", "[leaf.leaf, leaf.leaf2]")
    plain.ran()
    assert asmith(plain, "rename", "leaf", "blade").code == 0
    assert "uses: [blade.leaf, blade.leaf2]\n" in plain.read("specs/mid.md")
    assert asmith(plain, "build", "--locked").code == 0


def test_rename_leaves_another_modules_interface_alone(asmith: Command, plain: Sample) -> None:
    plain.write(
        "specs/fast.md",
        SPEC.format("fast", "shape", "add 1 and use LIMIT")
        .replace("### fast", "### leaf")
        .replace("module: fast\n", "module: fast\nimplements: leaf\n"),
    )
    plain.edit(
        "pyproject.toml", 'offers = ["top"]\n', 'offers = ["top"]\nbind = { leaf = "fast" }\n'
    )
    assert asmith(plain, "build").code == 0
    sum_before = plain.top(1)
    without_generator(plain)
    assert asmith(plain, "rename", "fast", "quick").code == 0
    assert 'bind = { leaf = "quick" }' in plain.read("pyproject.toml")
    assert "implements: leaf\n" in plain.read("specs/quick.md")
    assert (plain.root / "interfaces/leaf.h").exists()
    assert asmith(plain, "build", "--locked").code == 0
    assert plain.top(1) == sum_before


def test_attempts_that_were_rejected_before_a_rename_stay(asmith: Command, plain: Sample) -> None:
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.write("ANSWER", "I cannot.\n")
    assert asmith(plain, "accept", "mid", str(plain.root / "ANSWER")).code == 1
    assert asmith(plain, "rename", "mid", "middle").code == 0
    assert asmith(plain, "build").code == 0
    record = json.loads(plain.read("modules/middle.json"))
    assert [a["outcome"] for a in record["attempts"]] == ["accepted", "rejected", "accepted"]


def test_rename_to_a_name_that_is_taken_is_refused(asmith: Command, plain: Sample) -> None:
    before = plain.tree(".")
    for to in ("mid", "shape"):
        assert asmith(plain, "rename", "leaf", to) == error(
            2,
            f"error: there is a '{to}' already",
            "help: choose another name",
        )
    assert plain.tree(".") == before


# ---- remove --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "users"), [("leaf", "specs/mid.md"), ("mid", "specs/top.md"), ("top", "product sum")]
)
def test_remove_is_refused_while_something_uses_the_module(
    asmith: Command, plain: Sample, module: str, users: str
) -> None:
    before = plain.tree(".")
    assert asmith(plain, "remove", module) == error(
        2,
        f"error: '{module}' is still used by {users}",
        "help: take it out of their `uses`, includes and products first",
    )
    assert plain.tree(".") == before


def test_remove_is_refused_for_the_last_implementer_of_another_name(
    asmith: Command, plain: Sample
) -> None:
    plain.write(
        "specs/fast.md",
        SPEC.format("fast", "shape", "add 1")
        .replace("### fast", "### leaf")
        .replace("module: fast\n", "module: fast\nimplements: leaf\n"),
    )
    assert asmith(plain, "remove", "leaf").code == 0
    assert (plain.root / "interfaces/leaf.h").exists()
    assert asmith(plain, "build").code == 0
    assert asmith(plain, "remove", "fast").err == (
        "error: 'fast' is still used by specs/mid.md\n"
        "help: take it out of their `uses`, includes and products first\n"
    )


def test_remove_takes_all_that_is_the_modules_own(asmith: Command, sample: Sample) -> None:
    sample.edit("specs/top.md", "uses: [mid]", "uses: []")
    sample.edit("specs/top.md", "call mid and ", "")
    sample.write("tests/modules/mid/vector.json", "[]\n")
    said = asmith(sample, "remove", "mid")
    assert sorted(said.out.split("removed ")[1:]) == [
        "interfaces/mid.h\n",
        "modules/mid.asm\n",
        "modules/mid.json\n",
        "specs/mid.md\n",
        "tests/modules/mid/vector.json\n",
        "tests/modules/test_mid.py\n",
    ]
    sample.remove("tests")
    assert asmith(sample, "build").code == 0
    assert sample.top(0) == 100
