"""The generate step: from a stale module to a draft, by the store or a generator."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from asmith import __version__
from asmith.check.engine import RULESET_VERSION
from asmith.dataclass import replace
from asmith.errors import AsmithError, UnavailableError, UsageError
from asmith.graph import trace as traces
from asmith.host import clock, files
from asmith.model import nasm
from asmith.model.names import Digest, ModuleName, digest_bytes
from asmith.model.plan import Step, StepKind
from asmith.model.record import UNKNOWN, Attempt, Mode, Record, Standing, Usage
from asmith.run import layout, view
from asmith.store import turns
from asmith.store.answers import DamagedError
from asmith.store.records import trace_key
from asmith.toolchain import nasm as nasm_tool

REVIEW = "REVIEW"  # the finding of a person who rejects an answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.generate.dialogue import Dialogue
    from asmith.project.config import GeneratorConfig
    from asmith.run.session import Session


class NotNowError(UnavailableError):
    """There is a generator for a module, and it is not asked in this build."""


def dialogue(session: Session, name: ModuleName) -> Dialogue:
    """Return what a generator is asked for a module, and `asmith prompt` prints.

    A dialogue that was broken off goes on; one whose attempts are used up begins anew.
    """
    from asmith.generate import prompt
    from asmith.generate.dialogue import Turn

    module = view.look(session.workspace, name, held=True)  # the base: a draft is yet to be judged
    workspace = session.workspace
    first = prompt.dialogue(
        prompt.Request(
            spec=workspace.specs[name],
            interface=workspace.interface_of(name),
            visible=workspace.visible_interfaces(name),
            previous=module.text() if module.source is not None else None,
            reasons=module.stale,
        )
    )
    found = first
    while (turn := turns.latest(session.store, found.digest())) is not None:
        found = found.then(Turn(turn[0].decode("utf-8", "replace"), turn[1]))
        if len(found.turns) >= workspace.config.generator.attempts:
            return first
    return found


def in_store(session: Session, name: ModuleName) -> tuple[Record, bytes] | None:
    """Return an accepted answer that fits today's spec and contracts, if the store has one.

    Raises `DamagedError` if it may have had one.
    """
    workspace = session.workspace
    spec = workspace.specs[name]
    if spec.clarifications:
        return None
    today = traces.make_trace(spec, workspace.interface_of(name), {})
    unwanted = rejected(session, name)
    damage: DamagedError | None = None
    for found in session.store.candidates(name, trace_key(spec.implements, today)):
        if isinstance(found, DamagedError):
            damage = damage or found
        elif found.answer not in unwanted and not traces.stale_reasons(
            found, spec, workspace.interfaces
        ):
            try:
                text = session.store.get(found.assembly)
            except DamagedError as error:
                damage = damage or error
            else:
                if text is not None:
                    return found, text
    if damage is not None:
        raise damage
    return None


def rejected(session: Session, name: ModuleName) -> dict[Digest, str]:
    """Return the answers that a person rejected, and why, unless accepted later."""
    record = session.modules[name].record
    attempts = (*(record.attempts if record else ()), *session.store.attempts(name))
    last = {a.answer: a for a in attempts}
    found = {d: next(iter(a.findings), "") for d, a in last.items() if a.outcome == "rejected"}
    mark = f"{REVIEW}: "
    return {d: why.removeprefix(mark) for d, why in found.items() if why.startswith(mark)}


def obstacle(session: Session, name: ModuleName) -> UnavailableError | None:
    """Return why a waiting module cannot be answered now; None if it can be."""
    from asmith.generate import generators

    module = session.modules[name]
    spec = session.workspace.specs[name]
    if spec.clarifications:
        return UnavailableError(
            f"module '{name}' needs a clarification before it can be generated",
            where=f"{spec.path}:{spec.clarifications[0]}",
            why="the spec says [NEEDS CLARIFICATION: ...]",
            help="decide it, and replace the mark by the decision",
        )
    if module.by_hand and not session.force:
        return UnavailableError(
            f"module '{name}' was edited by hand and is stale",
            where=f"modules/{name}.asm",
            why=f"a new answer would overwrite the edit; stale since {module.stale[0]}",
            help=f"keep it: asmith revalidate {name} (or asmith accept {name}); "
            "replace it: asmith build --force",
        )
    try:
        found = in_store(session, name)
    except DamagedError as error:
        return DamagedError(
            f"module '{name}' is stale, and {error.what}",
            where=error.where,
            why=error.why,
            help=error.help,
        )
    config = session.asking.wishes.generator(session.workspace.config.generator)
    available = generators.available(config)
    if found is None and available and not session.asks:
        return NotNowError(
            f"module '{name}' waits for an answer",
            where=_place(session, name),
            why="; ".join(str(r) for r in module.stale),
        )
    if found is None and not available:
        return UnavailableError(
            f"module '{name}' is stale and there is no answer for it",
            where=_place(session, name),
            why="; ".join(str(r) for r in module.stale),
            help=f"write one: asmith prompt {name} > request, then asmith accept {name} ANSWER; "
            f"keep the old text if it still holds: asmith revalidate {name}; "
            f"{_how_to_ask(config)}; or revert the edit",
        )
    return None


def _how_to_ask(config: GeneratorConfig) -> str:
    """Return how to have a generator answer."""
    from asmith.generate import generators

    if generators.speaks_messages(config):
        return "ask a model: set ANTHROPIC_API_KEY, or name a generator in [tool.asmith.generator]"
    return "or name a generator in [tool.asmith.generator]"


def _place(session: Session, name: ModuleName) -> str:
    """Return the place of the first thing that made a module stale."""
    detail = session.modules[name].stale[0].detail
    spec = session.workspace.specs[name]
    return detail if detail.startswith(spec.path) else spec.path


def answer(session: Session, name: ModuleName) -> None:
    """Make a draft for a waiting module; raises `UnavailableError` or `AnswerError`."""
    if problem := obstacle(session, name):
        raise problem
    found = in_store(session, name)
    if found is not None:
        with contextlib.suppress(DamagedError):
            session.store.get(found[0].answer)  # from the shared store, for whoever asks later
        view.write_draft(session.root, *found)
    else:
        asked = dialogue(session, name)
        kept = session.store.unjudged(name, asked.digest())
        if kept is None:
            if session.asking.wishes.samples > 1:
                require_benchmark(session, name)
            if not session.asking.wishes.batch:
                _refuse_second_order(session, name, asked.digest())
            given = session.asking.ask(session.workspace.config, asked, session.root)
            # Durable before anything looks into it: what was paid for is never lost.
            session.store.keep_answer(asked.digest(), given.raw, given.facts)
            kept = given.raw, given.facts
        if why := rejected(session, name).get(digest_bytes(kept[0])):
            raise UnavailableError(
                f"the answer for '{name}' is the one that was rejected in review",
                where=_place(session, name),
                why=why,
                help="let the spec or the contract say what is wanted instead; "
                f"or hand in another answer: asmith prompt {name}, asmith accept {name} ANSWER",
            )
        draft(session, name, kept[0], asked, Mode.GENERATED, kept[1])
    with session.guard:
        session.look_again(name)


def require_benchmark(session: Session, name: ModuleName) -> None:
    """Refuse to ask for several answers where nothing tells which is correct, or faster."""
    path = layout.benchmark(name)
    if not (session.root / path).exists():
        raise UsageError(
            f"--samples: module '{name}' has no benchmark",
            where=path,
            why="the correct answers are timed with it, and the fastest is kept",
            help="write it: a function calls(module, seed) that returns what is timed "
            "(docs/reference/module-tests.md); or build without --samples",
        )
    if Step(StepKind.TEST, name) not in session.steps_of(name):
        raise UsageError(
            f"--samples: module '{name}' has no tests",
            why="nothing would tell a fast answer from a wrong one",
            help=f"write {layout.MODULE_TESTS}/test_{name}.py; or build without --samples",
        )


def _refuse_second_order(session: Session, name: ModuleName, asked: Digest) -> None:
    """Refuse to pay for what a batch was asked for already."""
    if files.read_if_exists(session.root / layout.BATCH) is None:
        return
    from asmith.generate import batch

    pending = batch.read(session.root / layout.BATCH)
    if pending is not None and pending.of(asked):
        raise UnavailableError(
            f"module '{name}' is being answered by batch {pending.identity}",
            help="wait for it: asmith build --batch; or give it up: remove "
            f"{layout.BATCH} (what it costs is spent)",
        )


def draft(
    session: Session,
    name: ModuleName,
    given: bytes,
    asked: Dialogue,
    mode: Mode,
    facts: Mapping[str, str],
) -> Record:
    """Turn a raw answer into a waiting draft; raises `AsmithError` and logs the attempt."""
    from asmith.generate import answer as grammar
    from asmith.generate.troubles import unfinished

    module = view.look(session.workspace, name, held=True)
    workspace = session.workspace
    own = workspace.interface_of(name)
    previous = module.text() if module.source is not None else None
    record = Record(
        module=name,
        implements=own.name,
        standing=Standing.ACCEPTED,
        mode=mode,
        trace=traces.make_trace(workspace.specs[name], own, {}),
        request=asked.digest(),
        answer=digest_bytes(given),
        assembly=Digest(""),
        object=None,
        generator=dict(facts),
        accepted=clock.now(),
        made_by=made_by(),
    )
    if problem := unfinished(name, facts):
        reject(session, record, problem)
        raise problem
    try:
        text = grammar.assemble_answer(
            given.decode("utf-8", "replace"),
            own.functions,
            previous,
            session.store.shown(record),
            asked=asked.functions,
        )
    except grammar.AnswerError as error:
        reject(session, record, error)
        raise error.about(f"module '{name}'") from None
    imports = traces.imported(nasm.names_in(text), workspace.visible(name), own)
    trace = traces.make_trace(workspace.specs[name], own, imports)
    record = replace(record, trace=trace, assembly=session.store.put(text.encode()))
    view.write_draft(session.root, record, text.encode())
    return record


def made_by() -> dict[str, str]:
    """Return the versions of what asks, checks and assembles: provenance, never staleness."""
    from asmith.generate import prompt

    return {
        "asmith": __version__,
        "nasm": nasm_tool.version(),
        "prompt": str(prompt.VERSION),
        "rules": str(RULESET_VERSION),
    }


def log(
    session: Session, record: Record, findings: tuple[str, ...], *, outcome: str | None = None
) -> None:
    """Append an attempt to its module's log: rejected if it has findings, unless told otherwise."""
    attempt = _attempt(record, findings)
    session.store.log_attempt(record.module, replace(attempt, outcome=outcome or attempt.outcome))


