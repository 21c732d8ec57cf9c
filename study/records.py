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
    """Return one module's requests in order: how its answers were made and what came of them."""
    requests: dict[str, list[dict[str, Any]]] = {}
    for attempt in record["attempts"]:
        requests.setdefault(attempt["request"], []).append(attempt)
    told = {(a["answer"], f) for a in record["attempts"] for f in a["findings"]}
    rules = collections.Counter(f.split(":")[0] for _, f in told)
    return {
        "module": record["module"],
        "mode": record["mode"],
        "standing": record["standing"],
        "requests": [outcome(attempts) for attempts in requests.values()],
        "findings": {r: n for r, n in sorted(rules.items()) if r.isupper() and " " not in r},
    }


def outcome(attempts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what came of one request: of its first answer, and of all of them.

    A first answer that was refused and is accepted unchanged after all was refused for a fault of
    the tests or of the tool.
    """
    first = attempts[0]
    of_first = [a["outcome"] for a in attempts if a["answer"] == first["answer"]]
    return {
        "mode": first["mode"],
        "answers": len({a["answer"] for a in attempts}),
        "first": of_first[0] if of_first[0] in ("accepted", "slower") else
                 "accepted unchanged later" if "accepted" in of_first else "rejected",
        "accepted": any(a["outcome"] == "accepted" for a in attempts),
    }  # fmt: skip


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what came of the requests by mode, and findings by rule."""
    found: dict[str, Any] = {}
    for mode in ("blind", "assisted", "generated"):
        of_mode = [q for r in rows for q in r["requests"] if q["mode"] == mode]
        found[mode] = {
            "modules": sum(r["mode"] == mode for r in rows),
            "requests": len(of_mode),
            "answers": sum(q["answers"] for q in of_mode),
            "first": dict(collections.Counter(q["first"] for q in of_mode).most_common()),
        }
    rules: collections.Counter[str] = collections.Counter()
    for one in rows:
        rules.update(one["findings"])
    found["findings_by_rule"] = dict(rules.most_common())
    return found


def table(found: dict[str, Any]) -> str:
    """Return the rows and the summary as text."""
    head = f"{'module':<12} {'mode':<9} {'standing':<9}"
    lines = [f"{head} requests: how each was answered, its first answer"]
    for r in found["modules"]:
        told = f"  ({', '.join(r['findings'])})" if r["findings"] else ""
        requests = "; ".join(
            f"{q['mode']} {q['first']}" + (f" of {q['answers']}" if q["answers"] > 1 else "")
            for q in r["requests"]
        )
        row_head = f"{r['module']:<12} {r['mode']:<9} {r['standing']:<9}"
        lines.append(f"{row_head} {requests}{told}")
    lines.append("")
    for mode, counts in found["summary"].items():
        if mode != "findings_by_rule" and counts["requests"]:
            first = ", ".join(f"{n} {what}" for what, n in counts["first"].items())
            lines.append(
                f"{mode}: {counts['modules']} modules; {counts['requests']} requests, "
                f"{counts['answers']} answers; first answers: {first}"
            )
    rules = found["summary"]["findings_by_rule"]
    lines.append(f"findings by rule, each once an answer: {rules or 'none'}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
