"""Instructions that change modes: direction flag, x87 and MMX, MXCSR, upper vector halves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.machine import DF, FCW, FLAGS, MMX, MXCSR, UPPER
from asmith.check.flow.outline import generic
from asmith.check.flow.values import KIND, LOCAL, STACK, TOP

if TYPE_CHECKING:
    from asmith.check.flow.machine import Machine
    from asmith.toolchain.decode import Insn

CONTROL = 1 << 62
"""Marks the slot of a control word in the mapping of slots: a name space of its own."""


def std(m: Machine, e: Insn, at: int) -> None:
    """Set the direction flag."""
    m.r[DF] = 1


def cld(m: Machine, e: Insn, at: int) -> None:
    """Clear the direction flag."""
    m.r[DF] = 0


def popf(m: Machine, e: Insn, at: int) -> None:
    """Pop the flags: those that pushf saved, so the direction flag is clear as at the entry."""
    rsp = m.r[4]
    if rsp & KIND == STACK:
        m.r[4] = rsp + (8 << 28)
    m.r[DF] = 0
    m.r[FLAGS] = TOP


def pushf(m: Machine, e: Insn, at: int) -> None:
    """Push the flags."""
    rsp = m.r[4]
    if rsp & KIND == STACK:
        m.r[4] = rsp - (8 << 28)
        m.put(rsp - (8 << 28), TOP, at)


def mmx(m: Machine, e: Insn, at: int) -> None:
    """Use an MMX register: the x87 stack counts as full until emms."""
    generic(m, e, at)
    m.r[MMX] = 1


def emms(m: Machine, e: Insn, at: int) -> None:
    """Empty the x87 stack."""
    m.r[MMX] = 0


def vzeroupper(m: Machine, e: Insn, at: int) -> None:
    """Clear the upper halves."""
    m.r[UPPER] = 0


def save_control(m: Machine, e: Insn, at: int) -> None:
    """stmxcsr, fnstcw: store a control word; its slot remembers whether it is the entry's."""
    address = m.address(e, at)
    if address & KIND == STACK:
        which = MXCSR if e.name.endswith("mxcsr") else FCW
        m.spoil(address, e.size, at)
        m.mine()[address ^ CONTROL] = m.r[which]


def load_control(m: Machine, e: Insn, at: int) -> None:
    """ldmxcsr, fldcw: the entry's word again, or another one."""
    address = m.address(e, at)
    which = MXCSR if e.name.endswith("mxcsr") else FCW
    known = m.slots.get(address ^ CONTROL, 1) if address & KIND == STACK else 1
    m.r[which] = known


def system_call(m: Machine, e: Insn, at: int) -> None:
    """Call the kernel, which may write wherever an argument points."""
    if any(m.r[n] & KIND in (STACK, LOCAL) for n in (2, 6, 7, 8, 9, 10)):
        m.spread()
    generic(m, e, at)


def save_all(m: Machine, e: Insn, at: int) -> None:
    """fnstenv, fxsave, xsave: everything is stored."""
    address = m.address(e, at)
    if address & KIND == STACK:
        m.spread()
        m.mine()[address ^ CONTROL] = m.r[FCW] | m.r[MXCSR]


def load_all(m: Machine, e: Insn, at: int) -> None:
    """fldenv, fxrstor, xrstor: the entry's control words again, or others."""
    address = m.address(e, at)
    known = m.slots.get(address ^ CONTROL, 1) if address & KIND == STACK else 1
    m.r[FCW] = known
    if e.name != "fldenv":
        m.r[MXCSR] = known


def initialise(m: Machine, e: Insn, at: int) -> None:
    """fninit: the control word that the process starts with, which is taken for the entry's."""
    m.r[FCW] = 0
    m.r[MMX] = 0
