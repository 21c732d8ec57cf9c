"""What the checks refuse, each with its own rule and place, through `build` and `accept`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from fakes.command import generator_script, without_generator
from fakes.sample import FUNCTION, SPEC

if TYPE_CHECKING:
    from fakes.command import Command
    from fakes.sample import Sample

GLOBAL = "        global  mid:function (mid.end - mid)\n"
TEXT = "        section .text align=16\n"
HELPER = "        global  aid:function (aid.end - aid)\naid:\n        ret\n.end:\n"


class Refusal(NamedTuple):
    """A text in which `old` became `new` breaks `rule` at the line that holds `at`."""

    rule: str
    old: str
    new: str
    at: str


REFUSALS = {
    "missing export": Refusal("ELF001", GLOBAL, "", "mid:\n"),
    "extra export": Refusal("ELF002", GLOBAL, HELPER + GLOBAL, "global  aid:"),
    "call outside uses": Refusal(
        "ELF004",
        "        call    leaf wrt ..plt",
        "        extern  top\n        call    leaf wrt ..plt\n        call    top wrt ..plt",
        "call    top",
    ),
    "writable and executable": Refusal(
        "ELF005",
        TEXT,
        "        section .both write exec align=16\n        nop\n" + TEXT,
        "section .both",
    ),
    "absolute address in code": Refusal(
        "ELF006", "mov     rax, 10", "mov     rax, mid", "mov     rax, mid"
    ),
    "text relocation": Refusal(
        "ELF007", TEXT, "        section .rodata align=8\ntable:  dq mid\n" + TEXT, "table:"
    ),
    "undeclared symbol": Refusal(
        "ASM001", "call    leaf wrt ..plt", "call    top wrt ..plt", "call    top"
    ),
}


def line_of(text: str, words: str) -> int:
    """Return the number of the first line that holds `words`."""
    return text[: text.index(words)].count("\n") + 1


def broken(sample: Sample, refusal: Refusal) -> str:
    """Return mid's text with the fault in it."""
    text = sample.read("modules/mid.asm")
    assert text.count(refusal.old) == 1
    return text.replace(refusal.old, refusal.new)


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS.keys())
@pytest.mark.parametrize("way", ["build", "edit", "accept"])
def test_a_module_that_breaks_a_rule_is_refused_at_its_line(
    asmith: Command, plain: Sample, refusal: Refusal, way: str
) -> None:
    text = broken(plain, refusal)
    answer = f"```nasm\n{text}```\n"
    arguments = ["build", "-q"]
    if way == "edit":
        plain.write("modules/mid.asm", text)
    else:
        plain.edit("specs/mid.md", "add 10", "add 10 again")
    if way == "build":
        generator_script(plain, f"print({answer!r})\n")
    if way == "accept":
        plain.write("ANSWER", answer)
        arguments = ["accept", "mid", str(plain.root / "ANSWER"), "-q"]
    before = plain.tree("modules", "build/bin")
    said = asmith(plain, *arguments)
    assert said.code == 1
    assert [m.partition(":")[0] for m in said.messages()] == [f"error[{refusal.rule}]"]
    place = re.search(r"^  --> ([^ \n]+)", said.err, re.MULTILINE)
    assert place
    assert place[1] == f"modules/mid.asm:{line_of(text, refusal.at)}"
    assert plain.tree("modules", "build/bin") == before


def test_a_literal_offset_into_a_structure_is_refused(asmith: Command, plain: Sample) -> None:
    plain.edit("interfaces/leaf.h", "#include <stdint.h>", '#include "shape.h"')
    plain.edit(
        "interfaces/leaf.h",
        "/*@ assigns \\nothing;",
        "/*@ requires \\valid_read(x);\n  @ assigns \\nothing;",
    )
    plain.edit("interfaces/leaf.h", "(uint64_t x)", "(const struct shape *x)")
    plain.edit("specs/mid.md", "call leaf and ", "")
    plain.edit("specs/top.md", "call mid and ", "")
    plain.ran()
    text = plain.read("modules/leaf.asm").replace("mov     rbx, rdi", "mov     rbx, [rdi + 8]")
    plain.write("modules/leaf.asm", text)
    said = asmith(plain, "build", "-q")
    assert said.code == 1
    assert [m.partition(":")[0] for m in said.messages()] == ["error[SRC001]"]
    assert f"  --> modules/leaf.asm:{line_of(text, '[rdi + 8]')} " in said.err
    named = text.replace("[rdi + 8]", "[rdi + t_shape.second]")
    plain.write("modules/leaf.asm", named)
    assert asmith(plain, "build", "-q").code == 0


