"""Two-level links: many objects are joined into groups first, equal ones no second time.

A group is found by the digest of its members, so equal objects give equal groups, whatever was
built before. Groups are derived and no step's output: each is verified when it is used.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from asmith.host import files, signature
from asmith.model.names import canonical_json
from asmith.run import layout, parts
from asmith.store import index
from asmith.toolchain import link

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from asmith.model.plan import Step
    from asmith.run.session import Session


def joined(session: Session, step: Step, scratch: Path) -> list[str]:
    """Return the objects to hand to a product's final link: groups, joined where need be."""
    directory = session.root / layout.GROUPS / step.subject
    kept = _Kept(directory)
    found = []
    members = parts.members(session, step)
    program, _ = session.tools.joiner()
    for number, key in parts.group_keys(session, step).items():
        if not kept.holds(key):
            parts.require(session, members[number])
            paths = [parts.object_path(session, n) for n in members[number]]
            link.join(paths, program=program, root=session.root, out=scratch / f"group{number}")
            kept.take(key, scratch / f"group{number}")
        found.append(f"{layout.GROUPS}/{step.subject}/{key}.o")
    kept.close(found)
    return found


class _Kept:
    """The groups of one product, with the stat data and digest that each was written with."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._written = False
        self._known: dict[str, tuple[signature.Signature, str]] = {}
        data = files.read_if_exists(directory / "kept.json")
        try:
            known: Mapping[str, tuple[list[int], str]] = json.loads(data or b"{}")
            for key, (seen, digest) in known.items():
                self._known[key] = (signature.from_list(seen), str(digest))
        except (ValueError, TypeError, AttributeError):
            self._known = {}

    def _path(self, key: str) -> str:
        return f"{self._directory}/{key}.o"

    def holds(self, key: str) -> bool:
        """Tell whether a group is there as it was written."""
        known = self._known.get(key)
        if known is None or signature.of(self._path(key)) == known[0]:
            return known is not None
        seen = index.read(self._path(key))
        if seen is None or seen[1] != known[1]:
            return False
        self._known[key] = (index.trusted(seen[0], seen[2]), seen[1])
        self._written = True
        return True

    def take(self, key: str, made: Path) -> None:
        """Move a group that was just made into place."""
        target = self._directory / f"{key}.o"
        files.move(made, target)
        seen = index.read(str(target))
        if seen is not None:
            self._known[key] = (index.trusted(seen[0], seen[2]), seen[1])
        self._written = True

    def close(self, paths: Sequence[str]) -> None:
        """Forget and remove all groups but these."""
        names = {path.rpartition("/")[2] for path in paths}
        for name in files.listing(self._directory, ".o"):
            if name not in names:
                files.remove(self._directory / name)
                self._known.pop(name.removesuffix(".o"), None)
        if self._written:
            data = canonical_json({k: [list(s), d] for k, (s, d) in self._known.items()})
            files.write_atomic(self._directory / "kept.json", data.encode())
