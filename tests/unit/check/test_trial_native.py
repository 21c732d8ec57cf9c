"""Each instruction that the interpreter of ABI012 knows does what the processor does with it."""

from __future__ import annotations

import os
import random
import struct
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import iced_x86 as iced
import native_harness as native
import pytest
import trial_cases as cases

from asmith.check.trial.acts import act_of
from asmith.check.trial.memory import Fault, Memory
from asmith.check.trial.processor import Divided, Processor
from asmith.check.trial.program import Unable
from asmith.check.trial.x87 import StackFault, extended, load
from asmith.toolchain.decode import Code, Flow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.toolchain.decode import Insn

EACH = int(os.environ.get("ASMITH_TRIAL_CASES", "4"))
"""Cases of each form; for a longer search, more."""
UNTRIED = frozenset({"vpmaxsq", "vpmaxuq", "vpminsq", "vpminuq", "vpmulhd", "vpmulhud", "vpmullq"})
"""Names that come from combined tables, of instructions that the interpreter refuses."""
REFUSED = frozenset({
    "BSWAP_R16", "CMPSD_M32_M32", "LEAVEW", "POP_R16", "POP_RM16", "PUSHW_IMM8",
    "PUSH_IMM16", "PUSH_R16", "PUSH_RM16", "VEX_VPERMILPD_XMM_XMM_XMMM128",
    "VEX_VPERMILPD_YMM_YMM_YMMM256", "VEX_VPERMILPS_XMM_XMM_XMMM128",
    "VEX_VPERMILPS_YMM_YMM_YMMM256",
})  # fmt: skip
"""Encodings that share a name with what the interpreter knows, and that it refuses."""
SHOWN = 300
"""Lines of differences."""
FLAGS = {"cf": 0, "pf": 2, "zf": 6, "sf": 7, "df": 10, "of": 11}
"""Flag -> its bit."""
DIVISION = 8
"""The signal of a division that the processor refuses."""
BLOCK = native.SIZE - native.MEMORY
PAGE = 4096


class Outcome(NamedTuple):
    """What is left behind an instruction: parts by name, and the signal that ended it."""

    parts: dict[str, object]
    signal: int


class Case(NamedTuple):
    """One instruction with the state it is run in, and what the interpreter makes of it."""

    form: cases.Form
    code: bytes
    insn: Insn
    state: cases.State
    outcome: Outcome


def _decoded(code: bytes) -> Insn:
    made = Code(code, {}, {}, lambda _: None)
    made.decode(0, len(code))
    return made.at[0]


def _page(state: cases.State) -> Any:
    def fill(address: int) -> bytearray:
        if address != native.BLOCK:
            raise Fault(address)
        return bytearray(state.memory.ljust(PAGE, b"\0"))

    return fill


