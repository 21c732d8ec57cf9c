"""The engine: order, limits, profiles, waivers, coverage, and the renderings of a result."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from check_support import (
    LIBC,
    PATH,
    assemble,
    counter,
    examples,
    facts_of,
    libc,
    link,
    stamp,
    subject,
)

from asmith.check.engine import (
    CheckResult,
    LinkInput,
    NotAnalysed,
    Profile,
    check_link,
    check_object,
    in_order,
)
from asmith.check.report import EXAMPLE_CONTRACT, as_json, reference, summary
from asmith.check.rules import all_rules, explain
from asmith.errors import UsageError
from asmith.model.finding import Finding, Severity
from asmith.model.names import ModuleName
from asmith.toolchain.elf import read_object

RULES = {rule.id: rule for rule in all_rules()}
ROOT = Path(__file__).parents[3]


def failing(rule: str) -> str:
    return examples(RULES[rule].doc, "nasm", "fails")[0]


def passing(rule: str) -> str:
    return examples(RULES[rule].doc, "nasm", "passes")[0]


def found(result: CheckResult) -> list[str]:
    return [finding.rule for finding in result.findings]


# ---- order and limits ----------------------------------------------------------------------------


def at(line: int, rule: str = "ELF006", function: str = "f") -> Finding:
    return Finding(rule, f"at {line}", "", "", function=function, file="a.asm", line=line)


def test_findings_come_by_file_line_and_rule() -> None:
    other = replace(at(1), file="0.asm")
    findings = [at(3), at(2, "SRC001"), at(2), other]
    assert in_order(findings) == (other, at(2), at(2, "SRC001"), at(3))
    assert in_order(reversed(findings)) == in_order(findings)


def test_at_most_ten_of_a_rule_are_shown_in_a_function() -> None:
    findings = [at(n) for n in range(1, 14)] + [at(50, function="g"), at(51, "SRC001")]
    shown = in_order(findings)
    assert [f.line for f in shown] == [*range(1, 11), 50, 51]
    assert shown[9].message == "at 10 (and 3 more of this rule)"
    assert in_order(findings[:10]) == tuple(findings[:10])


# ---- profiles and waivers ------------------------------------------------------------------------


def test_a_profile_decides_on_severity_and_on_what_applies() -> None:
    offset = subject(failing("SRC001"))
    assert {f.severity for f in check_object(offset).findings} == {Severity.ERROR}
    asm = check_object(replace(offset, profile=Profile.ASM))
    assert {f.severity for f in asm.findings} == {Severity.WARNING}
    assert asm.clean
    assert found(check_object(replace(offset, profile=Profile.COMPILED))) == []


def test_an_object_without_contract_is_checked_as_far_as_that_goes() -> None:
    known = subject(failing("ELF005"))
    alone = replace(known, interface=None, visible={}, source="", profile=Profile.ASM)
    assert found(check_object(alone)) == ["ELF005"]


def test_a_waiver_of_the_interface_covers_its_rule_alone() -> None:
    source = failing("ELF007").replace("align=8", "align=8 write exec", 1)
    own = counter('//@ asm waive ELF005 "an old table";\n')
    result = check_object(subject(source, interface=own))
    assert found(result) == ["ELF006"]
    assert [(w.finding.rule, w.reason) for w in result.waived] == [("ELF005", "an old table")]


def test_a_waiver_of_a_function_covers_that_function_alone() -> None:
    clauses = 'asm waive SRC001 "measured";\n  @ '
    result = check_object(subject(failing("SRC001"), interface=counter(clauses=clauses)))
    assert (found(result), len(result.waived)) == ([], 2)
    other = counter('/*@ assigns \\nothing; asm waive SRC001 "measured"; */\nint other(void);\n')
    assert found(check_object(subject(failing("SRC001"), interface=other))) == [
        "ELF001",
        "SRC001",
        "SRC001",
    ]


# ---- coverage ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (
            ("        mov     eax, 1", "%rep 2\n        nop\n%endrep"),
            "`%rep` at line 5 is expanded",
        ),
        (("        mov     eax, 1", "        times 2 inc eax"), "`times` at line 5 is expanded"),
        (
            ("counter_next:\n", "%define label counter_next:\nlabel\n"),
            "its label is not in the text",
        ),
    ],
)
def test_what_cannot_be_followed_is_said(edit: tuple[str, str], reason: str) -> None:
    result = check_object(subject(passing("ELF001").replace(*edit)))
    assert (result.functions, result.analysed) == (1, 0)
    assert [n.function for n in result.not_analysed] == ["counter_next"]
    assert reason in result.not_analysed[0].reason


def test_padding_is_no_hindrance() -> None:
    source = passing("ELF001").replace(".end:", ".end:\n        times 4 nop\n        align 16")
    result = check_object(subject(source))
    assert (result.findings, result.not_analysed, result.analysed) == ((), (), 1)


# ---- names that need no declaration --------------------------------------------------------------


def test_the_linkers_own_names_are_no_imports() -> None:
    name = "_GLOBAL_OFFSET_TABLE_"
    source = (
        passing("ELF004")
        .replace("extern  puts", f"extern  puts, {name}")
        .replace("call ", f"lea rdi, [rel {name} wrt ..gotpc]\n        call ")
    )
    item = subject(source)
    assert name in item.facts.undefined()
    assert found(check_object(item)) == []


def test_a_near_name_is_suggested() -> None:
    result = check_object(subject(failing("ELF004").replace("printf", "put")))
    assert "did you mean 'puts'?" in result.findings[0].message


def test_data_of_a_library_goes_through_the_got() -> None:
    visible = {LIBC: libc("int puts(const char *s);\nextern void *stdout;")}
    source = passing("ELF004").replace("extern  puts", "extern  puts, stdout")
    direct = source.replace("call ", "mov rax, [rel stdout]\n        call ")
    through = source.replace("call ", "mov rax, [rel stdout wrt ..got]\n        call ")
    assert found(check_object(subject(direct, visible=visible))) == ["ELF009"]
    assert found(check_object(subject(through, visible=visible))) == []


# ---- links ---------------------------------------------------------------------------------------


def test_two_real_objects_are_linked_by_name() -> None:
    caller = "extern counter_next\nglobal main:function\nmain: jmp counter_next\n"
    objects = (
        (ModuleName("main"), caller),
        (ModuleName("counter"), passing("ELF001")),
    )
    read = tuple(
        (name, read_object(assemble(text), f"{name}.o"), stamp(name, {})) for name, text in objects
    )
    assert check_link(LinkInput("app", read, entry_points=("main",))).findings == ()
    alone = check_link(LinkInput("app", read[:1], entry_points=("main", "stop")))
    assert [f.message for f in alone.findings] == [
        "product app has no stop",
        "main refers to counter_next, and nothing in product app provides it",
    ]


def test_weak_symbols_neither_need_nor_contest_a_provider() -> None:
    weak = {"module": "main", "defines": ["f"], "needs": ["g"], "weak": ["f", "g"]}
    described = {"objects": [weak, {"module": "other", "defines": ["f"]}]}
    assert check_link(link(described)).findings == ()


def test_a_definition_that_a_library_has_as_well_is_told() -> None:
    described = {
        "objects": [{"module": "net", "defines": ["connect"]}],
        "libraries": {"libc": ["connect"]},
    }
    assert [f.message for f in check_link(link(described)).findings] == [
        "connect is defined by module net and by library libc"
    ]


@pytest.mark.parametrize(
    ("external", "imports", "remedy"),
    [
        (
            {"pq": {"library": "libpq", "functions": ["f"]}},
            {},
            "add library libpq, which implements",
        ),
        ({}, {"http.f": "x"}, "add a module that implements interface http to product app"),
        ({}, {}, "add the module or the library that defines f to product app"),
    ],
)
def test_the_help_names_what_would_provide_the_symbol(
    external: dict[str, object], imports: dict[str, str], remedy: str
) -> None:
    main = {"module": "main", "needs": ["f"], "imports": imports}
    (finding,) = check_link(link({"objects": [main], "external": external})).findings
    assert finding.rule == "LNK001"
    assert finding.help.startswith(remedy)


def test_importers_are_held_against_each_other_where_nobody_offers() -> None:
    objects = [
        {"module": "a", "imports": {"types.t": "struct t"}},
        {"module": "b", "imports": {"types.t": "union t"}},
    ]
    (finding,) = check_link(link({"objects": objects})).findings
    assert finding.message == "b imports types.t under another contract than a imports"


def test_the_golden_message_of_contracts_that_disagree() -> None:
    old = "size_t f(buffer *b)\nrequires \\valid(b)\nassigns *b"
    new = "size_t f(buffer *b)\nrequires \\valid(b) && b->cap > 0\nassigns *b"
    objects = [
        {"module": "main", "imports": {"buffer.f": old}},
        {"module": "buffer", "offers": {"buffer.f": new}},
    ]
    (finding,) = check_link(link({"objects": objects})).findings
    assert finding.render() == (
        """\
