"""Every module in tests/bad must fail: exactly its rule, exactly at the marked lines.

`; error: [RULE]` marks a line, `; error anywhere: [RULE]` a finding without one. `; traces:`,
`; implements:` and `; include:` set the module's record, contract and generated include.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from check_support import INCLUDE, PATH, counter, subject

from asmith.check.engine import ObjectInput, check_object
from asmith.check.rules import all_rules

BAD = Path(__file__).parents[2] / "bad"
MODULES = sorted(p for p in BAD.glob("*.asm") if re.match(r"[a-z]{3}\d{3}_", p.name))
CONTRACTS = {
    "counter": counter(),
    "counter_data": counter("extern const uint64_t counter_steps[2];\n"),
}


def marked(source: str) -> list[tuple[str, int | None]]:
    found: list[tuple[str, int | None]] = []
    for number, line in enumerate(source.split("\n"), 1):
        for anywhere, rule in re.findall(r"; error( anywhere)?: \[(\w+)\]", line):
            found.append((rule, None if anywhere else number))
    return found


def option(source: str, name: str, default: str) -> str:
    match = re.search(rf"^; {name}: (.*)$", source, re.MULTILINE)
    return match.group(1) if match else default


def bad_subject(source: str) -> ObjectInput:
    include = "" if option(source, "include", "counter") == "none" else INCLUDE
    traces = option(source, "traces", "")
    return subject(
        source,
        include=include,
        interface=CONTRACTS[option(source, "implements", "counter")],
        imports=frozenset(traces.split(", ")) if traces else None,
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_bad_module_fails_its_rule_at_the_marked_lines(path: Path) -> None:
    source = path.read_text()
    expected = marked(source)
    findings = check_object(bad_subject(source)).findings
    assert [(f.rule, f.line) for f in findings] == expected
    assert {f.rule for f in findings} == {path.stem[:6].upper()}
    assert all(f.file == PATH for f in findings)
    assert all(f.excerpt in source for f in findings)


def test_every_object_rule_has_a_bad_module() -> None:
    rules = {rule.id for rule in all_rules() if rule.level in ("object", "instructions")}
    assert rules == {path.stem[:6].upper() for path in MODULES}


def test_the_golden_message_of_an_absolute_address() -> None:
    source = (BAD / "elf006_absolute_operand.asm").read_text()
    assert check_object(bad_subject(source)).findings[1].render() == (
        """\
error[ELF006]: code holds the absolute address of last (R_X86_64_32S)
  --> modules/counter.asm:9 (counter_next+0x9)
9 |         mov     rcx, [abs last]
  |         ^^^^^^^^^^^^^^^^^^^^^^^ absolute
why:  the load address is unknown until run time (psABI 3.5 and 4.4.1)
help: use `default rel` and `lea reg, [rel symbol]`"""
    )


def test_the_golden_message_of_a_literal_offset() -> None:
    source = (BAD / "src001_copies_and_paths.asm").read_text()
    assert check_object(bad_subject(source)).findings[0].render() == (
        """\
error[SRC001]: counter_next reaches into struct counter by the number 8
  --> modules/counter.asm:15 (counter_next+0x14)
15 |         mov     rax, [rbx+0x8]
   |         ^^^^^^^^^^^^^^^^^^^^^^ rbx points to struct counter
why:  a field that moves would leave this module silently wrong; its name makes it follow
help: write [rbx + t_counter.limit]"""
    )


def test_the_golden_message_of_a_missing_note() -> None:
    source = (BAD / "elf008_no_note.asm").read_text()
    assert check_object(bad_subject(source)).findings[0].render() == (
        """\
error[ELF008]: the object does not renounce an executable stack: .note.GNU-stack is missing
  --> modules/counter.asm
why:  one such object makes the stack of the whole program executable (ld, -z noexecstack)
help: end the module with `section .note.GNU-stack noalloc noexec nowrite progbits`"""
    )
