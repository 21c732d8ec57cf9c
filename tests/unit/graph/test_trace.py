"""Traces: what a module was made from, and which edit makes it stale."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asmith.contract.reader import read_interfaces
from asmith.graph import trace as traces
from asmith.model.contract import Entry, Interface
from asmith.model.names import Digest, InterfaceName, ModuleName
from asmith.model.record import Mode, Record, Standing
from asmith.project import spec as specs

SHAPE = "struct shape { unsigned first; unsigned second; };\n#define LIMIT 5\n"
LEAF = """\
#include "shape.h"
//@ assigns \\nothing; asm stack 8;
unsigned leaf(unsigned x);
//@ assigns \\nothing;
unsigned leaf2(unsigned x);
"""
MID = "//@ assigns \\nothing; asm stack 32;\nunsigned mid(unsigned x);\n"
SPEC = """\
---
module: mid
uses: [leaf, shape]
---
# mid
## Requirements
- **FR-001**: mid MUST call leaf.
- **FR-002**: mid MUST use LIMIT.
"""

Interfaces = dict[InterfaceName, Interface]


def interfaces(shape: str = SHAPE, leaf: str = LEAF, mid: str = MID) -> Interfaces:
    """Return the three interfaces as read."""
    texts = {"shape": shape, "leaf": leaf, "mid": mid}
    headers = {InterfaceName(n): (f"interfaces/{n}.h", t.encode()) for n, t in texts.items() if t}
    return dict(read_interfaces(headers))


def visible(found: Interfaces) -> dict[str, Entry]:
    """Return everything by its name in assembly."""
    return {e.nasm: e for i in found.values() for e in i.surface.values()}


def accepted(names: set[str], text: str = SPEC) -> Record:
    """Return the record of a text accepted under today's contracts that uses those names."""
    found = interfaces()
    own = found[InterfaceName("mid")]
    imports = traces.imported(names, visible(found), own)
    return Record(
        module=ModuleName("mid"),
        implements=own.name,
        standing=Standing.ACCEPTED,
        mode=Mode.BLIND,
        trace=traces.make_trace(specs.parse(text, "specs/mid.md"), own, imports),
        request=Digest(""),
        answer=Digest(""),
        assembly=Digest(""),
        object=None,
    )


def stale(record: Record, found: Interfaces, text: str = SPEC) -> list[str]:
    """Return why the record's module is stale, details apart."""
    spec = specs.parse(text, "specs/mid.md")
    return [f"{r.kind}: {r.subject}" for r in traces.stale_reasons(record, spec, found)]


ALL = {"leaf", "LIMIT", "t_shape.second", "mid", "rax", "unknown"}


def test_imports_are_what_a_text_names_of_other_contracts() -> None:
    found = interfaces()
    imports = traces.imported(ALL, visible(found), found[InterfaceName("mid")])
    assert sorted(imports) == ["leaf.leaf", "shape.LIMIT", "shape.shape.second"]


def test_nothing_changed_is_fresh() -> None:
    assert stale(accepted(ALL), interfaces()) == []


@pytest.mark.parametrize(
    ("old", "new", "reasons"),
    [
        ("call leaf", "call leaf twice", ["requirement-changed: mid:FR-001"]),
        ("- **FR-002**: mid MUST use LIMIT.\n", "", ["requirement-removed: mid:FR-002"]),
        ("FR-002", "FR-003", ["requirement-added: mid:FR-003", "requirement-removed: mid:FR-002"]),
        ("uses: [leaf, shape]", "uses: [shape, leaf, leaf]", []),
        ("uses: [leaf, shape]", "uses: [leaf.leaf, shape]", ["uses-changed: mid"]),
        ("# mid", "# mid: more words", []),
    ],
)
def test_an_edit_of_the_spec(old: str, new: str, reasons: list[str]) -> None:
    assert stale(accepted(ALL), interfaces(), SPEC.replace(old, new)) == reasons


@pytest.mark.parametrize(
    ("header", "old", "new", "reasons"),
    [
        ("leaf", "unsigned leaf(", "int leaf(", ["import-changed: leaf.leaf"]),
        ("leaf", "unsigned leaf2(unsigned x)", "int leaf2(unsigned x)", []),
        ("leaf", "asm stack 8", "asm stack 16", []),
        ("leaf", "leaf(unsigned x)", "leave(unsigned x)", ["import-removed: leaf.leaf"]),
        ("shape", "LIMIT 5", "LIMIT 6", []),
        ("shape", "unsigned first", "unsigned zero; unsigned first", []),
        ("shape", "unsigned second", "int second", ["import-changed: shape.shape.second"]),
        ("shape", "unsigned first", "int first", []),
        ("mid", "asm stack 32", "asm stack 48", ["export-changed: mid.mid"]),
        ("mid", "mid(unsigned x);\n", "mid(unsigned x);\n//@ assigns \\nothing;\nint more(void);\n",
         ["export-added: mid.more"]),
        ("mid", "mid(unsigned x)", "middle(unsigned x)",
         ["export-removed: mid.mid", "export-added: mid.middle"]),
        ("mid", "//@ assigns", '//@ asm waive ELF001 "a test"; assigns', []),
    ],
)  # fmt: skip
def test_an_edit_of_a_contract(header: str, old: str, new: str, reasons: list[str]) -> None:
    texts = {"shape": SHAPE, "leaf": LEAF, "mid": MID}
    assert texts[header].count(old) == 1
    texts[header] = texts[header].replace(old, new)
    assert stale(accepted(ALL), interfaces(**texts)) == reasons


