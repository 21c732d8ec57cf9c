"""Builds the optional accelerator of the stat pass, where a compiler and Python's headers are.

Without them the package is installed all the same: asmith.host.signature has the pass in Python.
"""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = "src/asmith/host/_statpass.c"


class Accelerator(BuildHookInterface[Any]):
    """Compiles one C file beside its source."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and have the result packed; say so where that is not possible."""
        del version
        if self.target_name != "wheel":
            return
        made = self._compiled(Path(self.root))
        if made is None:
            self.app.display_info("asmith: no C compiler or no Python headers; using pure Python")
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["artifacts"].append(made)

    def _compiled(self, root: Path) -> str | None:
        compiler = shutil.which("cc")
        include = Path(sysconfig.get_path("include"))
        if compiler is None or not (include / "Python.h").exists():
            return None
        made = SOURCE.removesuffix(".c") + sysconfig.get_config_var("EXT_SUFFIX")
        command = [compiler, "-O2", "-shared", "-fPIC", "-pthread", f"-I{include}"]
        done = subprocess.run(
            [*command, "-o", str(root / made), str(root / SOURCE)], check=False, capture_output=True
        )
        return made if done.returncode == 0 else None
