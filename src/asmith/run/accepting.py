"""Accepting answers by hand, attesting edits, and keeping a text under changed contracts.

What is handed in becomes a draft. The draft is assembled, checked and tested on its own, beside
the last good versions of everything else; only then is it a candidate, and its whole change-set
is built and adopted together as soon as none of it is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.dataclass import dataclass, replace
from asmith.errors import StepFailedError, UsageError
from asmith.graph import trace as traces
from asmith.host import clock, files
from asmith.model.names import Digest, ModuleName, digest_bytes
from asmith.model.plan import Step, StepKind
from asmith.model.record import Mode, Record, Standing
from asmith.run import (
    adopt,
    answering,
    build,
    events,
    layout,
    planning,
    recorder,
    review,
    terminal,
    view,
)
from asmith.run.asking import Wishes
from asmith.run.executor import run_steps
from asmith.run.session import Session
from asmith.store import lock

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from asmith.run.events import Observer


@dataclass(frozen=True, slots=True)
class How:
    """How it goes: who is told, and how many steps run at a time."""

    observer: Observer
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class Accepted:
    """What came of it: adopted with all that had to move with it, or waiting for the others."""

    record: Record
    outcome: build.Outcome
    waiting_for: tuple[ModuleName, ...]


def accept(root: Path, name: str, given: bytes, mode: Mode, *, force: bool, how: How) -> Accepted:
    """Take a raw answer for a module; raises `AsmithError` if it is rejected (and logged so)."""
    with (
        lock.held(root / layout.LOCK),
        recorder.recording(root, "accept", how.observer) as told,
    ):
        session = _open(root, name, told)
        module = session.modules[ModuleName(name)]
        spec = session.workspace.specs[module.name]
        if spec.clarifications:
            problem = answering.obstacle(session, module.name)
            assert problem is not None
            raise problem
        if module.by_hand and not force:
            raise StepFailedError(
                f"'{layout.source(name)}' was edited by hand",
                why="accepting an answer would overwrite the edit",
                help=f"attest the edit: asmith accept {name} (without a file); "
                "or overwrite it: --force",
            )
        asked = answering.dialogue(session, module.name)
        if mode is Mode.BLIND:
            _refuse_second(session, module, asked.digest(), digest_bytes(given))
        generator = {"name": "manual"}
        session.store.keep_answer(asked.digest(), given, generator)
        record = answering.draft(session, module.name, given, asked, mode, generator)
        tried = _try(session, record, how.jobs)
        return _settle(root, record, tried, How(told, how.jobs))


def _refuse_second(session: Session, module: view.Module, asked: Digest, given: Digest) -> None:
    """Refuse to call an answer blind that is not the first one to its request."""
    recorded = module.record.attempts if module.record else ()
    for attempt in (*session.store.attempts(module.name), *recorded):
        if attempt.request == asked and attempt.answer != given:
            raise UsageError(
                f"--mode blind: another answer for '{module.name}' was handed in before",
                why=f"at {attempt.at}, to the same request; only the first one can be blind",
                help="say --mode assisted",
            )


def attest(root: Path, name: str, *, how: How) -> Accepted:
    """Vouch for a module's text as it lies in modules/: its record then says `attested`."""
    with (
        lock.held(root / layout.LOCK),
        recorder.recording(root, "attest", how.observer) as told,
    ):
        session = _open(root, name, told)
        module = session.modules[ModuleName(name)]
        if module.source is None:
            raise UsageError(
                f"there is no '{layout.source(name)}' to attest",
                help=f"hand an answer in: asmith accept {name} FILE",
            )
        accepted = module.record is not None and module.record.standing is not Standing.EDITED
        if accepted and not module.edited:
            raise UsageError(
                f"'{layout.source(name)}' is the accepted answer already",
                why="its text is the one that its record names",
            )
        return _keep(session, module, Standing.ATTESTED, "attested by hand", How(told, how.jobs))


def revalidate(root: Path, name: str, *, how: How) -> Accepted:
    """Keep a stale module's text if all its checks and tests pass under today's contracts."""
    with (
        lock.held(root / layout.LOCK),
        recorder.recording(root, "revalidate", how.observer) as told,
    ):
        session = _open(root, name, told)
        module = session.modules[ModuleName(name)]
        if module.source is None:
            raise UsageError(f"there is no '{layout.source(name)}' to keep")
        if not module.base_stale:
            raise UsageError(f"module '{name}' is fresh: there is nothing to revalidate")
        note = "kept though " + "; ".join(str(r) for r in module.base_stale)
        return _keep(session, module, Standing.REVALIDATED, note, How(told, how.jobs))


def approve(root: Path, name: str, *, how: How) -> Accepted:
    """Accept the text that is staged of a module for review."""
    with (
        lock.held(root / layout.LOCK),
        recorder.recording(root, "accept", how.observer) as told,
    ):
        adopt.recover(root)
        session = Session.open(root)
        review.restore(session)
        module = session.named(name).name
        session.observer = told
        session.tell(events.Opened(session))
        if problem := review.problems(session).get(module):
            raise problem
        mark = review.read(root, module)
        if mark is None or not review.fits(session, mark):
            raise UsageError(
                f"what was staged of '{name}' no longer fits",
                where=layout.source(name),
                why="its spec, a contract or the text in modules/ has changed since",
                help=f"stage it anew: asmith build --review; or drop it: asmith reject {name}",
            )
        source = session.store.get(mark.record.assembly)
        assert source is not None
        notes = (*mark.record.notes, f"{clock.now()} accepted in review")
        record = replace(mark.record, notes=notes)
        review.write(root, replace(mark, record=record, approved=True))
        view.write_draft(root, record, source)
        return _settle(root, record, [], How(told, how.jobs))


