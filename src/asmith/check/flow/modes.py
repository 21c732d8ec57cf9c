"""Instructions that change modes: direction flag, x87 and MMX, MXCSR, upper vector halves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Junk, StackFault
from asmith.check.flow.frame import CONTROL
from asmith.check.flow.machine import DF, FCW, FLAGS, MMX, MXCSR, NOBODY_KNOWS, UPPER, X87, X87_JUNK
from asmith.check.flow.outline import generic
from asmith.check.flow.values import KIND, LOCAL, STACK, TOP, UNDEF

if TYPE_CHECKING:
    from asmith.check.flow.machine import Machine
    from asmith.toolchain.decode import Insn

X87_REGISTERS = 8


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


def x87(m: Machine, e: Insn, at: int) -> None:
    """Compute on the x87 register stack, push or pop it.

    What is undefined on it is not told apart from the rest until the stack is empty again.
    """
    r = m.r
    address = m.address(e, at) if e.memory else TOP
    if e.stores and r[X87_JUNK] and address & KIND not in (STACK, LOCAL):
        m.events.append(Junk(at, "store", -1, UNDEF))
    elif e.memory and not e.stores and address & KIND == STACK:
        r[X87_JUNK] |= m.is_junk(m.loaded(address, e.size, at, partly=True))
    generic(m, e, at)
    if e.stores and r[X87_JUNK] and address & KIND == STACK:
        m.spoil(address, e.size, at, defined=False)
    if e.writes >> FLAGS & 1 and r[X87_JUNK]:
        r[FLAGS] = at << 4 | UNDEF
    if m.r[X87] != NOBODY_KNOWS:
        short = m.r[X87] < e.c
        m.r[X87] += e.x87
        if short or not 0 <= m.r[X87] <= X87_REGISTERS:
            m.events.append(StackFault(at, 0 if short else m.r[X87]))
            m.r[X87] = NOBODY_KNOWS
        if not r[X87]:
            r[X87_JUNK] = 0


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
        m.controls.add(address)
        m.mine()[address ^ CONTROL] = m.r[which]


def load_control(m: Machine, e: Insn, at: int) -> None:
    """ldmxcsr, fldcw: the entry's word again, or another one."""
    address = m.address(e, at)
    which = MXCSR if e.name.endswith("mxcsr") else FCW
    known = m.slots.get(address ^ CONTROL, 1) if address & KIND == STACK else 1
    if address & KIND == STACK and m.is_junk(m.blank(address, e.size, at, partly=True)):
        m.events.append(Junk(at, "operand", -1, UNDEF))
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
        m.controls.add(address)
        m.mine()[address ^ CONTROL] = m.r[FCW] | m.r[MXCSR]


def load_all(m: Machine, e: Insn, at: int) -> None:
    """fldenv, fxrstor, xrstor: the entry's control words again, or others."""
    address = m.address(e, at)
    known = m.slots.get(address ^ CONTROL, 1) if address & KIND == STACK else 1
    m.r[FCW] = known
    m.r[X87] = NOBODY_KNOWS
    if e.name != "fldenv":
        m.r[MXCSR] = known


def initialise(m: Machine, e: Insn, at: int) -> None:
    """fninit: the control word that the process starts with, which is taken for the entry's."""
    m.r[FCW] = 0
    m.r[MMX] = 0
    m.r[X87] = m.r[X87_JUNK] = 0
