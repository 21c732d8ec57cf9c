"""Which registers still hold which argument: a forward analysis over the text of one function.

The state maps a 64-bit register to what it holds. It follows `mov reg, reg` and is forgotten at
every other write. At a label, the states of the fall-through and of all jumps to it are
intersected, until nothing changes; a label whose address is taken, or that another function
refers to, forgets everything. So a fact that is reported holds on every path.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, TypeVar

from asmith.check.text import is_opaque, is_reserved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from asmith.model.nasm import Statement

T = TypeVar("T")

_LEGACY = ("ax", "bx", "cx", "dx", "si", "di", "bp", "sp")
_PARTS = {
    **{f"r{r}": f"r{r}" for r in _LEGACY},
    **{f"e{r}": f"r{r}" for r in _LEGACY},
    **{r: f"r{r}" for r in _LEGACY},
    **{f"{r}l": f"r{r}" for r in _LEGACY[4:]},
    **{f"{r}{half}": f"r{r}x" for r in "abcd" for half in "lh"},
    **{f"r{n}{part}": f"r{n}" for n in range(8, 16) for part in ("", "d", "w", "b", "l")},
}

_CALLER_SAVED = ("rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11")
_READ_ONLY = frozenset({"cmp", "test", "push", "bt", "nop", "call", "verr", "verw", "int"})
_ENDS = frozenset({"jmp", "ret", "retn", "ud2", "hlt", "section", "segment"})
_IMPLICIT: dict[str, tuple[str, ...]] = {
    "call": _CALLER_SAVED,
    "syscall": ("rax", "rcx", "r11"),
    "mul": ("rax", "rdx"),
    "imul": ("rax", "rdx"),
    "div": ("rax", "rdx"),
    "idiv": ("rax", "rdx"),
    "cpuid": ("rax", "rbx", "rcx", "rdx"),
    "rdtsc": ("rax", "rdx"),
    "rdtscp": ("rax", "rcx", "rdx"),
    "xgetbv": ("rax", "rdx"),
    "cmpxchg": ("rax",),
    "cmpxchg8b": ("rax", "rdx"),
    "cmpxchg16b": ("rax", "rdx"),
    "leave": ("rbp", "rsp"),
    "enter": ("rbp", "rsp"),
    **dict.fromkeys(("cwd", "cdq", "cqo"), ("rdx",)),
    **dict.fromkeys(("cbw", "cwde", "cdqe", "lahf", "xlatb", "in"), ("rax",)),
    **dict.fromkeys(("loop", "loope", "loopne", "loopz", "loopnz"), ("rcx",)),
    **{
        f"{string}{width}": ("rax", "rcx", "rsi", "rdi")
        for string in ("movs", "stos", "lods", "scas", "cmps")
        for width in "bwdq"
    },
    **dict.fromkeys(("insb", "insw", "insd"), ("rdi", "rcx")),
    **dict.fromkeys(("outsb", "outsw", "outsd"), ("rsi", "rcx")),
    **dict.fromkeys(("pcmpestri", "pcmpistri", "vpcmpestri", "vpcmpistri"), ("rcx",)),
    **dict.fromkeys(("rdpmc", "rdmsr", "rdpkru"), ("rax", "rdx")),
}
_JUMPS = ("j", "loop")
_TWO_DESTINATIONS = frozenset({"xchg", "xadd", "mulx"})


def whole(name: str) -> str | None:
    """Return the 64-bit register that a general register is part of, or None."""
    return _PARTS.get(name.lower())


class Tracking(Generic[T]):
    """The analysis of one function.

    `entry` maps registers to what they hold at its first byte, `escaped` names the local labels
    that other text refers to, `clobbered` the registers that calls change besides the
    caller-saved ones (psABI 3.2.1).
    """

    def __init__(
        self,
        body: Sequence[Statement],
        entry: Mapping[str, T],
        escaped: frozenset[str] = frozenset(),
        clobbered: frozenset[str] = frozenset(),
    ) -> None:
        self._body = body
        self._name = body[0].label
        self._entry = dict(entry)
        self._clobbered = {whole(register) or register for register in clobbered}
        self._escaped = escaped | self._addresses_taken()
        self._incoming: dict[str, dict[str, T]] = {}

    def states(self) -> Iterator[tuple[Statement, Mapping[str, T]]]:
        """Yield each reachable statement with the state before it, in order of the text."""
        before = None
        while before != self._incoming:
            before = {label: dict(state) for label, state in self._incoming.items()}
            for _ in self._pass():
                pass
        yield from self._pass()

    def _pass(self) -> Iterator[tuple[Statement, Mapping[str, T]]]:
        """Walk the text once, with what earlier walks brought to each label."""
        state: dict[str, T] | None = dict(self._entry)
        for statement in self._body:
            if statement.label:
                state = self._at_label(statement.label, state)
            if state is None or not statement.mnemonic:
                continue
            yield statement, dict(state)
            _step(statement, state)
            if statement.mnemonic == "call":
                for register in self._clobbered:
                    state.pop(register, None)
            if statement.mnemonic.startswith(_JUMPS):
                self._jump(statement, state)
            if statement.mnemonic in _ENDS:
                state = None

    def _at_label(self, label: str, state: dict[str, T] | None) -> dict[str, T] | None:
        if label in self._escaped:
            return {}
        incoming = self._incoming.get(label)
        if incoming is None or state is None:
            return state if incoming is None else dict(incoming)
        return _common(state, incoming)

    def _jump(self, statement: Statement, state: dict[str, T]) -> None:
        """Carry a state to the label that a jump names."""
        target = self._target(statement)
        known = self._incoming.get(target)
        self._incoming[target] = dict(state) if known is None else _common(known, state)

    def _target(self, statement: Statement) -> str:
        """Return the label that a jump goes to, without `short` and `near`."""
        last = statement.operands[-1] if statement.operands else ""
        return self._short(last.rsplit(maxsplit=1)[-1]) if last else ""

    def _short(self, word: str) -> str:
        """Return a name as the text of this function labels it: `f.next` is `.next`."""
        name = word.removeprefix("$")
        return name.removeprefix(self._name) if name.startswith(f"{self._name}.") else name

    def _addresses_taken(self) -> frozenset[str]:
        """Return the local labels that something else than a plain jump refers to."""
        labels = {s.label for s in self._body if s.label.startswith(".")}
        taken = set()
        for statement in self._body:
            if statement.mnemonic.startswith(_JUMPS) and self._target(statement) in labels:
                continue
            words = re.findall(r"[\w.?@~#$]+", " ".join(statement.operands))
            taken |= labels.intersection(map(self._short, words))
        return frozenset(taken)


def _common(one: Mapping[str, T], other: Mapping[str, T]) -> dict[str, T]:
    return {reg: what for reg, what in one.items() if other.get(reg) == what}


def _step(statement: Statement, state: dict[str, T]) -> None:
    """Change a state as a statement changes the registers."""
    word, operands = statement.mnemonic, statement.operands
    if is_opaque(statement):
        state.clear()
        return
    source = state.get(operands[1].lower()) if word == "mov" and len(operands) > 1 else None
    for register in _IMPLICIT.get(word, ()):
        state.pop(register, None)
    if word in _READ_ONLY or word.startswith((*_JUMPS, "prefetch", "%")):
        return
    for operand in operands[: 2 if word in _TWO_DESTINATIONS else 1]:
        _forget(state, operand)
    if source is not None and whole(operands[0]) == operands[0].lower():
        state[operands[0].lower()] = source


def _forget(state: dict[str, T], operand: str) -> None:
    """Forget the register that an operand names; everything, if it may be another name of one."""
    word = operand.partition("{")[0].strip().rpartition(" ")[2]
    register = whole(word)
    if register is not None:
        state.pop(register, None)
    elif "[" not in operand and not is_reserved(word) and not word[:1].isdigit():
        state.clear()
