"""Contracts, objects and inputs for the tests of the checks."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asmith.abi import banner
from asmith.check.engine import HeaderInput, LinkInput, ObjectInput, Profile, check_object
from asmith.check.report import EXAMPLE_CONTRACT, EXAMPLE_LIBRARY
from asmith.contract.reader import read_interfaces
from asmith.model.names import InterfaceName, ModuleName, digest_of
from asmith.model.objects import Binding, ObjectFacts, Symbol
from asmith.model.record import Stamp, Traced
from asmith.model.spec import Use
from asmith.toolchain.elf import read_object

if TYPE_CHECKING:
    from asmith.model.contract import Interface

PATH = "modules/counter.asm"
COUNTER = InterfaceName("counter")
LIBC = InterfaceName("libc")
LIBC_HEADER = """\
//@ asm library "libc" header "stdio.h";
"""
INCLUDE = """\
COUNTER_STEP            equ 1
t_counter_size          equ 16
t_counter.count         equ 0
t_counter.limit         equ 8
"""


COMPILED = """
        .intel_syntax noprefix
        .text
        .globl  f
        .type   f, @function
f:      {code}
        .size   f, . - f
        {more}
        .section .note.GNU-stack, "", @progbits
"""


def rules_of(directory: Path, code: str, profile: Profile, more: str = "") -> list[str]:
    """Return the rules, but those of the file, that report a function `f` as gcc assembles it."""
    (directory / "f.s").write_text(COMPILED.format(code=code, more=more))
    subprocess.run(["gcc", "-c", "f.s", "-o", "f.o"], cwd=directory, check=True)
    facts = read_object((directory / "f.o").read_bytes(), "f.o")
    result = check_object(ObjectInput(facts=facts, profile=profile))
    assert result.not_analysed == ()
    return [f.rule for f in result.findings if f.rule[:3] != "ELF"]


def counter(more: str = "", *, clauses: str = "") -> Interface:
    """Return the interface of the rules' examples, with declarations and clauses added."""
    header = EXAMPLE_CONTRACT.replace("/*@ ", f"/*@ {clauses}") + more
    return read_interfaces({COUNTER: ("interfaces/counter.h", header.encode())})[COUNTER]


def libc(declarations: str = "") -> Interface:
    """Return an external interface that libc implements."""
    header = f"{LIBC_HEADER}{declarations}\n" if declarations else EXAMPLE_LIBRARY
    return read_interfaces({LIBC: ("interfaces/libc.h", header.encode())})[LIBC]


@lru_cache(maxsize=128)
def assemble(source: str, path: str = PATH, *, include: str = INCLUDE, debug: bool = True) -> bytes:
    """Return the object that nasm makes of a text behind a generated include, as builds do."""
    text = f"%line 0+1 include/counter.inc\n{include}\n%line 0+1 {path}\n{source}"
    flags = ["-g", "-F", "dwarf"] if debug else []
    command = ["nasm", "-f", "elf64", *flags, "--reproducible", "-Werror", "-o", "out.o"]
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "text.asm").write_text(text)
        done = subprocess.run(
            [*command, "text.asm"], cwd=directory, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return (Path(directory) / "out.o").read_bytes()


def subject(source: str, *, include: str = INCLUDE, **changes: Any) -> ObjectInput:
    """Return the input of a module that implements `counter` and may call libc's puts.

    A text without a banner gets the right one behind its end.
    """
    interface = changes.setdefault("interface", counter())
    text = source if ";@" in source else source + banner.render(interface, "the banner")
    values = {
        "facts": read_object(assemble(text, include=include), "build/counter.o"),
        "source": text,
        "source_path": PATH,
        "visible": {LIBC: libc()},
        "uses": tuple(
            Use(LIBC, n) for n in ("puts", "calloc", "free", "strchr", "fileno", "isatty", "atexit")
        ),
    }
    return ObjectInput(**(values | changes))


def traced(texts: dict[str, str]) -> dict[str, Traced]:
    return {name: Traced(text, digest_of("caller", text)) for name, text in texts.items()}


def stamp(module: str, described: dict[str, Any]) -> Stamp:
    offers = traced(described.get("offers", {}))
    return Stamp(
        module=ModuleName(module),
        exports=offers,
        offers=offers,
        imports=traced(described.get("imports", {})),
        values=described.get("values", {}),
    )


def facts_of(described: dict[str, Any]) -> ObjectFacts:
    """Return the facts of an object that defines and needs the given names."""

    def symbol(name: str, *, undefined: bool) -> Symbol:
        home = None if undefined else 1
        binding = Binding.WEAK if name in described.get("weak", ()) else Binding.GLOBAL
        return Symbol(name, "STT_FUNC", binding, "STV_DEFAULT", home, 0, 1, undefined)

    symbols = [symbol(name, undefined=False) for name in described.get("defines", ())]
    symbols += [symbol(name, undefined=True) for name in described.get("needs", ())]
    return ObjectFacts(f"build/{described['module']}.o", (), tuple(symbols), (), ())


def link(described: dict[str, Any]) -> LinkInput:
    """Return the link that a rule's JSON example describes."""
    headers = {
        InterfaceName(name): (
            f"interfaces/{name}.h",
            "".join(
                [f'//@ asm library "{value["library"]}" header "x.h";\n']
                + [f"int {function}(void);\n" for function in value["functions"]]
            ).encode(),
        )
        for name, value in described.get("external", {}).items()
    }
    return LinkInput(
        product="app",
        objects=tuple(
            (
                ModuleName(o["module"]),
                facts_of(o),
                stamp(o["module"], o) if o.get("stamp", True) else None,
            )
            for o in described["objects"]
        ),
        libraries={name: frozenset(e) for name, e in described.get("libraries", {}).items()},
        entry_points=tuple(described.get("entry_points", ())),
        interfaces=read_interfaces(headers),
    )


def examples(doc: str, language: str, outcome: str) -> list[str]:
    """Return the fenced examples of a rule's documentation."""
    return re.findall(rf"^```{language} {outcome}\n(.*?)^```$", doc, re.MULTILINE | re.DOTALL)


def header_example(text: str) -> HeaderInput:
    """Return the comparison that a rule's JSON example describes."""
    described = json.loads(text)
    header = described["interface"].encode()
    interface = read_interfaces({LIBC: ("interfaces/libc.h", header)})[LIBC]
    return HeaderInput(interface, described["differences"], tuple(described["missing"]))


def link_example(text: str) -> LinkInput:
    return link(json.loads(text))
