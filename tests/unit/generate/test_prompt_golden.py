"""The template, pinned: one golden file a case, named by the template's version.

If a case differs on purpose, give the template the next VERSION, then make the files again:
`python tests/unit/generate/test_prompt_golden.py`, and remove those of the version before.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from asmith.contract.reader import read_interfaces
from asmith.generate.dialogue import Turn
from asmith.generate.feedback import render
from asmith.generate.prompt import VERSION, Request, dialogue
from asmith.model.finding import Finding
from asmith.model.names import InterfaceName
from asmith.model.plan import Reason, Step, StepKind, Why
from asmith.project import spec as specs
from asmith.run.jobs import FindingsError

GOLDEN = Path(__file__).parent / "golden"
HEADERS = {
    "types": "#define LIMIT 5\nstruct pair { int first; int second; };\n",
    "pairs": (
        '#include "types.h"\n'
        "/*@ requires \\valid(p); assigns p->first; asm stack 16; */\nvoid clear(struct pair *p);\n"
        "/*@ requires \\valid_read(p); assigns \\nothing; ensures \\result <= 10; */\n"
        "int sum(const struct pair *p);\n"
    ),
    "log": (
        "//@ assigns \\nothing;\nint note(const char *s);\n//@ assigns \\nothing;\nint off(void);\n"
    ),
}
SPEC = """\
---
module: pairs
uses: [types, log.note]
---
# pairs: clears and adds

## Requirements
- **FR-001**: pairs MUST NOT allocate.
### clear
- **FR-002**: clear MUST set `first` to 0.
### sum
- **FR-003**: sum MUST return
  `first` plus `second`, at most LIMIT each.
"""
PREVIOUS = """\
; pairs: clears and adds
        default rel
        bits    64
        section .text align=16
clear:
        ret
.end:
sum:
        xor     eax, eax
        ret
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
"""
CHANGED = Reason(
    Why.REQUIREMENT_CHANGED,
    "pairs:FR-003",
    "specs/pairs.md:12",
    ("- sum MUST return 0.", "+ sum MUST return `first` plus `second`, at most LIMIT each."),
)
IMPORT = Reason(Why.IMPORT_CHANGED, "types.pair", "size", ("- int first;", "+ long first;"))
FINDING = Finding(
    "ABI003", "sum returns with rbx changed", "rbx belongs to the caller (psABI 3.2.1)",
    "push rbx on entry and pop it before line 9", function="sum", offset=2,
    file="modules/pairs.asm", line=9, excerpt="        mov     rbx, rdi", label="written here",
)  # fmt: skip


def text(case: str) -> str:
    """Return the request of a case."""
    found = read_interfaces(
        {InterfaceName(n): (f"interfaces/{n}.h", t.encode()) for n, t in HEADERS.items()}
    )
    spec = specs.parse(SPEC, "specs/pairs.md")
    previous = None if case == "new" else PREVIOUS
    reasons = {"new": (), "module": (CHANGED, IMPORT)}.get(case, (CHANGED,))
    own = found[InterfaceName("pairs")]
    made = dialogue(Request(spec, own, found, previous=previous, reasons=reasons))
    if case == "repair":
        error = FindingsError(Step(StepKind.CHECK, "pairs"), [FINDING] * 6)
        made = made.then(Turn("```nasm\nsum:\n        ret\n.end:\n```\n", render(error)))
    return made.text()


CASES = ("new", "module", "function", "repair")


@pytest.mark.parametrize("case", CASES)
def test_the_template_is_that_of_its_version(case: str) -> None:
    golden = (GOLDEN / f"request-{VERSION}-{case}.txt").read_text(encoding="utf-8")
    assert text(case) == golden


def test_there_are_no_other_golden_files() -> None:
    wanted = {f"request-{VERSION}-{case}.txt" for case in CASES}
    assert {p.name for p in GOLDEN.iterdir()} == wanted


def test_the_stable_part_is_the_same_in_all() -> None:
    parts = {text(case).partition("# The module: ")[0] for case in CASES}
    assert len(parts) == 1


if __name__ == "__main__":
    for name in CASES:
        (GOLDEN / f"request-{VERSION}-{name}.txt").write_text(text(name), encoding="utf-8")
