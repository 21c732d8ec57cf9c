"""Runs of a function in pairs, and what they show: the outcome depends on what nothing defines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Broken
from asmith.check.trial.program import Unable
from asmith.check.trial.runs import SAVED, Extent, Run
from asmith.check.trial.scene import MIDDLING, NAMED, SMALL, WILD, ZERO, Scene
from asmith.toolchain.decode import RBP, RSP, Flow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.flow.contracts import Convention
    from asmith.check.trial.program import Program
    from asmith.toolchain.decode import Insn

STEPS, LONG = 1000, 5000
"""So many instructions has a run at most, and each of those before `ENDLESS` pairs did not end."""
ENDLESS = 2
BUDGET = 60_000
"""And all runs of a function."""
PLAN = (SMALL, ZERO, WILD, NAMED, MIDDLING, WILD, NAMED, ZERO, SMALL, MIDDLING)
MOST = 48
FIXED = 10
"""What a run costs besides, in instructions."""
RETURN_SIZE = 8
PATIENCE = 15
"""So many scenes that show no new branch are tried at most before it is given up."""
THOROUGH = 2500
"""But so many instructions at least in runs that end, if they need not be `brief`."""
TRIES = 8
DOUBTS = 6
"""So many findings that may be excused are enough, once each sort of numbers had its turn."""


def trials(
    program: Program,
    convention: Convention,
    extent: Extent,
    code: dict[int, Insn],
    *,
    strict: bool,
    brief: bool = False,
) -> Iterator[Broken]:
    """Yield how a function breaks the convention, if runs show it; `strict`: without excuse.

    `brief`: somebody waits, so it is given up sooner.
    """
    named = numbers(code)
    spent = ended = last = endless = 0
    edges: set[object] = set()
    patience = min(PATIENCE, 9 + sum(insn.flow == Flow.BRANCH for insn in code.values()))
    sized = not strict and has_sized_array(code)
    excuses = Excuses(program, strict=strict)
    for number in range(MOST):
        tired = number - last > patience and (brief or ended > THOROUGH)
        doubts = len(excuses.doubtful) >= DOUBTS and number >= len(PLAN)
        if tired or spent > BUDGET or doubts:
            break
        sort = PLAN[number % len(PLAN)]
        if sort == ZERO and sized:
            sort = SMALL
        scene = _scene(program, convention, sort, number, named)
        if scene is None:
            continue
        most = LONG if endless < ENDLESS else STEPS
        one = _run(program, scene, 2 * (number & 1), extent, most)
        two = _run(program, scene, 2 * (number & 1) + 1, extent, most)
        if one is None or two is None:
            return
        cost = 2 * FIXED + one.count + two.count
        spent += cost
        if one.end == two.end == "stopped":
            endless += 1
        else:
            ended += cost
        before = len(edges)
        for run in (one, two):
            edges.update(entry for entry in run.log if entry[1] in ("branch", "jump"))
        last = number if len(edges) > before else last
        found = difference(one, two, convention)
        if excuses.needed(found, one, two):
            continue
        if found is not None:
            yield found
            return
    yield from excuses.inexcusable()


class Excuses:
    """What a caller may have to see to, if no contract says so: indexes within their array.

    An access that is computed may lie beyond an array because of an argument that no caller passes.
    So it is if with other arguments the same instruction accesses what it may. A `wild` number is
    no such argument: with it an index that nothing bounds would lie beyond everything. An indirect
    jump may go astray, too, unless it never goes anywhere else.
    """

    def __init__(self, program: Program, *, strict: bool) -> None:
        self.doubtful: list[tuple[Broken, Run, Run]] = []
        self._program = program
        self._strict = strict
        self._full: set[int] = set()
        self._reach: dict[int, int] = {}
        self._arrived: set[int] = set()

    def needed(self, found: Broken | None, *runs: Run) -> bool:
        """Take in a pair of runs; tell whether what is found has to wait for all others."""
        for run in runs:
            self._full |= run.memory.full
            self._arrived.update(entry[0] for entry in run.log if entry[1] == "jump")
            if found is None and run.end == "returned":
                for place, address in run.memory.reach.items():
                    self._reach[place] = max(self._reach.get(place, 0), address - run.rsp)
        if found is None:
            return False
        astray = found.what == "nowhere" and any(run.lost for run in runs)
        if not astray and (self._strict or runs[0].scene.sort == WILD):
            return False
        self.doubtful.append((found, runs[0], runs[1]))
        return True

    def inexcusable(self) -> Iterator[Broken]:
        """Yield the first finding that nothing excuses."""
        for found, *runs in self.doubtful:
            if not any(self._excused(found, run) for run in runs):
                yield found
                return

    def _excused(self, found: Broken, run: Run) -> bool:
        if run.lost and found.what == "nowhere":
            return run.lost in self._arrived
        if any(self._is_computed(place) for place in run.memory.blank & self._full):
            return True
        if found.what in ("outcome", "misaligned"):
            return False
        return any(
            address - run.rsp > self._reach.get(place, address) and self._is_computed(place)
            for place, address in run.memory.reach.items()
        )

    def _is_computed(self, place: int) -> bool:
        """Tell whether the instruction at a place accesses memory through more than rsp or rbp."""
        insn = self._program.insn(place)
        return insn is not None and (insn.index >= 0 or insn.base not in (RSP, RBP))


def _run(program: Program, scene: Scene, variant: int, extent: Extent, most: int) -> Run | None:
    try:
        run = Run(program, scene, variant, extent)
    except Unable:
        return None
    run.go(extent.start, most)
    return run


def _scene(
    program: Program, convention: Convention, sort: int, number: int, named: list[int]
) -> Scene | None:
    for attempt in range(TRIES):
        scene = Scene(program, convention, sort, number + 1000 * attempt, named)
        if scene.is_fit():
            return scene
    return None


def numbers(code: dict[int, Insn]) -> list[int]:
    """Return what the code compares with, and the numbers beside."""
    found = set()
    for insn in code.values():
        for operand in insn.operands:
            if operand[0] == "i" and insn.name in ("cmp", "sub", "test", "add", "and"):
                near = {operand[1], operand[1] + 1, operand[1] - 1}
                found |= {n for n in near if n > 0 or (insn.name == "cmp" and n < -1)}
    return sorted(found)


def has_sized_array(code: dict[int, Insn]) -> bool:
    """Tell whether the size of the frame is computed: callers keep it above zero."""
    moves = [i.operands for i in code.values() if i.name == "mov" and len(i.operands) > 1]
    below = {of[1] for to, of in moves if to[:2] == ("r", RSP) and of[0] == "r"} | {RSP}
    return any(
        insn.name == "sub"
        and insn.operands[0][0] == insn.operands[1][0] == "r"
        and insn.operands[0][1] in below
        for insn in code.values()
    )


def difference(one: Run, two: Run, convention: Convention) -> Broken | None:
    """Return what is wrong with a pair of runs."""
    given = one.scene.words()
    for run in (one, two):
        what, register = _broken(run)
        if what:
            return Broken(run.place, what, given, register)
    if "unable" in (one.end, two.end):
        return None
    place = _first(one, two)
    same = one.end == two.end and one.detail == two.detail
    if one.end == "stopped" and two.end == "stopped":
        same = place is None
    elif same and one.end in ("fault", "division", "trap"):
        same = one.place == two.place or place is None
    elif same:
        same = _calls(one) == _calls(two) and _same_memory(one, two)
        if one.end == "returned":
            same = same and _result(one, convention) == _result(two, convention)
    return None if same else Broken(one.place if place is None else place, "outcome", given)


def _broken(run: Run) -> tuple[str, int]:
    """Return what a run alone shows, with a register that it is about."""
    m, memory = run.m, run.memory
    if memory.overwritten:
        memory.place = memory.overwritten
        return "caller", -1
    if run.end in ("nowhere", "x87", "misaligned", "below"):
        return run.end, -1
    if run.end != "returned":
        return "", -1
    if m.r[RSP] != run.rsp + RETURN_SIZE:
        return "saved", RSP
    for register in SAVED:
        if m.r[register] != run.kept[register]:
            return "saved", register
    if len(m.st) != run.scene.convention.x87_results:
        return "x87", -1
    return ("direction", -1) if m.df else ("", -1)


def _first(one: Run, two: Run) -> int | None:
    for a, b in zip(one.log, two.log, strict=False):
        if a != b:
            return a[0]
    return None


def _calls(run: Run) -> list[tuple[int, str, object]]:
    return [entry for entry in run.log if entry[1] == "call"]


def _same_memory(one: Run, two: Run) -> bool:
    """Tell whether others find the same in memory after two runs."""
    written: set[int] = set()
    for run in (one, two):
        for _, what, value in run.log:
            if what == "store" and isinstance(value, tuple):
                written.update(range(value[0], value[0] + len(value[1])))
    return all(one.memory.read(a, 1) == two.memory.read(a, 1) for a in written)


def _result(run: Run, convention: Convention) -> object:
    """Return the result, as wide as its type."""
    size = convention.result_size
    row: list[object] = []
    for n, register in enumerate(convention.results):
        bits = 8 * min(8, size - 8 * n)
        row.append(run.m.r[register] & (1 << bits) - 1)
    if convention.vector_results:
        row.append(run.m.v[0] & (1 << 8 * min(size, 32)) - 1)
    row += map(repr, run.m.st)
    return row
