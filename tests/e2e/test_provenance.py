"""`asmith provenance` and `asmith verify`: what a product was made from, and that it holds."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from asmith.model.names import digest_bytes
from fakes.command import without_generator
from fakes.sample import Sample

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.command import Command


def statement(asmith: Command, sample: Sample, *words: str) -> dict[str, Any]:
    """Return the statement of the sample's product."""
    said = asmith(sample, "provenance", "sum", *words)
    assert said.code == 0, said.err
    value: dict[str, Any] = json.loads(said.out)
    return value


def digests(resources: list[dict[str, Any]]) -> dict[str, str]:
    return {r["name"]: r["digest"]["sha256"] for r in resources}


# ---- provenance ----------------------------------------------------------------------------------


def test_a_statement_names_all_that_a_product_was_made_from(asmith: Command, plain: Sample) -> None:
    made = statement(asmith, plain)
    product = (plain.root / "build/bin/libsum.so").read_bytes()
    assert digests(made["subject"]) == {"libsum.so": digest_bytes(product)}
    definition, run = made["predicate"]["buildDefinition"], made["predicate"]["runDetails"]
    found = digests(definition["resolvedDependencies"])
    paths = [n for n in found if not n.startswith("answer of ")]
    assert paths == [
        "pyproject.toml",
        *(f"interfaces/{n}.h" for n in ("leaf", "mid", "shape", "top")),
        *(
            f
            for n in ("leaf", "mid", "top")
            for f in (f"specs/{n}.md", f"modules/{n}.asm", f"modules/{n}.json")
        ),
    ]
    for path in paths:
        assert found[path] == digest_bytes((plain.root / path).read_bytes())
    answers = {d["name"]: d for d in definition["resolvedDependencies"] if d["name"] not in paths}
    record = json.loads(plain.read("modules/mid.json"))
    assert answers["answer of mid"]["digest"] == {"sha256": record["answer"]}
    notes = answers["answer of mid"]["annotations"]
    assert notes["asmith_generator"] == record["generator"]
    assert notes["asmith_mode"] == "generated"
    objects = digests(run["byproducts"])
    assert objects == {
        f"obj/{n}.o": digest_bytes((plain.root / f"build/obj/{n}.o").read_bytes())
        for n in ("leaf", "mid", "top")
    }
    assert run["builder"]["id"] == "asmith:local"
    assert set(run["builder"]["version"]) == {"asmith", "nasm", "cc", "ld"}
    assert "metadata" not in run


def test_equal_builds_have_equal_statements_wherever_they_are(
    asmith: Command, plain: Sample, tmp_path: Path
) -> None:
    other = Sample(tmp_path / "a directory elsewhere")
    for name in ("specs", "interfaces", "modules"):
        shutil.copytree(plain.root / name, other.root / name)
    shutil.copy(plain.root / "pyproject.toml", other.root)
    other.ran()
    assert statement(asmith, other) == statement(asmith, plain)
    text = asmith(plain, "provenance", "sum").out
    assert str(tmp_path) not in text


def test_who_built_it_can_be_said(asmith: Command, plain: Sample) -> None:
    made = statement(asmith, plain, "--builder", "https://example.org/builder/v1")
    assert made["predicate"]["runDetails"]["builder"]["id"] == "https://example.org/builder/v1"


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (("specs/mid.md", "add 10", "add 11"), "mid: requirement-changed: mid:FR-001"),
        (("modules/mid.asm", "rax, 10", "rax, 20"), "mid: edited by hand since the last build"),
        (("interfaces/shape.h", "LIMIT 5", "LIMIT 6"), "link:sum; check:leaf"),
    ],
)
def test_a_product_that_is_not_up_to_date_has_no_statement(
    asmith: Command, plain: Sample, edit: tuple[str, str, str], why: str
) -> None:
    plain.edit(*edit)
    said = asmith(plain, "provenance", "sum")
    assert (said.code, said.out) == (1, "")
    assert said.messages() == ["error: product 'sum' is not up to date"]
    assert f"why:  {why}" in said.err


def test_an_unknown_product_is_refused(asmith: Command, plain: Sample) -> None:
    said = asmith(plain, "provenance", "sun")
    assert said.code == 2
    assert said.messages() == ["error: there is no product 'sun'; did you mean 'sum'?"]


# ---- verify --------------------------------------------------------------------------------------

WHOLE = (
    "3 modules and 1 product made again in a clean directory: the records' objects\n"
    "7 files of build/ compared: the same bytes\n"
)


