"""`asmith verify`: make everything again in a clean directory, and compare it byte for byte.

Only what is committed is taken there: the configuration, specs, interfaces and modules. Nobody is
asked, the store is not used to build, and tests do not run: they make no bytes.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass
from asmith.errors import AsmithError, UsageError
from asmith.generate import answer as grammar
from asmith.host import files
from asmith.model.plan import Step, StepKind, Why
from asmith.model.provenance import LOCAL, differences
from asmith.model.record import Standing
from asmith.run import layout, planning, provenance
from asmith.run.executor import run_steps
from asmith.run.session import Session
from asmith.store.answers import DamagedError
from asmith.store.state import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asmith.run.events import Observer
    from asmith.run.view import Module
    from asmith.store.answers import Store


@dataclass(frozen=True, slots=True)
class Verified:
    """What the comparison came to."""

    modules: int
    products: int
    answers: int  # modules whose text was made again from its raw answer
    same: int  # files of build/ that have the same bytes
    unbuilt: int  # files that build/ does not have, or not of today's sources
    problems: tuple[str, ...]  # each a sentence
    notes: tuple[str, ...] = ()  # what is so, and no difference
    errors: tuple[AsmithError, ...] = ()  # of steps that failed


def verify(
    root: Path, targets: Sequence[str], statement: Path | None, *, jobs: int, observer: Observer
) -> Verified:
    """Make products again elsewhere and compare; `statement` is one to hold against them."""
    promised = None if statement is None else _read(statement)
    here = Session.open(root)
    with files.scratch(Path(tempfile.gettempdir())) as clean:
        _copy(here, clean)
        there = Session.open(clean)
        there.observer = observer
        wanted = planning.scope(there, targets)
        names = sorted({s.subject for s in wanted if s.of_module})
        modules = [there.modules[n] for n in there.modules if n in names]
        problems = [p for m in modules for p in _stale(m)]
        if problems:
            return Verified(len(modules), 0, 0, 0, 0, tuple(problems))
        there.hold(())
        steps = {s for s in wanted if s.kind not in (StepKind.TEST, StepKind.GENERATE)}
        run_steps(there, steps, jobs)
        errors = tuple(there.failures.values())
        products = sorted(s.subject for s in steps if s.kind is StepKind.LINK)
        answers = [_from_answer(here.store, m, there) for m in modules]
        problems += [a for a in answers if isinstance(a, str)]
        same: dict[str, bool | None] = {}
        if not errors:
            problems += [p for m in modules for p in _objects(there, m)]
            same = dict(_outputs(here, there, steps))
            problems += [f"'{p}' is not what a clean build makes" for p in same if same[p] is False]
            problems += _against(there, products, promised)
        return Verified(
            len(modules),
            len(products),
            sum(a is True for a in answers),
            sum(s is True for s in same.values()),
            sum(s is None for s in same.values()),
            tuple(problems),
            tuple(n for m in modules for n in _notes(m)),
            errors,
        )


def _copy(session: Session, clean: Path) -> None:
    """Copy what is committed; the generator is left out, so that nobody can be asked."""
    paths = [*session.workspace.sources]
    for name, module in session.modules.items():
        paths += [layout.source(name), layout.record(name), *module.included_files()]
    for path in paths:
        data = files.read_if_exists(session.root / path)
        if data is not None:
            files.write_atomic(clean / path, data)


def _stale(module: Module) -> Iterator[str]:
    """Yield why a module's text is not what its spec and contracts ask for today."""
    for reason in module.base_stale:
        yield f"module '{module.name}' is stale: {reason}"
    if module.edited and module.record is not None:
        yield f"module '{module.name}': its text is not the one that its record names"


def _notes(module: Module) -> Iterator[str]:
    if module.record is not None and module.record.standing is Standing.EDITED:
        yield f"module '{module.name}' was edited by hand, and nobody attested it"


def _from_answer(store: Store, module: Module, session: Session) -> bool | str:
    """Make a module's text again from its raw answer: True for the same bytes.

    False where that cannot be told: the answer is not in the store, gave some functions only, or
    was edited or kept since.
    """
    record = module.record
    assert record is not None
    if record.standing is not Standing.ACCEPTED:
        return False
    try:
        raw = store.get(record.answer)
    except DamagedError as error:
        return f"the answer of '{module.name}' is damaged: {error.where}"
    if raw is None:
        return False
    own = session.workspace.interface_of(module.name)
    try:
        text = grammar.assemble_answer(raw.decode("utf-8", "replace"), own.functions, None, "")
    except grammar.AnswerError:
        return False
    if text.encode() != module.source:
        return f"module '{module.name}': its answer gives another text than modules/ has"
    return True


def _objects(session: Session, module: Module) -> Iterator[str]:
    entry = session.status(Step(StepKind.ASSEMBLE, module.name)).entry
    assert entry is not None
    assert module.record is not None
    if module.record.object != entry.facts["code"]:
        yield f"object of '{module.name}': its code is not the one that the record names"


def _outputs(here: Session, there: Session, steps: set[Step]) -> Iterator[tuple[str, bool | None]]:
    """Yield each file of objects and products in build/, and whether it has the same bytes.

    None: its step was not built since its inputs changed, so there is nothing to compare.
    """
    for step in sorted(steps):
        entry, status = there.status(step).entry, here.status(step)
        if entry is None or step.kind not in (StepKind.ASSEMBLE, StepKind.LINK):
            continue
        changed = any(r.kind is not Why.OUTPUT_CHANGED for r in status.reasons)
        is_built = status.slot is Slot.BASE or (status.entry is None and not changed)
        for name, digest in entry.outputs.items():
            path = f"{layout.BUILD}/{name}"
            yield path, here.digest(path) == digest if is_built else None


def _against(session: Session, products: Sequence[str], promised: Any) -> list[str]:
    """Return where a statement differs from what was made here."""
    if promised is None:
        return []
    try:
        predicate = promised["predicate"]
        name = predicate["buildDefinition"]["externalParameters"]["product"]
        builder = predicate["runDetails"]["builder"]["id"]
    except (KeyError, TypeError):
        return ["the statement is none of asmith's"]
    if name not in products:
        return [f"the statement is of product '{name}', which was not verified"]
    made = provenance.of(session, name, builder if isinstance(builder, str) else LOCAL)
    return [f"the statement says something else at {path}" for path in differences(made, promised)]


def _read(path: Path) -> Any:
    try:
        return json.loads(files.read_text(path))
    except (ValueError, RecursionError) as error:
        raise UsageError("the statement is not JSON", where=str(path), why=str(error)) from error
