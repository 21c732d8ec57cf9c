"""The engine: runs every rule of a level over one input, and puts the findings in order."""

from __future__ import annotations

import gc
from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING

from asmith.check.coverage import not_analysed
from asmith.check.followed import follow
from asmith.check.inputs import (
    CheckResult,
    HeaderInput,
    Level,
    LinkInput,
    NotAnalysed,
    ObjectInput,
    Profile,
    Waived,
)
from asmith.check.rules import all_rules, explain
from asmith.check.waivers import split_waived
from asmith.dataclass import replace
from asmith.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asmith.check.followed import Followed
    from asmith.model.finding import Finding

__all__ = [
    "RULESET_VERSION",
    "CheckResult",
    "HeaderInput",
    "Level",
    "LinkInput",
    "NotAnalysed",
    "ObjectInput",
    "Profile",
    "Waived",
    "all_rules",
    "check_header",
    "check_link",
    "check_object",
    "explain",
]

RULESET_VERSION = 24
"""Raise it with every change of what a rule finds: the check step of every module runs again."""

BY_RUNS = "ABI012"
"""The rule that shows a fault without a reason for it."""
LIMIT = 10
"""At most so many findings of one rule in one function are shown."""


def check_object(subject: ObjectInput) -> CheckResult:
    """Return what the rules of the object level find in one object.

    Python's collector is kept from searching meanwhile: an analysis makes many objects, and leaves
    no circles of them. What is left of it counts as old afterwards, so the next search, which is of
    what is young, passes it by.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        return _checked(subject)
    finally:
        if was:
            gc.freeze()
            gc.unfreeze()
            gc.enable()


def warm() -> None:
    """Load what the first check would have to, for whoever has time before it."""
    from asmith.check.flow import analysis
    from asmith.check.trial import trial
    from asmith.toolchain import decode

    del analysis, trial
    all_rules()
    decode.warm()


def _checked(subject: ObjectInput) -> CheckResult:
    followed = follow(subject)
    unfollowed = not_analysed(followed)
    lost = {item.function for item in unfollowed}
    found = _explained(chain(_findings(Level.OBJECT, subject), _findings(Level.CODE, followed)))
    kept, waived = split_waived(found, subject.interface)
    return CheckResult(
        findings=in_order(kept),
        functions=len(followed.names),
        analysed=sum(1 for name in followed.names if name not in lost),
        not_analysed=unfollowed,
        waived=waived,
    )


def _explained(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings without what runs show of functions of which more is known.

    An error that is in no function may be the reason of anything.
    """
    found = list(findings)
    known = {f.function for f in found if f.rule != BY_RUNS and f.severity == Severity.ERROR}
    if "" in known:
        return [f for f in found if f.rule != BY_RUNS]
    return [f for f in found if f.rule != BY_RUNS or f.function not in known]


def check_link(subject: LinkInput) -> CheckResult:
    """Return what the rules of the link level find in one product."""
    return CheckResult(findings=in_order(_findings(Level.LINK, subject)))


def check_header(subject: HeaderInput) -> CheckResult:
    """Return what the rules of the header level find in one external interface."""
    kept, waived = split_waived(_findings(Level.HEADER, subject), subject.interface)
    return CheckResult(findings=in_order(kept), waived=waived)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings by file, line and rule, at most `LIMIT` of a rule in a function.

    The last one that is shown says how many more there are.
    """
    ordered = sorted(
        findings,
        key=lambda f: (f.file, f.line or 0, f.rule, f.object, f.function, f.offset or 0, f.message),
    )
    groups: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for item in ordered:
        groups[item.rule, item.object, item.function].append(item)
    shown: list[Finding] = []
    for item in ordered:
        group = groups[item.rule, item.object, item.function]
        if any(item is kept for kept in group[: LIMIT - 1]) or len(group) < LIMIT:
            shown.append(item)
        elif item is group[LIMIT - 1]:
            more = len(group) - LIMIT
            words = f"{item.message} (and {more} more of this rule)" if more else item.message
            shown.append(replace(item, message=words))
    return tuple(shown)


def _findings(
    level: Level, subject: ObjectInput | Followed | LinkInput | HeaderInput
) -> Iterable[Finding]:
    """Yield the findings of a level's rules, each with the severity that the profile gives it."""
    for rule in all_rules():
        severity = rule.profiles.get(subject.profile)
        if rule.level == level and severity is not None:
            for item in rule.check(subject):
                yield replace(item, severity=severity)
