"""Results as SARIF 2.1.0."""

from __future__ import annotations

import json

import pytest
from renderings import FOUND, RESULTS
from sarif_shape import assert_sarif

from asmith.check.engine import CheckResult
from asmith.check.rules import all_rules
from asmith.check.sarif import as_sarif


def test_every_log_has_the_form_of_the_schema() -> None:
    for results in ([], RESULTS, RESULTS[:1], RESULTS[1:]):
        assert_sarif(as_sarif(results, "1.2"))


def test_a_finding_is_a_result_at_its_line_and_function() -> None:
    run = as_sarif(RESULTS[:1], "1.2")["runs"][0]
    assert run["tool"]["driver"]["version"] == "1.2"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["ELF006"]
    result = run["results"][0]
    assert result["message"]["text"] == (
        "code holds an absolute address\n"
        "why: a shared object has no fixed place\n"
        "help: use lea x, [rel sym]"
    )
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "modules/counter.asm"},
                "region": {"startLine": 31, "snippet": {"text": "        mov     rbx, counts"}},
            },
            "logicalLocations": [
                {
                    "name": "counter_next",
                    "fullyQualifiedName": "counter_next+0x2f",
                    "kind": "function",
                }
            ],
        }
    ]


def test_a_waived_finding_is_a_suppressed_result_with_its_reason() -> None:
    open_, waived = as_sarif(RESULTS[:1], "1")["runs"][0]["results"]
    assert "suppressions" not in open_
    assert waived["suppressions"] == [
        {"kind": "inSource", "justification": "the loader of this product is ours"}
    ]


def test_what_was_not_analysed_is_a_notification() -> None:
    (invocation,) = as_sarif(RESULTS[:1], "1")["runs"][0]["invocations"]
    (told,) = invocation["toolExecutionNotifications"]
    assert told["message"]["text"] == (
        "not analysed: tick of build/obj/counter.o: a jump through memory"
    )


def test_a_member_is_a_part_of_its_archive_and_names_are_quoted() -> None:
    result = as_sarif(RESULTS[1:], "1")["runs"][0]["results"][0]
    (location,) = result["locations"]
    uri = location["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "file:///a%20dir%FF/lib%2541%2Cx%3A1.a"
    assert location["logicalLocations"] == [{"name": "söme\n\ufffdfile.o", "kind": "object"}]


def test_a_name_that_is_no_utf_8_is_shown_with_a_replacement() -> None:
    json.dumps(as_sarif(RESULTS, "1"), ensure_ascii=False).encode()


def test_the_fingerprint_stays_when_lines_move() -> None:
    from dataclasses import replace

    def fingerprint(**changes: object) -> object:
        result = CheckResult(findings=(replace(FOUND, **changes),))
        return as_sarif([result], "1")["runs"][0]["results"][0]["partialFingerprints"]

    assert fingerprint(line=77, excerpt="") == fingerprint()
    assert fingerprint(message="another") != fingerprint()
    assert fingerprint(function="another") != fingerprint()


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_every_rule_has_a_description_without_its_examples(rule: object) -> None:
    from dataclasses import replace

    finding = replace(FOUND, rule=rule.id)  # type: ignore[attr-defined]
    log = as_sarif([CheckResult(findings=(finding,))], "1")
    assert_sarif(log)
    (told,) = log["runs"][0]["tool"]["driver"]["rules"]
    assert "```" not in told["fullDescription"]["text"]
    assert told["help"]["markdown"].startswith(told["shortDescription"]["text"])


def test_a_log_is_the_same_for_the_same_results() -> None:
    assert json.dumps(as_sarif(RESULTS, "1")) == json.dumps(as_sarif(RESULTS, "1"))
