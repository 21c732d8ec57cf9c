"""Single mutations of machine code by generic operators; every one keeps the length.

Relocated bytes are never changed, except that deleting an instruction drops its relocation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import iced_x86 as x86

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence

    from asmith.model.objects import ObjectFacts

    Made = Iterator[tuple[bytes, str]]

TUNING = ("delete", "immediate +-8", "invert branch")
SCORE = (
    "swap register", "immediate +-1", "displacement +-1", "displacement +-8", "drop branch",
    "swap neighbours", "drop prefix",
)  # fmt: skip

_PREFIXES = {0xF0, 0xF2, 0xF3, 0x66}
_WIDE = "RAX RCX RDX RBX RBP RSI RDI R8 R9 R10 R11 R12 R13 R14 R15"
_NARROW = "EAX ECX EDX EBX EBP ESI EDI R8D R9D R10D R11D R12D R13D R14D R15D"
_FAMILIES = [
    [getattr(x86.Register, name) for name in names.split()]
    for names in (_WIDE, _NARROW, " ".join(f"XMM{i}" for i in range(16)))
]


@dataclass(frozen=True, slots=True)
class Site:
    """One instruction of a function, with its bytes and whether a relocation touches it."""

    section: int
    offset: int
    data: bytes
    decoded: x86.Instruction
    constants: x86.ConstantOffsets
    relocated: bool
    target: bool  # another instruction jumps here


@dataclass(frozen=True, slots=True)
class Mutation:
    """New bytes at a place of an object."""

    operator: str
    section: int
    offset: int
    data: bytes
    text: str  # what was there and what is now


def sites(facts: ObjectFacts, section: int, start: int, end: int) -> list[Site]:
    """Return the instructions of one function, in order."""
    code = next(s.data for s in facts.sections if s.index == section)
    relocated = {r.offset for r in facts.relocations if r.section == section}
    decoder = x86.Decoder(64, code[start:end], ip=start)
    decoded = []
    targets = set()
    for instruction in decoder:
        if instruction.code == x86.Code.INVALID:
            break
        decoded.append((instruction.copy(), decoder.get_constant_offsets(instruction)))
        if instruction.op_count and instruction.op0_kind == x86.OpKind.NEAR_BRANCH64:
            targets.add(instruction.near_branch64)
    return [
        Site(
            section, i.ip, code[i.ip : i.ip + i.len], i, constants,
            any(o in relocated for o in range(i.ip, i.ip + i.len)), i.ip in targets,
        )
        for i, constants in decoded
    ]  # fmt: skip


def mutations(found: Sequence[Site], rng: random.Random) -> list[Mutation]:
    """Return every mutation of a function by every operator, once each, in random order."""
    made = []
    for place, site in enumerate(found):
        after = found[place + 1] if place + 1 < len(found) else None
        for operator, make in _OPERATORS.items():
            for data, text in make(site, after, rng):
                made.append(Mutation(operator, site.section, site.offset, data, text))
    rng.shuffle(made)
    return made


def _plain(site: Site) -> bool:
    """Tell whether an instruction neither branches nor depends on where it stands."""
    i = site.decoded
    return (
        i.flow_control == x86.FlowControl.NEXT
        and not _is_padding(site)
        and not site.relocated
        and not i.is_ip_rel_memory_operand
    )


def _is_padding(site: Site) -> bool:
    return site.decoded.mnemonic in (x86.Mnemonic.NOP, x86.Mnemonic.ENDBR64)


def _delete(site: Site, _after: Site | None, _rng: random.Random) -> Made:
    flow = site.decoded.flow_control
    branches = (x86.FlowControl.CONDITIONAL_BRANCH, x86.FlowControl.UNCONDITIONAL_BRANCH)
    if flow not in branches and not _is_padding(site):
        yield b"\x90" * len(site.data), f"{site.decoded} -> (deleted)"


def _drop_branch(site: Site, _after: Site | None, _rng: random.Random) -> Made:
    flow = site.decoded.flow_control
    if flow in (x86.FlowControl.CONDITIONAL_BRANCH, x86.FlowControl.UNCONDITIONAL_BRANCH):
        yield b"\x90" * len(site.data), f"{site.decoded} -> (dropped)"


def _invert(site: Site, _after: Site | None, _rng: random.Random) -> Made:
    if site.decoded.is_jcc_short_or_near:
        at = 1 if site.data[0] == 0x0F else 0
        yield _with(site, at, site.data[at] ^ 1), f"{site.decoded} -> inverted"


def _immediate(*steps: int) -> Callable[..., Made]:
    def make(site: Site, _after: Site | None, _rng: random.Random) -> Made:
        place = site.constants
        if place.has_immediate and _plain(site):
            yield from _stepped(site, place.immediate_offset, place.immediate_size, steps)

    return make


def _displacement(*steps: int) -> Callable[..., Made]:
    def make(site: Site, _after: Site | None, _rng: random.Random) -> Made:
        place = site.constants
        if place.has_displacement and _plain(site):
            yield from _stepped(site, place.displacement_offset, place.displacement_size, steps)

    return make


def _stepped(site: Site, at: int, size: int, steps: Sequence[int]) -> Made:
    value = int.from_bytes(site.data[at : at + size], "little")
    for step in steps:
        changed = ((value + step) % (1 << (8 * size))).to_bytes(size, "little")
        yield site.data[:at] + changed + site.data[at + size :], f"{site.decoded} -> {step:+d}"


def _swap_register(site: Site, _after: Site | None, rng: random.Random) -> Made:
    if not _plain(site):
        return
    places = [("register", n) for n in range(site.decoded.op_count)] + [("base", 0)]
    for kind, number in places:
        changed = site.decoded.copy()
        if kind == "base":
            before = changed.memory_base
            wanted = _other(before, rng)
            if wanted is None:
                continue
            changed.memory_base = wanted
        else:
            if changed.op_kind(number) != x86.OpKind.REGISTER:
                continue
            wanted = _other(changed.op_register(number), rng)
            if wanted is None:
                continue
            changed.set_op_register(number, wanted)
        encoder = x86.Encoder(64)
        try:
            encoder.encode(changed, site.offset)
        except ValueError:
            continue
        data = bytes(encoder.take_buffer())
        if len(data) <= len(site.data) and data != site.data:
            yield data + b"\x90" * (len(site.data) - len(data)), f"{site.decoded} -> {changed}"


def _other(register: int, rng: random.Random) -> int | None:
    """Return another register of the same kind; rsp and unusual ones have none."""
    for family in _FAMILIES:
        if register in family:
            return rng.choice([r for r in family if r != register])
    return None


def _swap_neighbours(site: Site, after: Site | None, _rng: random.Random) -> Made:
    if after and _plain(site) and _plain(after) and not after.target and site.data != after.data:
        yield after.data + site.data, f"{site.decoded} <-> {after.decoded}"


def _drop_prefix(site: Site, _after: Site | None, _rng: random.Random) -> Made:
    first = site.data[0]
    if site.decoded.flow_control != x86.FlowControl.NEXT or site.relocated or _is_padding(site):
        return
    data = b""
    if first in _PREFIXES:
        data = b"\x90" + site.data[1:]
    elif 0x48 <= first <= 0x4F:
        data = bytes([first & ~8]) + site.data[1:]
    if data:
        start = 1 if first in _PREFIXES else 0
        decoded = next(iter(x86.Decoder(64, data[start:], ip=site.offset)))
        if decoded.code != x86.Code.INVALID and decoded.len == len(data) - start:
            yield data, f"{site.decoded} -> {decoded}"


def _with(site: Site, at: int, value: int) -> bytes:
    return site.data[:at] + bytes([value]) + site.data[at + 1 :]


_OPERATORS: dict[str, Callable[..., Made]] = {
    "delete": _delete,
    "swap register": _swap_register,
    "immediate +-1": _immediate(1, -1),
    "immediate +-8": _immediate(8, -8),
    "displacement +-1": _displacement(1, -1),
    "displacement +-8": _displacement(8, -8),
    "invert branch": _invert,
    "drop branch": _drop_branch,
    "swap neighbours": _swap_neighbours,
    "drop prefix": _drop_prefix,
}
