"""The request: stable part first, only what the module may use, and the change at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asmith.contract.reader import read_interfaces
from asmith.generate.prompt import RULES, Request, dialogue, functions
from asmith.model.names import InterfaceName
from asmith.model.plan import Reason, Why
from asmith.project import spec as specs

if TYPE_CHECKING:
    from typing import Any

HEADERS = {
    "types": "#define LIMIT 5\n",
    "store": (
        '#include "types.h"\n//@ assigns \\nothing;\nint put(int x);\n'
        "//@ assigns \\nothing;\nint get(int x);\n"
    ),
    "main": "//@ assigns \\nothing; asm stack 16;\nint run(int x);\n",
}
SPEC = """\
---
module: main
uses: [store.get]
---
# main: runs

## Requirements
### run
- **FR-001**: run MUST get.
"""


def request(text: str = SPEC, **rest: Any) -> str:
    """Return the request for a module."""
    found = read_interfaces(
        {InterfaceName(n): (f"interfaces/{n}.h", t.encode()) for n, t in HEADERS.items()}
    )
    own = found[InterfaceName("main")]
    return dialogue(Request(specs.parse(text, "specs/main.md"), own, found, **rest)).text()


def test_the_stable_part_comes_first() -> None:
    assert request().startswith(RULES)
    assert request().endswith("# Requirements\n- [FR-001] run: run MUST get.\n")


def test_only_what_the_module_may_use_is_shown() -> None:
    text = request()
    assert "int get(int x);" in text
    assert "int put(int x);" not in text
    assert "LIMIT" in text
    assert "int put(int x);" in request(SPEC.replace("store.get", "store"))


def test_notes_and_order_of_uses_change_no_request() -> None:
    assert request(SPEC + "\n## Notes\nA note.\n") == request()


def test_a_requirement_of_the_module_has_no_owner() -> None:
    text = SPEC.replace("### run\n", "").replace("get.", "get:\n  - twice\n")
    assert "- [FR-001] run MUST get:\n  - twice\n" in request(text)


def test_a_change_shows_the_module_the_difference_and_what_to_answer() -> None:
    reasons = (
        Reason(
            Why.REQUIREMENT_CHANGED,
            "main:FR-001",
            "specs/main.md:9",
            ("- run MUST put.", "+ run MUST get."),
        ),
        Reason(Why.REQUIREMENT_REMOVED, "main:FR-007", "", ("- run MUST rest.",)),
        Reason(Why.USES_CHANGED, "main", "+store.get -store.put"),
    )
    text = request(previous="run:\n.end:\n", reasons=reasons)
    assert text.startswith(request())
    assert text.removeprefix(request()) == (
        "\n# The module as it is, which must change\n```nasm\nrun:\n.end:\n```\n"
        "\n# What changed since it was written\n"
        "Requirement FR-001 changed:\n    - run MUST put.\n    + run MUST get.\n"
        "Requirement FR-007 is gone, and nothing asks for it any more:\n    - run MUST rest.\n"
        "uses-changed: main (+store.get -store.put)\n"
        "\n# What to answer with\nAnswer with the whole module.\n"
    )
    assert "What changed" not in request(previous="run:\n")


# ---- what one function may answer for ------------------------------------------------------------

TWO = SPEC.replace("module: main\nuses: [store.get]", "module: store\nuses: []").replace(
    "### run\n- **FR-001**: run MUST get.\n",
    "- **FR-001**: store MUST be.\n### put\n- **FR-002**: put MUST put.\n"
    "### get\n- **FR-003**: get MUST get.\n",
)
BOTH = "put:\n.end:\nget:\n.end:\n"


def asks_for(*changed: tuple[Why, str], previous: str | None = BOTH) -> tuple[str, ...]:
    """Return the functions that are asked for when these requirements changed."""
    found = read_interfaces(
        {InterfaceName(n): (f"interfaces/{n}.h", t.encode()) for n, t in HEADERS.items()}
    )
    spec = specs.parse(TWO, "specs/store.md")
    reasons = tuple(Reason(kind, f"store:{i}") for kind, i in changed)
    own = found[InterfaceName("store")]
    return functions(Request(spec, own, found, previous=previous, reasons=reasons))


def test_a_functions_requirement_asks_for_that_function() -> None:
    assert asks_for((Why.REQUIREMENT_CHANGED, "FR-002")) == ("put",)
    assert asks_for((Why.REQUIREMENT_ADDED, "FR-003")) == ("get",)


@pytest.mark.parametrize(
    "changed",
    [
        [(Why.REQUIREMENT_CHANGED, "FR-001")],  # of the module
        [(Why.REQUIREMENT_CHANGED, "FR-001"), (Why.REQUIREMENT_CHANGED, "FR-002")],
        [(Why.REQUIREMENT_CHANGED, "FR-002"), (Why.REQUIREMENT_CHANGED, "FR-003")],  # all
        [(Why.REQUIREMENT_CHANGED, "FR-002"), (Why.REQUIREMENT_REMOVED, "FR-009")],
        [(Why.REQUIREMENT_CHANGED, "FR-002"), (Why.EXPORT_CHANGED, "store.put")],
        [],
    ],
)
def test_anything_else_asks_for_the_module(changed: list[tuple[Why, str]]) -> None:
    assert asks_for(*changed) == ()


@pytest.mark.parametrize("previous", [None, "put:\n.end:\n", "get:\n.end:\n", "put:\n"])
def test_a_text_without_all_functions_asks_for_the_module(previous: str | None) -> None:
    assert asks_for((Why.REQUIREMENT_CHANGED, "FR-002"), previous=previous) == ()