def test_a_clean_directory_gives_the_same_bytes(asmith: Command, plain: Sample) -> None:
    before = plain.tree(".")
    said = asmith(plain, "verify", "-q", "-n", "2")
    assert said == (0, "", "")
    assert asmith(plain, "verify").out == (
        f"{WHOLE}3 texts made again from raw answers: the same bytes"
        " (0 without a whole answer in the store)\n"
    )
    assert plain.tree(".") == before


def test_a_checkout_without_build_and_store_is_verified(asmith: Command, plain: Sample) -> None:
    plain.remove("build")
    plain.remove(".asmith")
    without_generator(plain)
    assert asmith(plain, "verify").out == (
        "3 modules and 1 product made again in a clean directory: the records' objects\n"
        "0 files of build/ compared: the same bytes\n"
        "7 files not compared: build/ lacks them, or the sources are newer\n"
        "0 texts made again from raw answers: the same bytes"
        " (3 without a whole answer in the store)\n"
    )


@pytest.mark.parametrize(
    ("path", "old", "new", "said"),
    [
        (
            "specs/mid.md",
            "add 10",
            "add 11",
            "module 'mid' is stale: requirement-changed: mid:FR-001 (specs/mid.md:10)",
        ),
        (
            "modules/mid.asm",
            "rax, 10",
            "rax, 20",
            "module 'mid': its text is not the one that its record names",
        ),
        (
            "modules/mid.json",
            '"object": "',
            '"object": "0',
            "object of 'mid': its code is not the one that the record names",
        ),
    ],
)
def test_what_does_not_match_is_said(
    asmith: Command, plain: Sample, path: str, old: str, new: str, said: str
) -> None:
    plain.edit(path, old, new)
    found = asmith(plain, "verify", "-q")
    assert (found.code, found.messages()) == (1, [f"error: {said}"])


@pytest.mark.parametrize("path", ["build/bin/libsum.so", "build/obj/mid.o"])
def test_a_file_of_the_build_that_was_exchanged_is_found(
    asmith: Command, plain: Sample, path: str
) -> None:
    data = bytearray((plain.root / path).read_bytes())
    data[200] ^= 1
    (plain.root / path).write_bytes(data)
    found = asmith(plain, "verify", "-q")
    assert (found.code, found.messages()) == (
        1,
        [f"error: '{path}' is not what a clean build makes"],
    )


def test_an_answer_that_gives_another_text_is_found(asmith: Command, plain: Sample) -> None:
    record = json.loads(plain.read("modules/mid.json"))
    raw = (
        plain.root / ".asmith/store/blobs" / record["answer"][:2] / record["answer"]
    ).read_bytes()
    other = raw.replace(b"rax, 10", b"rax, 20")
    target = plain.root / ".asmith/store/blobs" / digest_bytes(other)[:2] / digest_bytes(other)
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(other)
    plain.edit(
        "modules/mid.json",
        f'"answer": "{record["answer"]}",\n  "as',
        f'"answer": "{digest_bytes(other)}",\n  "as',
    )
    assert asmith(plain, "verify", "-q").messages() == [
        "error: module 'mid': its answer gives another text than modules/ has"
    ]


def test_an_unattested_edit_is_noted_and_a_failing_check_is_told(
    asmith: Command, plain: Sample
) -> None:
    plain.edit("modules/mid.asm", "rax, 10", "rax, 20")
    plain.ran()
    assert (
        "note: module 'mid' was edited by hand, and nobody attested it\n"
        in asmith(plain, "verify").out
    )
    value = json.loads(asmith(plain, "verify", "--json").out)
    assert (value["problems"], value["answers"]) == ([], 2)


def test_a_statement_is_held_against_what_was_made(
    asmith: Command, plain: Sample, tmp_path: Path
) -> None:
    file = tmp_path / "sum.json"
    made = statement(asmith, plain, "--builder", "https://example.org/b")
    file.write_text(json.dumps(made))
    assert asmith(plain, "verify", "-q", "--statement", str(file)) == (0, "", "")
    made["subject"][0]["digest"]["sha256"] = "0" * 64
    made["predicate"]["runDetails"]["builder"]["version"]["nasm"] = "9"
    file.write_text(json.dumps(made))
    assert asmith(plain, "verify", "-q", "--statement", str(file)).messages() == [
        "error: the statement says something else at predicate.runDetails.builder.version.nasm",
        "error: the statement says something else at subject.libsum.so.digest.sha256",
    ]
    for text, code in (("{}", 1), ("nothing", 2)):
        file.write_text(text)
        said = asmith(plain, "verify", "-q", "--statement", str(file))
        assert (said.code, len(said.messages())) == (code, 1)
