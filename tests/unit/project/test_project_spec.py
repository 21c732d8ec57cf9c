"""Specs: what is normative, what is not, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asmith.errors import UsageError
from asmith.project.spec import parse

if TYPE_CHECKING:
    from asmith.model.spec import Spec

TEXT = """\
---
module: json
uses: [buffer, libc.memcpy]  # what it may call
---
# json: writes JSON

## Requirements
- **FR-001**: It MUST be quick.

### json_string
- **FR-002**: json_string MUST append s as a string,
  escaped per RFC 8259.
- [ ] **SC-001**: json_string MUST NOT fail on an empty string.

## Examples
```json
[{"call": "json_string", "args": [1, "a"], "expect": 0}, {"call": "f", "args": [], "expect": null}]
```

## Notes
A note [NEEDS CLARIFICATION: of no weight].
"""


def spec(text: str = TEXT) -> Spec:
    """Return the spec in a text."""
    return parse(text, "specs/json.md")


def test_a_spec_is_read_whole() -> None:
    found = spec()
    assert (found.module, found.implements, found.title) == ("json", "json", "json: writes JSON")
    assert [str(u) for u in found.uses] == ["buffer", "libc.memcpy"]
    assert [(r.id, r.function, r.line) for r in found.requirements] == [
        ("FR-001", "", 8),
        ("FR-002", "json_string", 11),
        ("SC-001", "json_string", 13),
    ]
    assert found.requirements[1].text == (
        "json_string MUST append s as a string, escaped per RFC 8259."
    )
    assert [(e.call, e.args, e.expect, e.line) for e in found.examples] == [
        ("json_string", (1, "a"), 0, 16),
        ("f", (), None, 16),
    ]
    assert found.clarifications == ()


def test_another_interface_can_be_implemented() -> None:
    text = TEXT.replace("module: json", "module: json\nimplements: writer")
    assert spec(text).implements == "writer"
    assert spec(text).normative != spec().normative


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# json: writes JSON", "# json: writes JSON text\n\n**Status**: draft"),
        ("a string,\n  escaped", "a\n  string, escaped"),
        ("a string,\n  escaped", "a string,   escaped"),
        ("a string,\n  escaped", "a string,\nescaped"),
        ("- [ ] **SC", "- [x] **SC"),
        ("- [ ] **SC", "* **SC"),
        ("be quick.", "be quick. <!-- how quick? -->"),
        ("### json_string", "<!-- two\nlines -->\n### `json_string` ##"),
        ("[buffer, libc.memcpy]", "[libc.memcpy,buffer , buffer]"),
        ("  # what it may call", ""),
        ("A note", "Another note\n- **FR-009**: of no weight"),
        (
            "## Requirements",
            "Prose\n- an item\n\n```\n- **FR-8**: code\n```\n## Requirements",
        ),
        ("\n## Notes", "\n\n\n## Notes"),
        ("\n", "\r\n"),
    ],
)
def test_what_is_not_normative_changes_no_digest(old: str, new: str) -> None:
    assert old in TEXT
    assert spec(TEXT.replace(old, new)).normative == spec().normative


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("be quick", "be very quick"),
        ("FR-001", "FR-003"),
        ("### json_string", "### json_number"),
        ("libc.memcpy", "libc"),
        ("be quick.", "be quick:\n  - on Mondays"),
        ("be quick.", "be quick:\n\n  ```\n  a  b\n  ```"),
        ("a string,", "a `st  ring`,"),
        ("be quick.", "be quick.\n  ```\n  a\n  ```\n  And safe."),
    ],
)
def test_what_is_normative_changes_the_digest(old: str, new: str) -> None:
    assert TEXT.count(old) >= 1
    assert spec(TEXT.replace(old, new)).normative != spec().normative


def test_one_requirements_digest_is_its_own() -> None:
    before, after = spec(), spec(TEXT.replace("be quick", "be very quick"))
    changed = [
        r.id
        for r, s in zip(before.requirements, after.requirements, strict=True)
        if r.digest != s.digest
    ]
    assert changed == ["FR-001"]


def test_lists_and_code_keep_their_lines() -> None:
    text = TEXT.replace(
        "be quick.", "be quick:\n  - [x] on  Mondays\n  1. and\n     more\n\n  ```\n  a   b\n  ```"
    )
    assert spec(text).requirements[0].text == (
        "It MUST be quick:\n- on Mondays\n- and more\n```\n  a   b\n```"
    )


def test_blanks_in_code_are_normative() -> None:
    one, two = (
        spec(TEXT.replace("be quick.", f"print:\n  ```\n  a{blanks}b\n\n  ```\n  and stop."))
        for blanks in (" ", "  ")
    )
    assert one.normative != two.normative
    assert two.requirements[0].text == "It MUST print:\n```\n  a  b\n\n```\nand stop."


def test_clarifications_are_found_outside_the_notes() -> None:
    text = TEXT.replace("be quick.", "be [NEEDS CLARIFICATION: how quick?].")
    assert spec(text).clarifications == (8,)


def test_code_of_another_language_is_no_example() -> None:
    assert spec(TEXT.replace("```json", "```text")).examples == ()


@pytest.mark.parametrize(
    ("old", "new", "message", "line"),
    [
        ("---\nmodule", "module", "the spec has no front matter", "1"),
        ("module: json\n", "", "the front matter has no 'module'", "1"),
        ("module: json\n", "module json\n", "a front matter line must read 'key: value'", "2"),
        ("module: json\n", "module: json\nmodule: x\n", "'module' stands twice in the", "3"),
        ("module: json\n", "module: [json]\n", "'module' must be one name: module: NAME", "2"),
        ("module: json\n", "module: a, b\n", "'module' must be one name", "2"),
        ("module: json\n", "module:\n", "'module' must be one name", "2"),
        ("module: json\n", "module: 1x\n", "'1x' is no name", "2"),
        ("[buffer, libc.memcpy]", "buffer", "'uses' must be a list: uses: [a, b.f]", "3"),
        ("[buffer, libc.memcpy]", "[buffer", "'uses' must be a list: uses: [a, b.f]", "3"),
        ("[buffer, libc.memcpy]", "[buffer.]", "'buffer.' is no name", "3"),
        ("[buffer, libc.memcpy]", "[a b]", "'a b' is no name", "3"),
        ("uses:", "use:", "unknown key 'use' in the front matter; did you mean 'uses'?", "3"),
        ("FR-002", "FR-001", "requirement FR-001 stands twice", "11"),
        ("It MUST be quick.", "", "requirement FR-001 is empty", "8"),
        ("**FR", "FR", None, ""),
        ("```\n\n## Notes", "\n\n## Notes", "a code fence is never closed", "16"),
        (
            '"expect": 0}',
            '"expect" 0}',
            "the example is not JSON: expecting ':' delimiter",
            "17:53",
        ),
        ('"expect": 0}', '"expected": 0}', "an example must be an object with 'call', ", "16"),
        ('"args": [1, "a"]', '"args": 1', "an example must be an object with 'call', ", "16"),
    ],
)
def test_what_is_refused(old: str, new: str, message: str | None, line: str) -> None:
    assert old in TEXT
    text = TEXT.replace(old, new)
    if message is None:
        assert [r.id for r in spec(text).requirements] == ["SC-001"]
        return
    with pytest.raises(UsageError) as caught:
        spec(text)
    assert caught.value.what.startswith(message)
    assert str(caught.value.where) == f"specs/json.md:{line}"


@pytest.mark.parametrize("text", ["", "---\n", "---\nmodule: json\n"])
def test_a_spec_that_stops_early_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="front matter"):
        spec(text)


def test_a_spec_without_requirements_is_refused() -> None:
    with pytest.raises(UsageError, match="no requirement"):
        spec("---\nmodule: json\n# a comment\n\n---\n# json\n")
