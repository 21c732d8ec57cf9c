"""The disk: atomic writes, and what the operating system refuses, in words."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from asmith.errors import AsmithError, UnavailableError, UsageError
from asmith.host import files

if TYPE_CHECKING:
    from collections.abc import Callable


def names(directory: Path) -> list[str]:
    """Return the names in a directory, sorted."""
    return sorted(p.name for p in directory.iterdir())


@pytest.mark.parametrize("durable", [False, True])
def test_a_write_replaces_the_whole_file(tmp_path: Path, durable: bool) -> None:  # noqa: FBT001
    path = tmp_path / "deep" / "file"
    files.write_atomic(path, b"long before", durable=durable)
    files.write_atomic(path, b"after", durable=durable, mode=0o755)
    assert path.read_bytes() == b"after"
    assert path.stat().st_mode & 0o777 == 0o755
    assert names(path.parent) == ["file"]


@pytest.mark.parametrize(
    ("number", "error", "message"),
    [
        (errno.ENOSPC, UnavailableError, "cannot write the file: the disk is full"),
        (errno.EDQUOT, UnavailableError, "cannot write the file: the disk is full"),
        (errno.EROFS, UnavailableError, "cannot write the file: read-only file system"),
        (errno.EACCES, UnavailableError, "cannot write the file: permission denied"),
        (errno.EIO, UnavailableError, "cannot write the file: input/output error"),
    ],
)
def test_a_failing_write_leaves_the_old_bytes_and_nothing_else(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    error: type[AsmithError],
    message: str,
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.fchmod", fail)
    with pytest.raises(error) as caught:
        files.write_atomic(path, b"after")
    assert caught.value.what == message
    assert str(caught.value.where) == str(path)
    assert path.read_bytes() == b"before"
    assert names(tmp_path) == ["file"]


def test_a_write_below_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(AsmithError, match="cannot write the file"):
        files.write_atomic(tmp_path / "file" / "below", b"")


def test_append_adds_at_the_end_and_makes_the_directory(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "log"
    files.append(path, b"one\n")
    files.append(path, b"two\n", durable=True)
    assert path.read_bytes() == b"one\ntwo\n"


def test_an_append_that_is_cut_short_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    files.append(path, b"one\n")
    write = os.write
    monkeypatch.setattr("os.write", lambda handle, data: write(handle, data[:2]))
    with pytest.raises(UnavailableError, match="the disk is full"):
        files.append(path, b"two\n")
    assert path.read_bytes() == b"one\n"


def test_reading_what_may_be_missing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    assert files.read_if_exists(tmp_path / "file") == b"x"
    assert files.read_if_exists(tmp_path / "none") is None
    assert files.read_if_exists(tmp_path / "file" / "below") is None
    with pytest.raises(UnavailableError, match="cannot read the file: is a directory"):
        files.read_if_exists(tmp_path)


def test_reading_what_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the file: no such file"):
        files.read_bytes(tmp_path / "none")


def test_text_is_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes("ä\n".encode())
    assert files.read_text(path) == "ä\n"
    path.write_bytes(b"one\ntwo \xe4\n")
    with pytest.raises(UsageError) as caught:
        files.read_text(path)
    assert caught.value.render() == (
        f"error: the file is not UTF-8 text\n  --> {path}:2\n"
        "why:  byte 8 is 0xe4\nhelp: save it as UTF-8"
    )


def test_move_replaces_and_makes_the_directory(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    files.move(tmp_path / "a", tmp_path / "deep" / "b")
    assert (tmp_path / "deep" / "b").read_bytes() == b"a"
    with pytest.raises(UsageError, match="cannot rename the file"):
        files.move(tmp_path / "a", tmp_path / "b")


def test_removing_what_is_missing_is_fine(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    files.make_directory(tmp_path / "tree" / "deep")
    files.make_directory(tmp_path / "tree")
    for _ in range(2):
        files.remove(tmp_path / "file")
        files.remove_tree(tmp_path / "tree")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("do", "message"),
    [
        (files.remove, "cannot remove the file"),
        (lambda path: files.remove_tree(path / "file"), "cannot remove the directory"),
        (lambda path: files.make_directory(path / "file"), "cannot create the directory"),
        (lambda path: files.append(path, b""), "cannot write the file"),
    ],
)
def test_what_the_system_refuses_is_said_in_words(
    tmp_path: Path, do: Callable[[Path], object], message: str
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(AsmithError, match=message):
        do(tmp_path)


def test_a_listing_is_sorted_and_without_hidden_names(tmp_path: Path) -> None:
    for name in ("b.h", "a.h", ".c.h", "d.c"):
        (tmp_path / name).write_bytes(b"")
    assert files.listing(tmp_path, ".h") == ("a.h", "b.h")
    assert files.listing(tmp_path / "none", ".h") == ()
    assert files.listing(tmp_path / "a.h", ".h") == ()


def test_all_below_a_directory_but_python_caches(tmp_path: Path) -> None:
    for name in ("b/c", "b/__pycache__/d", "a"):
        files.write_atomic(tmp_path / name, b"")
    assert files.below(tmp_path) == (tmp_path / "a", tmp_path / "b" / "c")
    assert files.below(tmp_path / "none") == ()


def test_a_scratch_directory_is_gone_afterwards(tmp_path: Path) -> None:
    with files.scratch(tmp_path / "tmp") as one, files.scratch(tmp_path / "tmp") as two:
        assert one != two
        files.write_atomic(one / "file", b"")
    assert names(tmp_path / "tmp") == []
    assert isinstance(one, Path)
