"""A naive reference of a project: its data, its files, and what a build of it must do.

It shares nothing with asmith but the fake generator. The data are plain values; a step must run
when what it depends on, written out in full, differs from the memo of its last good result. The
table of docs/architecture.md is all that it knows:

    generate  a requirement, the uses, own contracts and imported contracts of the text
    assemble  the text, the values of what it names, the contracts that the object is stamped with
    check     code, contracts, values, uses, waivers, banner
    link      code and stamps of everything linked
    test      the test file, code of everything linked, the types of all contracts in sight
"""

from __future__ import annotations

import io
import re
import sys
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from unittest.mock import patch

from fakes import generator

MASK = 2**64 - 1
SHAPE = "shape"  # the interface that has types only
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

    def owner(self, function: str) -> str:
        """Return the module of a function."""
        return next(
            n for n, m in self.modules.items() if function in [f.name for f in m.functions]
        )


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


def _interface(data: Data, name: str) -> str:
    return data.owner(name) if name.islower() and "." not in name else SHAPE


def _sheet(functions: tuple[Function, ...]) -> str:
    parts = []
    for f in functions:
        ensures = [f"ensures \\result >= {f.at_least}"] if f.at_least else []
        clauses = ["assigns \\nothing", *ensures, f"stack {f.stack}"]
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
    parts += [f"# The contract that it implements\n{_sheet(module.functions)}\n"]
    for use in module.uses:
        sheet = _shape_sheet(data) if use == SHAPE else _sheet(data.modules[use].functions)
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


# ---- builds --------------------------------------------------------------------------------------


class Trace(NamedTuple):
    """What a text was made from."""

    spec: tuple[Any, ...]
    exports: dict[str, tuple[Any, ...]]
    offers: dict[str, tuple[Any, ...]]
    imports: dict[str, tuple[Any, ...]]


class Kept(NamedTuple):
    """What is in modules/: a text, and of its record the text it names, the trace, the standing."""

    text: str
    recorded: str
    trace: Trace
    by_hand: bool = False

    @property
    def edited(self) -> bool:
        """Tell whether the text is an edit by hand, recorded or not."""
        return self.by_hand or self.text != self.recorded


@dataclass
class Expected:
    """What a build must do and what must then be there."""

    steps: Counter[str] = field(default_factory=Counter)
    asked: int = 0  # answers that are not in the store
    refused: frozenset[str] = frozenset()  # stale texts that were edited by hand
    kept: dict[str, Kept] = field(default_factory=dict)


def trace_now(data: Data, name: str, imports: frozenset[str]) -> Trace:
    """Return the trace of a text made today."""
    module = data.modules[name]
    spec = (frozenset(module.requirements), frozenset(module.uses))
    exports = {f.name: ("function", f.at_least, f.stack) for f in module.functions}
    offers = {f.name: ("function", f.at_least) for f in module.functions}
    contracts = {n: callers_contract(data, n) or () for n in imports}
    return Trace(spec, exports, offers, contracts)


