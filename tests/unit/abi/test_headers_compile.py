"""The interfaces of this repository are headers that C and C++ programs include unchanged."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HEADERS = sorted((Path(__file__).parents[3] / "interfaces").glob("*.h"))
COMPILERS = [("gcc", "c"), ("g++", "c++"), ("clang", "c"), ("clang++", "c++")]


@pytest.mark.parametrize("header", HEADERS, ids=lambda h: h.stem)
def test_every_compiler_here_takes_it(header: Path) -> None:
    found = [(c, lang) for c, lang in COMPILERS if shutil.which(c)]
    assert ("gcc", "c") in found
    assert ("g++", "c++") in found
    for compiler, language in found:
        flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-x", language]
        subject = f'#include "{header.name}"\n#include "{header.name}"\n'
        done = subprocess.run(
            [compiler, *flags, f"-I{header.parent}", "-"],
            input=subject,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
