"""The request: stable part first, only what the module may use, and the change at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.contract.reader import read_interfaces
from asmith.generate.prompt import RULES, Request, render
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
    return render(Request(specs.parse(text, "specs/main.md"), own, found, **rest))


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


def test_a_change_shows_the_module_and_the_reasons() -> None:
    reasons = (Reason(Why.REQUIREMENT_CHANGED, "main:FR-001", "specs/main.md:9"),)
    text = request(previous="run:\n.end:\n", reasons=reasons)
    assert text.startswith(request())
    assert text.endswith(
        "# The module as it is, which must change\n```nasm\nrun:\n.end:\n```\n"
        "It is out of date since:\n- requirement-changed: main:FR-001 (specs/main.md:9)\n"
    )
    assert "out of date" not in request(previous="run:\n")
