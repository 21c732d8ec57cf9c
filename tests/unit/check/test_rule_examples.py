"""The examples in the rules' documentation: really assembled, really checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from check_support import examples, header_example, link_example, subject

from asmith.check.engine import Level, check_header, check_link, check_object
from asmith.check.rules import all_rules

if TYPE_CHECKING:
    from asmith.check.engine import CheckResult
    from asmith.check.rules import Rule

RULES = pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)


def outcomes(rule: Rule, outcome: str) -> list[CheckResult]:
    if rule.level in (Level.OBJECT, Level.CODE):
        return [check_object(subject(text)) for text in examples(rule.doc, "nasm", outcome)]
    if rule.level is Level.HEADER:
        return [check_header(header_example(t)) for t in examples(rule.doc, "json", outcome)]
    return [check_link(link_example(text)) for text in examples(rule.doc, "json", outcome)]


@RULES
def test_each_failing_example_fails_its_own_rule_alone(rule: Rule) -> None:
    results = outcomes(rule, "fails")
    assert results
    for result in results:
        assert {finding.rule for finding in result.findings} == {rule.id}


@RULES
def test_each_passing_example_passes_all_rules(rule: Rule) -> None:
    results = outcomes(rule, "passes")
    assert results
    for result in results:
        assert result.findings == ()
        assert result.not_analysed == ()
