"""Commands that only look: `plan`, `why`, `graph`, `doctor`."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from asmith.cli.output import note, root_of, show_json
from asmith.errors import ExitCode
from asmith.model.names import ModuleName
from asmith.model.plan import StepKind

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from asmith.generate.estimate import Estimate
    from asmith.run.session import Session


def _open(options: argparse.Namespace) -> Session:
    from asmith.run.session import Session

    return Session.open(root_of(options))


def _changed(options: argparse.Namespace) -> Session:
    """Return a session of what changed since the last build, if that is known."""
    from asmith.run.resident import Resident

    at_home = options.at_home or Resident.open(root_of(options))
    return at_home.session()


def plan(options: argparse.Namespace) -> int:
    """Print every step that a build would run at most, with reasons."""
    from asmith.run import planning, review

    session = _open(options) if options.targets else _changed(options)
    made = planning.plan(session, options.targets)
    generate = [p for p in made.steps if p.step.kind is StepKind.GENERATE]
    estimates = _estimates(session, [ModuleName(p.step.subject) for p in generate], options)
    if options.json:
        show_json(
            {
                "steps": [
                    {
                        "step": str(p.step.kind),
                        "module": p.step.subject,
                        "certain": p.certain,
                        "reasons": [r.to_json() for r in p.reasons],
                    }
                    for p in made.steps
                ],
                "sets": [{"modules": s.modules, "because": s.because} for s in made.sets],
                "generate": [
                    {
                        "module": p.step.subject,
                        "reasons": [r.to_json() for r in p.reasons],
                        "source": _source(session, ModuleName(p.step.subject)),
                        "estimate": estimates[p.step.subject].to_json()
                        if p.step.subject in estimates
                        else None,
                    }
                    for p in generate
                ],
            }
        )
        return 0
    for planned in made.steps:
        mark = "" if planned.certain else "  (unless cut off)"
        note(options, f"{planned.step}{mark}")
        for line in (x for reason in planned.reasons for x in reason.lines()):
            note(options, f"    {line}")
        if planned.step.kind is StepKind.GENERATE:
            note(options, f"    from: {_source(session, ModuleName(planned.step.subject))}")
            if planned.step.subject in estimates:
                note(options, f"    takes: {estimates[planned.step.subject]}")
    _show_total(options, session, estimates)
    note(options, _at_most(len(made.steps)))
    for line in review.note_of(review.waiting(session)):
        note(options, line)
    return 0


def _at_most(steps: int) -> str:
    return f"{steps} step{'s' if steps > 1 else ''} at most" if steps else "nothing to do"


def _estimates(
    session: Session, names: Sequence[ModuleName], options: argparse.Namespace
) -> dict[str, Estimate]:
    """Return what asking for each of these modules may take, where a provider would be asked."""
    from asmith.run import estimates

    wanted = [n for n in names if _source(session, n) == "generator"]
    with closing(session.asking):
        made = {n: estimates.of(session, n, exact=options.exact) for n in wanted}
    return {n: e for n, e in made.items() if e is not None}


def _show_total(
    options: argparse.Namespace, session: Session, estimates: Mapping[str, Estimate]
) -> None:
    if len(estimates) > 1:
        known = [e.usd for e in estimates.values() if e.usd is not None]
        dollars = f"about {sum(known):.3f} USD" if known else "price unknown"
        budget = session.workspace.config.budget.usd
        note(options, f"asking for {len(estimates)} modules: {dollars}, an estimate; "
             f"the budget of a run is {budget:.2f} USD")  # fmt: skip


def _source(session: Session, name: ModuleName) -> str:
    """Return where a waiting module's answer would come from."""
    from asmith.run import answering

    if answering.obstacle(session, name):
        return "nobody yet"
    return "store" if answering.in_store(session, name) else "generator"


def why(options: argparse.Namespace) -> int:
    """Print why a module's steps would run."""
    from asmith.run import planning

    session = _open(options)
    found = planning.why(session, session.named(options.module).name)
    if options.json:
        steps = [{"step": str(s), "reasons": [r.to_json() for r in rs]} for s, rs in found]
        show_json({"module": options.module, "steps": steps})
        return 0
    for step, reasons in found:
        note(options, str(step))
        for line in (x for reason in reasons for x in reason.lines()):
            note(options, f"    {line}")
    if not found:
        note(options, f"{options.module} is fresh: nothing would run")
    return 0


def graph(options: argparse.Namespace) -> int:
    """Print the module graph."""
    from asmith.graph import structure
    from asmith.run import review

    session = _open(options)
    in_review = review.waiting(session)
    edges = session.edges()
    if options.json:
        show_json(
            {
                "modules": {n: sorted(e) for n, e in sorted(edges.items())},
                "layers": structure.layers(edges),
                "cycles": structure.cycles(edges),
                "products": {
                    s.subject: session.linked(s)
                    for s in session.all_steps()
                    if s.kind is StepKind.LINK
                },
            }
        )
    elif options.dot:
        print(structure.dot(edges), end="")
    else:
        width = max((len(n) for n in edges), default=0)
        for name in sorted(edges):
            module = session.modules[ModuleName(name)]
            state = (
                "review"
                if name in in_review
                else "stale"
                if module.stale
                else "edited"
                if module.by_hand
                else "fresh"
            )
            calls = ", ".join(sorted(edges[name])) or "-"
            note(options, f"{name:<{width}}  {state:<6}  {calls}")
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Print the needs and what was found; exit 3 if something is missing."""
    from asmith.toolchain.doctor import examine

    needs = examine()
    missing = [n for n in needs if not n.found]
    if options.json:
        found: dict[str, Any] = {n.name: n.found or None for n in needs}
        show_json({"found": found, "missing": [n.name for n in missing]})
    else:
        for need in needs:
            note(options, f"{need.name:<12} {need.found or 'missing: ' + need.help}")
    return int(ExitCode.UNAVAILABLE if missing else ExitCode.OK)
