"""Best of several answers: a module is asked for again, and the fastest correct answer wins.

The first correct answer is found as ever, by repair. Its request is then asked until it was
answered as often as wished. Every answer is durable before any is tried, so a build that was
killed in between goes on without asking.
"""

from __future__ import annotations

import json
import secrets
import sys
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass, replace
from asmith.errors import AsmithError, StepFailedError, StoppedError
from asmith.generate import generators
from asmith.host import clock, files, process
from asmith.model.names import ModuleName
from asmith.model.plan import StepKind
from asmith.model.record import Mode
from asmith.run import actions, answering, contest, engine, layout, view
from asmith.store.answers import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from asmith.generate.dialogue import Dialogue
    from asmith.model.names import Digest
    from asmith.model.plan import Step
    from asmith.model.record import Record
    from asmith.run.session import Session

_ROUNDS = 7


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A correct answer: what its draft would be, and the library to time."""

    record: Record
    source: bytes
    library: Path
    contract: Path


def require_benchmarks(session: Session, steps: Iterable[Step]) -> None:
    """Refuse if a module that would be asked for has no benchmark: before anything is asked."""
    for step in sorted(steps):
        if step.kind is StepKind.GENERATE and not session.status(step).clean:
            name = ModuleName(step.subject)
            try:
                known = answering.in_store(session, name) is not None
            except DamagedError:
                continue  # the step says so
            if not known and answering.obstacle(session, name) is None:
                answering.require_benchmark(session, name)


def compete(
    session: Session, names: Iterable[ModuleName], failed: dict[ModuleName, AsmithError]
) -> bool:
    """Let new answers of modules compete; tell whether the build must go round once more."""
    if session.asking.wishes.samples == 1:
        return False
    again = False
    for name in sorted(set(names) - session.asking.competed - failed.keys()):
        if not _is_candidate(session, name):
            continue
        session.asking.competed.add(name)
        again = True
        judged = session.asking.judged[name]
        try:
            answering.require_benchmark(session, name)
            _compete(session, name)
        except StoppedError:
            raise
        except AsmithError as error:
            failed[name] = error
        session.asking.judged[name] = judged  # a wrong sample is no failed repair
    return again


def _is_candidate(session: Session, name: ModuleName) -> bool:
    """Tell whether a module's draft is new, a generator's, and correct by its own steps."""
    module = session.modules[name]
    record = module.record if module.draft and not module.held else None
    config = session.asking.wishes.generator(session.workspace.config.generator)
    return (
        record is not None
        and record.mode is Mode.GENERATED
        and generators.available(config)
        and not answering.was_accepted(session, record)
        and all(session.status(s).clean for s in session.steps_of(name))
    )


def _compete(session: Session, name: ModuleName) -> None:
    module = session.modules[name]
    first, source = module.record, module.source
    assert first is not None
    assert source is not None
    asked = answering.dialogue(session, name)
    if asked.digest() != first.request:
        session.asking.wishes.note(f"{name}: no samples, since its request is another one now")
        return
    times = _ask(session, asked)
    try:
        with files.scratch(session.root / layout.SCRATCH) as place:
            found = _correct(session, asked, place)
            chosen, note = _fastest(session, name, found, place)
    except AsmithError:
        view.write_draft(session.root, first, source)  # whatever was tried since
        session.look_again(name)
        raise
    counted = f"{times} answer{'s' if times != 1 else ''} asked for, {len(found)} correct"
    session.asking.wishes.note(f"{name}: {counted}; {note}")
    notes = (*chosen.record.notes, f"{clock.now()} {counted}; {note}")
    view.write_draft(session.root, replace(chosen.record, notes=notes), chosen.source)
    session.look_again(name)


def _ask(session: Session, asked: Dialogue) -> int:
    """Ask until there are as many answers as wished, or no more can be had; return how many."""
    digest = asked.digest()
    count = sum(1 for _ in session.store.answers(digest))
    while count < session.asking.wishes.samples:
        try:
            given = session.asking.ask(session.workspace.config, asked, session.root)
        except AsmithError as error:  # the budget, or the provider: those that exist compete
            session.asking.fewer[asked.module] = error
            break
        session.store.keep_answer(digest, given.raw, given.facts)
        count += 1
    return count


def _correct(session: Session, asked: Dialogue, place: Path) -> list[_Candidate]:
    """Return the correct ones among the answers that nobody judged yet, in order."""
    name, digest = asked.module, asked.digest()
    judged = session.store.judged(name, digest)
    once: dict[Digest, Mapping[str, str]] = {}
    for answer, facts in session.store.answers(digest):
        once.setdefault(answer, facts)
    found = []
    for answer, facts in once.items():
        data = session.store.get(answer)
        if answer in judged or data is None:
            continue
        try:
            record = answering.draft(session, name, data, asked, Mode.GENERATED, facts)
        except AsmithError:
            if answer in session.store.judged(name, digest):
                continue  # prose, or cut off: it was logged as rejected
            raise
        session.look_again(name)
        if problem := _problem(session, name):
            answering.log(session, record, answering.said(problem))
            continue
        source = session.modules[name].source
        assert source is not None
        own = place / answer
        files.make_directory(own)
        found.append(_Candidate(record, source, *actions.test_library(session, name, own)))
    return found


def _problem(session: Session, name: ModuleName) -> AsmithError | None:
    """Assemble, check and test a draft; return what speaks against it."""
    for step in session.steps_of(name):
        if step.kind is StepKind.GENERATE or session.status(step).clean:
            continue
        try:
            engine.execute(session, step)
        except StepFailedError as error:
            session.failures.pop(step, None)
            return error
    return None


def _fastest(
    session: Session, name: ModuleName, found: Sequence[_Candidate], place: Path
) -> tuple[_Candidate, str]:
    """Return the fastest candidate and a sentence for its record; log what became of the others."""
    left = list(found)
    failed: list[tuple[_Candidate, str]] = []
    result: dict[str, Any] = {}
    seed = 0
    while len(left) > 1:
        seed = secrets.randbits(32)  # drawn now: no answer can have been made for these inputs
        result = _timed(session, name, left, seed, place)
        if "failed" not in result:
            break
        number, message = result["failed"]
        failed.append((left.pop(number), message))
    if not left:
        raise StepFailedError(
            f"the benchmark of '{name}' fails with every correct answer",
            where=layout.benchmark(name),
            why="; ".join(message.splitlines()[0] for _, message in failed) or "there is none left",
        )
    for each, message in failed:
        answering.log(session, each.record, (f"BENCH: {message.splitlines()[0]}",))
    if len(left) == 1:
        return left[0], f"{left[0].record.answer[:12]} alone is left"
    choice = contest.choose(result["rounds"])
    chosen = left[choice.winner]
    for each, ratio in zip(left, choice.ratios, strict=True):
        if each is not chosen:
            said = f"BENCH: {ratio:.3f} of the first one's time; {chosen.record.answer[:12]} won"
            answering.log(session, each.record, (said,), outcome="slower")
    shown = ", ".join(
        f"{each.record.answer[:12]} {ratio:.3f}"
        for each, ratio in zip(left, choice.ratios, strict=True)
    )
    return chosen, (
        f"{chosen.record.answer[:12]} won by {layout.benchmark(name)}: times as ratios to the "
        f"first correct one: {shown}; noise {choice.noise:.3f}; {_ROUNDS} rounds from seed {seed}"
    )


def _timed(
    session: Session, name: ModuleName, left: list[_Candidate], seed: int, place: Path
) -> dict[str, Any]:
    """Return what `asmith.verify.timing` says."""
    out = place / "times.json"
    files.remove(out)
    bench = session.root / layout.benchmark(name)
    command = [
        sys.executable, "-m", "asmith.verify.timing", str(out), str(bench), str(left[0].contract),
        str(session.root), str(_ROUNDS), str(seed), *(str(c.library) for c in left),
    ]  # fmt: skip
    seconds = session.workspace.config.test_seconds * len(left)
    environment = {"PYTHONDONTWRITEBYTECODE": "1"}
    done = process.run(command, cwd=session.root, seconds=seconds, environment=environment)
    data = files.read_if_exists(out)
    said: dict[str, Any] = json.loads(data) if data else {"broken": done.errors().strip()}
    if "broken" in said:
        raise StepFailedError(
            f"the benchmark of '{name}' failed", where=layout.benchmark(name), why=said["broken"]
        )
    return said
