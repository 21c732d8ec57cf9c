"""What a function is run on: arguments of its types, and what they point to.

Numbers are of five sorts: `small` ones, which any count or index may be; `wild` ones, which only
code that masks or compares them gets along with; `named` ones, which the code itself compares with
something; `middling` ones, in every other scene multiples of 16; and `zero`: all of them, or one in
turn. Requirements of the contract are kept where they can be worked out.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from asmith.check.flow.contracts import convention_of
from asmith.check.trial.lanes import coded, real
from asmith.check.trial.memory import PAGE, REGION, REGIONS, Fault, mixed
from asmith.check.trial.processor import MASK, RDI, signed
from asmith.check.trial.terms import number, ranges
from asmith.check.trial.x87 import extended
from asmith.contract.layout import IncompleteError, definition, size_of
from asmith.model.contract import (
    Array,
    Class,
    Function,
    FunctionType,
    Member,
    Name,
    Named,
    Parameter,
    Pointer,
    Predicate,
    Role,
    Scalar,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asmith.check.flow.contracts import Convention
    from asmith.check.trial.program import Program
    from asmith.model.contract import Aggregate, CType, Term

SMALL, WILD, NAMED, MIDDLING, ZERO = range(5)
TEXT = b'0123456789 abcXYZ{}:,"\\/GETPOST 17 -+.%'
LETTERS = range(32, 127)
INT = 4
LEAST = 97
"""A number from here on is an argument's own: memory holds either smaller or wilder ones."""
MOST = 4096
"""Bytes that an array of an argument may have."""


