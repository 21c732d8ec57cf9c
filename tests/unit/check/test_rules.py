"""Cases of single rules that the examples and the bad modules leave out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from check_support import COUNTER, LIBC, assemble, counter, examples, libc, subject

from asmith.check.engine import Profile, all_rules, check_object
from asmith.model.objects import Symbol
from asmith.toolchain.elf import read_object

if TYPE_CHECKING:
    from asmith.check.engine import ObjectInput
    from asmith.model.finding import Finding

DOCS = {rule.id: rule.doc for rule in all_rules()}
GOOD = examples(DOCS["ELF001"], "nasm", "passes")[0]
TYPED = "counter_next:function (counter_next.end - counter_next)"


def told(item: ObjectInput) -> list[Finding]:
    """Return the findings of the rules that read symbols and text: the code is any code here."""
    return [f for f in check_object(item).findings if f.rule[:3] in ("ELF", "SRC")]


def findings(source: str, **changes: object) -> list[tuple[str, str]]:
    return [(f.rule, f.message) for f in told(subject(source, **changes))]


def only(source: str, **changes: object) -> Finding:
    (finding,) = told(subject(source, **changes))
    return finding


# ---- extents -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("counter_next:function", "counter_next is exported as a function of size 0"),
        ("counter_next:function 64", "counter_next ends 58 bytes beyond .text"),
        (
            "counter_next:data 6",
            "counter_next is exported as data in .text, expected a function in a code section",
        ),
        (
            "counter_next:function 5",
            "counter_next ends at +0x5, and 1 more bytes follow that belong to no function",
        ),
    ],
)
def test_a_functions_symbol_covers_its_code(declared: str, message: str) -> None:
    found = findings(GOOD.replace(TYPED, declared))
    assert [told for rule, told in found if rule] == [message]


@pytest.mark.parametrize(
    "padding",
    [
        "align 32",
        "times 3 int3",
        "nop dword [rax]",
        "db 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 1, 0, 0",
    ],
)
def test_padding_may_follow_a_function(padding: str) -> None:
    assert findings(GOOD.replace(".end:\n", f".end:\n        {padding}\n")) == []


DATA = """\
        section .data align=8
        global  {declared}
counter_steps:
        dq      1, 2
.end:
        default rel
