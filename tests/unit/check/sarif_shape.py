"""The constraints of the SARIF 2.1.0 schema that concern what asmith writes, as assertions.

`./dev bench sarif` holds the same logs to the schema itself, which is not kept here.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

LEVELS = {"none", "note", "warning", "error"}

ALLOWED = {
    "log": {"$schema", "version", "runs"},
    "run": {"tool", "invocations", "columnKind", "results"},
    "driver": {"name", "version", "rules"},
    "rule": {"id", "shortDescription", "fullDescription", "help"},
    "result": {
        "ruleId",
        "ruleIndex",
        "level",
        "message",
        "locations",
        "partialFingerprints",
        "suppressions",
    },
    "location": {"physicalLocation", "logicalLocations"},
    "notification": {"level", "message", "locations"},
}
"""Property names; the schema allows no others, and these are all that we use."""


def assert_sarif(log: dict[str, Any]) -> None:
    """Fail unless the log has the form of SARIF 2.1.0."""
    assert set(log) <= ALLOWED["log"]
    assert log["version"] == "2.1.0"
    assert urlsplit(log["$schema"]).scheme == "https"
    for run in log["runs"]:
        _run(run)


def _run(run: dict[str, Any]) -> None:
    assert set(run) <= ALLOWED["run"]
    assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
    driver = run["tool"]["driver"]
    assert set(driver) <= ALLOWED["driver"]
    assert driver["name"]
    for rule in driver["rules"]:
        assert set(rule) <= ALLOWED["rule"]
        assert all(rule[key]["text"] for key in set(rule) - {"id"})
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids)
    for result in run["results"]:
        _result(result, ids)
    for invocation in run["invocations"]:
        assert isinstance(invocation["executionSuccessful"], bool)
        for notification in invocation["toolExecutionNotifications"]:
            assert set(notification) <= ALLOWED["notification"]
            assert notification["level"] in LEVELS
            assert notification["message"]["text"]
            for location in notification.get("locations", ()):
                _location(location)


def _result(result: dict[str, Any], ids: list[str]) -> None:
    assert set(result) <= ALLOWED["result"]
    assert ids[result["ruleIndex"]] == result["ruleId"]
    assert result["level"] in LEVELS
    assert result["message"]["text"]
    assert all(isinstance(v, str) for v in result["partialFingerprints"].values())
    for suppression in result.get("suppressions", ()):
        assert suppression["kind"] in {"inSource", "external"}
        assert isinstance(suppression["justification"], str)
    for location in result.get("locations", ()):
        _location(location)


def _location(location: dict[str, Any]) -> None:
    assert set(location) <= ALLOWED["location"]
    physical = location["physicalLocation"]
    uri = physical["artifactLocation"]["uri"]
    assert re.fullmatch(r"(file://)?[A-Za-z0-9/._~%-]+", uri), uri
    region = physical.get("region")
    assert region is None or region["startLine"] >= 1
    for logical in location.get("logicalLocations", ()):
        assert logical["name"]
