"""What the records say of how the modules came to be: attempts, modes, findings.

./dev study records          a table
./dev study records --json   the same as one JSON object
"""

from __future__ import annotations

import argparse
import collections
import json
from pathlib import Path
from typing import Any

MODULES = Path(__file__).parents[1] / "modules"


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--json", action="store_true")
    options = reader.parse_args()
    rows = [row(json.loads(p.read_text())) for p in sorted(MODULES.glob("*.json"))]
    found = {"schema": 1, "modules": rows, "summary": summary(rows)}
    print(json.dumps(found) if options.json else table(found))


def row(record: dict[str, Any]) -> dict[str, Any]:
    """Return one module's attempts in order, and how many answers its last request got."""
    attempts = record["attempts"]
    answers = list(
        dict.fromkeys(a["answer"] for a in attempts if a["request"] == record["request"])
    )
    told = (f.split(":")[0] for a in attempts for f in a["findings"])
    rules = collections.Counter(t for t in told if t.isupper() and " " not in t)
    return {
        "module": record["module"],
        "mode": record["mode"],
        "standing": record["standing"],
        "attempts": [f"{a['outcome']} {a['mode']}" for a in attempts],
        "answers": len(answers),
        "accepted_first": record["answer"] == answers[0] if answers else None,
        "findings": dict(rules),
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return counts by mode, and findings by rule."""
    found: dict[str, Any] = {}
    for mode in ("blind", "assisted", "generated"):
        of_mode = [r for r in rows if r["mode"] == mode]
        found[mode] = {
            "modules": len(of_mode),
            "first_answer_accepted": sum(bool(r["accepted_first"]) for r in of_mode),
        }
    rules: collections.Counter[str] = collections.Counter()
    for one in rows:
        rules.update(one["findings"])
    found["findings_by_rule"] = dict(rules.most_common())
    return found


def table(found: dict[str, Any]) -> str:
    """Return the rows and the summary as text."""
    lines = [f"{'module':<12} {'mode':<9} {'standing':<9} {'answers':>7}  attempts"]
    for r in found["modules"]:
        attempts = ", ".join(r["attempts"])
        told = f"  ({', '.join(r['findings'])})" if r["findings"] else ""
        head = f"{r['module']:<12} {r['mode']:<9} {r['standing']:<9} {r['answers']:>7}"
        lines.append(f"{head}  {attempts}{told}")
    lines.append("")
    for mode, counts in found["summary"].items():
        if mode != "findings_by_rule" and counts["modules"]:
            first, modules = counts["first_answer_accepted"], counts["modules"]
            lines.append(f"{mode}: the first answer was accepted for {first} of {modules} modules")
    rules = found["summary"]["findings_by_rule"]
    lines.append(f"findings by rule: {rules or 'none'}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