class Reference:
    """The memo of a project, and what the next build must do by it."""

    def __init__(self) -> None:
        """Begin with nothing built and nothing known."""
        self.kept: dict[str, Kept] = {}
        self.answers: list[tuple[str, Kept]] = []  # all that was ever in modules/, latest last
        self.memo: dict[str, tuple[Any, Any]] = {}  # step -> inputs and result, the last good ones
        self.damaged: set[str] = set()  # steps whose outputs were changed from outside

    def build(self, data: Data, *, force: bool = False) -> Expected:
        """Return what a build must do now; the memo is then that of after the build."""
        expected = Expected()
        view, stale = self._view(data)
        if not force:
            refused = {n for n in stale if n in view and view[n].edited}
            held = self._mates(data, view, refused)
        else:
            refused, held = set(), set()
        for name in sorted(stale - held):
            view[name] = self._answered(data, name, expected)
            expected.steps[f"generate:{name}"] += 1
        expected.refused = frozenset(refused)
        self._run(data, view, held, expected)
        self._adopt(view, held)
        expected.kept = dict(self.kept)
        return expected

    def forget_build(self) -> None:
        """Forget what lay in build/."""
        self.memo.clear()
        self.damaged.clear()

    def would_refuse(self, data: Data) -> bool:
        """Tell whether a build would refuse to overwrite an edit by hand."""
        view, stale = self._view(data)
        return any(view[n].edited for n in stale if n in view)

    def _view(self, data: Data) -> tuple[dict[str, Kept], set[str]]:
        """Return what is in modules/ with today's names, and which of it is stale or missing."""
        view, stale = {}, {n for n in data.modules if n not in self.kept}
        for name, kept in self.kept.items():
            trace = kept.trace
            if kept.text != kept.recorded:
                now = trace_now(data, name, names(data, name, kept.text))
                trace = trace._replace(imports={**now.imports, **_only(trace.imports, now.imports)})
            view[name] = kept._replace(trace=trace)
            if _differences(data, name, trace) or trace.spec != trace_now(data, name, NONE).spec:
                stale.add(name)
        return view, stale

    def _mates(self, data: Data, view: dict[str, Kept], refused: set[str]) -> set[str]:
        """Return the refused modules and all that must move together with them."""
        ties = {}
        for name, kept in view.items():
            changed = {
                name if n in kept.trace.exports else _interface(data, n)
                for n in _differences(data, name, kept.trace)
            }
            before = self.memo.get(f"assemble:{name}")
            if before is not None:
                values_now = _values(data, kept.trace)
                if before[1].values != values_now:
                    changed.add(SHAPE)
            ties[name] = changed
        held = set(refused)
        while True:
            shared = {tie for name in held for tie in ties[name]}
            more = {name for name, tied in ties.items() if tied & shared} - held
            if not more:
                return held
            held |= more

    def _answered(self, data: Data, name: str, expected: Expected) -> Kept:
        now = trace_now(data, name, NONE)
        for known, kept in reversed(self.answers):
            same = known == name and kept.trace[:2] == now[:2]
            imports = {n: callers_contract(data, n) for n in kept.trace.imports}
            if same and imports == kept.trace.imports:
                return kept
        expected.asked += 1
        text = answer(data, name)
        return Kept(text, text, trace_now(data, name, names(data, name, text)))

    def _run(self, data: Data, view: dict[str, Kept], held: set[str], out: Expected) -> None:
        for name, kept in view.items():
            made = Object(_code(data, kept.text), _stamp(data, kept.trace), _values(data, kept.trace))
            self._step(f"assemble:{name}", (kept.text, made.stamp), made, out, held=name in held)
        objects = {n: self.memo[f"assemble:{n}"][1] for n in view}
        for name, kept in view.items():
            self._step(
                f"check:{name}",
                (
                    objects[name].code,
                    code_lines(kept.text),
                    banner_lines(kept.text),
                    _stamp(data, kept.trace),
                    frozenset(data.modules[name].uses),
                    tuple(f.waiver for f in data.modules[name].functions),
                ),
                None,
                out,
                held=name in held,
            )
        for product, root in data.products.items():
            linked = sorted(self._closure(data, view, root))
            inputs = tuple((n, objects[n].code, objects[n].stamp) for n in linked)
            self._step(f"link:{product}", inputs, None, out, held=False)
        for name, text in data.tests.items():
            codes = tuple((n, objects[n].code) for n in sorted(self._closure(data, view, name)))
            inputs = (text, codes, _types_in_sight(data, name))
            self._step(f"test:{name}", inputs, None, out, held=name in held)

    def _step(self, step: str, inputs: Any, result: Any, out: Expected, *, held: bool) -> None:
        done = self.memo.get(step)
        good = done is not None and step not in self.damaged
        if good and (held or done[0] == inputs):
            return
        out.steps[step] += 1
        self.memo[step] = (inputs, result)
        self.damaged.discard(step)

    def _closure(self, data: Data, view: dict[str, Kept], root: str) -> set[str]:
        found, todo = set(), [root]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                called = [n for n in view[name].trace.imports if n.islower() and "." not in n]
                todo += [data.owner(n) for n in called]
        return found

    def _adopt(self, view: dict[str, Kept], held: set[str]) -> None:
        for name, kept in view.items():
            if name in held:
                continue
            by_hand = kept.by_hand
            if kept.text != kept.recorded:
                same = [k for n, k in self.answers if n == name and k.text == kept.text]
                spec = [k for k in same if k.trace[:2] == kept.trace[:2]]
                by_hand = spec[-1].by_hand if spec else True
            now = Kept(kept.text, kept.text, kept.trace, by_hand)
            before = self.kept.get(name)
            if before is not None and before.text == before.recorded:
                self.answers.append((name, before))
            self.answers.append((name, now))
            self.kept[name] = now


NONE: frozenset[str] = frozenset()


class Object(NamedTuple):
    """What assembling makes: machine code, the stamp, and the values that went in."""

    code: tuple[str, ...]
    stamp: Any
    values: dict[str, Any]


def _differences(data: Data, name: str, trace: Trace) -> set[str]:
    """Return the names whose contract is not what a text was made for."""
    now = trace_now(data, name, frozenset(trace.imports))
    pairs = ((trace.exports, now.exports), (trace.imports, now.imports))
    return {n for old, new in pairs for n in {*old, *new} if old.get(n) != new.get(n)}


def _only(contracts: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    return {n: c for n, c in contracts.items() if n in wanted}


def _values(data: Data, trace: Trace) -> dict[str, Any]:
    return _only(values(data), trace.imports)


def _stamp(data: Data, trace: Trace) -> Any:
    return (trace.exports, trace.offers, trace.imports, _values(data, trace))


def _code(data: Data, text: str) -> tuple[str, ...]:
    """Return the instructions of a text with all values put in."""
    numbers = {**data.constants, **{n: v[0] for n, v in offsets(data).items()}}
    lines = []
    for line in code_lines(text):
        head, comma, word = line.rpartition(", ")
        lines.append(f"{head}{comma}{numbers.get(word, word)}")
    return tuple(lines)


def _types_in_sight(data: Data, name: str) -> Any:
    module = data.modules[name]
    functions = [f.name for u in (name, *module.uses) if u != SHAPE for f in data.modules[u].functions]
    shape = (data.constants, data.fields) if SHAPE in module.uses else ()
    return (functions, shape)
