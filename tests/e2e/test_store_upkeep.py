"""`asmith store verify`, `gc`, `export`, `import`, `push`: by a person who keeps a project."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from typing import TYPE_CHECKING

import pytest

from asmith.model.names import digest_bytes
from asmith.store import shared
from fakes.command import answer_to, error, without_generator
from fakes.sample import Sample

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.command import Command


@pytest.fixture
def grown(plain: Sample) -> Sample:
    """Return a project whose 'mid' was answered twice, with nobody to ask any more."""
    plain.edit("specs/mid.md", "add 10", "add 11")
    plain.ran()
    without_generator(plain)
    return plain


def blob(sample: Sample, data: bytes) -> Path:
    digest = digest_bytes(data)
    return sample.root / ".asmith/store/blobs" / digest[:2] / digest


def old_text(sample: Sample) -> bytes:
    """Return the text of 'mid' before the edit, which the store alone has."""
    text = sample.read("modules/mid.asm")
    return text.replace("rax, 11", "rax, 10").replace("add 11", "add 10").encode()


def revert(sample: Sample) -> None:
    sample.edit("specs/mid.md", "add 11", "add 10")


# ---- verify --------------------------------------------------------------------------------------


def test_a_whole_store_is_said_to_be_whole(asmith: Command, grown: Sample) -> None:
    said = asmith(grown, "store", "verify")
    assert (said.code, said.out) == (0, "8 objects, 4 accepted records, 7 logs: all whole\n")
    assert json.loads(asmith(grown, "store", "verify", "--json").out) == {
        "schema": 1,
        "files": 19,
        "damaged": [],
    }


def test_a_damaged_text_is_found_and_set_aside_with_its_record(
    asmith: Command, grown: Sample
) -> None:
    path = blob(grown, old_text(grown))
    name = path.relative_to(grown.root / ".asmith").as_posix()
    path.write_bytes(b"other bytes")
    said = asmith(grown, "store", "verify")
    assert said.code == 1
    assert said.out == (
        f"damaged: .asmith/{name}\n"
        f"why:  its bytes do not have the digest {path.name[:12]} that names it\n"
        "help: asmith store verify --repair\n\n"
        "8 objects, 4 accepted records, 7 logs: 1 damaged\n"
    )
    said = asmith(grown, "store", "verify", "--repair")
    assert said.code == 0
    assert "0 mended, 2 set aside" in said.out
    assert (grown.root / ".asmith/damaged" / name).read_bytes() == b"other bytes"
    assert asmith(grown, "store", "verify").code == 0
    revert(grown)
    assert asmith(grown, "build", "-q").messages() == [
        "error: module 'mid' is stale and there is no answer for it"
    ]


def test_what_lies_in_modules_mends_the_store(asmith: Command, grown: Sample) -> None:
    text = blob(grown, grown.read("modules/mid.asm").encode())
    text.write_bytes(b"")
    records = sorted((grown.root / ".asmith/store/candidates/mid").iterdir())
    for record in records:
        record.write_bytes(record.read_bytes()[:-40])
    said = asmith(grown, "store", "verify", "--repair")
    assert said.code == 0
    assert "mended from modules/mid.asm\n" in said.out
    assert "mended from modules/mid.json\n" in said.out
    assert "2 mended, 1 set aside" in said.out
    assert text.read_bytes() == grown.read("modules/mid.asm").encode()


def test_a_missing_text_is_found(asmith: Command, grown: Sample) -> None:
    blob(grown, old_text(grown)).unlink()
    assert "that it is of is missing" in asmith(grown, "store", "verify").out


def test_a_line_that_was_cut_off_is_dropped(asmith: Command, grown: Sample) -> None:
    log = grown.root / ".asmith/attempts/mid.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"answer": "12')
    assert "1 line is no JSON object" in asmith(grown, "store", "verify").out
    assert asmith(grown, "store", "verify", "--repair").code == 0
    assert log.read_bytes() == whole


def test_a_malformed_spec_does_not_stand_in_the_way(asmith: Command, grown: Sample) -> None:
    grown.write("specs/mid.md", "no front matter")
    assert asmith(grown, "store", "verify").code == 0


# ---- export and import ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["store.tar", "store.tar.gz"])
def test_an_export_brings_a_store_to_another_checkout(
    asmith: Command, grown: Sample, tmp_path: Path, name: str
) -> None:
    archive = str(tmp_path / name)
    before = grown.tree(".asmith/store", ".asmith/attempts")
    assert asmith(grown, "store", "export", archive).out == f"exported 19 files to {archive}\n"
    grown.remove(".asmith")
    assert asmith(grown, "store", "import", archive).out == (
        "imported 19 files, 0 were there already\n"
    )
    assert grown.tree(".asmith/store", ".asmith/attempts") == before
    revert(grown)
    assert asmith(grown, "build", "-q").code == 0


def test_an_import_joins_and_mends(asmith: Command, grown: Sample, tmp_path: Path) -> None:
    archive = str(tmp_path / "store.tar")
    asmith(grown, "store", "export", archive)
    other = blob(grown, old_text(grown))
    other.write_bytes(b"damaged")
    log = grown.root / ".asmith/attempts/mid.jsonl"
    lines = log.read_text().splitlines()
    log.write_text(f'{lines[1]}\n{{"of": "this checkout"}}\n')
    assert asmith(grown, "store", "import", archive).out == (
        "imported 2 files, 17 were there already\n"
    )
    assert other.read_bytes() == old_text(grown)
    assert log.read_text().splitlines() == [lines[1], '{"of": "this checkout"}', lines[0]]


def test_what_is_damaged_is_not_exported(asmith: Command, grown: Sample, tmp_path: Path) -> None:
    path = blob(grown, old_text(grown))
    path.write_bytes(b"")
    said = asmith(grown, "store", "export", str(tmp_path / "store.tar"))
    assert said.code == 1
    assert said.out.startswith(f"left out, since it is damaged: {path.relative_to(grown.root)}\n")


def _tar(path: Path, name: str, data: bytes, kind: bytes = tarfile.REGTYPE) -> bytes:
    with tarfile.open(path, "w") as archive:
        manifest = b'{"schema": 1, "files": []}'
        first = tarfile.TarInfo("asmith-store.json")
        first.size = len(manifest)
        archive.addfile(first, io.BytesIO(manifest))
        member = tarfile.TarInfo(name)
        member.size, member.type, member.linkname = len(data), kind, "/etc/passwd"
        archive.addfile(member, io.BytesIO(data))
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("../evil", b"x", "'../evil' is no file of a store"),
        ("/etc/evil", b"x", "'/etc/evil' is no file of a store"),
        (f"store/blobs/aa/aa{'0' * 62}", b"x", "its bytes do not have the digest aa0000000000"),
        ("attempts/mid.jsonl", b"[]\n", "1 line is no JSON object"),
        (f"store/candidates/mid/{'0' * 16}-{'0' * 16}.json", b"{}", "'schema' is missing"),
    ],
)
def test_an_archive_with_anything_else_in_it_is_refused_whole(
    asmith: Command, grown: Sample, tmp_path: Path, name: str, data: bytes, why: str
) -> None:
    before = grown.tree(".asmith/store", ".asmith/attempts")
    _tar(tmp_path / "evil.tar", name, data)
    said = asmith(grown, "store", "import", str(tmp_path / "evil.tar"))
    assert said.code == 2
    assert said.messages() == [
        "error: the archive is no whole export of a store; nothing was imported"
    ]
    assert why in said.err
    assert grown.tree(".asmith/store", ".asmith/attempts") == before


def test_a_link_in_an_archive_is_refused(asmith: Command, grown: Sample, tmp_path: Path) -> None:
    _tar(tmp_path / "evil.tar", "attempts/mid.jsonl", b"", tarfile.SYMTYPE)
    assert asmith(grown, "store", "import", str(tmp_path / "evil.tar")).code == 2


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_a_truncated_archive_is_refused_whole(
    asmith: Command, grown: Sample, tmp_path: Path, suffix: str, share: float
) -> None:
    archive = tmp_path / f"store{suffix}"
    asmith(grown, "store", "export", str(archive))
    archive.write_bytes(archive.read_bytes()[: int(archive.stat().st_size * share)])
    shutil.rmtree(grown.root / ".asmith")
    said = asmith(grown, "store", "import", str(archive))
    assert (said.code, len(said.messages())) == (2, 1)
    assert not (grown.root / ".asmith").exists()


# ---- gc ------------------------------------------------------------------------------------------


def test_what_modules_name_stays_and_the_rest_goes(asmith: Command, grown: Sample) -> None:
    before = grown.tree(".asmith/store", ".asmith/attempts")
    told = asmith(grown, "store", "gc", "--days", "0", "-n").out.splitlines()
    assert grown.tree(".asmith/store", ".asmith/attempts") == before
    said = asmith(grown, "store", "gc", "--days", "0")
    gone = sorted(before.keys() - grown.tree(".asmith/store", ".asmith/attempts").keys())
    assert told[:-1] == gone
    assert told[-1].replace("would remove", "removed") == said.out.strip()
    assert any(n.startswith(".asmith/store/candidates/mid/") for n in gone)
    assert not any(n.startswith(".asmith/store/candidates/top/") for n in gone)
    assert not blob(grown, old_text(grown)).exists()
    assert blob(grown, grown.read("modules/mid.asm").encode()).exists()
    assert asmith(grown, "store", "verify").code == 0
    assert asmith(grown, "build", "--locked", "-q").code == 0


def test_what_is_young_stays(asmith: Command, grown: Sample) -> None:
    before = grown.tree(".asmith/store", ".asmith/attempts")
    assert asmith(grown, "store", "gc").out == "removed 0 files (0 KiB), 19 stay\n"
    assert grown.tree(".asmith/store", ".asmith/attempts") == before


def test_an_old_answer_that_nobody_judged_stays(asmith: Command, grown: Sample) -> None:
    answers = grown.root / ".asmith/store/answers"
    waiting = blob(grown, b"paid for")
    waiting.parent.mkdir(exist_ok=True)
    waiting.write_bytes(b"paid for")
    line = json.dumps({"answer": digest_bytes(b"paid for"), "generator": {}})
    (answers / ("0" * 64)).write_text(f"{line}\n")
    stray = grown.root / ".asmith/store/blobs/00/.left.by.a.kill"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"")
    for path in (grown.root / ".asmith").rglob("*"):
        os.utime(path, (0, 0))
    asmith(grown, "store", "gc")
    assert waiting.exists()
    assert (answers / ("0" * 64)).exists()
    assert not stray.exists()
    assert not blob(grown, old_text(grown)).exists()


def test_a_waiting_draft_stays(asmith: Command, grown: Sample) -> None:
    clause = "/*@ ensures \\result >= 1;\n  @ assigns \\nothing;"
    grown.edit("interfaces/mid.h", "/*@ assigns \\nothing;", clause)
    answer = grown.root / "answer"
    answer.write_text(answer_to(asmith(grown, "prompt", "top").out))
    assert "adopted together with" in asmith(grown, "accept", "top", str(answer)).out
    asmith(grown, "store", "gc", "--days", "0")
    draft = (grown.root / "build/stage/modules/top.asm").read_bytes()
    assert blob(grown, draft).exists()


# ---- push, and the command line ------------------------------------------------------------------


def test_push_sends_what_was_accepted_before_there_was_a_shared_store(
    asmith: Command, grown: Sample, tmp_path: Path
) -> None:
    (tmp_path / "shared").mkdir()
    other = Sample(tmp_path / "other")
    shutil.copytree(grown.root, other.root)
    other.remove(".asmith")
    config = f'[tool.asmith.store]\nurl = "file://{tmp_path}/shared"\n'
    for sample in (grown, other):
        sample.write("pyproject.toml", sample.read("pyproject.toml") + config)
    assert asmith(grown, "store", "push").code == 2
    grown.write("pyproject.toml", grown.read("pyproject.toml") + "write = true\n")
    assert asmith(grown, "store", "push").out == "sent what was accepted of 3 modules\n"
    revert(other)
    assert asmith(other, "build", "-q").code == 0
    assert other.read("modules/mid.asm").encode() == old_text(grown)


def test_push_to_a_store_that_is_away_is_unavailable(
    asmith: Command, grown: Sample, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = f'[tool.asmith.store]\nurl = "file://{tmp_path}/none"\nwrite = true\n'
    grown.write("pyproject.toml", grown.read("pyproject.toml") + config)
    shared._connect.cache_clear()
    assert asmith(grown, "store", "push") == error(
        3,
        f"error: the shared store file://{tmp_path}/none is away",
        "why:  NotADirectoryError: there is no such directory; make it first",
    )
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("export",), "error: asmith store export takes FILE"),
        (("gc", "x"), "error: asmith store gc takes no file"),
        (("gc", "--days", "-1"), "error: --days -1: a number of days is not negative"),
        (("import", "no-such"), "error: cannot read the file: no such file"),
        (("tidy",), "error: argument ACTION: invalid choice: 'tidy'"),
    ],
)
def test_wrong_words_are_refused(
    asmith: Command, plain: Sample, words: tuple[str, ...], message: str
) -> None:
    said = asmith(plain, "store", *words)
    assert said.code == 2
    assert said.err.startswith(message)
