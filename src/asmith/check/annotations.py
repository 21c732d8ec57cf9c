"""Findings as annotations of a GitHub Actions job: one workflow command a line.

A command is `::LEVEL PROPERTIES::MESSAGE`. `%`, carriage return and newline are escaped in both
parts, `:` and `,` in properties too, so that no name or message can start a command of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.report import summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asmith.check.inputs import CheckResult, NotAnalysed
    from asmith.model.finding import Finding

_MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_MESSAGE, ":": "%3A", ",": "%2C"}


def as_annotations(results: Sequence[CheckResult]) -> str:
    """Return the commands, then the summary as plain lines of the job's log; no final newline.

    What was not analysed is one notice an object: a job shows ten annotations of a level, and
    findings come first.
    """
    lines = [_annotation(finding) for result in results for finding in result.findings]
    for result in results:
        lost: dict[str, list[NotAnalysed]] = {}
        for item in result.not_analysed:
            lost.setdefault(item.object, []).append(item)
        lines += [_notice(name, items) for name, items in lost.items()]
    return "\n".join([*lines, *(_plain(line) for line in summary(results).splitlines())])


def _annotation(finding: Finding) -> str:
    spot = ""
    if finding.function:
        spot = f" ({finding.function}+{finding.offset or 0:#x})"
    properties = {"file": finding.file or finding.object}
    if finding.line is not None:
        properties["line"] = str(finding.line)
    properties["title"] = f"asmith {finding.rule}"
    message = f"{finding.message}{spot}\nwhy:  {finding.why}\nhelp: {finding.help}"
    return _command(str(finding.severity), properties, message)


def _notice(name: str, items: Sequence[NotAnalysed]) -> str:
    shown = "\n".join(f"{item.function or name}: {item.reason}" for item in items)
    count = f"{len(items)} function{'s' if len(items) != 1 else ''}"
    return _command("notice", {"file": name, "title": f"asmith: {count} not analysed"}, shown)


def _plain(line: str) -> str:
    """Return a line of the log that is no command: a runner ignores blanks before `::`."""
    return f"| {line}" if line.lstrip().startswith("::") else line


def _command(level: str, properties: dict[str, str], message: str) -> str:
    listed = ",".join(f"{k}={_escaped(v, _PROPERTY)}" for k, v in properties.items() if v)
    return f"::{level} {listed}::{_escaped(message, _MESSAGE)}"


def _escaped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(letter, letter) for letter in text)
