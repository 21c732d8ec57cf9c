"""What each step does. An action writes nothing but its outputs, which the engine then places."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from asmith.check import engine as checks
from asmith.errors import StepFailedError
from asmith.graph.trace import SYMBOLS
from asmith.host import files, process
from asmith.model.names import InterfaceName, ModuleName, digest_of
from asmith.model.plan import Step, StepKind
from asmith.run import groups, inputs, layout, parts, patches, stubs
from asmith.run.jobs import Assembly, Check, FindingsError, Made
from asmith.toolchain import elf, header, link, nasm
from asmith.verify.support import support_sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from asmith.model.objects import ObjectFacts
    from asmith.model.record import Stamp
    from asmith.run.session import Session


def perform(session: Session, step: Step, scratch: Path) -> Made:
    """Run a step's action in `scratch`, an empty directory; raises `AsmithError`."""
    match step.kind:
        case StepKind.ASSEMBLE:
            return session.perform(_assembly(session, ModuleName(step.subject), scratch))
        case StepKind.CHECK:
            return session.perform(_checking(session, ModuleName(step.subject)))
        case StepKind.COMPARE:
            return _compare(session, step)
        case StepKind.LINK:
            return _link(session, step, scratch)
        case _:
            return _test(session, step, scratch)


def _assembly(session: Session, name: ModuleName, scratch: Path) -> Assembly:
    module = session.modules[name]
    assert module.source is not None
    return Assembly(
        module=name,
        include=session.include_text(module).encode(),
        text=module.source,
        stamp=session.stamp(module),
        stamp_digest=session.stamp_digest(module),
        imports=tuple(sorted(n for n, e in (module.imports or {}).items() if e.kind in SYMBOLS)),
        scratch=scratch,
    )


def _compare(session: Session, step: Step) -> Made:
    interface = session.workspace.interfaces[InterfaceName(step.subject)]
    library = inputs.library_of(session, interface)
    symbols = elf.dynamic_symbols(files.read_bytes(library.path), str(library.path))
    package = session.workspace.config.libraries.get(library.name, "")
    result = checks.check_header(
        checks.HeaderInput(
            interface,
            header.compare(interface, package=package),
            header.exported(interface, symbols),
        )
    )
    if result.findings:
        raise FindingsError(step, result.findings)
    return Made(facts={"names": len(interface.surface)})


def object_input(session: Session, name: ModuleName) -> checks.ObjectInput:
    """Return all that the checks of one module's object read."""
    return _checking(session, name).subject(session.workspace)


def _checking(session: Session, name: ModuleName) -> Check:
    module = session.modules[name]
    return Check(
        module=name,
        object=parts.object_path(session, name),
        text=module.source or b"",
        imports=frozenset(module.imports or ()),
    )


def read_object(session: Session, name: ModuleName) -> tuple[ObjectFacts, Stamp | None]:
    """Return the facts and the stamp of a module's object, whose step must hold."""
    path = parts.object_path(session, name)
    facts = elf.read_object(files.read_bytes(session.root / path), path)
    return facts, elf.read_stamp(facts)


def objects(session: Session, names: Sequence[ModuleName]) -> list[str]:
    """Return the paths of modules' objects, in the order given; raises where one was damaged."""
    parts.require(session, names)
    return [parts.object_path(session, n) for n in names]


def _link(session: Session, step: Step, scratch: Path) -> Made:
    product = session.workspace.config.products[step.subject]
    names = session.linked(step)
    libraries = inputs.libraries(session, names)
    exports = [
        e.subject
        for i in product.offers
        for e in session.workspace.interfaces[i].surface.values()
        if e.kind in SYMBOLS
    ]
    exported = {lib.name: session.tools.exported(lib) for lib in libraries}
    entry_points = ("main",) if product.kind == "program" else tuple(exports)
    screened: str = digest_of(
        "screened", [entry_points, [[lib.name, lib.identity()] for lib in libraries]]
    )
    if not parts.as_before(session, step, screened) and not _nothing_between(
        session, step, exported, entry_points
    ):
        screened = ""
        result = checks.check_link(
            checks.LinkInput(
                product=product.name,
                objects=tuple((n, *read_object(session, n)) for n in names),
                libraries=exported,
                interfaces=session.workspace.interfaces,
                entry_points=entry_points,
            )
        )
        if result.findings:
            raise FindingsError(step, result.findings)
    name = product.name if product.kind == "program" else f"lib{product.name}.so"
    out = scratch / name
    if not patches.make(session, step, f"bin/{name}", out):
        _run_linker(session, step, exports, scratch, out)
    linked = patches.objects(parts.group_keys(session, step))
    return Made(
        {f"bin/{name}": out}, {"modules": len(names), "screened": screened, "objects": linked}
    )


