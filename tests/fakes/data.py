"""A project as plain data: its files, what its contracts say, what its texts must be and do."""

from __future__ import annotations

import io
import re
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from unittest.mock import patch

from fakes import generator

MASK = 2**64 - 1
SHAPE = "shape"  # the interface that has types only
NONE: frozenset[str] = frozenset()
_TYPES = {  # C type -> canonical spelling, size and alignment in bytes
    "uint64_t": ("unsigned long", 8),
    "int64_t": ("long", 8),
    "uint32_t": ("unsigned int", 4),
}


# ---- data ----------------------------------------------------------------------------------------


class Function(NamedTuple):
    """A function of an interface: uint64_t name(uint64_t x)."""

    name: str
    at_least: int = 0  # `ensures` of callers' interest; 0: none
    stack: int = 32
    waiver: str = ""


class Requirement(NamedTuple):
    """A numbered requirement of one function."""

    number: int
    function: str
    words: str  # after "FUNCTION MUST "


@dataclass(frozen=True)
class Module:
    """A module: its interface and its spec, with everything in them that nobody depends on."""

    name: str
    uses: tuple[str, ...]
    functions: tuple[Function, ...]
    requirements: tuple[Requirement, ...]
    note: int = 0
    wrapped: bool = False
    comment: int = 0


@dataclass(frozen=True)
class Data:
    """A whole project, but for modules/."""

    modules: dict[str, Module]
    constants: dict[str, int]
    fields: tuple[tuple[str, str], ...]  # (name, C type) of struct shape, in order
    tests: dict[str, str]
    products: dict[str, str]  # product -> the module that it offers

    def with_module(self, module: Module) -> Data:
        """Return the data with one module replaced."""
        return replace(self, modules={**self.modules, module.name: module})

    def without_tests(self) -> Data:
        """Return the data without module tests, each of which costs a process."""
        return replace(self, tests={})

    def owner(self, function: str) -> str:
        """Return the module of a function."""
        return next(n for n, m in self.modules.items() if function in [f.name for f in m.functions])


def start() -> Data:
    """Return the project that every sequence begins with."""

    def module(name: str, uses: tuple[str, ...], words: str) -> Module:
        return Module(name, uses, (Function(name),), (Requirement(1, name, words),))

    modules = [
        module("leaf", (SHAPE,), "add 1 and use LIMIT and use t_shape.second"),
        module("side", (SHAPE,), "add 2 and use t_shape.third"),
        module("mid", ("leaf", SHAPE), "call leaf and use STEP and add 10"),
        module("twin", ("leaf", "side"), "call side and call leaf and add 20"),
        module("top", ("mid", "twin"), "call mid and call twin and add 100"),
    ]
    return Data(
        modules={m.name: m for m in modules},
        constants={"LIMIT": 5, "STEP": 3},
        fields=(("first", "uint64_t"), ("second", "uint64_t"), ("third", "uint64_t")),
        tests={"mid": "def test_it_adds(module):\n    assert module.mid(1) >= 1\n"},
        products={"sum": "top", "part": "mid"},
    )


def valid(data: Data) -> bool:
    """Tell whether every requirement speaks of what there is, and may be used."""
    for module in data.modules.values():
        own = {f.name for f in module.functions}
        seen = {f.name for u in module.uses if u != SHAPE for f in data.modules[u].functions}
        if SHAPE in module.uses:
            seen |= {*data.constants, *offsets(data)}
        for _, function, words in module.requirements:
            named = set(re.findall(r"\b(?:call|use) ([\w.]+)", words))
            if function not in own or not named <= seen:
                return False
    return True


# ---- files ---------------------------------------------------------------------------------------


def files(data: Data) -> dict[str, str]:
    """Return the text of every file of the project but pyproject.toml and modules/."""
    found = {f"interfaces/{SHAPE}.h": _shape(data)}
    for name, module in data.modules.items():
        found[f"interfaces/{name}.h"] = _header(module)
        found[f"specs/{name}.md"] = _spec(module)
    return found | {f"tests/modules/test_{n}.py": text for n, text in data.tests.items()}


def products(data: Data) -> str:
    """Return the products as the configuration says them."""
    form = '[tool.asmith.products.{0}]\nkind = "library"\noffers = ["{1}"]\n'
    return "".join(form.format(n, m) for n, m in data.products.items())


def _shape(data: Data) -> str:
    constants = "".join(f"#define {n} {v}\n" for n, v in data.constants.items())
    fields = "".join(f"    {ctype} {name};\n" for name, ctype in data.fields)
    return f"#include <stdint.h>\n\n{constants}\nstruct shape {{\n{fields}}};\n"


def _header(module: Module) -> str:
    parts = ["#include <stdint.h>", f"/* Comment {module.comment}. */"]
    for f in module.functions:
        ensures = f"  @ ensures \\result >= {f.at_least};\n" if f.at_least else ""
        waiver = f'  @ asm waive SRC001 "{f.waiver}";\n' if f.waiver else ""
        clauses = f"/*@ assigns \\nothing;\n{ensures}{waiver}  @ asm stack {f.stack};\n  @*/"
        parts.append(f"{clauses}\nuint64_t {f.name}(uint64_t x);")
    return "\n\n".join(parts) + "\n"