def test_an_interface_that_is_gone_is_an_import_removed() -> None:
    record = accepted({"leaf"})
    found = interfaces()
    del found[InterfaceName("leaf")]
    assert stale(record, found) == ["import-removed: leaf.leaf"]


def test_another_interface_to_implement_says_enough() -> None:
    record = replace(accepted(ALL), implements=InterfaceName("leaf"))
    found = traces.stale_reasons(record, specs.parse(SPEC, "specs/mid.md"), interfaces())
    assert [str(r) for r in found] == ["implements-changed: mid (was leaf, is mid)"]


def test_details_say_where_and_how() -> None:
    text = SPEC.replace("call leaf", "call it").replace("[leaf, shape]", "[leaf.leaf, shape]")
    spec = specs.parse(text, "specs/mid.md")
    found = interfaces(leaf=LEAF.replace("unsigned leaf(", "int leaf("))
    details = [r.detail for r in traces.stale_reasons(accepted(ALL), spec, found)]
    assert details[:2] == ["specs/mid.md:7", "+leaf.leaf -leaf"]
    assert details[2] == "unsigned int leaf(unsigned int x) -> int leaf(unsigned int x)"


def differences(text: str, found: Interfaces, record: Record | None = None) -> list[list[str]]:
    """Return the detail and the difference of each reason."""
    reasons = traces.stale_reasons(
        record or accepted(ALL), specs.parse(text, "specs/mid.md"), found
    )
    return [[r.detail, *r.difference] for r in reasons]


def test_reasons_show_the_requirements_before_and_after() -> None:
    text = SPEC.replace("call leaf", "call it").replace("FR-002", "FR-003")
    assert differences(text, interfaces()) == [
        ["specs/mid.md:7", "- mid MUST call leaf.", "+ mid MUST call it."],
        ["specs/mid.md:8", "+ mid MUST use LIMIT."],
        ["", "- mid MUST use LIMIT."],
    ]


def test_a_requirement_whose_text_was_not_recorded_shows_the_new_one() -> None:
    trace = replace(accepted(ALL).trace, texts={})
    old = replace(accepted(ALL), trace=trace)
    text = SPEC.replace("call leaf", "call it")
    assert differences(text, interfaces(), old) == [["specs/mid.md:7", "+ mid MUST call it."]]


@pytest.mark.parametrize(
    ("leaf", "shown"),
    [
        (
            LEAF.replace("stack 8;", "stack 8; ensures \\result > 0;"),
            ["+ ensures \\result > 0", "+ ensures \\result > 0"],
        ),
        (
            LEAF.replace("unsigned leaf(", "int leaf("),
            [
                "unsigned int leaf(unsigned int x) -> int leaf(unsigned int x)",
                "- unsigned int leaf(unsigned int x)",
                "+ int leaf(unsigned int x)",
            ],
        ),
        (
            LEAF.replace("//@ assigns", "//@ requires x > 0; ensures \\result > 0; assigns", 1),
            ["0 lines went, 2 came", "+ requires x > 0", "+ ensures \\result > 0"],
        ),
        (
            '#include "shape.h"\n//@ assigns \\nothing;\nunsigned leaf2(unsigned x);\n',
            ["no longer declared", "- unsigned int leaf(unsigned int x)", "- assigns \\nothing"],
        ),
    ],
)
def test_reasons_show_the_clauses_before_and_after(leaf: str, shown: list[str]) -> None:
    assert differences(SPEC, interfaces(leaf=leaf)) == [shown]


def test_an_edited_text_keeps_the_recorded_contract_of_what_it_still_names() -> None:
    record = accepted({"leaf"})
    found = interfaces(leaf=LEAF.replace("unsigned leaf(", "int leaf("))
    imports = traces.imported({"leaf", "leaf2"}, visible(found), found[InterfaceName("mid")])
    again = traces.retrace(record.trace, imports)
    assert again.imports["leaf.leaf"] == record.trace.imports["leaf.leaf"]
    assert again.imports["leaf.leaf2"].text == imports["leaf.leaf2"].caller
    assert stale(replace(record, trace=again), found) == ["import-changed: leaf.leaf"]


def test_a_stamp_holds_the_recorded_contracts_and_todays_values() -> None:
    record = accepted({"LIMIT", "leaf"})
    found = interfaces(
        shape=SHAPE.replace("5", "9"), leaf=LEAF.replace("unsigned leaf(", "int leaf(")
    )
    imports = {
        e.qualified: e for e in visible(found).values() if e.qualified in record.trace.imports
    }
    stamp = traces.stamp_of(record.module, record.trace, imports)
    assert stamp.imports == record.trace.imports
    assert stamp.exports == record.trace.exports
    assert stamp.values == {"shape.LIMIT": "9"}


def test_an_entry_is_found_by_its_qualified_name() -> None:
    found = interfaces()
    entry = traces.entry_named("shape.shape.second", found)
    assert entry is not None
    assert entry.nasm == "t_shape.second"
    assert traces.entry_named("shape.nothing", found) is None
    assert traces.entry_named("nothing.at_all", found) is None
