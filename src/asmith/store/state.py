"""The state of the build: an append-only journal that says what each step was last made from.

`build/state` holds one JSON object a line (docs/reference/state.md). A step's entry is invalidated
by a `begin` line before it starts and replaced by an `end` line after its outputs are in place, so
that a kill at any moment leaves either the old truth or "unknown", never a wrong claim. Entries
live in two slots: `base` is the last good build, `stage` holds results not adopted yet.
"""

from __future__ import annotations

import json
import re
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from asmith.host import files
from asmith.model.names import Digest, canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

SCHEMA = 1
_HEADER = canonical_json({"asmith": "state", "schema": SCHEMA})
_COMPACT_ABOVE = 4  # journal lines an entry
_LINE = re.compile(rb'^\{"do":"(\w+)",(?:.*,)?"slot":"(base|stage)","step":"([^"\\]+)"\}$')
"""A line as it is written (sorted keys); any other spelling is decoded at once."""


class Slot(StrEnum):
    """Which of the two sets of results an entry belongs to."""

    BASE = "base"
    STAGE = "stage"


_SLOTS = {str(slot).encode(): slot for slot in Slot}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a step was made from and what it made.

    `inputs` maps the name of each input to its digest or identity, `outputs` each output's path
    (below build/ for base, build/stage/ for stage) to the digest of its bytes. `facts` are results
    that later steps read: the digest of an object's code, say.
    """

    inputs: Mapping[str, str]
    outputs: Mapping[str, Digest]
    facts: Mapping[str, Any] = field(default_factory=dict)


class Entries(MutableMapping[tuple[Slot, str], Entry]):
    """The entries by slot and step. A line of the journal is decoded when its entry is wanted."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[tuple[Slot, str], Entry | bytes] = {}

    def __getitem__(self, key: tuple[Slot, str]) -> Entry:
        """Return an entry; one whose line is damaged counts as missing."""
        kept = self._kept[key]
        if isinstance(kept, bytes):
            entry = _decoded(kept)
            if entry is None:
                del self._kept[key]
                raise KeyError(key)
            self._kept[key] = kept = entry
        return kept

    def keep(self, slot: Slot, step: str, line: bytes) -> None:
        """Keep an `end` line undecoded."""
        self._kept[slot, step] = line

    def __setitem__(self, key: tuple[Slot, str], entry: Entry) -> None:
        """Keep an entry."""
        self._kept[key] = entry

    def __delitem__(self, key: tuple[Slot, str]) -> None:
        """Forget an entry."""
        del self._kept[key]

    def forget(self, slot: Slot, step: str) -> None:
        """Forget an entry, if there is one, undecoded."""
        self._kept.pop((slot, step), None)

    def __iter__(self) -> Iterator[tuple[Slot, str]]:
        """Iterate over the keys, in no order that matters."""
        return iter(list(self._kept))

    def __len__(self) -> int:
        """Return how many there are, damaged lines included."""
        return len(self._kept)

    def __contains__(self, key: object) -> bool:
        """Tell whether there is an entry, without decoding it."""
        return key in self._kept


def _decoded(line: bytes) -> Entry | None:
    try:
        value = json.loads(line)
        return Entry(value["inputs"], value["outputs"], value["facts"])
    except (ValueError, KeyError, TypeError):
        return None


class State:
    """The journal in memory, with every change written through."""

    def __init__(self, path: Path) -> None:
        """Read the journal; a missing, foreign or damaged one counts as empty."""
        self.path = path
        self.entries = Entries()
        self.interrupted: set[str] = set()
        self._lines = 0
        self._whole = True
        data = files.read_if_exists(path)
        if data is not None:
            self._replay(data)

    def _replay(self, data: bytes) -> None:
        lines = data.split(b"\n")
        self._whole = lines[-1] == b"" and lines[0] == _HEADER.encode()
        if lines[0] != _HEADER.encode():
            return
        for line in lines[1:]:
            try:
                self._read(line)
            except (ValueError, KeyError, TypeError, AttributeError):
                self._whole = self._whole and line == b""
            self._lines += 1

    def _read(self, line: bytes) -> None:
        """Apply one line; what it says of inputs and outputs is decoded when it is wanted."""
        match = _LINE.match(line)
        if match is None or match[1] not in (b"begin", b"end", b"drop"):
            self._apply(json.loads(line))
            return
        slot, step = _SLOTS[match[2]], match[3].decode()
        if match[1] == b"end":
            self.entries.keep(slot, step, line)
        else:
            self.entries.forget(slot, step)
        if match[1] == b"begin":
            self.interrupted.add(step)
        else:
            self.interrupted.discard(step)

    def _apply(self, value: dict[str, Any]) -> None:
        match value["do"]:
            case "begin":
                self.entries.forget(Slot(value["slot"]), value["step"])
                self.interrupted.add(value["step"])
            case "end":
                entry = Entry(value["inputs"], value["outputs"], value["facts"])
                self.entries[Slot(value["slot"]), value["step"]] = entry
                self.interrupted.discard(value["step"])
            case "drop":
                self.entries.forget(Slot(value["slot"]), value["step"])
                self.interrupted.discard(value["step"])

    def _write(self, values: Iterable[dict[str, Any]]) -> None:
        text = "".join(canonical_json(v) + "\n" for v in values)
        if not self._whole:
            self.compact()
        elif not self._lines and not self.path.exists():
            text = _HEADER + "\n" + text
        files.append(self.path, text.encode())
        self._lines += text.count("\n")

    def begin(self, slot: Slot, step: str) -> None:
        """Invalidate a step's entry, since its outputs are about to change."""
        line = {"do": "begin", "slot": str(slot), "step": step}
        self._write([line])
        self._apply(line)

    def end(self, made: Mapping[tuple[Slot, str], Entry]) -> None:
        """Record steps whose outputs are in place, in one write."""
        lines = [_end(slot, step, entry) for (slot, step), entry in made.items()]
        self._write(lines)
        for line in lines:
            self._apply(line)

    def drop(self, slot: Slot, steps: Iterable[str]) -> None:
        """Forget entries."""
        lines = [
            {"do": "drop", "slot": str(slot), "step": s}
            for s in steps
            if (slot, s) in self.entries or s in self.interrupted
        ]
        if lines:
            self._write(lines)
        for line in lines:
            self._apply(line)

    def compact(self, *, only_if_long: bool = False) -> None:
        """Rewrite the journal with the present entries alone."""
        if only_if_long and self._lines <= 100 + _COMPACT_ABOVE * len(self.entries):
            return
        lines = [_HEADER]
        kept = ((key, self.entries.get(key)) for key in sorted(self.entries))
        lines += [canonical_json(_end(*key, e)) for key, e in kept if e is not None]
        lines += [
            canonical_json({"do": "begin", "slot": "stage", "step": s})
            for s in sorted(self.interrupted)
        ]
        files.write_atomic(self.path, ("\n".join(lines) + "\n").encode())
        self._lines = len(lines)
        self._whole = True


def _end(slot: Slot, step: str, entry: Entry) -> dict[str, Any]:
    return {
        "do": "end",
        "slot": str(slot),
        "step": step,
        "inputs": dict(entry.inputs),
        "outputs": dict(entry.outputs),
        "facts": dict(entry.facts),
    }