def _run_linker(
    session: Session, step: Step, exports: Sequence[str], scratch: Path, out: Path
) -> None:
    product = session.workspace.config.products[step.subject]
    names = session.linked(step)
    libraries = inputs.libraries(session, names)
    large = inputs.is_large(session, step)
    paths = groups.joined(session, step, scratch) if large else objects(session, names)
    chosen = session.tools.linker()[0]

    def commands(arguments: Sequence[str], others: Sequence[str]) -> Sequence[Sequence[str]]:
        command = session.tools.linking((*arguments, *chosen), others)
        return stubs.commands(session, session.externals(names), command)

    if product.kind == "program":
        link.program(paths, libraries, root=session.root, out=out, commands=commands)
    else:
        link.shared(paths, libraries, exports, root=session.root, out=out, commands=commands)


def _nothing_between(
    session: Session,
    step: Step,
    exported: Mapping[str, frozenset[str]],
    entry_points: Sequence[str],
) -> bool:
    """Tell whether the objects of a product surely agree, without reading them."""
    summaries = [(n, parts.summary(session, n)) for n in session.linked(step)]
    known = [(n, s) for n, s in summaries if s is not None]
    if len(known) < len(summaries):
        return False

    def provided(symbol: str, interface: str) -> bool:
        if interface not in session.workspace.interfaces:
            return False
        library = session.library(InterfaceName(interface))
        return symbol in exported.get(library, ())

    screened = parts.screen(session, step)
    screened.hold(known)
    everywhere = frozenset[str]().union(*exported.values())
    return screened.clean(entry_points, provided, everywhere.__contains__)


def _test(session: Session, step: Step, scratch: Path) -> Made:
    name = ModuleName(step.subject)
    test_library(session, name, scratch)
    spec = session.workspace.specs[name]
    examples = [
        {"call": e.call, "args": list(e.args), "expect": e.expect, "line": e.line}
        for e in spec.examples
    ]
    text = json.dumps({"schema": 1, "path": spec.path, "examples": examples})
    files.write_atomic(scratch / "examples.json", text.encode())
    tests = [p for p in layout.test_files(session.root, name) if p.endswith(f"/test_{name}.py")]
    return _run_tests(session, step, scratch, tests)


def test_library(session: Session, name: ModuleName, scratch: Path) -> tuple[Path, Path]:
    """Link a module for its tests; return the library's file and the contract's."""
    names = session.linked(Step(StepKind.TEST, name))
    library = scratch / f"{name}.so"
    own = session.workspace.interface_of(name)
    exports = [e.subject for e in own.surface.values() if e.kind in SYMBOLS]
    support, names_of_support = _support(session, scratch)
    link.shared(
        [*objects(session, names), *support],
        inputs.libraries(session, names),
        [*exports, *names_of_support],
        root=session.root,
        out=library,
        commands=lambda *words: (session.tools.linking(*words),),
    )
    contract = scratch / "contract.json"
    files.write_atomic(contract, inputs.test_contract(session, name).encode())
    return library, contract


def _support(session: Session, scratch: Path) -> tuple[list[str], list[str]]:
    """Return the objects of the test harness's own assembly, and what they export."""
    made, exported = [], []
    for path in support_sources():
        sources = (nasm.Source(path.name, files.read_bytes(path)),)
        with files.scratch(scratch) as inner:
            data, findings = nasm.assemble(sources, b"", root=session.root, scratch=inner)
        if data is None:
            raise FindingsError(Step(StepKind.TEST, path.stem), findings)
        out = scratch / f"{path.stem}.o"
        files.write_atomic(out, data)
        made.append(str(out))
        exported += [s.name for s in elf.read_object(data, path.name).exports()]
    return made, exported


def _run_tests(session: Session, step: Step, scratch: Path, tests: Sequence[str]) -> Made:
    result = scratch / "result.json"
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header",
        f"--rootdir={session.root}", *tests,
        f"--asmith-library={scratch / (step.subject + '.so')}",
        f"--asmith-contract={scratch / 'contract.json'}",
        f"--asmith-spec-examples={scratch / 'examples.json'}",
        f"--asmith-result={result}",
    ]  # fmt: skip
    done = process.run(
        command,
        cwd=session.root,
        seconds=session.workspace.config.test_seconds,
        environment={
            "PYTHONDONTWRITEBYTECODE": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": str(session.root / layout.HYPOTHESIS),
        },
    )
    data = files.read_if_exists(result)
    summary = json.loads(data) if data else None
    if not done.ok or summary is None or summary["failed"] or not summary["passed"]:
        output = done.stdout.decode("utf-8", "replace").strip() or done.errors().strip()
        raise StepFailedError(f"{step} failed", why=output)
    return Made({f"test/{step.subject}.json": result}, {"passed": summary["passed"]})
