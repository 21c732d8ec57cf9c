"""The recall leg: the share of mutants that break the ABI which the checker reports.

Execution decides which mutants break it (native/runner.c), never the checker. A mutant is found if
the checker reports on it what it does not report on the original; "not analysed" counts as missed.
"""

from __future__ import annotations

import json
import random
import re
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from asmith.model.objects import Binding
from asmith.toolchain import elf
from checking import operators, subjects
from checking.cache import CACHE
from checking.execution import Executed, build, executed
from checking.patching import patched
from checking.subject import Verdict, judged

if TYPE_CHECKING:
    from checking.operators import Mutation
    from checking.subjects import Unit

_OF_THE_CODE = re.compile(r"(ABI|VAL|FLW|RUN)\d{3}")
HOLDS = {"same", "other", "endless"}
UNKNOWN = {"unreached", "hangs"}
WANTED = 0.98


@dataclass(frozen=True, slots=True)
class Size:
    """How many units to mutate, and how often each of their functions."""

    units: int
    per_function: int
    modules: bool = True


WHOLE = Size(60, 14)
SMOKE = Size(4, 4, modules=False)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mutant with what execution and the checker say of it."""

    unit: Unit
    function: str
    mutation: Mutation
    executed: Executed
    found: tuple[str, ...]  # rules that report it
    lost: str  # why a function of it was not analysed, if that is new

    @property
    def way(self) -> str:
        """Return how execution saw the violation."""
        return self.executed.detail.partition(" (")[0]

    def line(self) -> str:
        """Return what to print of it."""
        m = self.mutation
        return (
            f"{self.unit.origin} {self.unit.name} {self.function} at {m.offset:#x}: {m.operator}: "
            f"{m.text}: {self.executed.verdict}: {self.executed.detail}"
            f"{f' [not analysed: {self.lost}]' if self.lost else ''}"
        )


def main(size: Size, seed: int = 1) -> bool:
    """Make, execute and check the mutants; print the score and every miss.

    Another `seed` makes other functions and mutants, which nobody has looked at.
    """
    with tempfile.TemporaryDirectory(prefix="asmith-recall-") as scratch:
        directory = Path(scratch)
        units = list(subjects.generated(directory, size.units, seed))
        if size.modules:
            units += subjects.modules(directory)
        runner, units = _sound(units, directory)
        mutants = judge(units, runner, size.per_function, seed)
    print(rejected())
    return report(mutants)


def rejected() -> str:
    """Return what the records of the modules tell of answers that were rejected.

    A rejected answer whose fault is one of the machine code would be a mutant too.
    """
    attempts = [
        attempt
        for path in sorted((subjects.ROOT / "modules").glob("*.json"))
        for attempt in json.loads(path.read_text(encoding="utf-8"))["attempts"]
        if attempt["outcome"] == "rejected"
    ]
    faults = [
        finding
        for attempt in attempts
        for finding in attempt["findings"]
        if _OF_THE_CODE.match(finding)
    ]
    return (
        f"{len(attempts)} rejected answers in the records, "
        f"{len(faults)} findings of them about the ABI{': ' if faults else ''}{'; '.join(faults)}"
    )


def _sound(units: list[Unit], directory: Path) -> tuple[Path, list[Unit]]:
    """Return the runner and the units, without the functions whose originals break the ABI.

    Generated C may read what it never wrote, or leave a switch by a case that it calls
    unreachable.
    """
    sound: set[str] = set()
    while True:
        runner = build(units, directory)
        kept = []
        asked = [n for n, unit in enumerate(units) if unit.name not in sound]
        originals = iter(executed(runner, [(n, None, 0) for n in asked]))
        for unit in units:
            original = next(originals) if unit.name not in sound else None
            if original is None or original.verdict in HOLDS:
                sound.add(unit.name)
                kept.append(unit)
                continue
            wrong = original.detail.rpartition("(")[2].partition(",")[0]
            print(f"left out: {unit.origin} {original.detail}")
            rest = {n: s for n, s in unit.functions.items() if n != wrong}
            if rest and len(rest) < len(unit.functions):
                kept.append(replace(unit, functions=rest))
        if kept == units:
            return runner, units
        units = kept


def judge(units: list[Unit], runner: Path, per_function: int, seed: int) -> list[Mutant]:
    """Return the mutants of all units, executed and checked."""
    work = [
        (number, function, mutation, offset)
        for number, unit in enumerate(units)
        for function, mutation, offset in _chosen(unit, number + seed - 1, per_function)
    ]
    # The first answers make the results of the originals known to the runner.
    first = [(n, None, 0) for n in range(len(units))]
    told = list(executed(runner, [*first, *((n, m, o) for n, _, m, o in work)]))
    print(f"{len(units)} units, {len(work)} mutants", flush=True)
    before: dict[int, Verdict] = {}
    made = []
    for (number, function, mutation, _), outcome in zip(work, told[len(first) :], strict=True):
        unit = units[number]
        data = unit.path.read_bytes()
        if number not in before:
            before[number] = judged(data, unit.name, unit.profile, unit.contracts)
            if before[number].findings or before[number].lost or before[number].crash:
                _tell_original(unit, before[number])
        after = judged(patched(data, mutation), unit.name, unit.profile, unit.contracts)
        found, lost = _news(before[number], after)
        made.append(Mutant(unit, function, mutation, outcome, found, lost))
    return made


def _chosen(unit: Unit, seed: int, count: int) -> list[tuple[str, Mutation, int]]:
    """Return up to `count` mutations of each function, as many of each operator as there are."""
    facts = elf.read_object(unit.path.read_bytes(), unit.name)
    anchor = next(s for s in facts.symbols if s.name == next(iter(unit.functions)))
    rng = random.Random(seed)  # noqa: S311 -- reproducible, no secret
    chosen = []
    for symbol in facts.symbols:
        called = symbol.name in unit.functions or symbol.binding == Binding.LOCAL
        if symbol.section != anchor.section or symbol.type != "STT_FUNC" or not called:
            continue
        end = symbol.value + symbol.size
        found = operators.sites(facts, anchor.section or 0, symbol.value, end)
        by_operator = defaultdict(list)
        for mutation in operators.mutations(found, rng):
            by_operator[mutation.operator].append(mutation)
        turns = [m for row in _in_turn(list(by_operator.values())) for m in row]
        chosen += [(symbol.name, m, m.offset - anchor.value) for m in turns[:count]]
    return chosen


def _in_turn(lists: list[list[Mutation]]) -> list[list[Mutation]]:
    longest = max((len(one) for one in lists), default=0)
    return [[one[i] for one in lists if i < len(one)] for i in range(longest)]


def _news(before: Verdict, after: Verdict) -> tuple[tuple[str, ...], str]:
    """Return the rules that report more than on the original, and a new reason of not analysing."""
    old = Counter((f.rule, f.function) for f in before.findings)
    new = Counter((f.rule, f.function) for f in after.findings) - old
    lost = [reason for _, reason in after.lost if reason not in {r for _, r in before.lost}]
    if after.crash or after.error:
        lost.append(after.crash or after.error)
    return tuple(sorted({rule for rule, _ in new})), "; ".join(sorted(set(lost)))


def _tell_original(unit: Unit, verdict: Verdict) -> None:
    said = Counter(f.rule for f in verdict.findings)
    print(f"original {unit.origin} {unit.name}: {dict(said)} {verdict.lost[:2]} {verdict.crash}")
    for finding in verdict.findings[:3]:
        print(f"    {finding.rule} {finding.function}+{finding.offset or 0:#x}: {finding.message}")


def report(mutants: list[Mutant]) -> bool:
    """Print the figures by operator and in all, and the misses; tell whether the score holds."""
    print(f"{'operator':<18} {'violating':>9} {'found':>6}   interval over unknown")
    for operator in (*operators.TUNING, *operators.SCORE):
        chosen = [m for m in mutants if m.mutation.operator == operator]
        use = "tuning" if operator in operators.TUNING else "score"
        print(f"{operator:<18} {_figures(chosen)}  ({use})")
    score = [m for m in mutants if m.mutation.operator in operators.SCORE]
    print(f"{'operators of score':<18} {_figures(score)}")
    print(f"{'all operators':<18} {_figures(mutants)}")
    for way in sorted({m.way for m in mutants if m.executed.verdict == "violates"}):
        chosen = [m for m in mutants if m.executed.verdict == "violates" and m.way == way]
        found = sum(bool(m.found) for m in chosen)
        print(f"    {found:>4} of {len(chosen):>4} found: {way}")
    kinds = Counter(m.executed.verdict for m in mutants)
    print(f"{len(mutants)} mutants by execution: {dict(sorted(kinds.items()))}")
    quiet = [m for m in mutants if m.executed.verdict in HOLDS and m.found]
    print(f"reported although execution saw no violation: {len(quiet)}")
    misses = [m for m in mutants if m.executed.verdict == "violates" and not m.found]
    lines = [f"MISSED {m.line()}" for m in misses]
    for line in lines[:40]:
        print(line)
    lines += [f"REPORTED {','.join(m.found)} {m.line()}" for m in quiet]
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "check-recall.txt").write_text("".join(f"{x}\n" for x in lines), encoding="utf-8")
    print(f"{len(misses)} misses, every line: build/bench/check-recall.txt")
    return _interval(score)[0] >= WANTED


def _interval(mutants: list[Mutant]) -> tuple[float, float]:
    """Return the lowest and highest share that the unknown mutants leave possible."""
    violating = [m for m in mutants if m.executed.verdict == "violates"]
    unknown = [m for m in mutants if m.executed.verdict in UNKNOWN]
    found = sum(bool(m.found) for m in violating)
    maybe = sum(bool(m.found) for m in unknown)
    if not violating:
        return 0.0, 1.0
    low = found / (len(violating) + len(unknown) - maybe)
    return low, (found + maybe) / (len(violating) + maybe)


def _figures(mutants: list[Mutant]) -> str:
    violating = [m for m in mutants if m.executed.verdict == "violates"]
    found = sum(bool(m.found) for m in violating)
    low, high = _interval(mutants)
    share = f"{100 * found / len(violating):6.2f} %" if violating else "     -"
    return f"{len(violating):>9} {found:>6}   {share} [{100 * low:.2f}, {100 * high:.2f}]"
