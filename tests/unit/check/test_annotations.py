"""Results as GitHub annotations."""

from __future__ import annotations

from renderings import RESULTS

from asmith.check.annotations import as_annotations


def test_a_finding_is_one_command_at_its_line() -> None:
    assert as_annotations(RESULTS[:1]).splitlines() == [
        (
            "::error file=modules/counter.asm,line=31,title=asmith ELF006::"
            "code holds an absolute address (counter_next+0x2f)%0A"
            "why:  a shared object has no fixed place%0Ahelp: use lea x, [rel sym]"
        ),
        (
            "::notice file=build/obj/counter.o,title=asmith%3A 1 function not analysed::"
            "tick: a jump through memory"
        ),
        "not analysed: tick of build/obj/counter.o: a jump through memory",
        "waived: ELF006 in counter_next: the loader of this product is ours",
        "1 finding; 1 of 2 functions analysed",
    ]


def test_no_name_or_message_starts_a_command_of_its_own() -> None:
    lines = as_annotations(RESULTS[1:]).splitlines()
    commands = [line for line in lines if line.lstrip().startswith("::")]
    assert commands == [
        (
            "::warning file=/a dir\udcff/lib%2541%2Cx%3A1.a(söme%0A\udcfefile.o),title=asmith "
            "ABI999::100%25 wrong,%0D%0A::error::not a command%0Awhy:  nobody: says, why%0Ahelp: x"
        ),
        "::notice file=x.o,title=asmith%3A 1 function not analysed::::add-mask::a%0A  ::b: r%0As",
    ]


def test_without_findings_there_is_no_command() -> None:
    assert as_annotations([]) == "0 findings"