def interpreted(insn: Insn, state: cases.State) -> Outcome | None:
    """Return what the interpreter makes of an instruction; None if that is nothing to compare."""
    nowhere = dict.fromkeys(("start", "end", "slots", "others"), 0)
    program: Any = SimpleNamespace(**nowhere, names={}, field=lambda _: None)
    m = Processor(program, Memory(program, 0, _page(state), []), 0)
    m.r[:], m.v[:] = state.general, state.vectors
    for value in state.st:
        load(m, value)
    for name, bit in FLAGS.items():
        setattr(m, name, state.flags >> bit & 1)
    try:
        act_of(insn)(m, insn, 0)
    except Divided:
        return Outcome({}, DIVISION)
    except (Unable, Fault, StackFault):
        return None
    page = m.memory.pages.get(native.BLOCK // PAGE)
    data = state.memory if page is None else bytes(page[:BLOCK])
    if page is not None and page[BLOCK:].strip(b"\0"):  # a store behind what is compared
        return None
    parts = {f"r{n}": value for n, value in enumerate(m.r)}
    parts |= {f"v{n}": value for n, value in enumerate(m.v)}
    parts |= {name: getattr(m, name) for name in FLAGS}
    stack = [extended(number) for number in reversed(m.st)]
    return Outcome({**parts, "st": stack, "memory": data.hex()}, 0)


def executed(record: bytes) -> Outcome:
    """Return what the processor has made of an instruction."""
    (signal,) = struct.unpack_from("<Q", record, native.SIGNAL)
    if signal:
        return Outcome({}, signal)
    general = struct.unpack_from("<16Q", record, native.GENERAL)
    (flags,) = struct.unpack_from("<Q", record, native.FLAGS)
    parts: dict[str, object] = {f"r{n}": value for n, value in enumerate(general)}
    for n in range(16):
        low = record[native.FX + 160 + 16 * n :][:16]
        high = record[native.UPPER + 16 * n :][:16]
        parts[f"v{n}"] = int.from_bytes(low + high, "little")
    parts |= {name: flags >> bit & 1 for name, bit in FLAGS.items()}
    depth = record[native.FX + 4].bit_count()
    numbers = [record[native.FX + 32 + 16 * n :][:10] for n in range(depth)]
    stack = [int.from_bytes(number, "little") for number in numbers]
    return Outcome({**parts, "st": stack, "memory": record[native.MEMORY :].hex()}, 0)


def undefined(case: Case) -> frozenset[str]:
    """Return the flags that the architecture leaves undefined."""
    made = next(iter(iced.Decoder(64, case.code)))
    bits = made.rflags_undefined
    names = {"of": iced.RflagsBits.OF, "sf": iced.RflagsBits.SF, "zf": iced.RflagsBits.ZF,
             "cf": iced.RflagsBits.CF, "pf": iced.RflagsBits.PF}  # fmt: skip
    found = {name for name, bit in names.items() if bits & bit}
    if case.form.name in ("shl", "sal", "shr", "sar", "rol", "ror", "shld", "shrd"):
        found = _of_shift(case)
    return frozenset(found)


def _of_shift(case: Case) -> set[str]:
    operands, last = case.insn.operands, case.insn.operands[-1]
    size = {"r": operands[0][-1], "h": 1}.get(operands[0][0], case.insn.size)
    count = last[1] if last[0] == "i" else case.state.general[1]
    count &= 63 if size == 8 else 31
    found = {"of"} if count > 1 else set()
    if count > 8 * size and case.form.name[0] == "s":
        found.add("cf")
    return found


def _cases() -> Iterator[Case]:
    for number, form in enumerate(cases.forms()):
        dice = random.Random(number)  # noqa: S311 -- the same each time, no secret
        for turn in range(cases.turns(form, EACH)):
            code = cases.encoded(form, dice, turn)
            if code is None:
                break
            insn = _decoded(code)
            if insn.flow != Flow.NEXT:
                break
            state = cases.state(form, dice, turn)
            outcome = interpreted(insn, state)
            if outcome is not None:
                yield Case(form, code, insn, state, outcome)


def _features() -> set[str]:
    text = Path("/proc/cpuinfo").read_text()
    line = next(line for line in text.splitlines() if line.startswith("flags"))
    return {cases.ALL, *line.split(":")[1].split()}


def _differences(case: Case, record: bytes) -> str:
    ours, theirs = case.outcome, executed(record)
    if ours.signal or theirs.signal:
        return "" if ours.signal == theirs.signal else f"signal {theirs.signal}, not {ours.signal}"
    free = undefined(case)
    if case.form.name in ("bsf", "bsr") and theirs.parts["zf"]:
        free |= {f"r{case.insn.operands[0][1]}"}  # older processors differ in the upper half
    return ", ".join(
        f"{name}: {_shown(theirs.parts[name])}, not {_shown(value)}"
        for name, value in ours.parts.items()
        if name not in free and theirs.parts[name] != value
    )


def _shown(value: object) -> str:
    if isinstance(value, list):
        return " ".join(f"{n:x}" for n in value)
    return f"{value:x}" if isinstance(value, int) else str(value)


@pytest.fixture(scope="module")
def everything() -> list[Case]:
    return list(_cases())


@pytest.fixture(scope="module")
def wrong(everything: list[Case], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Return feature -> the cases where the processor does something else."""
    has = _features()
    fitting = [case for case in everything if case.form.feature in has]
    program = native.build(tmp_path_factory.mktemp("native"))
    records = [case.state.record(case.code) for case in fitting]
    found: dict[str, list[str]] = {}
    for case, record in zip(fitting, native.run(program, records, wide="avx" in has), strict=True):
        lines = found.setdefault(case.form.feature, [])
        difference = _differences(case, record)
        if difference:
            text = next(iter(iced.Decoder(64, case.code)))
            lines.append(f"{case.form.label} {case.form.variant} `{text}`: {difference}")
    return found


@pytest.mark.parametrize("feature", sorted({cases.ALL, *cases.FLAG_OF.values()}))
def test_the_interpreter_does_what_the_processor_does(
    feature: str, wrong: dict[str, list[str]]
) -> None:
    if feature not in _features():
        pytest.skip(f"the processor has no {feature}")
    lines = wrong[feature]
    kinds = Counter(line.split()[0] for line in lines)
    assert not lines, "\n".join([str(kinds), *sorted(lines, key=len)[:SHOWN]])


def test_every_instruction_of_the_interpreter_is_tried(everything: list[Case]) -> None:
    tried = {case.form.name for case in everything}
    labels = {case.form.label for case in everything}
    assert {form.label for form in cases.forms()} - labels == REFUSED
    assert (cases.KNOWN & cases.MNEMONICS) - tried == UNTRIED