def _spec(module: Module) -> str:
    lines = ["---", f"module: {module.name}", f"uses: [{', '.join(module.uses)}]", "---"]
    lines += [f"# {module.name}: a sum", "", "## Requirements"]
    for f in module.functions:
        lines += ["", f"### {f.name}"]
        for number, function, words in module.requirements:
            if function == f.name:
                blank = "\n  " if module.wrapped else " "
                text = f"{f.name} MUST {words}.".replace(" and ", f"{blank}and ")
                lines.append(f"- **FR-{number:03}**: {text}")
    return "\n".join([*lines, "", "## Notes", f"Note {module.note}.", ""])


# ---- what contracts say --------------------------------------------------------------------------


def offsets(data: Data) -> dict[str, tuple[int, int]]:
    """Return (offset, size) of each field by its name in assembly: C's own layout."""
    found, end = {}, 0
    for name, ctype in data.fields:
        size = _TYPES[ctype][1]
        begin = (end + size - 1) // size * size
        found[f"t_shape.{name}"] = (begin, size)
        end = begin + size
    return found


def values(data: Data) -> dict[str, Any]:
    """Return what assembling depends on of each constant and field, by its name in assembly."""
    return {**data.constants, **offsets(data)}


def callers_contract(data: Data, name: str) -> tuple[Any, ...] | None:
    """Return what an importer of a name depends on; None for a name that no contract has."""
    if name in data.constants:
        return ("constant",)
    if name.startswith("t_shape."):
        ctype = dict(data.fields).get(name.removeprefix("t_shape."))
        return ctype and ("field", ctype)
    functions = [f for m in data.modules.values() for f in m.functions if f.name == name]
    return ("function", functions[0].at_least) if functions else None


def interface_of(data: Data, name: str) -> str:
    return data.owner(name) if name.islower() and "." not in name else SHAPE


def _sheet(functions: tuple[Function, ...], *, own: bool) -> str:
    """Return functions as a request shows them; the frame is told to the implementer alone."""
    parts = []
    for f in functions:
        ensures = [f"ensures \\result >= {f.at_least}"] if f.at_least else []
        clauses = ["assigns \\nothing", *ensures, *([f"stack {f.stack}"] if own else [])]
        parts.append("\n    ".join([f"unsigned long {f.name}(unsigned long x);", *clauses]))
    return "\n\n".join(parts)


def _shape_sheet(data: Data) -> str:
    constants = [f"    {n} = {v}" for n, v in data.constants.items()]
    ends = offsets(data)
    fields = [
        f"    t_shape.{n} = {ends[f't_shape.{n}'][0]} (size {_TYPES[c][1]}): {_TYPES[c][0]} {n};"
        for n, c in data.fields
    ]
    return "\n".join(["constants, by these names:", *constants, "", "struct shape:", *fields])


def _banner(module: Module) -> str:
    lines = [f"; {module.name}: a sum"]
    for f in module.functions:
        lines += [";", f";@ unsigned long {f.name}(unsigned long x)", ";@   in    rdi = x"]
        lines += [";@   out   rax", ";@   assigns \\nothing"]
        lines += [f";@   ensures \\result >= {f.at_least}"] if f.at_least else []
        lines += [f";@   stack {f.stack}"]
    return "\n".join(lines)


def answer(data: Data, name: str) -> str:
    """Return the text that the fake generator makes of today's data."""
    module = data.modules[name]
    parts = [f"# Its banner\n{_banner(module)}\n"]
    parts += [f"# The contract that it implements\n{_sheet(module.functions, own=True)}\n"]
    for use in module.uses:
        sheet = (
            _shape_sheet(data) if use == SHAPE else _sheet(data.modules[use].functions, own=False)
        )
        parts.append(f"# Contract that it may use: {use}\n{sheet}\n")
    order = [f.name for f in module.functions]
    asked = sorted(module.requirements, key=lambda r: order.index(r.function))
    lines = [f"- [FR-{n:03}] {f}: {f} MUST {words}." for n, f, words in asked]
    request = "\n".join([*parts, "# Requirements", *lines, ""])
    with patch.object(sys, "stdin", io.StringIO(request)), redirect_stdout(io.StringIO()) as out:
        generator.main()
    return out.getvalue().removeprefix("```nasm\n").removesuffix("```\n")


# ---- what texts say ------------------------------------------------------------------------------


def code_lines(text: str) -> tuple[str, ...]:
    """Return a text without comments and blanks."""
    lines = (" ".join(line.split(";")[0].split()) for line in text.splitlines())
    return tuple(line for line in lines if line)


def names(data: Data, module: str, text: str) -> frozenset[str]:
    """Return the names of other contracts in a text."""
    own = {f.name for f in data.modules[module].functions}
    words = {w for line in code_lines(text) for w in re.findall(r"[\w.]+", line)}
    return frozenset(w for w in words - own if callers_contract(data, w) is not None)


def banner_lines(text: str) -> tuple[str, ...]:
    """Return the lines of a text that speak of its contract."""
    return tuple(line.rstrip() for line in text.splitlines() if line.startswith(";@"))


def call(data: Data, texts: dict[str, str], function: str, x: int) -> int:
    """Return f(x): x plus all that the text of f adds."""
    text = texts[data.owner(function)]
    body = text.split(f"\n{function}:\n")[1].split("\n.end:")[0]
    total, numbers = x, {**data.constants, **{n: v[0] for n, v in offsets(data).items()}}
    for line in code_lines(body):
        if match := re.fullmatch(r"mov rax, ([\w.]+)", line):
            word = match[1]
            total += 0 if word == "rbx" else int(word) if word.isdigit() else numbers[word]
        elif match := re.fullmatch(r"call (\w+)(?: wrt \.\.plt)?", line):
            total += call(data, texts, match[1], x)
    return total & MASK
