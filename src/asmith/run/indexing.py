"""What a build saw, and what holds because of that: the index, made at the end of a build.

After a session of the whole project it is made anew. After a session of what an edit touched, only
that is replaced: the work follows the edit, not the project.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import asmith
from asmith.host import clock, process, signature
from asmith.model.names import InterfaceName, ModuleName, digest_bytes
from asmith.model.plan import Step, StepKind
from asmith.run import adopt, inputs, layout, parts
from asmith.run.known import Bound, Known, Node, bound_otherwise, node_of
from asmith.store import index, listings
from asmith.store.packed import Layered
from asmith.store.state import Slot

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from asmith.run.session import Session

_TOOLS = ("nasm", "cc", "ld", "mold", "ld.lld", "ld.gold", "pkg-config")
_OWN = (
    "__init__.py", "check/engine.py", "run/inputs.py", "toolchain/nasm.py", "toolchain/link.py",
)  # fmt: skip
_FILE = "file "  # how the inputs of a step name a file of the project
_MISSING = "missing"  # the digest that inputs give a file that is not there


def known(session: Session) -> Known:
    """Return what is known at the end of a build whose lock is held still."""
    made = session.known or _empty(session)
    anew = session.known is None
    names = session.looked_at()
    steps = session.all_steps()
    settled = [s for s in steps if _settled(session, s)]
    pending = {m for m in names if _pending(session, m)}
    loose = set(steps) - set(settled)
    pending |= {ModuleName(s.subject) for s in loose if s.of_module and s.subject in set(names)}
    for name in names:
        made.replace(name, _node(session, name))
    made.unsettled = tuple(sorted(pending))
    made.unsettled_steps = tuple(sorted(str(s) for s in loose))
    for step in settled:
        if step.kind is StepKind.LINK:
            _note_link(session, made, step)
    if anew:
        made.bound.others = bound_otherwise(made.nodes)
    _note_readers(session, made, settled)
    made.head.steps = session.outside + len(steps)
    made.head.unsettled = bool(pending or loose)
    _note_files(session, made.head, [n for n in names if n not in pending], settled)
    _fix(session, made.head, names)
    return made


def _note_link(session: Session, made: Known, step: Step) -> None:
    """Note what a settled link links, and what its next link needs to know of all of it."""
    linked = made.link(step.subject, session.linked(step))
    linked.externals()
    linked.libraries(made.libraries)
    if inputs.is_large(session, step):
        linked.fill(session.tools.joiner())


def _pending(session: Session, name: ModuleName) -> bool:
    """Tell whether a module is not what its spec says, or something of it waits for adoption."""
    module = session.modules[name]
    moving = module.held or module.draft or module.stale or module.base_stale
    return bool(moving) or adopt.pending(session, [Step(StepKind.ASSEMBLE, name)])


def _empty(session: Session) -> Known:
    interfaces = {i: session.library(i) for i in sorted(session.workspace.interfaces)}
    blank = Node(InterfaceName(""), (), (), (), "", "", "", tested=False, size=0, link=None)
    head = index.Head()
    head.absent = [layout.INTENT]
    head.listings = dict(session.listings)
    _fix_tools(session, head)
    nodes = Layered(((n, blank) for n in sorted(session.modules)), decode=node_of)
    made = Known(
        head, nodes, Layered(interfaces.items()), Layered(), {}, Bound(nodes, {}), (), (),
        session.tools.known,
    )  # fmt: skip
    for product in session.workspace.config.products:
        made.link(product, session.linked(Step(StepKind.LINK, product)))
    return made


def _settled(session: Session, step: Step) -> bool:
    """Tell whether a step's last good result is what a build would want."""
    status = session.status(step)
    return status.clean if step.kind is StepKind.GENERATE else status.slot is Slot.BASE


def _node(session: Session, name: ModuleName) -> Node:
    entry = session.status(Step(StepKind.ASSEMBLE, name)).entry
    facts = {} if entry is None else entry.facts
    return Node(
        implements=session.workspace.specs[name].implements,
        calls=tuple(sorted(session.calls(name))),
        sees=session.sees(name),
        externals=session.externals([name]),
        code=str(facts.get("code", "")),
        stamp=str(facts.get("stamp", "")),
        object="" if entry is None else entry.outputs[f"obj/{name}.o"],
        tested=inputs.has_tests(session, name),
        size=len(session.modules[name].source or b""),
        link=parts.summary(session, name),
    )


