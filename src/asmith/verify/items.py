"""pytest items in children of their own: their reports, and what to say of a dead child."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

from asmith.verify import isolation
from asmith.verify.crash import explain, registers
from asmith.verify.failure import ModuleFailure
from asmith.verify.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.verify.isolation import Ended
    from asmith.verify.session import VerifySession

MARKER = "asmith_limits"


def run_item(item: pytest.Item, session: VerifySession) -> Iterator[pytest.TestReport]:
    """Run an item in a child and yield its reports, or reports made for it if it died."""
    try:
        limits = limits_of(item)
    except ValueError as error:
        yield from _made(item, f"error: {error}", "setup", 0.0)
        return
    session.record.clear()
    ended = isolation.run(lambda: _reports(item, session), limits)
    reports = _decode(item, ended)
    yield from _obituary(item, session, ended, limits) if reports is None else reports


def limits_of(item: pytest.Item) -> Limits:
    """Return the limits of an item: the defaults, changed by its nearest markers."""
    given: dict[str, object] = {}
    for mark in reversed(list(item.iter_markers(MARKER))):
        if mark.args:
            raise ValueError(f"{MARKER} takes keywords only: cpu, wall, memory, file, processes")
        given.update(mark.kwargs)
    return Limits.of(given)


def note_place(report: pytest.TestReport, error: BaseException | None) -> None:
    """Store in a report where the module failed, for whoever reads reports as data."""
    if isinstance(error, ModuleFailure):
        found = error.finding
        place = {"file": found.file, "line": found.line, "message": str(error)}
        report.__dict__["asmith_failure"] = place


# ---- in the child --------------------------------------------------------------------------------


def _reports(item: pytest.Item, session: VerifySession) -> bytes:
    """Run all phases of an item and return its reports as JSON."""
    session.isolated = True
    try:
        reports = runtestprotocol(item, log=False, nextitem=None)
    except pytest.exit.Exception as error:
        return json.dumps({"exit": error.msg}).encode()
    failure = session.record.failure
    if failure is not None and all(r.outcome != "failed" for r in reports):
        _fail(reports, failure)
    hook = item.config.hook
    data = [hook.pytest_report_to_serializable(config=item.config, report=r) for r in reports]
    return json.dumps({"reports": data}, default=repr).encode()


def _fail(reports: list[pytest.TestReport], failure: BaseException) -> None:
    """Let a test fail that caught what its module did."""
    for report in reports:
        if report.when == "call":
            report.outcome = "failed"
            report.longrepr = f"{failure}\nnote: the test caught this and went on"
            note_place(report, failure)


# ---- in the parent -------------------------------------------------------------------------------


def _decode(item: pytest.Item, ended: Ended) -> list[pytest.TestReport] | None:
    """Return the reports that the child handed over, or None if there are none to be read.

    Raises pytest's exit where the test asked for it.
    """
    if ended.exit_code != 0:
        return None
    config = item.config
    try:
        value: dict[str, Any] = json.loads(ended.data)
        text = value.get("exit")
        reports = [
            config.hook.pytest_report_from_serializable(config=config, data=data)
            for data in value.get("reports", ())
        ]
    except Exception:  # noqa: BLE001 -- a module may have written anything here
        return None
    if text is not None:
        pytest.exit(str(text))
    return reports or None


def _obituary(
    item: pytest.Item, session: VerifySession, ended: Ended, limits: Limits
) -> Iterator[pytest.TestReport]:
    """Yield reports for an item whose child died without any."""
    fault = session.record.take()
    if fault is not None:
        cpu = fault.signal == signal.SIGXCPU
        limit = f"{limits.cpu} s of processor time" if cpu else f"{limits.wall:g} s"
        finding = explain(fault, session.lines, None, limit=limit)
        failure = ModuleFailure(finding, registers(fault))
        reports = _made(item, str(failure), "call", ended.seconds)
        note_place(reports[1], failure)
    else:
        reports = _made(item, _how_it_ended(ended, limits), "call", ended.seconds)
    output = session.pending_output(item.config)
    for report in reports:
        if report.when == "call":
            report.sections += output
    yield from reports


def _how_it_ended(ended: Ended, limits: Limits) -> str:
    lines = ["error: the test's process ended without a report"]
    if ended.overtime:
        lines[0] = f"error: the test did not end within {limits.wall:g} s"
        lines.append("why:  the wall-clock limit of a test")
        lines.append("help: end the wait, or give it more: @pytest.mark.asmith_limits(wall=...)")
    elif ended.signal is not None:
        name = signal.Signals(ended.signal).name
        lines.append(f"why:  {name} killed it")
        lines.append("help: look for memory that the module corrupted before")
    else:
        lines.append(f"why:  it exited with status {ended.exit_code}")
        lines.append("help: neither the module nor the test may call exit")
    return "\n".join(lines)


def _made(item: pytest.Item, text: str, when: str, seconds: float) -> list[pytest.TestReport]:
    """Return reports of an item that failed in phase `when`, made without running it."""
    phases = ("setup", "teardown") if when == "setup" else ("setup", "call", "teardown")
    return [
        pytest.TestReport(
            nodeid=item.nodeid,
            location=item.location,
            keywords=dict.fromkeys(item.keywords, 1),
            outcome="failed" if phase == when else "passed",
            longrepr=text if phase == when else None,
            when=phase,  # type: ignore[arg-type]
            duration=seconds if phase == when else 0.0,
        )
        for phase in phases
    ]
