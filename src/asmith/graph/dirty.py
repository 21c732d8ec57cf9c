"""The dirty check of one step: a pure function that returns reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.model.plan import Reason, Why

if TYPE_CHECKING:
    from collections.abc import Mapping


def step_reasons(
    inputs: Mapping[str, str],
    recorded: Mapping[str, str] | None,
    *,
    damaged: tuple[str, ...],
    interrupted: bool,
) -> tuple[Reason, ...]:
    """Return why a step must run; nothing if its recorded result still holds.

    `inputs` are today's and `recorded` those of the last result (None: there is none); `damaged`
    names its outputs whose bytes are no longer what the step wrote.
    """
    if recorded is None:
        if interrupted:
            return (Reason(Why.INTERRUPTED, "the step", "it was started and never ended"),)
        return (Reason(Why.NEVER_RAN, "the step"),)
    changed = [n for n in sorted({*inputs, *recorded}) if inputs.get(n) != recorded.get(n)]
    if changed:
        return tuple(Reason(Why.INPUT_CHANGED, n, _how(inputs, recorded, n)) for n in changed)
    return tuple(Reason(Why.OUTPUT_CHANGED, o, "missing or not as written") for o in damaged)


def _how(inputs: Mapping[str, str], recorded: Mapping[str, str], name: str) -> str:
    if name not in recorded:
        return "new"
    return "gone" if name not in inputs else ""