@cache
def words(number: int) -> bytes:
    """Return a page of numbers, most of them small."""
    made = bytearray()
    for n in range(PAGE // 8):
        dice = mixed(number, n)
        made += (dice >> 3 if dice % 3 == 0 else dice % 97).to_bytes(8, "little")
    return bytes(made)


@cache
def text(number: int) -> bytes:
    """Return a page of letters, with one end within the first bytes."""
    made = bytearray(TEXT[mixed(number, n) % len(TEXT)] for n in range(PAGE))
    made[2 + mixed(number) % 50] = 0
    return bytes(made)


class Scene:
    """The arguments of one pair of runs: the same in both, but for what nothing defines."""

    def __init__(
        self, program: Program, convention: Convention, sort: int, salt: int, named: Sequence[int]
    ) -> None:
        self.program = program
        self.convention = convention
        self.types: Mapping[str, Aggregate] = convention.types
        self.sort = sort
        self.salt = salt
        self.named = named
        self._regions: list[CType | None] = []
        self._pages: dict[int, bytes] = {}
        self._ranges = ranges(convention)
        self._later: dict[int, int] = {}
        self.hidden = self.region(None) if _is_hidden(convention) else 0
        self.values: dict[str, int] = {}
        for place, argument in enumerate(convention.arguments):
            self.values[argument.name] = self._value(argument.type, argument.name, place)
        self.numbers = {
            value
            for argument, value in zip(convention.arguments, self.values.values(), strict=True)
            if isinstance(argument.type, Scalar) and value >= LEAST
        }

    def is_fit(self) -> bool:
        """Tell whether the requirements hold, as far as they can be worked out."""
        function = self.convention.function
        for clause in function.clauses if function is not None else ():
            if clause.keyword == "requires" and isinstance(clause.body, Predicate):
                try:
                    if number(clause.body.term, self._leaf) == 0:
                        return False
                except Fault:
                    return False
        return True

    def words(self) -> str:
        """Return the numbers among the arguments, in words."""
        found = []
        for argument in self.convention.arguments:
            kind, value = argument.type, self.values[argument.name]
            if isinstance(kind, Scalar) and kind.kind == Class.INTEGER:
                number = signed(value, argument.size) if kind.signed else value
                found.append(f"{argument.name} = {number}")
            elif isinstance(kind, Scalar) and kind.kind == Class.SSE:
                found.append(f"{argument.name} = {real(value, argument.size)}")
        return ", ".join(found)

    # ---- values ---------------------------------------------------------------------------------

    def _value(self, ctype: CType, name: str, place: int) -> int:
        """Return the value of an argument, as its bytes."""
        dice = mixed(self.salt, place, 3)
        match ctype:
            case Pointer(FunctionType() as kind):
                return self._function(kind, f"({self.convention.name} {name})")
            case Pointer(target):
                return self.region(target)
            case Scalar(kind=Class.SSE, size=size):
                return coded((dice % 2000) / 16 - 40, size)
            case Scalar(kind=Class.X87):
                return extended((dice % 2000) / 16 - 40)
            case Scalar(kind=Class.INTEGER, size=size):
                return self._integer(name, size, dice, place, boolean=ctype.name == "_Bool")
            case Named(keyword="enum"):
                return self._integer(name, 4, dice, place)
            case _:
                total = size_of(ctype, self.types)
                words = [mixed(dice, n) % 100 for n in range(-(-total // 8))]
                return sum(word << 64 * n for n, word in enumerate(words)) & (1 << 8 * total) - 1

    def _integer(
        self, name: str, size: int, dice: int, place: int, *, boolean: bool = False
    ) -> int:
        if boolean:
            return dice & 1
        low, high = self._ranges.get(name, (None, None))
        count = max(1, len(self.convention.arguments))
        if self.sort == NAMED and self.named and place == self.salt % count:
            value = self.named[self.salt // count % len(self.named)]
        elif self.sort == WILD and size >= INT:
            value = dice if size > INT else (1 << 20) + dice % (1 << 26)
        elif self.sort == MIDDLING:
            value = 64 + dice % 140 & -16 if self.salt & 1 else 4 + dice % 40
        elif self.sort == ZERO and (self.salt % 3 or place == self.salt // 3 % count):
            value = 0
        else:
            value = 1 + dice % 3 if self.salt else 1
        if low is not None and high is not None and low <= high:
            value = self._within(low, high, value, dice)
        else:
            value = max(value, low or value)
        return value & MASK[min(size, 8)]

    def _within(self, low: int, high: int, value: int, dice: int) -> int:
        """Return a number within bounds: the wanted one, one at the limits, or any."""
        if low <= value <= high and self.sort != MIDDLING:
            return value
        at_limit = self.sort in (SMALL, ZERO, WILD)
        span = min(3, high - low + 1) if at_limit else high - low + 1
        return high - dice % span if self.sort == WILD else low + dice % span

    def _function(self, kind: FunctionType, name: str) -> int:
        """Return the address of a function of another object, by the type of a pointer to it."""
        if name not in self.program.conventions:
            parameters = tuple(Parameter(f"a{n}", t) for n, t in enumerate(kind.parameters))
            function = Function(name, kind.result, parameters, kind.variadic)
            self.program.conventions[name] = convention_of(function, self.types)
        return self.program.external(name)

    def later(self, target: CType, call: int) -> int:
        """Return the address of what a call returns a pointer to: the same in both runs."""
        if call not in self._later:
            self._later[call] = self.region(target)
        return self._later[call]

    def region(self, target: CType | None) -> int:
        """Return the address of new memory that holds values of a type."""
        self._regions.append(target)
        return REGIONS + REGION * (len(self._regions) - 1)

    def page(self, address: int) -> bytearray:
        """Return what a page that an argument points to holds at first."""
        known = self._pages.get(address)
        if known is None:
            known = self._pages[address] = bytes(self._made(address))
        return bytearray(known)

    def _made(self, address: int) -> bytes:
        if address < REGIONS:
            return bytes(PAGE) if self.salt % 3 == 0 else self._words(address)
        number = (address - REGIONS) // REGION
        if number >= len(self._regions):
            raise Fault(address)
        target = self._regions[number]
        try:
            size = size_of(target, self.types) if target is not None else 0
        except IncompleteError:
            size = 0
        if not 0 < size <= PAGE or address % REGION:
            return self._words(address)
        assert target is not None
        if isinstance(target, Scalar) and size == 1:
            return self._text(number)
        made = bytearray()
        for n in range(PAGE // size if not isinstance(target, Named) else 2):
            made += self._item(target, mixed(self.salt, number, n)).to_bytes(size, "little")
        return bytes(made[:PAGE].ljust(PAGE, b"\0"))

    def _text(self, number: int) -> bytes:
        """Return a page of letters: half of the first are such as the code compares with."""
        made = bytearray(text((self.salt + number) % 32))
        letters = [n for n in self.named if n in LETTERS]
        for n in range(made.index(0) if letters else 0):
            dice = mixed(self.salt, number, n, 5)
            if dice & 1:
                made[n] = letters[(dice >> 8) % len(letters)]
        return bytes(made)

    def _words(self, address: int) -> bytes:
        return words((self.salt + (address >> 12)) % 16)

    def _item(self, ctype: CType, dice: int) -> int:
        """Return the bytes of a value in memory."""
        match ctype:
            case Pointer(FunctionType() as kind):
                return self._function(kind, f"({kind!r})")
            case Pointer(target):
                return self.region(target)
            case Scalar(kind=Class.SSE, size=size):
                return coded((dice % 2000) / 16 - 40, size)
            case Scalar(size=size) if 0 < size <= 8:
                if ctype.name == "_Bool":
                    return dice & 1
                return (dice % 97 if dice & 0x300 else dice >> 8) & MASK[size]
            case Array(element, count):
                size = size_of(element, self.types)
                items = [self._item(element, mixed(dice, n)) for n in range(count or 0)]
                return sum(item << 8 * size * n for n, item in enumerate(items))
            case Named(keyword="struct"):
                fields = definition(ctype, self.types).fields
                made = 0
                for n, field in enumerate(fields):
                    made |= self._item(field.type, mixed(dice, n)) << 8 * field.offset
                return made
            case _:
                size = size_of(ctype, self.types)
                return (dice % 97) & (1 << 8 * size) - 1

    # ---- requirements ---------------------------------------------------------------------------

    def _leaf(self, term: Term) -> int | None:
        """Return the value of a parameter, or of a field that one points to."""
        match term:
            case Name(name, Role.PARAMETER):
                return self._plain(name)
            case Member(Name(name, Role.PARAMETER), field, True):
                return self._field(name, field)
            case _:
                return None

    def _plain(self, name: str) -> int | None:
        for argument in self.convention.arguments:
            if argument.name == name and isinstance(argument.type, Scalar | Pointer):
                value = self.values[name]
                whole = isinstance(argument.type, Scalar) and argument.type.signed
                return signed(value, argument.size) if whole else value
        return None

    def _field(self, name: str, wanted: str) -> int | None:
        for argument in self.convention.arguments:
            if argument.name == name and isinstance(argument.type, Pointer):
                target = argument.type.target
                if isinstance(target, Named):
                    for field in definition(target, self.types).fields:
                        if field.name == wanted and field.size <= 8:
                            page = self.page(self.values[name])
                            return int.from_bytes(
                                page[field.offset : field.offset + field.size], "little"
                            )
        return None


def _is_hidden(convention: Convention) -> bool:
    """Tell whether rdi is where the result is to be put."""
    given = convention.given >> RDI & 1
    return bool(given) and not any(RDI in a.registers for a in convention.arguments)
