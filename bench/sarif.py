"""Holds what `asmith check --format sarif` prints to the official SARIF 2.1.0 schema.

The schema comes from the npm package @microsoft/jest-sarif, the validator from PyPI's jsonschema;
both are fetched into build/bench. Exit code 3: they cannot be had here.

Usage: python bench/sarif.py [FILE.sarif ...]    default: the logs of the unit tests and of this
                                                 project's modules
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from checking.cache import UnableError, npm, pypi

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "unit" / "check"))


def main(files: list[str]) -> int:
    """Print how many errors the schema finds in each log; return how many logs have any."""
    try:
        (schema,) = npm("@microsoft/jest-sarif").rglob("sarif-2.1.0*.json")
        sys.path.insert(0, str(pypi("jsonschema")))
    except UnableError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    from jsonschema import Draft7Validator

    validator = Draft7Validator(json.loads(schema.read_text(encoding="utf-8-sig")))
    assert list(validator.iter_errors({"version": "2.1.0"})), "the schema accepts anything"
    logs = _given(files) if files else {**_of_the_tests(), "asmith check": _of_this_project()}
    wrong = 0
    for name, log in logs.items():
        errors = sorted(validator.iter_errors(log), key=lambda error: list(map(str, error.path)))
        results = sum(len(run["results"]) for run in log["runs"])
        print(f"{name}: {results} results, {len(errors)} errors of the schema")
        for error in errors[:10]:
            print(f"  {'/'.join(map(str, error.path))}: {error.message[:200]}")
        wrong += bool(errors)
    return int(bool(wrong))


def _given(files: list[str]) -> dict[str, Any]:
    return {name: json.loads(Path(name).read_text(encoding="utf-8")) for name in files}


def _of_the_tests() -> dict[str, Any]:
    from renderings import RESULTS

    from asmith.check.sarif import as_sarif

    return {
        "no results": as_sarif([], "1"),
        "the results of the unit tests": as_sarif(RESULTS, "1"),
    }


def _of_this_project() -> Any:
    command = [sys.executable, "-m", "asmith.cli.main", "check", "--format", "sarif"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
