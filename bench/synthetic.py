"""A synthetic project of N modules, each calling about three others, and the same for ninja.

Module k calls k+1 and two modules further on, so that `main` (module 0) reaches every other. The
texts are written as a generator would have given them, with their records, so that a build begins
with assembly. The ninja file runs the same programs with the same arguments on the same bytes; it
adds no stamps.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from asmith.graph import trace as traces
from asmith.model import nasm as nasm_text
from asmith.model.names import Digest, ModuleName, digest_bytes
from asmith.model.record import Mode, Record, Standing
from asmith.project import workspace as workspaces
from asmith.run.session import Session
from asmith.store import records
from asmith.toolchain import link, nasm

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
[tool.asmith.products.bench]
kind = "program"
roots = ["main"]

[tool.asmith.generator]
name = "replay"
"""
HEADER = """\
#include <stdint.h>

/*@ assigns \\nothing;
  @ asm stack 32;
  @*/
{0};
"""
SPEC = """\
---
module: {name}
uses: [{uses}]
---
# {name}: a sum

## Requirements

### {name}
- **FR-001**: {name} MUST return the sum of what it calls, plus {number}.
"""
CALL = """\
        mov     rdi, rbx
        call    {0} wrt ..plt
        add     r12, rax
"""
TEXT = """\
{banner}
        default rel
        bits    64

        section .text align=16
        global  {name}:function ({name}.end - {name})
{name}:
        push    rbx
        push    r12
        sub     rsp, 8                  ; rsp = 0 mod 16
        {take}
        mov     r12d, {number}
        test    rbx, rbx
        jz      .done
        sub     rbx, 1
{calls}.done:
        mov     rax, r12
        add     rsp, 8
        pop     r12
        pop     rbx
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
"""
DISTANCE = 40  # how far ahead a module's other two callees are at most


def edit(path: Path, number: int, *, moves: bool) -> None:
    """Change the constant that a module adds, in a text of `Synthetic`.

    With `moves` it is set by an instruction of another length than before, so that what follows
    lies elsewhere and the product has to be linked. Without, a program can be patched.
    """
    text = path.read_text()
    line = next(line for line in text.splitlines() if "mov     r12" in line)
    wide = ("mov     r12, " in line) != moves
    new = f"mov     r12, -{number}" if wide else f"mov     r12d, {number}"
    path.write_text(text.replace(line, f"        {new}"))


EDITS = {False: "that moves nothing", True: "of another length"}  # of one module, by `moves`


class Synthetic:
    """The project on disk."""

    def __init__(self, root: Path, count: int, *, seed: int = 1) -> None:
        """Write specs, interfaces, modules and records of `count` modules."""
        self.root = root
        self.count = count
        self.names = ["main", *(f"m{k:05d}" for k in range(1, count))]
        choose = random.Random(seed)  # noqa: S311 -- reproducible
        self.calls = [sorted(self._callees(choose, k)) for k in range(count)]
        self._write_sources()
        self._write_modules()

    def _callees(self, choose: random.Random, k: int) -> set[int]:
        rest = range(k + 1, min(k + DISTANCE, self.count))
        return set(rest[:1]) | set(choose.sample(rest, min(2, len(rest))))

    def _write_sources(self) -> None:
        for directory in ("specs", "interfaces", "modules"):
            (self.root / directory).mkdir(parents=True, exist_ok=True)
        (self.root / "pyproject.toml").write_text(CONFIG)
        (self.root / "dodo.py").write_text("from asmith.run.dodo import DOIT_CONFIG, task_asmith\n")
        for k, name in enumerate(self.names):
            uses = ", ".join(self.names[c] for c in self.calls[k])
            spec = SPEC.format(name=name, uses=uses, number=self.number(k))
            (self.root / f"specs/{name}.md").write_text(spec)
            prototype = (
                "int main(int argc, char **argv)" if k == 0 else f"uint64_t {name}(uint64_t x)"
            )
            (self.root / f"interfaces/{name}.h").write_text(HEADER.format(prototype))

    def number(self, k: int) -> int:
        """Return the constant that module k adds."""
        return 1000 + k

    def text(self, k: int, banner: str, number: int) -> str:
        """Return the text of module k."""
        calls = "".join(CALL.format(self.names[c]) for c in self.calls[k])
        take = "mov     rbx, rdi" if k else "mov     ebx, edi                ; argc"
        return TEXT.format(banner=banner, name=self.names[k], number=number, calls=calls, take=take)

    def _write_modules(self) -> None:
        workspace = workspaces.load(self.root)
        from asmith.abi import banner

        for k, name in enumerate(map(ModuleName, self.names)):
            own = workspace.interface_of(name)
            text = self.text(k, banner.render(own, name), self.number(k)).encode()
            names = nasm_text.names_in(text.decode())
            imports = traces.imported(names, workspace.visible(name), own)
            digest = digest_bytes(text)
            record = Record(
                module=name, implements=own.name, standing=Standing.ACCEPTED, mode=Mode.GENERATED,
                trace=traces.make_trace(workspace.specs[name], own, imports),
                request=Digest("0" * 64), answer=digest, assembly=digest, object=None,
                generator={"name": "synthetic"}, attempts=(), accepted="2026-01-01T00:00:00Z",
            )  # fmt: skip
            (self.root / f"modules/{name}.asm").write_bytes(text)
            (self.root / f"modules/{name}.json").write_bytes(records.encode(record))

    # ---- ninja -----------------------------------------------------------------------------------

    def write_ninja(self, directory: Path, linker: str) -> None:
        """Write `directory`/build.ninja: nasm for each module, then the link.

        Its inputs are what asmith gives nasm on standard input, as files.
        """
        session = Session.open(self.root)
        (directory / "in").mkdir(parents=True)
        assemble = f"nasm {' '.join(nasm.FLAGS)} -o $out $in"
        joined = (
            f"cc -pie {' '.join(link.FLAGS)} -fuse-ld={linker}"
            " -Wl,--version-script=exports.map -o $out @$out.rsp"
        )
        lines = [
            "rule assemble",
            f"  command = {assemble}",
            "rule link",
            f"  command = {joined}",
            "  rspfile = $out.rsp",
            "  rspfile_content = $in",
        ]
        (directory / "exports.map").write_text("{ local: *; };\n")
        for name in map(ModuleName, self.names):
            module = session.modules[name]
            assert module.source is not None
            include = session.include_text(module).encode()
            self.ninja_input(directory, name).write_bytes(include + module.source)
            lines.append(f"build obj/{name}.o: assemble in/{name}.asm")
        objects = " ".join(f"obj/{n}.o" for n in self.names)
        lines += [f"build program: link {objects} | exports.map", "default program", ""]
        (directory / "build.ninja").write_text("\n".join(lines))

    def ninja_input(self, directory: Path, name: str) -> Path:
        """Return the file that ninja gives nasm for a module."""
        return directory / f"in/{name}.asm"
