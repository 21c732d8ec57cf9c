"""What each instruction does, by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.trial.bits import BITS
from asmith.check.trial.general import ACTS
from asmith.check.trial.lanes import LANES, REGISTERS, WIDEST
from asmith.check.trial.program import Unable
from asmith.check.trial.reals import REALS
from asmith.check.trial.shuffles import SHUFFLES
from asmith.check.trial.x87 import X87

if TYPE_CHECKING:
    from collections.abc import Callable

    from asmith.check.trial.processor import Processor
    from asmith.toolchain.decode import Insn


_VECTORS = {**LANES, **REALS, **SHUFFLES}
_OTHERS = {**X87, **ACTS, **BITS}


def act_of(e: Insn) -> Callable[[Processor, Insn, int], None]:
    """Return what an instruction does. Raises Unable for one that is not known."""
    vectors = [o for o in e.operands if o[0] == "v"]
    if e.mmx or any(o[1] >= REGISTERS or o[2] > WIDEST for o in vectors):
        raise Unable
    known = _VECTORS if vectors or e.name.startswith("vzero") else _OTHERS
    found = known.get(e.name)
    if found is None:
        raise Unable
    return found