"""


@pytest.mark.parametrize(
    ("declared", "ctype", "message"),
    [
        ("counter_steps:data 16", "uint64_t counter_steps[2]", None),
        ("counter_steps:data 16", "uint64_t counter_steps[]", None),
        (
            "counter_steps:data 16",
            "counter counter_steps[2]",
            "counter_steps is 16 bytes, expected the 32 bytes of its C type",
        ),
        (
            "counter_steps",
            "uint64_t counter_steps[2]",
            "counter_steps is exported as an untyped symbol, expected typed data",
        ),
    ],
)
def test_datas_symbol_has_the_size_of_its_type(
    declared: str, ctype: str, message: str | None
) -> None:
    own = counter(f"extern {ctype};\n")
    source = GOOD.replace("        default rel\n", DATA.format(declared=declared))
    assert findings(source, interface=own) == ([("ELF003", message)] if message else [])


# ---- imports -------------------------------------------------------------------------------------


def test_a_required_name_without_a_reference_is_found_at_its_declaration() -> None:
    finding = only(GOOD.replace("default rel\n", "default rel\n        required system\n"))
    assert (finding.rule, finding.line) == ("ELF004", 2)


def test_a_name_of_its_own_that_is_missing_is_told_once() -> None:
    own = counter("//@ assigns \\nothing;\nint counter_left(void);\n")
    source = GOOD.replace("mov     eax, 1", "call    counter_left").replace(
        "default rel\n", "default rel\n        extern  counter_left\n"
    )
    assert findings(source, interface=own) == [("ELF001", "counter_left is not defined")]


def test_a_name_that_the_object_defines_is_no_library_call() -> None:
    source = GOOD.replace("mov     eax, 1", "call    puts").replace(
        ".end:\n", ".end:\n        global puts:function (puts.end - puts)\nputs: ret\n.end:\n"
    )
    assert [rule for rule, _ in findings(source)] == ["ELF002"]


# ---- places without a line table -----------------------------------------------------------------


def test_without_debug_lines_the_text_tells_where() -> None:
    source = examples(DOCS["ELF009"], "nasm", "fails")[0]
    item = subject(source)
    bare = replace(item, facts=read_object(assemble(item.source, debug=False), "a.o"))
    (finding,) = told(bare)
    assert (finding.function, finding.offset, finding.line) == ("counter_next", 5, 7)


def test_without_text_the_object_tells_where() -> None:
    item = subject(examples(DOCS["ELF009"], "nasm", "fails")[0])
    blind = replace(item, source="", source_path="", profile=Profile.ASM)
    (finding,) = told(blind)
    assert (finding.file, finding.line, finding.excerpt) == ("modules/counter.asm", 7, "")


def test_an_export_without_text_is_found_by_its_code() -> None:
    item = subject(examples(DOCS["ELF002"], "nasm", "fails")[0])
    blind = replace(item, source="", source_path="", profile=Profile.ASM)
    (finding,) = told(blind)
    assert (finding.rule, finding.function, finding.line) == ("ELF002", "step", 12)


def test_a_function_outside_its_section_is_not_analysed() -> None:
    item = subject(GOOD)
    stray = Symbol("stray", "STT_FUNC", item.facts.symbols[0].binding, "STV_DEFAULT", 99, 0, 4)
    facts = replace(item.facts, symbols=(*item.facts.symbols, stray))
    (lost,) = check_object(replace(item, facts=facts)).not_analysed
    assert (lost.function, lost.reason) == ("stray", "it lies outside its section")


# ---- literal offsets -----------------------------------------------------------------------------


def literal(operand: str, **changes: object) -> list[str]:
    source = GOOD.replace("mov     eax, 1", f"mov     rax, {operand}")
    return [f.help for f in told(subject(source, **changes))]


@pytest.mark.parametrize(
    ("operand", "remedy"),
    [
        ("[rdi]", "write [rdi + t_counter.count]"),
        ("[rdi + 12]", "write [rdi + t_counter.limit + 4]"),
        ("[rdi + $0c]", "write [rdi + t_counter.limit + 4]"),
        ("[rdi + 1_0q - 8]", "write [rdi + t_counter.count]"),
        ("[rdi + 0d16]", "struct counter has no field at offset 16"),
        ("[rdi - 0b1000]", "struct counter has no field at offset -8"),
        ("[rdi + t_counter.limit]", None),
        ("[rdi + t_counter.limit + 4]", None),
        ("[rdi + rcx * 8]", None),
        ("[rdi + rdi]", None),
        ("[rsi + 8]", None),
        ("[edi + 8]", None),
    ],
)
def test_only_a_register_and_numbers_are_a_literal_offset(operand: str, remedy: str | None) -> None:
    found = literal(operand)
    assert len(found) == (remedy is not None)
    assert remedy is None or found[0].startswith(remedy)


@pytest.mark.parametrize(
    ("prototype", "reported"),
    [
        ("struct wide other(int a, counter *c)", ["rdx"]),  # rdi: where the result goes
        ("long other(double d, counter *c)", ["rdi"]),
        ("long other(counter by_value, counter *c)", ["rdx"]),
        ("long other(counter *c, counter *d)", ["rdi", "rsi"]),
        ("long other(struct hidden *c, void *p, char *s)", []),
        ("long other(struct wide w, counter *c)", ["rdi"]),
    ],
)
def test_pointers_are_where_the_abi_passes_them(prototype: str, reported: list[str]) -> None:
    types = "struct hidden;\nstruct wide { long a, b, c; };\n"
    own = counter(f"{types}//@ assigns \\nothing;\n{prototype};\n")
    loads = "".join(f"        mov rax, [{r} + 8]\n" for r in ("rdi", "rsi", "rdx", "rcx"))
    other = (
        f"        global other:function (other.end - other)\nother:\n{loads}        ret\n.end:\n"
    )
    source = GOOD.replace(".end:\n", f".end:\n{other}", 1)
    found = told(subject(source, interface=own))
    assert {f.rule for f in found} <= {"SRC001"}
    assert [f.label.split()[0] for f in found] == reported


def test_a_call_with_a_convention_of_its_own_takes_its_registers() -> None:
    code = "push rbx\nmov rbx, rdi\n call puts wrt ..plt\nmov rax, [rbx + 8]\npop rbx"
    source = GOOD.replace("mov     eax, 1", code).replace(
        "default rel\n", "default rel\n        extern  puts\n"
    )
    assert [rule for rule, _ in findings(source)] == ["SRC001"]
    odd = libc("//@ asm clobbers rbx;\nint puts(const char *s);")
    assert findings(source, visible={LIBC: odd}) == []


def test_a_label_that_another_function_jumps_to_ends_what_is_known() -> None:
    code = "jmp     .join\n.join:\n        mov     rax, [rdi + 8]"
    source = GOOD.replace("mov     eax, 1", code)
    assert [rule for rule, _ in findings(source)] == ["SRC001"]
    intruder = ".end:\nhelper: jmp counter_next.join\n"
    assert findings(source.replace(".end:\n", intruder)) == []


# ---- names of contracts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "name"),
    [
        ("puts_twice equ 2", None),
        ("%define puts other", "puts"),
        ("%macro counter_next 0\n%endmacro", "counter_next"),
        ("%assign t_counter 2", "t_counter"),
        ("; COUNTER_STEP equ 1", None),
    ],
)
def test_a_definition_of_a_contracts_name_is_told(definition: str, name: str | None) -> None:
    found = findings(f"{definition}\n{GOOD}".replace("counter_next 0", "counter_next 1"))
    messages = [message for rule, message in found if rule == "SRC003"]
    assert [message.split()[0] for message in messages] == ([name] if name else [])


def test_the_own_interface_may_be_among_the_visible_ones() -> None:
    both = {COUNTER: counter(), LIBC: libc()}
    assert findings(GOOD, visible=both) == []
