"""One path after another, with sums for the numbers on it: for what an index or a size reaches.

The fixpoint keeps what holds on all paths, so a counter is any number to it. Here each block is run
once more, as the first path to it has it; a branch that the numbers decide is followed as often as
they say, so that loops that count to a constant are run through. Where nothing decides a branch,
both ways are gone, but none that was gone before.

An access is too far only if numbers can be named with which it is: they fit every comparison on the
path, and each is at least `SMALLEST` where the path allows that, since a size that is made of them
may be meant for larger ones only.
"""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

from asmith.check.flow import comparisons, steps
from asmith.check.flow.block import End
from asmith.check.flow.events import Call, Cut, Overrun, Overwrite
from asmith.check.flow.frame import DEEPEST
from asmith.check.flow.path import Part, Path
from asmith.check.flow.summary import CALLEE_SAVED, CALLER_SAVED
from asmith.check.flow.sums import RSP0, WIDE, Sum, Symbols, moved, plus
from asmith.toolchain.decode import RBP, RSP, Flow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.flow.block import Block
    from asmith.check.flow.graph import Graph
    from asmith.check.flow.outcome import Outcome
    from asmith.toolchain.decode import Insn

MOST_STEPS = 2500
"""So many instructions are run of a function at most."""
MOST_RUNS = 300
"""So often a block is."""
MOST_FORKS = 3
"""So often one is entered after an undecided branch, if there are parts of computed size."""
MOST_PARTS = 32
SMALLEST = 256
NUMBERS = 16
"""So many numbers in a row are tried: each remainder of a rounded size is among them."""
HUGE = 1 << 31
"""No frame has so many bytes."""
SLOT = 8
_SCALAR = re.compile(r"^v?[a-z0-9]+s[sd]$")
_RSP, _RBP = ("r", RSP, 8), ("r", RBP, 8)
RETURN = Sum(0, ((RSP0, 1),))
"""Where the return address is."""
ARGUMENTS = (7, 6, 2, 1, 8, 9)
FILLS = {"memset": (7,), "memcpy": (7, 6), "memmove": (7, 6)}
"""Functions that access as many bytes as their third argument says, at these arguments."""


def is_worth(code: dict[int, Insn]) -> bool:
    """Tell whether a function moves rsp by a number, or stores in its frame through an index."""
    for e in code.values():
        if e.index >= 0 and e.base in (RSP, RBP) and e.name != "lea":
            return True
        if e.name in ("sub", "add", "mov") and e.operands[0] == _RSP:
            source = e.operands[1]
            if source[0] != "i" and (e.name != "mov" or source != _RBP):
                return True
    return False