def _open(root: Path, name: str, observer: Observer) -> Session:
    """Return a session in which other waiting modules stand on their last good text."""
    adopt.recover(root)
    session = Session.open(root)
    session.observer = observer
    session.tell(events.Opened(session))
    if (root / layout.review(session.named(name).name)).exists():
        raise UsageError(
            f"a text of '{name}' is staged for review",
            help=f"say first what becomes of it: asmith accept {name}, or asmith reject {name}",
        )
    others = {n for n, m in session.modules.items() if m.waiting and n != name}
    session.hold(others | review.waiting(session))
    view.remove_draft(root, ModuleName(name))
    session.look_again(ModuleName(name))
    return session


def _keep(
    session: Session, module: view.Module, standing: Standing, note: str, how: How
) -> Accepted:
    assert module.source is not None
    workspace = session.workspace
    own = workspace.interface_of(module.name)
    imports = traces.imported(view.names_of(module.source), workspace.visible(module.name), own)
    old = module.record
    asked = answering.dialogue(session, module.name).digest()
    text = session.store.put(module.source)
    record = Record(
        module=module.name,
        implements=own.name,
        standing=standing,
        mode=old.mode if old else Mode.ASSISTED,
        trace=traces.make_trace(workspace.specs[module.name], own, imports),
        request=old.request if old else asked,
        answer=old.answer if old else text,
        assembly=text,
        object=None,
        generator=old.generator if old else {"name": "manual"},
        attempts=old.attempts if old else (),
        accepted=clock.now(),
        made_by=answering.made_by(),
        notes=(*(old.notes if old else ()), f"{clock.now()} {note}"),
    )
    view.write_draft(session.root, record, module.source)
    tried = _try(session, record, how.jobs, log=False)
    return _settle(session.root, record, tried, how)


def _try(session: Session, record: Record, jobs: int, *, log: bool = True) -> list[Step]:
    """Assemble, check and test a draft on its own; return what ran.

    A draft that fails is taken back, and the failure raised.
    """
    name = record.module
    session.look_again(name)
    steps = [s for s in session.steps_of(name) if s.kind is not StepKind.GENERATE]
    if missing := _missing(session, [name]):
        steps = [s for s in steps if s.kind is not StepKind.TEST]
    run_steps(session, _with_linked(session, steps), jobs)
    failed = next((session.failures[s] for s in steps if s in session.failures), None)
    failed = failed or next(iter(session.failures.values()), None)
    if failed is not None:
        if log:
            answering.log(session, record, answering.said(failed))
        view.remove_draft(session.root, name)
        raise failed
    if log and not missing:  # an untested answer is judged when it is adopted
        answering.log(session, record, ())
    return session.executed


def _missing(session: Session, names: Collection[ModuleName]) -> set[ModuleName]:
    """Return the modules without any text that the tests of modules would link."""
    steps = [s for n in names for s in session.steps_of(n) if s.kind is StepKind.TEST]
    linked = {n for s in steps for n in session.linked(s)}
    return {n for n in linked if session.modules[n].source is None}


def _with_linked(session: Session, steps: list[Step]) -> list[Step]:
    """Return the steps and the assembly of what they link, as far as it does not hold."""
    found = list(steps)
    for step in steps:
        if step.kind is StepKind.TEST:
            linked = session.linked(step)
            found += [Step(StepKind.ASSEMBLE, n) for n in linked if n != step.subject]
    return found


def _settle(root: Path, record: Record, tried: list[Step], how: How) -> Accepted:
    """Remember the candidate, and build its change-set if nothing of it is missing."""
    session = Session.open(root)
    source = files.read_bytes(root / layout.staged(layout.source(record.module)))
    session.store.add_candidate(record, source)
    in_review = review.waiting(session)
    session.hold(in_review)
    missing = planning.unanswerable(session)
    together = _together(session, record.module)
    unanswered = {n for n in missing if n in together} | _missing(session, together)
    if unanswered or in_review & together:
        outcome = build.Outcome(executed=tried, in_review=in_review & together)
        return Accepted(record, outcome, tuple(sorted(unanswered)))
    steps = {s for n in together for s in session.steps_of(n)}
    links = [s for s in session.all_steps() if _links_any(session, s, together)]
    steps |= {*links, *(c for s in links for c in session.comparisons(session.linked(s)))}
    linked = {n for s in links for n in session.linked(s)}
    steps |= {Step(k, n) for n in linked for k in (StepKind.ASSEMBLE, StepKind.CHECK)}
    wishes = Wishes(confirm=terminal.to_confirm())  # modules that move with it may be asked for
    options = build.Options(steps=frozenset(steps), jobs=how.jobs, review=False, wishes=wishes)
    outcome = build.build_locked(root, options, how.observer)
    outcome.executed[:0] = tried
    return Accepted(record, outcome, ())


def _together(session: Session, name: ModuleName) -> frozenset[ModuleName]:
    """Return the modules that are adopted with a candidate.

    These are its change-set and, since a product or a test of theirs links them, the other
    candidates that wait, with their change-sets.
    """
    found: frozenset[ModuleName] = frozenset()
    more = planning.mates(session, [name])
    while more != found:
        found = more
        links = [s for s in session.all_steps() if _links_any(session, s, found)]
        linked = {n for s in links for n in session.linked(s) if session.modules[n].draft}
        more = planning.mates(session, found | linked)
    return found


def _links_any(session: Session, step: Step, names: Collection[ModuleName]) -> bool:
    """Tell whether a link or test links any of these modules, and can be made at all."""
    if step.kind not in (StepKind.LINK, StepKind.TEST):
        return False
    linked = session.linked(step)
    return any(n in names for n in linked) and all(
        session.modules[n].source is not None for n in linked
    )
