"""Constant expressions, computed as a C compiler computes them (C17 6.6, 6.3.1.8).

`~0u` is 4294967295 and `-1 < 0u` is false: values carry one of four types, narrower ones having
been promoted to int before any operator sees them (6.3.1.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.dataclass import dataclass
from asmith.errors import UsageError, did_you_mean
from asmith.model.contract import Name, Number, OfType, Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asmith.errors import Place
    from asmith.model.contract import CType, Term

_RANK = ("int", "unsigned int", "long", "unsigned long")


@dataclass(frozen=True, slots=True)
class Value:
    """An integer of one of the four types that constant expressions compute in."""

    number: int
    type: str = "int"

    @property
    def bits(self) -> int:
        """Return the width: 32 or 64."""
        return 64 if "long" in self.type else 32

    @property
    def unsigned(self) -> bool:
        """Tell whether arithmetic wraps (unsigned) or must not overflow (signed)."""
        return self.type.startswith("unsigned")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation: constants in force, the size of a type, and where to report."""

    constants: Mapping[str, Value | str]
    size: Callable[[CType], int]
    place: Place

    def run(self, term: Term) -> Value:  # noqa: PLR0911 -- one case a kind of term
        """Return the value of `term`.

        Raises UsageError for a name that is no integer constant, a division by zero, an overflow
        and a shift by more than the width.
        """
        match term:
            case Number(number, _, kind):
                return Value(number, kind)
            case Name(name):
                return self._name(name)
            case OfType(kind, None):
                return Value(self.size(kind), "unsigned long")
            case Operation("?:", (test, then, otherwise)):
                chosen, other = self.run(then), self.run(otherwise)
                kind = _common(chosen, other)
                return self._made((chosen if self.run(test).number else other).number, kind)
            case Operation(operator, (operand,)):
                return self._unary(operator, self.run(operand))
            case Operation("&&", (left, right)):
                return Value(int(bool(self.run(left).number) and bool(self.run(right).number)))
            case Operation("||", (left, right)):
                return Value(int(bool(self.run(left).number) or bool(self.run(right).number)))
            case Operation(operator, (left, right)):
                return self._binary(operator, self.run(left), self.run(right))
            case _:
                raise self._error("this is no constant expression")

    def _name(self, name: str) -> Value:
        value = self.constants.get(name)
        if isinstance(value, Value):
            return value
        if value is not None:
            raise self._error(f"'{name}' is a string, expected an integer")
        known = [n for n, v in self.constants.items() if isinstance(v, Value)]
        raise self._error(f"no constant is named '{name}'{did_you_mean(name, known)}")

    def _unary(self, operator: str, value: Value) -> Value:
        match operator:
            case "-":
                return self._made(-value.number, value.type)
            case "~":
                return self._made(~value.number, value.type)
            case "+":
                return value
            case "!":
                return Value(int(not value.number))
            case _:
                raise self._error(f"'{operator}' has no place in a constant expression")

    def _binary(self, operator: str, left: Value, right: Value) -> Value:
        if operator in ("<<", ">>"):
            return self._shift(operator, left, right)
        kind = _common(left, right)
        a, b = self._made(left.number, kind).number, self._made(right.number, kind).number
        if operator in _COMPARE:
            return Value(int(_COMPARE[operator](a, b)))
        if operator in ("/", "%"):
            if b == 0:
                raise self._error("division by zero")
            quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
            return self._made(quotient if operator == "/" else a - b * quotient, kind)
        if operator not in _ARITHMETIC:
            raise self._error(f"'{operator}' has no place in a constant expression")
        return self._made(_ARITHMETIC[operator](a, b), kind)

    def _shift(self, operator: str, left: Value, right: Value) -> Value:
        if not 0 <= right.number < left.bits:
            raise self._error(f"a shift by {right.number}, expected 0 to {left.bits - 1}")
        if operator == ">>":
            return Value(left.number >> right.number, left.type)
        return self._made(left.number << right.number, left.type)

    def _made(self, number: int, kind: str) -> Value:
        """Return a value of that type: unsigned types wrap, signed ones must hold it."""
        value = Value(number, kind)
        modulus = 1 << value.bits
        if value.unsigned:
            return Value(number % modulus, kind)
        if not -modulus // 2 <= number < modulus // 2:
            raise self._error(f"{number} does not fit into '{kind}'")
        return value

    def _error(self, what: str) -> UsageError:
        return UsageError(what, where=self.place)


def _common(left: Value, right: Value) -> str:
    """Return the type that both operands are converted to (C17 6.3.1.8)."""
    return max(left.type, right.type, key=_RANK.index)


_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
}
