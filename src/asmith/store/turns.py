"""What was said of rejected answers, so that a dialogue goes on where a kill ended it.

`store/turns/<request>`: one `{"answer", "feedback"}` a line, digests of what the store holds.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from asmith.host import files
from asmith.model.names import Digest, canonical_json
from asmith.store.answers import DamagedError

if TYPE_CHECKING:
    from asmith.store.answers import Store


def keep(store: Store, request: Digest, answer: Digest, feedback: str) -> None:
    """Remember what was said of an answer to a request."""
    value = {"answer": answer, "feedback": store.put(feedback.encode())}
    line = canonical_json(value) + "\n"
    files.append(store.root / "store" / "turns" / request, line.encode(), durable=True)


def latest(store: Store, request: Digest) -> tuple[bytes, str] | None:
    """Return the last rejected answer to a request and what was said of it."""
    lines = files.read_if_exists(store.root / "store" / "turns" / request) or b""
    for line in reversed(lines.splitlines()):
        try:
            value = json.loads(line)
            answer = store.get(Digest(value["answer"]))
            feedback = store.get(Digest(value["feedback"]))
        except (ValueError, KeyError, TypeError, DamagedError):
            continue  # cut off by a crash, or damaged: the dialogue begins before it
        if answer is not None and feedback is not None:
            return answer, feedback.decode("utf-8", "replace")
    return None
