"""Runs mutants: builds the runner around the units once, then asks it about all mutations."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from iced_x86 import Decoder, OpKind

from asmith.toolchain import elf
from checking.cache import UnableError
from checking.subjects import EXTERNALS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checking.operators import Mutation
    from checking.subjects import Unit

NATIVE = Path(__file__).parent / "native"
OWN = {"out_long", "out_double", "out_void", "out_fatal"}  # defined by the runner


@dataclass(frozen=True, slots=True)
class Executed:
    """What execution said: violates, same, other, endless, unreached or hangs, and how."""

    verdict: str
    detail: str


def build(units: Sequence[Unit], directory: Path) -> Path:
    """Return the runner with all units linked in; their external calls go through thunks."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    if "avx2" not in flags or "bmi2" not in flags:
        raise UnableError("mutants are executed on a processor with AVX2 and BMI2 only")
    for tool in ("nasm", "gcc", "objcopy"):
        if shutil.which(tool) is None:
            raise UnableError(f"there is no {tool}")
    (directory / "thunks.asm").write_text(_thunks(), encoding="utf-8")
    (directory / "units.c").write_text(_table(units), encoding="utf-8")
    (directory / "rename").write_text("".join(f"{n} x_{n}\n" for n in EXTERNALS), encoding="utf-8")
    for source in (NATIVE / "trampoline.asm", directory / "thunks.asm"):
        _call(directory, "nasm", "-f", "elf64", "-o", f"{source.stem}.o", str(source))
    linked = []
    for unit in units:
        _call(directory, "objcopy", "--redefine-syms=rename", str(unit.path), f"x_{unit.name}.o")
        linked.append(f"x_{unit.name}.o")
    runner = directory / "runner"
    _call(
        directory, "gcc", "-O1", "-w", "-mno-avx", "-fno-builtin", f"-I{NATIVE}", "-z", "execstack",
        "-z", "now",
        "-o", str(runner), str(NATIVE / "runner.c"), str(NATIVE / "inputs.c"), "units.c",
        "trampoline.o", "thunks.o", *linked, "-lm",
    )  # fmt: skip
    return runner


def executed(runner: Path, work: Sequence[tuple[int, Mutation | None, int]]) -> Iterator[Executed]:
    """Yield what execution says of each (unit, mutation, offset from the unit's anchor).

    None stands for the original, which must come before the mutants of its unit: their results
    are compared with its own.
    """
    lines = [
        f"{i} {unit} {offset} {mutation.data.hex() if mutation else '-'}\n"
        for i, (unit, mutation, offset) in enumerate(work)
    ]
    done = subprocess.run(
        [str(runner)], input="".join(lines), capture_output=True, text=True, check=False,
        errors="replace",
    )  # fmt: skip
    answers = done.stdout.splitlines()
    if done.returncode or len(answers) != len(work):
        raise RuntimeError(f"the runner ended after {len(answers)} of {len(work)}: {done.stderr}")
    for answer in answers:
        _, verdict, detail = answer.split(" ", 2)
        yield Executed(verdict, detail)


def _thunks() -> str:
    """Return one thunk and one entry for each external function."""
    parts = ["default rel\nbits 64\nextern judge_enter\n"]
    for name, (result, arguments) in EXTERNALS.items():
        real = f"real_{name}" if name in OWN else name
        parts.append(f"""
        extern  {real}
        global  x_{name}
        section .text
x_{name}:
        lea     r11, [entry_{name}]
        jmp     judge_enter
        section .data
letters_{name}: db '{arguments}', 0
        align   8
entry_{name}: dq {real}, letters_{name}, '{result}'
""")
    return "".join(parts) + "section .note.GNU-stack noalloc noexec nowrite progbits\n"


def _table(units: Sequence[Unit]) -> str:
    """Return the table of units that the runner calls."""
    lines, entries = ['#include "runner.h"'], []
    for unit in units:
        lines += [f"extern char {name}[];" for name in unit.functions]
        rows = ", ".join(
            f'{{"{name}", {name}, \'{result}\', "{arguments}"}}'
            for name, (result, arguments) in unit.functions.items()
        )
        lines.append(f"static const function {unit.name}_functions[] = {{ {rows} }};")
        named = numbers(unit)
        listed = ", ".join(f"{n}L" for n in named) or "0"
        lines.append(f"static const long {unit.name}_numbers[] = {{ {listed} }};")
        entries.append(
            f"{{{next(iter(unit.functions))}, {unit.name}_functions, {len(unit.functions)}, "
            f"{unit.name}_numbers, {len(named)}}}"
        )
    rows = ",\n".join(entries)
    lines.append(f"const unit units[] = {{ {rows} }};\nconst int unit_count = {len(units)};\n")
    return "\n".join(lines)


_NARROW = {OpKind.IMMEDIATE8: 8, OpKind.IMMEDIATE16: 16, OpKind.IMMEDIATE32: 32}


def numbers(unit: Unit) -> list[int]:
    """Return the immediates of a unit's instructions: what it compares its arguments with."""
    facts = elf.read_object(unit.path.read_bytes(), unit.name)
    found: set[int] = set()
    for section in facts.sections:
        if section.has(section.EXEC):
            for instruction in Decoder(64, section.data):
                for place in range(instruction.op_count):
                    if OpKind.IMMEDIATE8 <= instruction.op_kind(place) <= OpKind.IMMEDIATE32TO64:
                        value = instruction.immediate(place)
                        bits = _NARROW.get(instruction.op_kind(place), 64)
                        found.add((value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1))
    return sorted(n for n in found if n != -(1 << 63))[:200]


def _call(directory: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])}: {done.stderr[-600:]}")
