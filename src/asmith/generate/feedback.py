"""What is said of a rejected answer: the first findings, with their source lines. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asmith.errors import AsmithError

FINDINGS = 5  # how many are told; the rest often follows from them
LINES = 80  # of a test's output
_AGAIN = (
    "Answer again, in the form that was asked for: one fenced block, nothing that needs reading "
    "outside it. Lines are counted in the module as it was assembled.\n"
)


def render(error: AsmithError) -> str:
    """Return the text that goes back to the generator."""
    findings = getattr(error, "findings", ())
    if findings:
        parts = [f.render() for f in findings[:FINDINGS]]
        if len(findings) > FINDINGS:
            parts.append(f"(and {len(findings) - FINDINGS} more)")
    else:
        parts = [_shortened(error.render())]
    return "It was rejected:\n\n" + "\n\n".join(parts) + "\n\n" + _AGAIN


def _shortened(text: str) -> str:
    """Return a text with its middle left out if it is long: what failed stands at both ends."""
    lines = text.splitlines()
    if len(lines) <= LINES:
        return text
    head, tail = lines[: LINES // 2], lines[-LINES // 2 :]
    return "\n".join([*head, f"({len(lines) - LINES} lines left out)", *tail])
