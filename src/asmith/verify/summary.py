"""The result of a run as JSON, for the build step that started it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from asmith.host import files

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SCHEMA = 1


class Summary:
    """Collects reports as a pytest plugin and writes them when the session ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._failures: list[dict[str, Any]] = []
        self._passed: set[str] = set()
        self._failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one phase of one test."""
        if report.failed:
            self._failed.add(report.nodeid)
            self._failures.append(_failure(report, report.location[0], report.location[1]))
        elif report.passed and report.when == "call":
            self._passed.add(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take a test file that could not be collected."""
        if report.failed:
            self._failed.add(report.nodeid)
            self._failures.append(_failure(report, report.nodeid.split("::")[0], None))

    def pytest_sessionfinish(self) -> None:
        """Write the file in one step: a reader sees a whole result or none."""
        result = {
            "schema": SCHEMA,
            "passed": len(self._passed - self._failed),
            "failed": len(self._failed),
            "failures": self._failures,
        }
        files.write_atomic(self._path, json.dumps(result, indent=1).encode() + b"\n")


def _failure(
    report: pytest.TestReport | pytest.CollectReport, file: str, line: int | None
) -> dict[str, Any]:
    """Return one failure: the assembly's place if the module failed, the test's otherwise."""
    found = getattr(report, "asmith_failure", None) or {}
    crash = getattr(report.longrepr, "reprcrash", None)
    message = found.get("message") or (crash.message if crash else report.longreprtext)
    test_line = None if line is None else line + 1
    return {
        "test": report.nodeid,
        "message": message,
        "file": found.get("file") or file,
        "line": found.get("line") if found.get("file") else test_line,
    }
