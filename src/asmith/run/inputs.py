"""The inputs of each step, by name. Equal inputs mean an equal result: the whole of staleness.

assemble  the text, the generated include, the stamp, files taken in with incbin, nasm's version
check     the object's code, the text without comments, its banner, the contracts, the rules
compare   an external interface's declarations, its library, the C driver's version, the rules
link      each object's code and stamp, the product's definition, the libraries and what it may use
          of libc, the driver
test      the test files and examples, each linked object's code, the contract's types
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from asmith import __version__
from asmith.abi import banner
from asmith.check.engine import RULESET_VERSION
from asmith.contract.layout import size_of
from asmith.model import nasm as nasm_text
from asmith.model.names import InterfaceName, ModuleName, digest_bytes, digest_of
from asmith.model.plan import Step, StepKind
from asmith.run import layout, parts, stubs
from asmith.toolchain import link
from asmith.verify import contract_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asmith.model.contract import Interface
    from asmith.run.session import Session
    from asmith.run.view import Module
    from asmith.store.state import Entry
    from asmith.toolchain.link import Library

Inputs = dict[str, str]
OBJECTS = ("objects of group ", "code of ", "stamp of ")  # how the names of a link's objects begin


class Blocked(Exception):  # noqa: N818 -- no error: the answer "not yet"
    """The inputs cannot be known before another step has its result."""

    def __init__(self, step: Step, detail: str = "") -> None:
        super().__init__(str(step))
        self.step = step
        self.detail = detail


def of(session: Session, step: Step) -> Inputs:
    """Return the inputs of a step, name -> digest or identity; raises `Blocked`."""
    match step.kind:
        case StepKind.ASSEMBLE:
            return _assemble(session, _ready(session, step.subject))
        case StepKind.CHECK:
            return _check(session, _ready(session, step.subject))
        case StepKind.COMPARE:
            return _compare(session, step)
        case StepKind.LINK:
            return _link(session, step)
        case StepKind.TEST:
            return _test(session, step)
        case StepKind.GENERATE:
            return {}


def _ready(session: Session, name: str) -> Module:
    module = session.modules[ModuleName(name)]
    if module.source is None or module.waiting:
        raise Blocked(Step(StepKind.GENERATE, name))
    return module


def held(session: Session, kind: StepKind, name: str) -> Entry:
    """Return the entry of a step whose result holds; raises `Blocked` for another."""
    step = Step(kind, name)
    status = session.status(step)
    if status.entry is None:
        raise Blocked(status.blocked_by or step)
    return status.entry


def _assemble(session: Session, module: Module) -> Inputs:
    assert module.source is not None
    found: Inputs = {
        "text": session.text_digest(module),
        "include": session.include_digest(module),
        "stamp": session.stamp_digest(module),
        "nasm": session.tools.assembler(),
    }
    for path in session.once(module, "files", module.included_files):
        found[f"file {path}"] = session.digest(path) or "missing"
    return found


def _check(session: Session, module: Module) -> Inputs:
    entry = held(session, StepKind.ASSEMBLE, module.name)
    rest = session.once(module, "check", lambda: _check_but_for_the_object(session, module))
    return {"code": str(entry.facts["code"]), **rest}


def _check_but_for_the_object(session: Session, module: Module) -> Inputs:
    assert module.trace is not None
    assert module.imports is not None
    spec = session.workspace.specs[module.name]
    own = session.workspace.interface_of(module.name)
    contract = [
        {q: t.digest for q, t in module.trace.exports.items()},
        {q: t.digest for q, t in module.trace.imports.items()},
        {q: e.value for q, e in module.imports.items()},
        [str(u) for u in spec.uses],
        sorted(
            [f.name, c.text]
            for f in own.functions.values()
            for c in f.clauses
            if c.keyword == "waive"
        ),
        sorted(c.text for c in own.clauses if c.keyword == "waive"),
    ]
    code = nasm_text.code_text(module.text())
    return {
        "text without comments": digest_bytes(code.encode()),
        "banner": digest_of("banner", banner.lines(module.text())),
        "contracts": digest_of("contracts", contract),
        "in sight": digest_of("in sight", _in_sight(session, module, code)),
        "rules": str(RULESET_VERSION),
    }


def _in_sight(session: Session, module: Module, code: str) -> list[object]:
    """Return what rules read of contracts besides the traced part, as far as it bears on a text.

    Names that the code shares with a contract, traced or not (SRC003), which structures that its
    own prototypes speak of have a known layout (SRC001), private conventions, and the sizes of its
    own data (ELF003).
    """
    own = session.workspace.interface_of(module.name)
    seen = session.workspace.visible_interfaces(module.name).values()
    words = set(re.findall(r"[\w$#@~.?]+", code))
    named = {e.nasm for i in seen for e in i.surface.values()}
    named |= {n.partition(".")[0] for n in named}
    spoken = {w for e in own.surface.values() for w in re.findall(r"\w+", e.caller)}
    complete = {t for i in seen for t, a in i.types.items() if a.fields}
    conventions = {
        c.text for i in seen for f in i.functions.values() for c in f.clauses
        if c.keyword == "clobbers"
    }  # fmt: skip
    sizes = {d.name: size_of(d.type, own.types) for d in own.data.values()}
    return [sorted(words & named), sorted(spoken & complete), sorted(conventions), sizes]


def _compare(session: Session, step: Step) -> Inputs:
    """Return what a comparison reads; the headers are as old as the library that they belong to."""
    interface = session.workspace.interfaces[InterfaceName(step.subject)]
    entries = interface.surface.values()
    waived = sorted(
        c.text
        for clauses in (interface.clauses, *(f.clauses for f in interface.functions.values()))
        for c in clauses
        if c.keyword == "waive"
    )
    return {
        "declarations": digest_of(
            "declarations", [[[e.qualified, e.caller, e.value] for e in entries], waived]
        ),
        "library": library_of(session, interface).identity(),
        "driver": digest_of("driver", [session.tools.driver()]),
        "rules": str(RULESET_VERSION),
    }


def library_of(session: Session, interface: Interface) -> Library:
    """Return the system library that implements an external interface, resolved."""
    assert interface.library is not None
    name = interface.library.name
    return session.tools.library(name, session.workspace.config.libraries.get(name, ""))


def _link(session: Session, step: Step) -> Inputs:
    externals = session.externals(session.linked(step))
    for interface in externals:
        held(session, StepKind.COMPARE, interface)
    found = _linked_objects(session, step)
    product = session.workspace.config.products[step.subject]
    found["product"] = digest_of("product", [product.kind, product.roots, product.offers])
    found["driver"] = digest_of("driver", [session.tools.driver(), link.FLAGS])
    found["linker"] = digest_of("linker", [session.tools.linker()])
    found["stub"] = digest_of("stub", [stubs.functions(session, externals)])
    for library in libraries(session, session.linked(step)):
        found[f"library {library.name}"] = library.identity()
    return found


def _linked_objects(session: Session, step: Step) -> Inputs:
    """Return the objects of a product; of a large one by group, since a build keeps them all."""
    if not is_large(session, step):
        return _objects(session, step, stamps=True)
    digests = parts.group_digests(session, step, lambda n: digests_of(session, n, checked=True))
    return {f"objects of group {number}": digest for number, digest in digests.items()}


def is_large(session: Session, step: Step) -> bool:
    """Tell whether a product is linked in two levels."""
    return len(session.linked(step)) > link.DIRECT


def _test(session: Session, step: Step) -> Inputs:
    name = ModuleName(step.subject)
    held(session, StepKind.CHECK, name)
    found = _objects(session, step, stamps=False)
    for path in layout.test_files(session.root, name):
        found[f"file {path}"] = session.digest(path) or "missing"
    spec = session.workspace.specs[name]
    examples = [[e.call, list(e.args), e.expect] for e in spec.examples]
    found["examples"] = digest_of("examples", examples)
    found["types"] = digest_bytes(test_contract(session, name).encode())
    found["harness"] = __version__
    return found


def _objects(session: Session, step: Step, *, stamps: bool) -> Inputs:
    found: Inputs = {}
    for name in session.linked(step):
        code, stamp = digests_of(session, name, checked=stamps)
        found[f"code of {name}"] = code
        if stamps:
            found[f"stamp of {name}"] = stamp
    return found


def digests_of(session: Session, name: ModuleName, *, checked: bool) -> tuple[str, str]:
    """Return the digests of an object's code and stamp, which must hold, and its check too."""
    node = session.node(name)
    if node is not None:
        return node.code, node.stamp
    if checked:
        held(session, StepKind.CHECK, name)
    facts = held(session, StepKind.ASSEMBLE, name).facts
    return str(facts["code"]), str(facts["stamp"])


def libraries(session: Session, modules: Iterable[ModuleName]) -> tuple[Library, ...]:
    """Return the system libraries behind what modules import, resolved, sorted by name."""
    packages = session.workspace.config.libraries
    names = sorted(session.libraries_of(modules))
    return tuple(session.tools.library(n, packages.get(n, "")) for n in names)


def has_tests(session: Session, name: ModuleName) -> bool:
    """Tell whether a module has tests of its own: a test file, or examples in its spec."""
    examples = session.workspace.specs[name].examples
    return bool(examples) or bool(layout.test_files(session.root, name))


def test_contract(session: Session, name: ModuleName) -> str:
    """Return the contract that a module's tests call it by, as JSON."""
    visible = session.workspace.visible_interfaces(name)
    return contract_json.render(i for i in visible.values() if i.library is None)