error[LNK003]: main imports buffer.f under another contract than buffer offers
  --> build/main.o
why:  each side keeps the contract that it was accepted with:
      --- main imports
      +++ buffer offers
       size_t f(buffer *b)
      -requires \\valid(b)
      +requires \\valid(b) && b->cap > 0
       assigns *b
help: regenerate main or buffer, or revalidate the one that is behind"""
    )


# ---- renderings ----------------------------------------------------------------------------------


def test_the_json_is_that_of_the_check_command() -> None:
    value = as_json([check_object(subject(failing("ELF006")))])
    assert json.loads(json.dumps(value)) == {
        "schema": 1,
        "functions": 1,
        "analysed": 1,
        "not_analysed": [],
        "findings": [
            {
                "rule": "ELF006",
                "severity": "error",
                "object": "build/counter.o",
                "function": "counter_next",
                "offset": 2,
                "file": PATH,
                "line": 7,
                "message": "code holds the absolute address of steps (R_X86_64_64)",
                "why": "the load address is unknown until run time (psABI 3.5 and 4.4.1)",
                "help": "use `default rel` and `lea reg, [rel symbol]`",
            }
        ],
    }


def test_the_summary_tells_what_is_no_finding() -> None:
    clauses = 'asm waive SRC001 "measured";\n  @ '
    waived = check_object(subject(failing("SRC001"), interface=counter(clauses=clauses)))
    lost = CheckResult((), 1, 0, (NotAnalysed("b.o", "f", "it is odd"),))
    assert summary([waived, lost]).split("\n") == [
        "not analysed: f of b.o: it is odd",
        "waived: SRC001 in counter_next: measured",
        "waived: SRC001 in counter_next: measured",
        "0 findings; 1 of 2 functions analysed",
    ]
    assert summary([CheckResult(findings=(at(1),))]) == "1 finding"


def test_explain_prints_the_rule_and_knows_near_names() -> None:
    assert explain("elf005").startswith("# ELF005: A section is writable and executable.\n")
    with pytest.raises(UsageError) as caught:
        explain("ELF05")
    assert caught.value.what == "no rule 'ELF05'; did you mean 'ELF005'?"


def test_the_reference_page_is_the_rules_own_documentation() -> None:
    page = (ROOT / "docs/reference/rules.md").read_text()
    assert page == reference()
    assert EXAMPLE_CONTRACT in page


def test_facts_without_symbols_and_sections_are_no_trouble() -> None:
    empty = replace(
        subject("        default rel\n"), facts=facts_of({"module": "empty"}), source=""
    )
    assert found(check_object(empty)) == ["ELF001", "ELF008"]
