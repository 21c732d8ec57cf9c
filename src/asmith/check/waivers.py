"""Waivers: `asm waive RULE "reason"`, on a function or on a whole interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.inputs import Waived
from asmith.model.contract import Words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asmith.model.contract import Interface
    from asmith.model.finding import Finding


def split_waived(
    findings: Iterable[Finding], interface: Interface | None
) -> tuple[tuple[Finding, ...], tuple[Waived, ...]]:
    """Return (findings that stand, findings that the interface waives)."""
    kept, waived = [], []
    for finding in findings:
        reason = _reason(finding, interface)
        if reason is None:
            kept.append(finding)
        else:
            waived.append(Waived(finding, reason))
    return tuple(kept), tuple(waived)


def _reason(finding: Finding, interface: Interface | None) -> str | None:
    """Return the reason of the waiver that covers a finding: the function's own one first."""
    if interface is None:
        return None
    function = interface.functions.get(finding.function)
    for clause in (*(function.clauses if function else ()), *interface.clauses):
        if clause.keyword == "waive" and isinstance(clause.body, Words):
            rule, reason = clause.body.words
            if rule == finding.rule:
                return reason
    return None
