"""Builds the optional accelerators, where a compiler and Python's headers are.

Without them the package is installed all the same: each has its like in Python, the stat pass in
asmith.host.signature, the sweep over code in asmith.toolchain.decode, the inner loops of the
checker's analysis in asmith.check.flow.loops.
"""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODULES = (
    ("src/asmith/host/_statpass.c",),
    ("src/asmith/toolchain/_known.c",),
    tuple(f"src/asmith/check/flow/_{part}.c" for part in ("loops", "blocks", "acts", "frame")),
)


class Accelerator(BuildHookInterface[Any]):
    """Compiles each module beside its sources; it has the name of the first one."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and have the results packed; say so where that is not possible."""
        del version
        if self.target_name != "wheel":
            return
        for sources in MODULES:
            made = self._compiled(Path(self.root), sources)
            if made is None:
                self.app.display_info(f"asmith: {sources[0]} cannot be compiled; using Python")
                continue
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
            build_data["artifacts"].append(made)

    def _compiled(self, root: Path, sources: tuple[str, ...]) -> str | None:
        compiler = shutil.which("cc")
        include = Path(sysconfig.get_path("include"))
        if compiler is None or not (include / "Python.h").exists():
            return None
        made = sources[0].removesuffix(".c") + sysconfig.get_config_var("EXT_SUFFIX")
        command = [
            compiler,
            "-O2",
            "-shared",
            "-fPIC",
            "-fvisibility=hidden",
            "-pthread",
            f"-I{include}",
        ]
        command += ["-o", str(root / made), *(str(root / source) for source in sources)]
        done = subprocess.run(command, check=False, capture_output=True)
        return made if done.returncode == 0 else None
