"""Results with everything that a rendering must survive."""

from __future__ import annotations

from asmith.check.engine import CheckResult, NotAnalysed, Waived
from asmith.model.finding import Finding, Severity

FOUND = Finding(
    "ELF006",
    "code holds an absolute address",
    "a shared object has no fixed place",
    "use lea x, [rel sym]",
    object="build/obj/counter.o",
    function="counter_next",
    offset=0x2F,
    file="modules/counter.asm",
    line=31,
    excerpt="        mov     rbx, counts",
    label="here",
)
UGLY = Finding(
    "ABI999",
    "100% wrong,\r\n::error::not a command",
    "nobody: says, why",
    "x",
    object="/a dir\udcff/lib%41,x:1.a(söme\n\udcfefile.o)",
    severity=Severity.WARNING,
)
RESULTS = [
    CheckResult(
        findings=(FOUND,),
        functions=2,
        analysed=1,
        not_analysed=(NotAnalysed("build/obj/counter.o", "tick", "a jump through memory"),),
        waived=(Waived(FOUND, "the loader of this product is ours"),),
    ),
    CheckResult(
        findings=(UGLY,),
        not_analysed=(NotAnalysed("x.o", "::add-mask::a\n  ::b", "r\ns"),),
    ),
    CheckResult(),
]