def reject(session: Session, record: Record, error: AsmithError) -> None:
    """Log an answer as rejected, once; keep what was said of it for its generator's next turn."""
    from asmith.generate import feedback
    from asmith.generate.troubles import unfinished

    attempt = _attempt(record, said(error))
    judged = {(a.request, a.answer, a.outcome) for a in session.store.attempts(record.module)}
    if (attempt.request, attempt.answer, attempt.outcome) not in judged:
        session.store.log_attempt(record.module, attempt)
    if record.mode is Mode.GENERATED:
        session.asking.judged[record.module] += 1
        alone = not session.store.has_unjudged(record.module, record.request)
        if alone and not unfinished(record.module, record.generator):
            turns.keep(session.store, record.request, record.answer, feedback.render(error))


def was_accepted(session: Session, record: Record) -> bool:
    """Tell whether a draft was accepted before: it came from the store or from a person."""
    if record.standing is not Standing.ACCEPTED:
        return True
    known = (*session.store.attempts(record.module), *record.attempts)
    return any(a.answer == record.answer and a.outcome == "accepted" for a in known)


def _attempt(record: Record, findings: tuple[str, ...]) -> Attempt:
    return Attempt(
        request=record.request,
        answer=record.answer,
        mode=record.mode,
        generator=record.generator.get("name", ""),
        model=record.generator.get("model", ""),
        usage=usage_of(record.generator) if record.mode is Mode.GENERATED else None,
        outcome="rejected" if findings else "accepted",
        findings=findings,
        at=clock.now(),
    )


