"""The stat pass: what is noticed, and that the accelerator says what Python says."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from asmith.host import signature

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Pass = Callable[[str, bytes, bytes, int], list[int]]

PASSES = [signature.differing_in_python]
if (accelerator := signature.accelerator()) is not None:
    PASSES.append(accelerator)
BOTH = pytest.mark.parametrize("look", PASSES, ids=["python", "c"][: len(PASSES)])
LATER = 2**62


def look_at(root: Path, names: list[str]) -> tuple[bytes, bytes]:
    """Return the packed paths and signatures of files that are there."""
    found = [signature.of(f"{root}/{name}") for name in names]
    return signature.pack_paths(names), signature.pack([s or signature.SPOILT for s in found])


def test_packing_keeps_everything() -> None:
    signatures = [(1, 2, 3, 4), signature.SPOILT, (2**62, 2**61, 2**40, 0)]
    assert signature.unpack(signature.pack(signatures)) == signatures
    names = ["a", "specs/b.md", "tests/modules/\udcff.py"]  # a name that is not UTF-8
    assert signature.unpack_paths(signature.pack_paths(names)) == names
    assert signature.unpack_paths(b"") == []


@BOTH
def test_unchanged_files_do_not_differ(look: Pass, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    assert look(str(tmp_path), *look_at(tmp_path, ["a"]), LATER) == []
    assert look(str(tmp_path), b"", b"", LATER) == []


@BOTH
@pytest.mark.parametrize("change", ["write", "append", "touch", "remove", "replace", "directory"])
def test_every_change_is_noticed(look: Pass, change: str, tmp_path: Path) -> None:
    names = ["x/a", "x/b", "y/c"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
        os.utime(tmp_path / name, ns=(10**18, 10**18))
    seen = look_at(tmp_path, names)
    changed = tmp_path / "x/b"
    match change:
        case "write":  # as many bytes, and the time of change put back
            changed.write_text("2")
            os.utime(changed, ns=(10**18, 10**18))
        case "append":
            changed.write_text("12")
        case "touch":
            os.utime(changed)
        case "remove":
            changed.unlink()
        case "replace":
            (tmp_path / "new").write_text("1")
            (tmp_path / "new").rename(changed)
        case "directory":
            (tmp_path / "x").rename(tmp_path / "z")
    expected = [0, 1] if change == "directory" else [1]
    assert look(str(tmp_path), *seen, LATER) == expected


@BOTH
def test_a_file_as_new_as_the_index_is_doubted(look: Pass, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    seen = look_at(tmp_path, ["a"])
    changed = signature.of(f"{tmp_path}/a")
    assert changed is not None
    assert look(str(tmp_path), *seen, changed[1]) == [0]
    assert look(str(tmp_path), *seen, changed[1] + 1) == []


@BOTH
def test_many_files_in_threads(look: Pass, tmp_path: Path) -> None:
    chosen = random.Random(1)  # noqa: S311 -- reproducible
    names = sorted(f"d{k % 7}/f{k}" for k in range(5000))
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    seen = look_at(tmp_path, names)
    changed = sorted(chosen.sample(range(len(names)), 40))
    for k in changed:
        (tmp_path / names[k]).unlink()
    assert look(str(tmp_path), *seen, LATER) == changed


@pytest.mark.skipif(accelerator is None, reason="the accelerator was not built")
def test_the_accelerator_refuses_what_does_not_fit(tmp_path: Path) -> None:
    assert accelerator is not None
    with pytest.raises(ValueError, match="as many signatures as paths"):
        accelerator(str(tmp_path), b"a\0b\0", signature.pack([signature.SPOILT]), 0)
    with pytest.raises(ValueError, match="as many signatures as paths"):
        accelerator(str(tmp_path), b"a", signature.pack([signature.SPOILT]), 0)
    with pytest.raises(FileNotFoundError):
        accelerator(str(tmp_path / "none"), b"", b"", 0)
