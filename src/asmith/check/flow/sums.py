"""Numbers that are not known, as sums: a constant and multiples of symbols.

A symbol stands for what a register held at the entry, for what was loaded or returned, or for a
shift or a mask of another sum. So the size of an array and an index into it can be compared, and
both be worked out once a number is put in for each symbol of the first kind.
"""

from __future__ import annotations

from typing import NamedTuple

from asmith.check.flow.values import MASK64, SIGN64

Terms = tuple[tuple[int, int], ...]
INT = 1 << 31
WIDE = 1 << 63


class Sum(NamedTuple):
    """`constant` plus, for each (symbol, factor) in order of the symbols, their product."""

    constant: int
    terms: Terms = ()


class Derived(NamedTuple):
    """What a symbol stands for: `rest` (modulo a power of two), `and`, `sar`, `shr` or `low`."""

    operation: str
    of: Sum
    by: int


HEAVIEST = 50
"""So many symbols a shift or mask may be made of; of more it is a new number."""
RSP0 = 0
"""The symbol of rsp at the entry."""
ZERO = Sum(0)


def signed(number: int) -> int:
    """Return the low 64 bits of a number as a signed one."""
    number &= MASK64
    return number - (1 << 64) if number & SIGN64 else number


def plus(one: Sum, other: Sum, factor: int = 1) -> Sum:
    """Return a sum plus `factor` times another one."""
    constant = signed(one.constant + factor * other.constant)
    if not other.terms:
        return Sum(constant, one.terms)
    if not one.terms and factor == 1:
        return Sum(constant, other.terms)
    if factor == -1 and one.terms == other.terms:
        return Sum(constant)
    both = dict(one.terms)
    for symbol, times in other.terms:
        both[symbol] = both.get(symbol, 0) + factor * times
    return Sum(constant, tuple(sorted((s, n) for s, n in both.items() if n)))


def moved(one: Sum, by: int) -> Sum:
    """Return a sum plus a number."""
    return Sum(signed(one.constant + by), one.terms)


def times(one: Sum, factor: int) -> Sum:
    """Return a product."""
    return plus(ZERO, one, factor) if factor else ZERO


class Symbols:
    """The symbols of one function: what each stands for, None for a number of its own."""

    def __init__(self) -> None:
        self.derived: list[Derived | None] = [None]  # RSP0
        self._weights = {RSP0: 1}  # how many symbols are in each, counted again wherever they are
        self._known: dict[Derived, int] = {}

    def fresh(self) -> Sum:
        """Return a new number."""
        self.derived.append(None)
        return Sum(0, ((len(self.derived) - 1, 1),))

    def mark(self) -> Sum:
        """Return a symbol that stands for 0: what it was added to can be told from the rest."""
        self.derived.append(Derived("and", ZERO, 0))
        return Sum(0, ((len(self.derived) - 1, 1),))

    def of(self, operation: str, one: Sum, by: int) -> Sum:
        """Return a shift or mask of a sum: the same one for the same question."""
        made = Derived(operation, one, by)
        if not one.terms:
            return Sum(_applied(made, one.constant))
        known = self._known.get(made)
        if known is None:
            weight = 1 + sum(self._weights.get(symbol, 1) for symbol, _ in one.terms)
            if weight > HEAVIEST:
                return self.fresh()
            self._weights[len(self.derived)] = weight
            known = self._known[made] = len(self.derived)
            self.derived.append(made)
        return Sum(0, ((known, 1),))

    def rounded(self, one: Sum, unit: int) -> Sum:
        """Return a sum rounded down to a multiple of a power of two."""
        rest = one
        if unit <= 16:
            rest = Sum(
                one.constant + 8 * dict(one.terms).get(RSP0, 0),
                tuple(t for t in one.terms if t[0] != RSP0),
            )
        if all(not factor % unit for _, factor in rest.terms):
            return moved(one, -(rest.constant % unit))
        return plus(one, self.of("rest", one, unit), -1)

    def bases(self, one: Sum) -> set[int]:
        """Return the symbols that a sum depends on in the end, each a number of its own."""
        found = set()
        for symbol, _ in one.terms:
            derived = self.derived[symbol]
            found |= {symbol} if derived is None else self.bases(derived.of)
        return found

    def named(self, one: Sum) -> set[int]:
        """Return all symbols in a sum, and in what they are made of."""
        found = set()
        for symbol, _ in one.terms:
            found.add(symbol)
            derived = self.derived[symbol]
            if derived is not None:
                found |= self.named(derived.of)
        return found

    def value(self, one: Sum, numbers: dict[int, int]) -> int:
        """Return what a sum is, given the number that each symbol of its own stands for."""
        total = one.constant
        for symbol, factor in one.terms:
            derived = self.derived[symbol]
            if derived is None:
                total += factor * numbers[symbol]
            else:
                total += factor * _applied(derived, self.value(derived.of, numbers))
        return signed(total)


def _applied(made: Derived, number: int) -> int:
    match made.operation:
        case "rest":
            return number % made.by
        case "and":
            return number & made.by
        case "sar":
            return number >> made.by
        case "shr":
            return (number & MASK64) >> made.by
        case _:  # the low half, as a number without sign
            return number & 0xFFFFFFFF


class Ranges:
    """What is known of symbols on one path: `known` maps one to its least and greatest value."""

    def __init__(self, symbols: Symbols, known: dict[int, tuple[int, int]]) -> None:
        self.symbols = symbols
        self.known = known

    def of(self, one: Sum) -> tuple[int, int]:
        """Return the least and the greatest value of a sum."""
        low = high = one.constant
        for symbol, factor in one.terms:
            a, b = self._of_symbol(symbol)
            low += min(a * factor, b * factor)
            high += max(a * factor, b * factor)
        return low, high

    def _of_symbol(self, symbol: int) -> tuple[int, int]:
        known = self.known.get(symbol)
        if known is not None:
            return known
        derived = self.symbols.derived[symbol]
        if derived is None:
            return (0, WIDE) if symbol == RSP0 else (-WIDE, WIDE)
        low, high = self.of(derived.of)
        match derived.operation:
            case "rest":
                return 0, derived.by - 1
            case "and":
                return (0, derived.by) if derived.by >= 0 else (-WIDE, WIDE)
            case "sar":
                return low >> derived.by, high >> derived.by
            case "shr":
                return (low >> derived.by, high >> derived.by) if low >= 0 else (0, WIDE)
            case _:
                return (low, high) if low >= 0 and high <= 2 * INT else (0, 2 * INT - 1)

    def limited(self, difference: Sum, low: int | None, high: int | None) -> None:
        """Take it that a sum is `low` or more, and `high` or less, if it names one symbol once."""
        if len(difference.terms) != 1 or abs(difference.terms[0][1]) != 1:
            return
        symbol, factor = difference.terms[0]
        if factor < 0:
            low, high = (None if high is None else -high), (None if low is None else -low)
        constant = difference.constant * factor
        a, b = self._of_symbol(symbol)
        if low is not None:
            a = max(a, low - constant)
        if high is not None:
            b = min(b, high - constant)
        self.known[symbol] = a, b
