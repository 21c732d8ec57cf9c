"""Results as one SARIF 2.1.0 log, for code scanning and editors.

Findings are results, waived ones are suppressed results with the waiver's reason, and functions
that could not be followed are notifications of the run: a reader that shows only results still
sees a warning, and none of them counts as clean. Section numbers are those of SARIF 2.1.0.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from asmith.check.rules import all_rules
from asmith.model.names import digest_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asmith.check.inputs import CheckResult, NotAnalysed
    from asmith.check.rules import Rule
    from asmith.model.finding import Finding

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT = "asmithFinding/v1"

_MEMBER = re.compile(r"(.+\.a)\((.+)\)", re.DOTALL)
_EXAMPLES = re.compile(r"^(Fails|Passes)\b", re.MULTILINE)


def as_sarif(results: Sequence[CheckResult], version: str) -> dict[str, Any]:
    """Return the log of one run of asmith `version`; equal results give an equal log."""
    known = {rule.id: rule for rule in all_rules()}
    told = [(finding, None) for result in results for finding in result.findings]
    waived = [(item.finding, item.reason) for result in results for item in result.waived]
    ids = sorted({finding.rule for finding, _ in (*told, *waived)})
    places = {rule: index for index, rule in enumerate(ids)}
    lost = [item for result in results for item in result.not_analysed]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "asmith",
                        "version": version,
                        "rules": [_descriptor(rule, known.get(rule)) for rule in ids],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [_notification(item) for item in lost],
                    }
                ],
                "columnKind": "unicodeCodePoints",
                "results": [
                    _result(finding, places[finding.rule], reason)
                    for finding, reason in (*told, *waived)
                ],
            }
        ],
    }


def _descriptor(rule_id: str, rule: Rule | None) -> dict[str, Any]:
    """Return a reportingDescriptor (3.49); a finding of nasm's has no rule file."""
    if rule is None:
        return {"id": rule_id}
    words = _EXAMPLES.split(rule.doc, maxsplit=1)[0].strip()
    return {
        "id": rule_id,
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": words},
        "help": {"text": words, "markdown": rule.doc},
    }


def _result(finding: Finding, index: int, reason: str | None) -> dict[str, Any]:
    """Return a result (3.27); `reason` is that of the waiver which suppresses it."""
    made: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": str(finding.severity),
        "message": {
            "text": _text(f"{finding.message}\nwhy: {finding.why}\nhelp: {finding.help}"),
        },
        "partialFingerprints": {FINGERPRINT: _fingerprint(finding)},
    }
    place = finding.file or finding.object
    if place:
        made["locations"] = [_location(place, finding)]
    if reason is not None:
        made["suppressions"] = [{"kind": "inSource", "justification": reason}]
    return made


def _location(place: str, finding: Finding) -> dict[str, Any]:
    """Return a location (3.28): the source line where it is known, the function in any case."""
    made = _artifact(place)
    if finding.line is not None and finding.line > 0:
        region: dict[str, Any] = {"startLine": finding.line}
        if finding.excerpt:
            region["snippet"] = {"text": _text(finding.excerpt)}
        made["physicalLocation"]["region"] = region
    if finding.function:
        offset = "" if finding.offset is None else f"+{finding.offset:#x}"
        made.setdefault("logicalLocations", []).append(
            {
                "name": _text(finding.function),
                "fullyQualifiedName": _text(f"{finding.function}{offset}"),
                "kind": "function",
            }
        )
    return made


def _artifact(place: str) -> dict[str, Any]:
    """Return the location of a file; a member of an archive is a logical part of the archive."""
    member = _MEMBER.fullmatch(place)
    uri = _uri(member[1] if member else place)
    made: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": uri}}}
    if member:
        made["logicalLocations"] = [{"name": _text(member[2]), "kind": "object"}]
    return made


def _uri(path: str) -> str:
    """Return a path as a URI reference (3.4.3); an absolute one gets the scheme `file`.

    A first segment with a colon would be read as a scheme (RFC 3986, section 4.2).
    """
    quoted = quote(path, safe="/", errors="surrogateescape")
    return f"file://{quoted}" if path.startswith("/") else quoted


def _notification(item: NotAnalysed) -> dict[str, Any]:
    """Return a notification (3.58) of something that was not followed."""
    made: dict[str, Any] = {
        "level": "warning",
        "message": {"text": _text(f"not analysed: {item.whole}: {item.reason}")},
    }
    if item.object:
        made["locations"] = [_artifact(item.object)]
    return made


def _fingerprint(finding: Finding) -> str:
    """Return what stays when lines move: rule, object, function and message."""
    parts = [finding.rule, finding.object, finding.function, finding.message]
    return digest_of("finding", [_text(part) for part in parts])


def _text(words: str) -> str:
    """Return words with U+FFFD where a file's name holds bytes that are no UTF-8."""
    return words.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
