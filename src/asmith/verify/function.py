"""A function of a module as a Python callable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from asmith.verify.arguments import Arguments, result_type, result_value
from asmith.verify.call import spare_arguments, violations
from asmith.verify.crash import explain, registers
from asmith.verify.failure import ModuleFailure, Spot, finding
from asmith.verify.type_json import spell

if TYPE_CHECKING:
    from asmith.model.contract import Function
    from asmith.verify.call import Caller, Frame
    from asmith.verify.layout import Layout
    from asmith.verify.library import Lines
    from asmith.verify.memory import Arena
    from asmith.verify.pointers import Pointers
    from asmith.verify.record import SharedRecord


class Setting(Protocol):
    """What a function needs of the module that it belongs to."""

    caller: Caller
    layout: Layout
    pointers: Pointers
    arena: Arena
    lines: Lines
    record: SharedRecord


class FunctionProxy:
    """Calls one function by its contract's types and checks what every function must keep."""

    def __init__(
        self, setting: Setting, function: Function, address: int, strings: frozenset[str]
    ) -> None:
        self.__name__ = function.name
        self.__asmith_address__ = address
        self._setting = setting
        self._function = function
        self._strings = strings
        self._result = result_type(setting.layout, function.result)
        self._spare = () if function.variadic else spare_arguments()
        self._places = [f"parameter '{p.name}' of {function.name}" for p in function.parameters]

    def __repr__(self) -> str:
        return f"<{self.signature}>"

    @property
    def signature(self) -> str:
        """Return the prototype in C."""
        function = self._function
        parameters = [_declared(spell(p.type), p.name) for p in function.parameters]
        inside = ", ".join(parameters + ["..."] * function.variadic) or "void"
        return f"{_declared(spell(function.result), function.name)}({inside})"

    def __call__(self, *values: object, **named: object) -> Any:
        """Call the function; raises `ModuleFailure` for a crash or a broken rule of the ABI.

        Raises TypeError or ValueError, before the call, for arguments that do not fit.
        """
        __tracebackhide__ = True
        setting = self._setting
        arguments = Arguments(setting.layout, setting.pointers)
        self._fill(arguments, self._bound(values, named))
        setting.record.record.function = self.__name__.encode()[:127]
        try:
            raw, frame = setting.caller.call(
                self.__asmith_address__,
                self._result,
                [*arguments.values, *self._spare],
                variadic=self._function.variadic,
            )
            self._judge(frame)
        finally:
            arguments.finish()
        try:
            return result_value(setting.layout, self._function.result, raw)
        except ValueError as error:
            raise self._failure(
                "RUN005",
                f"{self.__name__} {error}",
                why="bit 0 holds the value, bits 1 to 7 are zero (System V psABI 3.1.2)",
                help="end with setcc, or with 0 or 1 in eax",
            ) from None

    def _bound(self, values: tuple[object, ...], named: dict[str, object]) -> tuple[object, ...]:
        """Return positional arguments for all parameters and those for `...`."""
        __tracebackhide__ = True
        parameters = self._function.parameters
        rest = [p.name for p in parameters[len(values) :]]
        if sorted(named) != sorted(rest) and (named or rest):
            raise TypeError(f"{self.signature}: got {len(values)} arguments and {sorted(named)}")
        if len(values) > len(parameters) and not self._function.variadic:
            raise TypeError(f"{self.signature}: got {len(values)} arguments")
        return (*values, *(named[name] for name in rest))

    def _fill(self, arguments: Arguments, values: tuple[object, ...]) -> None:
        __tracebackhide__ = True
        parameters = self._function.parameters
        for number, value in enumerate(values):
            if number < len(parameters):
                parameter, what = parameters[number], self._places[number]
                nul = parameter.name in self._strings
                arguments.add(value, parameter.type, what, nul=nul)
            else:
                arguments.add_variadic(value, f"argument {number + 1} of {self.__name__}")

    def _judge(self, frame: Frame) -> None:
        __tracebackhide__ = True
        setting = self._setting
        if frame.crashed:
            fault = setting.record.take()
            if fault is None:
                raise AssertionError("the handler ended a call and left no record")
            found = explain(fault, setting.lines, setting.arena)
            raise self._noted(ModuleFailure(found, registers(fault)))
        for broken in violations(frame):
            message = f"{self.__name__} returns with {broken.subject} changed"
            why = f"{broken.why}; expected {broken.want}, got {broken.got}"
            raise self._failure("RUN003", message, why=why, help=broken.help)
        spoiled = setting.arena.spoiled()
        if spoiled is not None:
            block, address = spoiled
            block.repair()
            raise self._failure(
                "RUN004",
                f"{self.__name__} wrote {block.describe(address)}",
                why="only the bytes of the memory itself may be written to",
                help="compare the index with both ends before the store",
            )

    def _failure(self, rule: str, message: str, *, why: str, help: str) -> ModuleFailure:  # noqa: A002
        """Return a failure at the function's entry: where in it is not known."""
        setting = self._setting
        spot = setting.lines.at(self.__asmith_address__ - setting.record.record.load_address)
        start = Spot(spot.file, spot.line, spot.function or self.__name__)
        found = finding(rule, message, start, label="", why=why, help=help)
        return self._noted(ModuleFailure(found))

    def _noted(self, failure: ModuleFailure) -> ModuleFailure:
        """Return a failure after keeping it, so that a test cannot pass by catching it."""
        self._setting.record.failure = failure
        return failure


def _declared(spelling: str, name: str) -> str:
    """Return `char *s`, `int n`: a star stands at the name."""
    return f"{spelling}{name}" if spelling.endswith("*") else f"{spelling} {name}"