# ---- the link ------------------------------------------------------------------------------------


def test_a_symbol_without_a_provider_is_refused(asmith: Command, plain: Sample) -> None:
    plain.write("interfaces/ghost.h", FUNCTION.format("ghost"))
    plain.edit("specs/mid.md", "[leaf]", "[ghost, leaf]")
    plain.edit("specs/mid.md", "call leaf and", "call leaf and call ghost and")
    before = plain.tree("modules", "build/bin")
    said = asmith(plain, "build", "-q")
    assert said.code == 1
    assert said.messages() == [
        "error[LNK001]: mid refers to ghost, and nothing in product sum provides it"
    ]
    assert "obj/mid.o\n" in said.err
    assert plain.tree("modules", "build/bin") == before


def test_a_symbol_of_two_providers_is_refused(asmith: Command, plain: Sample) -> None:
    for module in ("left", "right"):
        plain.write(f"interfaces/{module}.h", FUNCTION.format("same"))
        spec = SPEC.format(module, "", "add 1").replace(f"### {module}", "### same")
        plain.write(f"specs/{module}.md", spec)
    plain.edit("pyproject.toml", '["top"]', '["left", "right", "top"]')
    before = plain.tree("build/bin")
    said = asmith(plain, "build", "-q")
    assert said.code == 1
    assert [m.partition(":")[0] for m in said.messages()] == ["error[LNK002]"]
    assert "left" in said.messages()[0]
    assert "right" in said.messages()[0]
    assert plain.tree("build/bin") == before


def test_one_helper_exported_by_two_modules_is_refused_in_both(
    asmith: Command, plain: Sample
) -> None:
    for module in ("leaf", "mid"):
        mark = f"        global  {module}:"
        plain.edit(f"modules/{module}.asm", mark, HELPER + mark)
    said = asmith(plain, "build", "-q")
    assert said.code == 1
    assert said.messages() == [
        "error[ELF002]: aid is exported, a name that interface leaf does not declare",
        "error[ELF002]: aid is exported, a name that interface mid does not declare",
    ]


def test_a_caller_left_behind_by_its_callee_is_refused_at_the_link(
    asmith: Command, plain: Sample
) -> None:
    plain.edit("interfaces/leaf.h", "assigns", "ensures \\result >= 0;\n  @ assigns")
    plain.ran()
    new = {p: plain.read(p) for p in ("modules/leaf.asm", "modules/leaf.json")}
    plain.edit("interfaces/leaf.h", "ensures \\result >= 0;\n  @ ", "")
    plain.ran()
    without_generator(plain)
    for path in ("build", ".asmith"):
        plain.remove(path)
    # The callee moves on; its caller does not, and nothing of the last good build is left.
    plain.edit("interfaces/leaf.h", "assigns", "ensures \\result >= 0;\n  @ assigns")
    for path, text in new.items():
        plain.write(path, text)
    said = asmith(plain, "build", "-q")
    assert said.code == 1
    assert said.messages() == [
        "error: module 'mid' is stale and there is no answer for it",
        "error[LNK003]: mid imports leaf.leaf under another contract than leaf offers",
    ]
    shown = said.err.partition("LNK003")[2]
    assert "+" in shown
    assert "\\result >= 0" in shown
    assert not (plain.root / "build/bin/libsum.so").exists()


def test_findings_of_a_build_are_found_again_by_check(asmith: Command, plain: Sample) -> None:
    plain.write("modules/mid.asm", broken(plain, REFUSALS["absolute address in code"]))
    said = asmith(plain, "check", "mid", "--json")
    assert said.code == 1
    found = json.loads(said.out)["findings"]
    assert [(f["rule"], f["file"], f["function"]) for f in found] == [
        ("ELF006", "modules/mid.asm", "mid")
    ]


def test_check_tells_what_nasm_says_once(asmith: Command, plain: Sample) -> None:
    plain.edit("modules/mid.asm", "mov     rax, 10", "mov     rax")
    said = asmith(plain, "check")
    assert said.code == 1
    assert said.messages() == ["error[ASM001]: invalid combination of opcode and operands"]
    found = json.loads(asmith(plain, "check", "--json").out)
    assert [f["rule"] for f in found["findings"]] == ["ASM001"]
    assert found["functions"] == 2
