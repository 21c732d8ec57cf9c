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

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from fakes.data import (
    NONE,
    SHAPE,
    answer,
    banner_lines,
    callers_contract,
    code_lines,
    interface_of,
    names,
    offsets,
    values,
)

if TYPE_CHECKING:
    from fakes.data import Data


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
    code: tuple[str, ...] = ()  # of its object when the record was written

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
                name if n in kept.trace.exports else interface_of(data, n)
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
            made = Object(
                _code(data, kept.text), _stamp(data, kept.trace), _values(data, kept.trace)
            )
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
        """Keep what was built; each record that is written anew makes its text the latest one."""
        for name, kept in view.items():
            if name in held:
                continue
            by_hand = kept.by_hand
            if kept.text != kept.recorded:
                same = [k for n, k in self.answers if n == name and k.text == kept.text]
                spec = [k for k in same if k.trace[:2] == kept.trace[:2]]
                by_hand = spec[-1].by_hand if spec else True
            code = self.memo[f"assemble:{name}"][1].code
            now = Kept(kept.text, kept.text, kept.trace, by_hand, code)
            before = self.kept.get(name)
            if now != before:
                if before is not None and before.text == before.recorded:
                    self.answers.append((name, before))
                self.answers.append((name, now))
            self.kept[name] = now


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
    functions = [
        f.name for u in (name, *module.uses) if u != SHAPE for f in data.modules[u].functions
    ]
    shape = (data.constants, data.fields) if SHAPE in module.uses else ()
    return (functions, shape)
