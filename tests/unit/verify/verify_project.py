"""Real modules, assembled and linked once, and a pytest of its own to test them with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verify_contracts import BAD, GOOD

from asmith.verify.contract_json import render
from asmith.verify.support import support_sources

HERE = Path(__file__).parent
NASM = ("nasm", "-f", "elf64", "-g", "-F", "dwarf", "-w+all", "-w+error")
# Only our plugin: starting the others takes longer than the tests.
LEAN = {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@dataclass(frozen=True)
class Ran:
    """A run of pytest that ended."""

    status: int
    output: str
    result: dict[str, Any]

    def failure(self, test: str) -> dict[str, Any]:
        """Return the only failure of the test whose id ends in `test`."""
        (found,) = [f for f in self.result["failures"] if f["test"].endswith(f"::{test}")]
        return found


class Project:
    """A directory with modules/good.asm and modules/bad.asm as a build would leave it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(HERE / "modules", root / "modules")
        (root / "build").mkdir()
        (root / "pytest.ini").write_text("[pytest]\n")
        for name, interface in (("good", GOOD), ("bad", BAD)):
            self.link(name)
            (root / f"build/{name}.json").write_text(render([interface]))

    def link(self, name: str) -> None:
        """Link modules/<name>.asm with the support code to build/<name>.so."""
        objects = []
        for source in (f"modules/{name}.asm", *map(str, support_sources())):
            objects.append(f"build/{name}-{Path(source).stem}.o")
            subprocess.run([*NASM, "-o", objects[-1], source], cwd=self.root, check=True)
        command = ["gcc", "-shared", "-Wl,-Bsymbolic", "-o", f"build/{name}.so", *objects]
        subprocess.run(command, cwd=self.root, check=True)

    def write_test(self, name: str, text: str) -> str:
        """Write a test file and return its name."""
        (self.root / name).write_text(text)
        return name

    def pytest(self, module: str, *arguments: str, **environment: str) -> Ran:
        """Run pytest on a module the way the build does."""
        result = self.root / "build/result.json"
        result.unlink(missing_ok=True)
        command = [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
            *("-p", "asmith.verify.plugin"),
            f"--asmith-library=build/{module}.so",
            f"--asmith-contract=build/{module}.json",
            "--asmith-result=build/result.json",
            *arguments,
        ]
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**os.environ, **LEAN, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        value = json.loads(result.read_text()) if result.exists() else {}
        return Ran(done.returncode, done.stdout, value)
