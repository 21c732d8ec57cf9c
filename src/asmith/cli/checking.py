"""`asmith check` and `asmith explain`."""

from __future__ import annotations

import gc
import json
from typing import TYPE_CHECKING

from asmith import __version__
from asmith.cli.output import note, root_of, show_json
from asmith.errors import ExitCode, UsageError
from asmith.model.objects import ObjectFacts

if TYPE_CHECKING:
    import argparse

    from asmith.check.engine import CheckResult, ObjectInput
    from asmith.errors import AsmithError


def check(options: argparse.Namespace) -> int:
    """Check modules of the project, or one object outside of it."""
    wanted = _format(options)
    if options.object and options.modules:
        raise UsageError(
            f"modules are not checked together with --object: {' '.join(options.modules)}",
            help="leave out one of them; objects follow --object",
        )
    results = _outside(options) if options.object else _modules(options)
    _SHOW[wanted](options, results)
    failed = any(f.severity == "error" for r in results for f in r.findings)
    return int(ExitCode.FINDINGS if failed else ExitCode.OK)


def _format(options: argparse.Namespace) -> str:
    """Return the format that was asked for; `--json` is short for `--format json`."""
    if options.json and options.format not in (None, "json"):
        raise UsageError(
            f"--json contradicts --format {options.format}", help="leave out one of them"
        )
    return "json" if options.json else options.format or "text"


def _text(options: argparse.Namespace, results: list[CheckResult]) -> None:
    from asmith.check import report

    for finding in (f for r in results for f in r.findings):
        print(finding.render() + "\n")
    note(options, report.summary(results))


def _json(_options: argparse.Namespace, results: list[CheckResult]) -> None:
    from asmith.check import report

    show_json(report.as_json(results))


def _sarif(_options: argparse.Namespace, results: list[CheckResult]) -> None:
    from asmith.check import sarif

    print(json.dumps(sarif.as_sarif(results, __version__), indent=2))


def _github(_options: argparse.Namespace, results: list[CheckResult]) -> None:
    from asmith.check import annotations

    print(annotations.as_annotations(results))


_SHOW = {"text": _text, "json": _json, "sarif": _sarif, "github": _github}


def _modules(options: argparse.Namespace) -> list[CheckResult]:
    from asmith.check import engine
    from asmith.model.names import ModuleName
    from asmith.model.plan import Step, StepKind
    from asmith.run import actions, layout
    from asmith.run.executor import run_steps
    from asmith.run.session import Session
    from asmith.store import lock

    root = root_of(options)
    with lock.held(root / layout.LOCK):
        session = Session.open(root)
        session.hold([n for n, m in session.modules.items() if m.waiting])
        names = [session.named(m).name for m in options.modules] or sorted(session.modules)
        steps = [Step(StepKind.ASSEMBLE, n) for n in names]
        run_steps(session, steps, 1)
        found = [_not_assembled(e) for e in session.failures.values()]
        whole = [s.subject for s in steps if s not in session.failures]
        return found + [
            engine.check_object(actions.object_input(session, ModuleName(n))) for n in whole
        ]


def _not_assembled(error: AsmithError) -> CheckResult:
    """Return what nasm found as findings like any others; raises what is something else."""
    from asmith.check.engine import CheckResult
    from asmith.run.jobs import FindingsError

    if isinstance(error, FindingsError):
        return CheckResult(findings=error.findings)
    raise error


def _outside(options: argparse.Namespace) -> list[CheckResult]:
    from asmith.check import engine
    from asmith.cli.sources import Sources
    from asmith.contract.reader import read_interfaces
    from asmith.host import files
    from asmith.model.names import InterfaceName
    from asmith.model.spec import Use
    from asmith.toolchain import archive

    gc.disable()  # nothing here makes circles; looking for them takes a tenth of the time
    headers = {InterfaceName(p.stem): (str(p), files.read_bytes(p)) for p in options.interface}
    interfaces = read_interfaces(headers, complete=False)
    own = interfaces[InterfaceName(options.interface[0].stem)] if options.interface else None
    subject = engine.ObjectInput(
        facts=_NOTHING,
        interface=own,
        visible=interfaces,
        uses=tuple(Use(n) for n in interfaces),
        profile=engine.Profile(options.profile),
    )
    return [
        Sources(files.written(path)).shown(_member(name, member, subject))
        for path in options.object
        for name, member in archive.members(files.read_bytes(path), str(path))
    ]


_NOTHING = ObjectFacts("", (), (), (), ())


def _member(name: str, data: bytes, subject: ObjectInput) -> CheckResult:
    """Check one object; a member of an archive that cannot be read is said to be not analysed."""
    from asmith.check import engine
    from asmith.dataclass import replace
    from asmith.errors import UsageError
    from asmith.toolchain import elf

    try:
        facts = elf.read_object(data, name)
    except UsageError as error:
        if not name.endswith(")"):
            raise
        reason = error.why or str(error)
        return engine.CheckResult(not_analysed=(engine.NotAnalysed(name, "", reason),))
    return engine.check_object(replace(subject, facts=facts))


_NO_RULES = {
    "ASM001": "nasm does not accept the text; every warning of nasm counts as an error.",
    "RUN001": "A signal ended a call of a module's test: a crash, at the line that is shown.",
    "RUN002": "A module's test did not end within its limits of processor or wall time.",
    "RUN003": "A call returned with a register or mode changed that belongs to the caller.",
    "RUN004": "A call wrote bytes beside the memory that the test gave it.",
    "RUN005": "A `_Bool` result was neither 0 nor 1.",
}
"""Findings that come from assembling and from tests (docs/reference/module-tests.md)."""


def explain(options: argparse.Namespace) -> int:
    """Print a rule's documentation, or the list of rules."""
    from asmith.check import engine

    if options.rule:
        known = _NO_RULES.get(options.rule)
        text = f"# {options.rule}: {known}" if known else engine.explain(options.rule)
        if options.json:
            show_json({"rule": options.rule, "text": text})
        else:
            print(text)
        return 0
    rules = engine.all_rules()
    if options.json:
        show_json({"rules": [r.id for r in rules]})
    for rule in () if options.json else rules:
        note(options, f"{rule.id}  {rule.title}")
    return 0