def _note_readers(session: Session, made: Known, settled: Collection[Step]) -> None:
    """Note who reads which file besides his own; one that no longer does costs a look."""
    found: dict[str, set[ModuleName]] = defaultdict(set)
    for step in settled:
        for path, _ in _files_of(session, step):
            if step.of_module and not path.startswith("build/"):
                found[path].add(ModuleName(step.subject))
    for path, readers in found.items():
        made.readers[path] = tuple(sorted(readers.union(made.readers.get(path, ()))))


def _note_files(
    session: Session, head: index.Head, names: Collection[ModuleName], settled: Collection[Step]
) -> None:
    """Note every file that settled modules and steps stand on, with the digest that they used."""
    used: dict[str, str] = dict(session.workspace.sources)
    for name in names:
        module = session.modules[name]
        if module.source is not None and module.record_digest is not None:
            used[layout.source(name)] = digest_bytes(module.source)
            used[layout.record(name)] = module.record_digest
    for step in settled:
        used.update(_files_of(session, step))
    missing = [path for path, digest in used.items() if digest == _MISSING]
    head.absent = sorted({*head.absent, *missing})
    files_: dict[str, tuple[signature.Signature, str] | None] = {
        path: (_trusted(session, path, digest), digest)
        for path, digest in used.items()
        if digest != _MISSING
    }
    head.patch(files_)


def _files_of(session: Session, step: Step) -> Iterator[tuple[str, str]]:
    """Yield the outputs of a settled step that are read, and the project's files that it reads."""
    entry = session.status(step).entry
    if entry is None:
        return
    for name, digest in entry.outputs.items():
        if layout.is_read(name):
            yield layout.output(Slot.BASE, name), digest
    for name, value in entry.inputs.items():
        if name.startswith(_FILE):
            yield name.removeprefix(_FILE), value


def _trusted(session: Session, path: str, digest: str) -> signature.Signature:
    """Return the stat data under which a file surely has the bytes that were used."""
    seen = session.surely(path)
    if seen is None or seen[1] != digest:
        return signature.SPOILT
    return index.trusted(seen[0], seen[2])


def _fix(session: Session, head: index.Head, names: Collection[ModuleName]) -> None:
    """Note what counts by stat data alone and may have come with this build."""
    root = str(session.root)
    for path in listings.WAITING:  # whoever holds the lock is the one who changes them
        head.listings[path] = listings.list_one(root, path, "")
    for path, (seen, suffix, wanted) in head.listings.items():
        if signature.of(f"{root}/{path}") != seen:
            now = listings.list_one(root, path, suffix)
            if now[2] == wanted:
                head.listings[path] = now
    libraries = {lib.path for lib in inputs.libraries(session, names)}
    for name in session.externals(names):
        interface = session.workspace.interfaces[name]
        libraries.add(inputs.library_of(session, interface).path)
    _fix_paths(head, [*map(str, libraries)])
    journal = signature.of(f"{root}/{layout.STATE}")
    if journal is None:
        head.absent.append(layout.STATE)
    else:
        head.fixed[layout.STATE] = journal  # by its path in the project, which may be a copy


def _fix_tools(session: Session, head: index.Head) -> None:
    """Note the tools and asmith's own files; a program that would be found first counts too."""
    del session
    own = asmith.__path__[0]
    _fix_paths(head, paths := [f"{own}/{name}" for name in _OWN])
    started = int((clock.wall() - clock.age()) * 1e9)
    for path in paths:  # those that came since did not do the work of this process
        if path in head.fixed and max(head.fixed[path][:2]) >= started:
            head.fixed[path] = signature.SPOILT
    for tool in _TOOLS:
        found, shadows = process.search(tool)
        _fix_paths(head, [found] if found else [])
        head.absent += shadows


def _fix_paths(head: index.Head, paths: Collection[str]) -> None:
    for path in paths:
        seen = signature.of(path)
        if seen is not None:
            head.fixed[path] = seen
        elif path not in head.absent:
            head.absent.append(path)
