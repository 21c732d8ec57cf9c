"""`asmith provenance`: the statement of a product, from the last good build and its records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asmith import __version__
from asmith.errors import StepFailedError, UsageError, did_you_mean
from asmith.host import files
from asmith.model.names import digest_bytes
from asmith.model.plan import Step, StepKind
from asmith.model.provenance import Builder, Resource, statement
from asmith.project.config import CONFIG
from asmith.run import inputs, layout
from asmith.toolchain import link, nasm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asmith.model.contract import Interface
    from asmith.model.names import InterfaceName, ModuleName
    from asmith.model.record import Record
    from asmith.project.config import Product
    from asmith.run.session import Session
    from asmith.run.view import Module


def of(session: Session, name: str, builder: str) -> dict[str, Any]:
    """Return the statement of a product as it is built now; raises `AsmithError` if it is not."""
    products = session.workspace.config.products
    if name not in products:
        raise UsageError(
            f"there is no product '{name}'{did_you_mean(name, tuple(products))}",
            where=CONFIG,
            help=f"products: {', '.join(products) or 'none'}",
        )
    step = Step(StepKind.LINK, name)
    modules = [session.modules[n] for n in session.linked(step)]
    refuse_unfinished(session, step, modules)
    product = products[name]
    entry = session.status(step).entry
    assert entry is not None
    output = "".join(entry.outputs)  # it has one
    return statement(
        subject=_file(session, session.output(step, output), output.rpartition("/")[2]),
        parameters=_parameters(product),
        dependencies=list(_dependencies(session, modules)),
        builder=Builder(builder, _versions()),
        byproducts=list(_objects(session, modules)),
    )


def refuse_unfinished(session: Session, step: Step, modules: Sequence[Module]) -> None:
    """Refuse to speak of a product that is not what specs, contracts and modules/ say today."""
    why = [f"{m.name}: {m.base_stale[0]}" for m in modules if m.base_stale]
    why += [f"{m.name}: edited by hand since the last build" for m in modules if m.edited]
    why += [f"{m.name}: a new text waits" for m in modules if m.draft and not m.base_stale]
    needed = [step, *(Step(StepKind.CHECK, m.name) for m in modules)]
    why += [str(s) for s in needed if not session.status(s).clean and not why]
    if why:
        raise StepFailedError(
            f"product '{step.subject}' is not up to date",
            why="; ".join(why),
            help=f"asmith build {step.subject}",
        )


def _file(session: Session, path: str, name: str = "", **annotations: Any) -> Resource:
    digest = session.digest(path)
    assert digest is not None, path
    return Resource(name or path, digest, annotations=annotations)


def _parameters(product: Product) -> dict[str, dict[str, Any]]:
    """Return what was asked for, and what the configuration made of it."""
    return {
        "external": {"product": product.name},
        "internal": {
            "kind": product.kind,
            "roots": list(product.roots),
            "offers": list(product.offers),
            "bind": dict(product.bind),
        },
    }


def _versions() -> dict[str, str]:
    """Return what made a product."""
    driver, _ = link.version().split("; ")
    _, linker = link.fastest()
    return {"asmith": __version__, "nasm": nasm.version(), "cc": driver, "ld": linker}


def _dependencies(session: Session, modules: Sequence[Module]) -> Iterator[Resource]:
    """Yield everything that the product was made from, each once, in a fixed order."""
    yield _file(session, CONFIG)
    interfaces: dict[InterfaceName, Interface] = {}
    for module in modules:
        interfaces |= session.workspace.visible_interfaces(module.name)
    for _, interface in sorted(interfaces.items()):
        yield _file(session, interface.path)
    for module in modules:
        assert module.record is not None
        spec = session.workspace.specs[module.name]
        yield _file(session, spec.path, normative=spec.normative)
        yield _answer(module.record)
        yield _file(session, layout.source(module.name), standing=str(module.record.standing))
        yield _file(session, layout.record(module.name))
        for path in module.included_files():
            yield _file(session, path)
    for library in inputs.libraries(session, [m.name for m in modules]):
        digest = digest_bytes(files.read_bytes(library.path))
        yield Resource(library.name, digest, annotations={"file": library.path.name})


def _answer(record: Record) -> Resource:
    """Return the raw answer of a module: who gave it, to which request, and how."""
    return Resource(
        f"answer of {record.module}",
        record.answer,
        annotations={
            "generator": dict(record.generator),
            "mode": str(record.mode),
            "request": record.request,
            "accepted": record.accepted,
            "attempts": len(record.attempts),
            "notes": list(record.notes),
            "made_by": dict(record.made_by),
        },
    )


def _objects(session: Session, modules: Sequence[Module]) -> Iterator[Resource]:
    for module in modules:
        step = Step(StepKind.ASSEMBLE, module.name)
        path = session.output(step, object_name(module.name))
        entry = session.status(step).entry
        assert entry is not None
        yield _file(session, path, object_name(module.name), code=entry.facts["code"])


def object_name(name: ModuleName) -> str:
    """Return the name of a module's object below a slot."""
    return f"obj/{name}.o"
