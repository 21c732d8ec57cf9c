"""Functions of other objects that do not come back, as compiled code shows by where rsp is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.check.flow.events import Call, Exit
from asmith.check.flow.machine import RSP
from asmith.check.flow.values import RSP_AT_ENTRY

if TYPE_CHECKING:
    from asmith.check.flow.graph import Graph
    from asmith.check.flow.machine import Machine


def suspects(graph: Graph, machine: Machine) -> set[str]:
    """Return the callees behind whose calls paths meet with rsp in two places, to a wrong exit.

    Where a frame is made on some paths only, what stands behind a call that does not return is on
    another path often enough. There are none if every exit is right.
    """
    places = {~address for address in machine.bases if address < 0}
    if not places or is_right(graph):
        return set()
    calls = (e for block in graph.blocks.values() for e in block.events if isinstance(e, Call))
    return {
        call.target.name
        for call in calls
        if call.target is not None
        and call.target.address is None
        and call.address + graph.seen[call.address].length in places
    }


def is_right(graph: Graph) -> bool:
    """Tell whether rsp is at the return address at every exit."""
    found = (e for block in graph.blocks.values() for e in block.events if isinstance(e, Exit))
    return all(leave.registers[RSP] == RSP_AT_ENTRY for leave in found)