def usage_of(facts: Mapping[str, str]) -> Usage:
    """Return what a generator's facts say of tokens and dollars."""

    def count(key: str) -> int | None:
        said = facts.get(key, "")
        return int(said) if said.isdecimal() and said.isascii() else None

    return Usage(
        count("input_tokens"),
        count("output_tokens"),
        count("cache_read_tokens") or 0,
        count("cache_write_tokens") or 0,
        facts.get("usd", UNKNOWN),
    )


def said(error: AsmithError) -> tuple[str, ...]:
    """Return what an attempt's log says of an error: its findings, or its message."""
    from asmith.generate import answer as grammar

    findings = getattr(error, "findings", ())
    if findings:
        return tuple(f"{f.rule}: {f.message}" for f in findings)
    if isinstance(error, grammar.AnswerError):
        return (f"ANSWER: {error.what}",)
    lines = [line for line in (error.why or "").splitlines() if line.startswith("FAILED")]
    return (f"TEST: {error.what}", *lines) if lines else (f"STEP: {error.what}",)


def with_attempts(session: Session, record: Record, base: Record | None) -> Record:
    """Return a record that holds every attempt known for its module, each once, in order."""
    known = [*(base.attempts if base else ()), *record.attempts]
    known += session.store.attempts(record.module)
    once = dict.fromkeys(known)
    return replace(record, attempts=tuple(sorted(once, key=lambda a: a.at)))