class Walk:
    """The paths of one function."""

    def __init__(self, graph: Graph, outcome: Outcome) -> None:
        self.graph = graph
        self.symbols = Symbols()
        self.found: dict[int, Overrun] = {}
        self.cuts: list[Cut] = []
        self._told = {event.address for event in outcome.of(Overwrite)}
        self._calls = {event.address: event for event in outcome.of(Call)}
        self._runs: dict[int, int] = {}
        self._forks: dict[tuple[int, bool], int] = {}
        self._first: dict[int, Path | None] = {}
        self._loose: set[int] = set()
        blocks = graph.blocks
        self._heads = {
            start
            for block in blocks.values()
            for start in block.goals
            if start in blocks and blocks[start].place <= block.place
        }
        self._has_parts = False
        self._steps = 0
        self._saved: dict[Sum, int] = {}
        self._waiting: list[tuple[Block, Path]] = []

    def run(self) -> Iterator[Cut | Overrun]:
        """Yield what lies too far."""
        path = Path(self.symbols, self.graph.symbols.relocations)
        path.registers[RSP] = RETURN
        for register in CALLEE_SAVED:
            self._saved[path.whole(register)] = register
        path.slots[RETURN] = self.symbols.fresh()
        self._saved[path.slots[RETURN]] = RSP
        self._waiting.append((self.graph.blocks[self.graph.function.start], path))
        while self._waiting and self._steps < MOST_STEPS:
            block, path = self._waiting.pop()
            if self._is_open(block, path):
                key = block.start, path.general
                self._forks[key] = self._forks.get(key, 0) + 1
                path.again += block.start in self._runs
                self._follow(block, path)
        yield from self.found.values()
        yield from self.cuts[:1]

    def _is_open(self, block: Block, path: Path) -> bool:
        """Tell whether a block is to be entered once more after an undecided branch."""
        forks = self._forks.get((block.start, path.general), 0)
        return forks < (MOST_FORKS if self._has_parts else MOST_FORKS - 1)

    def _follow(self, block: Block | None, path: Path) -> None:
        """Go on from a block until a branch is undecided, or nothing follows."""
        while block is not None and self._steps < MOST_STEPS:
            runs = self._runs[block.start] = self._runs.get(block.start, 0) + 1
            if runs > MOST_RUNS or block.state is None:
                return
            if block.start in self._heads and not path.general:
                self._look_back(block, path)
            for _, insn, at in block.ops:
                self._steps += 1
                if insn.flow in (Flow.CALL, Flow.INDIRECT_CALL):
                    self._call(path, at)
                else:
                    steps.step(self, path, insn, at)
            block = self._next(block, path)

    def _look_back(self, block: Block, path: Path) -> None:
        """At the second run of a loop, go on from it with any number in what the first changed."""
        if block.start not in self._first:
            self._first[block.start] = path.copy()
            return
        first, self._first[block.start] = self._first[block.start], None
        if first is None or first.parts != path.parts:
            return
        general = first.copy()
        for register in range(16):
            if path.registers[register] != first.registers[register]:
                general.registers[register] = self._any()
        general.slots = {
            key: value if path.slots.get(key) == value else self._any()
            for key, value in first.slots.items()
        }
        general.touched |= path.touched
        general.escaped |= path.escaped
        general.again, general.general = MOST_FORKS, True
        general.flags, general.doubts = None, set()
        self._waiting.append((block, general))

    def _any(self) -> Sum:
        """Return a number that nothing is concluded from."""
        made = self.symbols.fresh()
        self._loose.add(made.terms[0][0])
        return made

    def _next(self, block: Block, path: Path) -> Block | None:
        blocks = self.graph.blocks
        if block.end is End.BRANCH and block.insn is not None:
            goal = block.target.address if block.target is not None else None
            taken, other = blocks.get(goal if goal is not None else -1), blocks.get(block.next)
            condition = comparisons.condition(path, block.insn.name)
            decided = comparisons.decided(path, condition)
            if decided is not None:
                return taken if decided else other
            for one, holds in ((taken, True), (other, False)):
                if one is not None and self._is_open(one, path):
                    fork = path.copy()
                    comparisons.assume(fork, condition, holds=holds)
                    self._waiting.append((one, fork))
            return None
        following = block.goals
        if len(following) == 1:
            return blocks.get(following[0])
        for start in following:
            if start in blocks and self._is_open(blocks[start], path):
                self._waiting.append((blocks[start], path.copy()))
        return None

    def _call(self, path: Path, at: int) -> None:
        call = self._calls.get(at)
        name = call.name if call is not None else ""
        for register in FILLS.get(name, ()):
            self.access(path, path.whole(register), path.whole(2), at, stores=register == 7)
        outside = call is not None and call.target is not None and not call.is_local
        for register in ARGUMENTS if outside else range(16):
            value = path.registers[register]
            if value is not None and register != RSP:
                self.leaves(path, value)
        if path.escaped:
            path.slots = {k: v for k, v in path.slots.items() if v in self._saved}
        for register in CALLER_SAVED:
            path.set(register, None)
        path.flags, path.doubts = None, set()

    # ---- what is looked at ----------------------------------------------------------------------

    def access(
        self, path: Path, address: Sum, size: Sum, at: int, *, stores: bool, e: Insn | None = None
    ) -> None:
        """Look at an access of `size` bytes, by an instruction or (None) by what is called."""
        if stores:
            self._store(path, address, size)
        if (RSP0, 1) not in address.terms or at in self.found or at in self._told:
            return
        plain = e is not None and e.index == -1 and e.base in (RSP, RBP)
        end = plus(address, size)
        for part in reversed(path.parts):
            if part.mark in address.terms:
                if not stores and part.mark[0] not in path.touched:
                    self.found[at] = Overrun(at, "blank", 0, stores=False)
                within = self.symbols.bases(plus(end, part.low, -1))
                size_of = self.symbols.bases(plus(part.high, part.low, -1)) | {RSP0}
                if within <= size_of and not plain:
                    self._beyond(path, Overrun(at, "part", 0, stores), plus(end, part.high, -1))
                    below = plus(path.whole(RSP), address, -1)
                    self._beyond(path, Overrun(at, "below", 0, stores), below)
                return
        if plain:
            if not stores and e is not None and _SCALAR.search(e.name):
                self._hole(path, address, size.constant, at)
            return
        indexed = e is not None and e.index >= 0
        fixed = (stores or indexed) and self.symbols.bases(address) == {RSP0}
        if path.again > 1 or size.terms or not (fixed or self._masked(address)):
            return
        for key, value in path.slots.items():
            register = self._saved.get(value)
            if register is not None and not path.restored(register, value):
                over = Overrun(at, "saved", 0, stores, register)
                if self._beyond(path, over, plus(end, key, -1), moved(size, SLOT).constant):
                    return

    def _store(self, path: Path, address: Sum, size: Sum) -> None:
        """Remember where something is stored."""
        if address.terms != RETURN.terms or size.terms:
            self.leaves(path, address)
        elif -DEEPEST <= address.constant < 0:
            path.written |= (1 << size.constant) - 1 << address.constant + DEEPEST

    def _hole(self, path: Path, address: Sum, size: int, at: int) -> None:
        """Note a number that is loaded and of which some bytes were stored, and others never."""
        if path.escaped or address.terms != RETURN.terms or address.constant < -DEEPEST:
            return
        stored = path.written >> address.constant + DEEPEST & (1 << size) - 1
        if stored and stored != (1 << size) - 1:
            self.found[at] = Overrun(at, "hole", 0, stores=False)

    def _masked(self, address: Sum) -> bool:
        """Tell whether an address is constant but for an index that a mask bounds.

        Masks of whole bytes may come from a type, which may be wider than the array has entries.
        """
        for symbol, _ in address.terms:
            derived = self.symbols.derived[symbol]
            if derived is not None and derived.operation == "and":
                return derived.by in (1, 3, 7, 15, 31, 63) and len(address.terms) == 2
        return False

    def _beyond(self, path: Path, over: Overrun, by: Sum, most: int = HUGE) -> bool:
        """Note an access that ends so many bytes behind what it may reach, if that can be."""
        if path.ranges.of(by)[1] <= 0:
            return False
        numbers = self._numbers(path, by, most)
        if numbers is None:
            return False
        self.found[over.address] = over._replace(by=self.symbols.value(by, numbers))
        return True

    def moves(self, path: Path, new: Sum, at: int, *, computed: bool) -> None:
        """Look at a new rsp: a part begins or ends, or it goes where it cannot."""
        old = path.registers[RSP]
        path.registers[RSP] = new
        if old is None or not {*new.terms} & {*old.terms} & {(RSP0, 1)}:
            return
        for n, part in enumerate(path.parts):
            if new.terms == part.high.terms:
                del path.parts[n:]
                return
        size = plus(old, new, -1)
        if not size.terms and (size.constant < 0 or not computed):
            if computed:
                self._above(path, new, at)
            return
        if not size.terms and size.constant >= HUGE:
            self.found[at] = Overrun(at, "size", size.constant, stores=False)
            return
        if size.terms and path.ranges.of(size)[1] <= 0:
            return
        if len(path.parts) == MOST_PARTS:
            self._steps = MOST_STEPS
            return
        mark = self.symbols.mark()
        path.registers[RSP] = marked = plus(new, mark)
        path.parts.append(Part(marked, old, mark.terms[0]))
        for register, value in enumerate(path.registers):
            if value == new:
                path.registers[register] = marked
        self._has_parts = True

    def _above(self, path: Path, new: Sum, at: int) -> None:
        """Look at an rsp that goes up, by a number that was computed."""
        for key, value in path.slots.items():
            register = self._saved.get(value)
            above = plus(new, key, -1)
            if register is None or above.terms or above.constant <= 0:
                continue
            if register == RSP or path.registers[register] != value:
                self.found[at] = Overrun(at, "rsp", above.constant, False, register)
                return

    def leaves(self, path: Path, value: Sum) -> None:
        """Take it that a value is known elsewhere, or stored through: it may be an address."""
        if not value.terms:
            return
        named = self.symbols.named(value)
        if RSP0 in named or named & self._loose:
            parts = {part.mark[0] for part in path.parts}
            path.touched |= parts & named if RSP0 in named else parts
            path.escaped |= not parts & named

    def cut(self, at: int) -> None:
        """Note that rsp becomes the low half of a number."""
        self.cuts.append(Cut(at))

    def is_saved(self, value: Sum) -> bool:
        """Tell whether a value is the caller's: the return address, or of a register."""
        return value in self._saved

    def _numbers(self, path: Path, wanted: Sum, most: int) -> dict[int, int] | None:
        """Return numbers with which a sum is from 1 to `most` and all holds that was compared."""
        bases = self.symbols.bases(wanted)
        unclear = self._loose | path.tainted
        if bases & unclear:
            return None
        holding = []
        for condition in path.holds:
            others = self.symbols.bases(condition.one) | self.symbols.bases(condition.other)
            if others & bases and not others & unclear:
                bases |= others
                holding.append(condition)
        tried = sorted(bases)
        if len(tried) > 2:
            return None
        for row in product(*(self._candidates(path, symbol) for symbol in tried)):
            numbers = dict(zip(tried, row, strict=True))
            if 0 < self.symbols.value(wanted, numbers) < most and all(
                comparisons.comes_out(condition, self.symbols, numbers) for condition in holding
            ):
                return numbers
        return None

    def _candidates(self, path: Path, symbol: int) -> range:
        if symbol == RSP0:
            return range((1 << 20) + 8, (1 << 20) + 136, 16)
        low, high = path.ranges.known.get(symbol, (-WIDE, WIDE))
        low = max(low, min(SMALLEST, high // 2), 1)
        return range(low, min(high, low + NUMBERS - 1) + 1)
