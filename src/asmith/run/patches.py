"""A product made from its last good one, where an edit moves nothing in it: a link without linker.

What the product was linked from must be known for sure: the same inputs but for objects, the very
objects of the last build, and the program that came of them, unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.host import files
from asmith.model.names import digest_bytes, digest_of
from asmith.run import inputs, layout, parts
from asmith.store.state import Slot
from asmith.toolchain import patch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from asmith.model.names import ModuleName
    from asmith.model.plan import Step
    from asmith.run.known import Known
    from asmith.run.session import Session


def objects(keys: Mapping[int, str]) -> str:
    """Return the digest of all that a product is linked from, given the keys of its groups."""
    return digest_of("linked", [keys])


def make(session: Session, step: Step, name: str, out: Path) -> bool:
    """Write the product of a link step to `out` without a link, if that is possible."""
    known, kept = session.known, parts.kept(session, step)
    entry = session.state.entries.get((Slot.BASE, str(step)))
    if known is None or kept is None or entry is None or str(step) in known.unsettled_steps:
        return False
    if entry.facts.get("objects") != objects(parts.keys_before(session, step, known)):
        return False
    if _but_for_objects(entry.inputs) != _but_for_objects(inputs.of(session, step)):
        return False
    path = layout.output(Slot.BASE, name)
    place = session.root / path
    program = files.read_if_exists(place)
    if program is None or (
        known.head.differs(str(session.root), path)  # looked at after it was read
        and digest_bytes(program) != entry.outputs[name]
    ):
        return False
    changed = [
        m
        for m in session.active
        if m in kept.members and parts.object_digest(session, m) != known.nodes[m].object
    ]
    pairs = [_pair(session, known, m) for m in changed]
    whole = [(old, new) for old, new in pairs if old is not None]
    made = patch.patched(program, whole) if len(whole) == len(pairs) else None
    if made is None:
        return False
    files.write_atomic(out, made, mode=files.mode(place))
    return True


def _but_for_objects(of: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in of.items() if not k.startswith(inputs.OBJECTS)}


def _pair(session: Session, known: Known, name: ModuleName) -> tuple[bytes | None, bytes]:
    """Return the object that a module had in the last build (None: it is gone), and has now."""
    old = files.read_if_exists(session.root / layout.output(Slot.BASE, f"obj/{name}.o"))
    if old is not None and digest_bytes(old) != known.nodes[name].object:
        old = None
    return old, files.read_bytes(session.root / parts.object_path(session, name))
