"""Assembling and checking one module: values in, values out, so that any process may do it.

A job knows all that it needs but the contracts, which whoever does it has read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asmith.check import engine as checks
from asmith.check import screen
from asmith.dataclass import dataclass, field
from asmith.errors import StepFailedError
from asmith.host import files
from asmith.model.plan import Step, StepKind
from asmith.model.stamp import render_stamp
from asmith.run import layout
from asmith.toolchain import elf, nasm

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from asmith.model.finding import Finding
    from asmith.model.names import Digest, ModuleName
    from asmith.model.record import Stamp
    from asmith.project.workspace import Workspace


class FindingsError(StepFailedError):
    """A step that ended in findings: they say all there is to say."""

    def __init__(self, step: Step, findings: Sequence[Finding]) -> None:
        count = len(findings)
        super().__init__(f"{step}: {count} finding{'s' if count != 1 else ''}")
        self.findings = tuple(findings)

    def render(self) -> str:
        """Return the findings, one after another."""
        return "\n\n".join(f.render() for f in self.findings)


@dataclass(frozen=True, slots=True)
class Made:
    """What an action made: outputs (name below the slot -> file in scratch) and facts."""

    outputs: dict[str, Path] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assembly:
    """One module to assemble in `scratch`, an empty directory."""

    module: ModuleName
    include: bytes  # the generated include
    text: bytes
    stamp: Stamp
    stamp_digest: Digest
    imports: tuple[str, ...]  # qualified names of the functions and data that it imports, sorted
    scratch: Path

    def perform(self, workspace: Workspace) -> Made:
        """Assemble and stamp the module; raises `FindingsError`."""
        name = f"include/{self.module}.inc"
        source = layout.source(self.module)
        sources = (
            nasm.Source(f"{layout.BUILD}/{name}", self.include),
            nasm.Source(source, self.text),
        )
        stamp = render_stamp(self.stamp)
        made, found = nasm.assemble(sources, stamp, root=workspace.root, scratch=self.scratch)
        if made is None:
            raise FindingsError(Step(StepKind.ASSEMBLE, self.module), found)
        facts = elf.read_object(made, source)
        include, out = self.scratch / "include", self.scratch / "object.o"
        files.write_atomic(out, made)
        files.write_atomic(include, self.include)
        return Made(
            {f"obj/{self.module}.o": out, name: include},
            {
                "code": elf.object_digests(made, facts).code,
                "stamp": self.stamp_digest,
                "values": dict(self.stamp.values),
                "link": screen.summary(facts, self.stamp),
                "imports": list(self.imports),
                "bytes": sum(s.size for s in facts.sections if s.has(s.ALLOC)),
            },
        )


@dataclass(frozen=True, slots=True)
class Check:
    """One object to hold to its module's contract."""

    module: ModuleName
    object: str  # its path, relative to the project
    text: bytes
    imports: frozenset[str]  # the qualified names that its record traces

    def subject(self, workspace: Workspace) -> checks.ObjectInput:
        """Return all that the checks read."""
        data = files.read_bytes(workspace.root / self.object)
        return checks.ObjectInput(
            facts=elf.read_object(data, self.object),
            source=self.text.decode("utf-8", "replace"),  # nasm reads bytes
            source_path=layout.source(self.module),
            interface=workspace.interface_of(self.module),
            visible=workspace.visible_interfaces(self.module),
            uses=workspace.specs[self.module].uses,
            imports=self.imports,
            profile=checks.Profile.PROJECT,
        )

    def perform(self, workspace: Workspace) -> Made:
        """Run every check; raises `FindingsError` for those that weigh as errors."""
        result = checks.check_object(self.subject(workspace))
        errors = [f for f in result.findings if f.severity == "error"]
        if errors:
            raise FindingsError(Step(StepKind.CHECK, self.module), errors)
        return Made(facts={"functions": result.functions, "warnings": len(result.findings)})


Job = Assembly | Check
